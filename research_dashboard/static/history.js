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

/* Anywhere on a row is as good as its link; not on what acts by itself, nor while text is being marked. */
document.addEventListener("click", (event) => {
  const row = event.target.closest("#runs tbody tr");
  if (!row || event.target.closest("a, button, input, label, .pick") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (!getSelection().isCollapsed) return;
  const link = row.querySelector(".key a") || row.querySelector("a");
  if (!link) return;
  link.focus({ preventScroll: true });
  link.click();
});

/* What a run's details failed with is said in their dialog, not behind it (P71). */
const forDialog = (event) => event.detail.requestConfig?.elt.getAttribute("hx-target") === "#run-dialog";

function troubleDialog() {
  const dialog = document.getElementById("run-dialog");
  dialog.replaceChildren(document.getElementById("run-trouble").content.cloneNode(true));
  dialog.setAttribute("aria-labelledby", "dialog-h");
  dialog.dataset.back = location.href;
  return dialog.querySelector(".body");
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.status < 400 || xhr.getResponseHeader("HX-Retarget") || !forDialog(event)) return;
  event.detail.target = troubleDialog();
  event.detail.swapOverride = "innerHTML";
});
for (const failure of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, (event) => {
    if (!forDialog(event)) return;
    troubleDialog().append(...document.getElementById("messages").childNodes);
    openDialog();
  });
}

/* Closed: the address is the list's again. “close” does not bubble, so it is caught on its way down. */
document.addEventListener("close", (event) => {
  if (event.target.id !== "run-dialog") return;
  history.replaceState({ htmx: true }, "", event.target.dataset.back);
  delete event.target.dataset.back;
  for (const row of document.querySelectorAll("#runs [aria-current=true]")) row.removeAttribute("aria-current");
}, true);

/* A menu that was open when the rows were swapped stays open: columns are chosen one after the other. */
let opened = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  opened = [...event.detail.target.querySelectorAll("details[id][open]")].map((details) => details.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  opened = [];
});

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
