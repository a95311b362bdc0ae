"use strict";
// Better with it, whole without it: pictures, moving through queues by keyboard, and texts that are read while typed.

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

for (const field of document.querySelectorAll("textarea[data-live]")) {
  const shown = document.getElementById(field.dataset.shows);
  let waiting = 0;
  let asked = 0;
  const read = async () => {
    const turn = ++asked;
    const body = new URLSearchParams({ text: field.value, csrfmiddlewaretoken: field.form.elements.csrfmiddlewaretoken.value });
    const answer = await fetch(field.dataset.live, { method: "POST", body });
    // An answer that a later one overtook says nothing of the text as it is.
    if (answer.ok && turn === asked) shown.innerHTML = await answer.text();
  };
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(read, 400); });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-line]");
    if (!link) return;
    event.preventDefault();
    const lines = field.value.split("\n");
    const number = Number(link.dataset.line);
    const start = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
    field.focus();
    field.setSelectionRange(start, start + (lines[number - 1] ?? "").length);
    field.scrollTop = (number - 4) * parseFloat(getComputedStyle(field).lineHeight);
  });
}

const poll = async () => {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (fresh.querySelector("[data-poll]")) setTimeout(poll, 1500);
  // What is being typed stays as it is: only what was found is exchanged.
  else for (const id of ["found", "publish-part"]) document.getElementById(id)?.replaceWith(fresh.getElementById(id));
};
if (document.querySelector("[data-poll]")) setTimeout(poll, 1500);
