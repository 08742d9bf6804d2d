// Keeps the page true: every second the server sends the board as HTML, and only what differs is moved into the
// document, so focus, selection, typed text and open details stay.  Without this script the page reloads itself.
"use strict";

const board = document.getElementById("board");
const link = document.getElementById("link");
const pause = document.getElementById("pause");
const scheme = document.getElementById("scheme");
let latest = null;

function sameKind(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && old.id === fresh.id;
}

function moveAttributes(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    // The reader opens and closes details, not the server.
    if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
}

function moveChildren(old, fresh) {
  const wanted = [...fresh.childNodes];
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
  wanted.forEach((child, index) => {
    const present = old.childNodes[index];
    if (!present) old.append(child);
    else if (!sameKind(present, child)) present.replaceWith(child);
    else if (child.nodeType === Node.TEXT_NODE) {
      if (present.data !== child.data) present.data = child.data;
    } else if (child.nodeType === Node.ELEMENT_NODE) {
      moveAttributes(present, child);
      moveChildren(present, child);
    }
  });
}

function show(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  moveChildren(board, fresh.content);
  document.title = board.firstElementChild.dataset.title;
}

const paused = () => pause.getAttribute("aria-pressed") === "true";

pause.addEventListener("click", () => {
  pause.setAttribute("aria-pressed", String(!paused()));
  pause.textContent = paused() ? `Paused at ${new Date().toLocaleTimeString()}: go on` : "Pause";
  if (!paused() && latest) show(latest);
});

const schemes = ["system", "light", "dark"];

function paint(name) {
  document.documentElement.dataset.scheme = name;
  scheme.textContent = `Colours: ${name}`;
}

scheme.addEventListener("click", () => {
  const next = schemes[(schemes.indexOf(document.documentElement.dataset.scheme) + 1) % schemes.length];
  localStorage.setItem("scheme", next);
  paint(next);
});
paint(schemes.includes(localStorage.getItem("scheme")) ? localStorage.getItem("scheme") : "system");
document.getElementById("controls").hidden = false;

const stream = new EventSource("/events");
stream.addEventListener("board", (event) => {
  link.hidden = true;
  latest = JSON.parse(event.data);
  if (!paused()) show(latest);
});
stream.addEventListener("error", () => {
  if (link.hidden) {
    link.textContent = `The worker does not answer. Shown is its state of ${new Date().toLocaleTimeString()}.`;
    link.hidden = false;
  }
  // After an answer that is not a stream the browser gives up; we do not.
  if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 10000);
});
