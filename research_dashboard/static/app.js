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
