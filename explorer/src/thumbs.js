// Pictures in the page beside the canvases: each on a small canvas of its own.

import { h } from "./dom.js";

const waiting = new Set();
const tasks = new WeakMap(); // canvas -> what is drawn on it

/** A picture of a set, `side` pixels wide, drawn as soon as its sheet is there. */
export function thumb(sheets, i, side) {
  const ratio = window.devicePixelRatio || 1;
  const canvas = h("canvas", {
    class: "thumb",
    width: Math.round(side * ratio),
    height: Math.round(side * ratio),
    "aria-hidden": "true",
  });
  canvas.style.width = canvas.style.height = `${side}px`;
  const task = { canvas, sheets, i };
  tasks.set(canvas, task);
  if (!draw(task)) waiting.add(task);
  return canvas;
}

/** Draws what has waited for a sheet; called when one has come. */
export function drawWaiting() {
  for (const task of waiting) {
    if (!task.canvas.isConnected || draw(task)) waiting.delete(task);
  }
}

/** Draws all of them again, as after pictures have been made negative. */
export function drawAgain() {
  for (const canvas of document.querySelectorAll("canvas.thumb")) {
    const task = tasks.get(canvas);
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    if (!draw(task)) waiting.add(task);
  }
}

function draw({ canvas, sheets, i }) {
  const context = canvas.getContext("2d");
  return sheets.draw(context, i, 0, 0, canvas.width);
}
