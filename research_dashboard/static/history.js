/* Historical Records with script: the details open as a modal dialog, and typing survives a swap.
   Without it the same links lead to the same pages. */
"use strict";

/* A dialog that came with content is made modal, whether htmx or the server brought it. */
function openDialog() {
  const dialog = document.getElementById("run-dialog");
  if (!dialog?.dataset.back || dialog.matches(":modal")) return;
  dialog.removeAttribute("open");
  for (const part of document.querySelectorAll("[inert]")) part.inert = false;
  dialog.showModal();
}

for (const event of ["htmx:afterSwap", "htmx:historyRestore"]) document.addEventListener(event, openDialog);
openDialog();

document.addEventListener("click", (event) => {
  const dialog = event.target.closest("dialog:modal");
  if (dialog && (event.target === dialog || event.target.closest("[data-close]"))) {
    event.preventDefault();
    dialog.close();
  }
});

/* Closed: the address is the list's again. “close” does not bubble, so it is caught on its way down. */
document.addEventListener("close", (event) => {
  if (event.target.id !== "run-dialog") return;
  history.replaceState({ htmx: true }, "", event.target.dataset.back);
  delete event.target.dataset.back;
  for (const row of document.querySelectorAll("#runs [aria-current=true]")) row.removeAttribute("aria-current");
}, true);

/* What was typed while an answer was on its way stays, with the cursor where it was. */
let typing = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const field = document.activeElement;
  typing = field?.matches("#runs [data-filter]") && event.detail.target.contains(field) ? field : null;
});
document.addEventListener("htmx:afterSwap", () => {
  const field = typing && document.getElementById(typing.id);
  if (field && field !== typing) {
    field.value = typing.value;
    field.setSelectionRange(typing.selectionStart, typing.selectionEnd);
  }
  typing = null;
});
