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

/* The clocks of a run go on by themselves: the server is asked what happened, not what the time is. */
const seenAt = new WeakMap();
function tickClocks() {
  const now = performance.now();
  for (const clock of document.querySelectorAll("[data-clock]")) {
    if (!seenAt.has(clock)) seenAt.set(clock, now);
    const gone = (now - seenAt.get(clock)) / 1000;
    if (gone < 0.1) continue;
    const down = "down" in clock.dataset;
    const seconds = Number(clock.dataset.clock) + (down ? -gone : gone);
    clock.textContent = down && seconds < 1 ? "a second" : spoken(seconds);
  }
}

/* As research/wording.py says durations. */
function spoken(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes >= 48 * 60) return `${Math.round(minutes / 1440)} days`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
}
setInterval(tickClocks, 1000);
document.addEventListener("htmx:afterSettle", tickClocks);
tickClocks();

/* Back twice in quick succession asks the server twice, and the first answer may come last: only the last one counts,
   and nothing that was asked for on the page being left. */
let returning = null;
document.addEventListener("htmx:historyCacheMiss", (event) => {
  returning?.abort();
  returning = event.detail.xhr;
  for (const element of document.querySelectorAll(".htmx-request")) htmx.trigger(element, "htmx:abort");
});

function say(text) {
  const box = document.createElement("div");
  box.className = "msg bad";
  const words = document.createElement("div");
  words.textContent = text;
  box.append(words);
  document.getElementById("messages").replaceChildren(box);
}

/* The live region is told only what changed, or every poll would be read out again. */
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  if (target?.id === "run-live" && target.textContent.trim() === fragment.textContent.trim()) event.detail.shouldSwap = false;
});

/* Focus that a swap took away goes to the heading of what came, so that nobody is thrown to the top. So does that of
   whoever put it nowhere when the run is over and its report has come; not before, or every poll would read it out. */
document.addEventListener("htmx:afterSettle", (event) => {
  if (document.activeElement !== document.body || event.detail.target?.id !== "run-progress") return;
  const heading = document.querySelector("#run-progress h1");
  if (heading && (hadFocus || !heading.closest("[data-poll]"))) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
});
let hadFocus = false;
document.addEventListener("htmx:beforeSwap", (event) => {
  hadFocus = event.detail.target?.contains(document.activeElement) && document.activeElement !== document.body;
});

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
    input.focus();
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-take]");
  const input = link && document.querySelector(`[data-suggest=${link.closest(".suggest")?.id}]`);
  if (!input || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  input.value = link.dataset.take;
  close(input);
  input.focus();
});

/* It lies over the form only while someone types there: what comes for a field that was left stays closed. */
document.addEventListener("input", (event) => {
  if (event.target.matches("[data-suggest]")) event.target.dataset.open = "";
});

document.addEventListener("htmx:afterSwap", () => {
  for (const input of document.querySelectorAll("[data-suggest]:not([data-open])")) close(input);
});

document.addEventListener("focusout", (event) => {
  const input = event.target.closest(".ahead")?.querySelector("[data-suggest]");
  const box = input && document.getElementById(input.dataset.suggest);
  if (box?.matches(".over") && event.relatedTarget !== input && !box.contains(event.relatedTarget)) close(input);
});

document.addEventListener("mousedown", (event) => {
  if (event.target.closest(".suggest.over")) event.preventDefault();   // the focus stays, else the list is gone before the click
});

function close(input) {
  delete input.dataset.open;
  document.getElementById(input.dataset.suggest).hidden = true;
}

/* Keys: / search, j k rows, x tick, ? this list. Single keys can be turned off (WCAG 2.1.4); Tab and Enter always do. */
const keysAreOff = () => localStorage.getItem("keys") === "off";
const rows = () => [...document.querySelectorAll("main .data tbody tr, main .list > li")].filter((row) => row.querySelector("a"));

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]")) return;
  const dialog = document.querySelector("dialog[open]:not(.static)");
  if (dialog || keysAreOff()) return;
  const act = { "/": search, j: () => step(1), k: () => step(-1), x: tick, "?": showKeys }[event.key];
  if (act && act() !== false) event.preventDefault();
});

/* Esc leaves the search: the keys of the page work again. */
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && event.target.matches("input[type=search]")) event.target.blur();
});

function search() {
  const fields = [...document.querySelectorAll("#nav-q, main input:is([type=search], [type=text], :not([type]))")];
  const field = fields.find((one) => one.checkVisibility());
  field?.focus();
  field?.select();
}

function step(by) {
  const all = rows();
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + by))];
  (next?.querySelector(".key a") || next?.querySelector("a"))?.focus();
}

function tick() {
  const box = document.activeElement.closest("tr")?.querySelector("[type=checkbox]");
  if (!box) return false;
  box.click();
}

function showKeys() {
  const dialog = document.getElementById("keys");
  document.getElementById("keys-on").checked = !keysAreOff();
  dialog.showModal();
}

document.getElementById("keys-show").hidden = false;
document.getElementById("keys-show").addEventListener("click", showKeys);
document.getElementById("keys-close").addEventListener("click", () => document.getElementById("keys").close());
document.getElementById("keys-on").addEventListener("change", (event) => {
  localStorage.setItem("keys", event.target.checked ? "on" : "off");
});
