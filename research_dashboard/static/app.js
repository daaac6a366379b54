/* What HTML and htmx leave open. Everything works without it. */
"use strict";

/* A poll that was not answered tries again: the run goes on, whether the page hears of it or not. */
for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(failure, (event) => {
    const element = event.detail.elt;
    if (failure !== "htmx:responseError") {
      say("The server did not answer. Your work there goes on; this page tries again.");
    }
    if (element.matches("[data-poll]")) {
      setTimeout(() => element.isConnected && htmx.trigger(element, "again"), 3000);
    }
  });
}

function say(text) {
  const box = document.createElement("div");
  box.className = "msg bad";
  const words = document.createElement("div");
  words.textContent = text;
  box.append(words);
  document.getElementById("messages").replaceChildren(box);
}

/* Type-ahead: ↓ ↑ move through the companies offered, Enter takes one, Esc closes. Focus is real focus. */
const offered = (input) => [...document.querySelectorAll(`#${input.dataset.suggest}:not([hidden]) a`)];

document.addEventListener("keydown", (event) => {
  const input = event.target.closest("[data-suggest]") || document.querySelector(`[data-suggest=${event.target.closest(".suggest")?.id}]`);
  if (!input) return;
  const links = offered(input);
  const at = links.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
  if (to !== undefined && links.length) {
    event.preventDefault();
    (to < 0 ? input : links[Math.min(to, links.length - 1)]).focus();
  } else if (event.key === "Escape" && links.length) {
    event.preventDefault();
    close(input);
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-take]");
  const input = link && document.querySelector(`[data-suggest=${link.closest(".suggest")?.id}]`);
  if (!input || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  input.value = link.dataset.take;
  close(input);
});

function close(input) {
  document.getElementById(input.dataset.suggest).hidden = true;
  input.focus();
}
