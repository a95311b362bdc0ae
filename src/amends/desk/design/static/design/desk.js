"use strict";
// Better with it, whole without it: dropping and pasting pictures, and moving through queues by keyboard.

for (const zone of document.querySelectorAll(".drop")) {
  const input = zone.querySelector("input[type=file]");
  const take = (files) => {
    const chosen = new DataTransfer();
    for (const file of [...input.files, ...files]) if (file.type.startsWith("image/")) chosen.items.add(file);
    input.files = chosen.files;
    const names = zone.querySelector("[data-names]");
    if (names) names.textContent = [...chosen.files].map((file) => file.name).join(", ");
  };
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => { event.preventDefault(); zone.classList.remove("over"); take(event.dataTransfer.files); });
  document.addEventListener("paste", (event) => { if (event.clipboardData.files.length) take(event.clipboardData.files); });
}

const rows = [...document.querySelectorAll("tr.lead")];
let here = -1;
const goTo = (index) => {
  if (!rows.length) return;
  rows[here]?.removeAttribute("data-here");
  here = Math.max(0, Math.min(rows.length - 1, index));
  rows[here].setAttribute("data-here", "");
  rows[here].querySelector("a")?.focus();
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  const shortcut = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (event.key === "j") goTo(here + 1);
  else if (event.key === "k") goTo(here - 1);
  else if (shortcut) {
    event.preventDefault();
    shortcut.closest("details")?.setAttribute("open", "");
    // A single key sends nothing: it leads to the field or the button.
    shortcut.focus();
  }
});
