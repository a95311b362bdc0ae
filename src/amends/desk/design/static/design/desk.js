"use strict";
// Better with it, whole without it: pictures, moving through queues by keyboard, lines of a text. Parts of pages are
// exchanged by htmx.

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

const goTo = (step) => {
  // Read anew each time: a queue may have been exchanged in the page.
  const rows = [...document.querySelectorAll("tr.lead")];
  if (!rows.length) return;
  const here = rows.findIndex((row) => row.hasAttribute("data-here"));
  const next = Math.max(0, Math.min(rows.length - 1, here + step));
  rows[here]?.removeAttribute("data-here");
  rows[next].setAttribute("data-here", "");
  rows[next].querySelector("a")?.focus();
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  const shortcut = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (event.key === "j") goTo(1);
  else if (event.key === "k") goTo(-1);
  else if (shortcut) {
    event.preventDefault();
    shortcut.closest("details")?.setAttribute("open", "");
    // A single key sends nothing: it leads to the field or the button.
    shortcut.focus();
  }
});

// A line that a message names is shown in the editor.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-line]");
  const field = document.querySelector("textarea.editor");
  if (!link || !field) return;
  event.preventDefault();
  const lines = field.value.split("\n");
  const number = Number(link.dataset.line);
  const start = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
  field.focus();
  field.setSelectionRange(start, start + (lines[number - 1] ?? "").length);
  field.scrollTop = (number - 4) * parseFloat(getComputedStyle(field).lineHeight);
});
