// Puts the page together.

import { CanvasKeys } from "./canvas_keys.js";
import { Crumbs } from "./crumbs.js";
import { Dendrogram } from "./dendrogram.js";
import { announce, byId } from "./dom.js";
import { Finder } from "./finder.js";
import { Kept } from "./kept.js";
import { Negative } from "./negative.js";
import { many } from "./numbers.js";
import { Outline } from "./outline.js";
import { Panel } from "./panel.js";
import { Parts } from "./parts.js";
import { Questions } from "./question.js";
import { Served } from "./served.js";
import { Sheets } from "./sheets.js";
import { State } from "./state.js";
import { Table } from "./table.js";
import { Theme } from "./theme.js";
import { drawWaiting } from "./thumbs.js";
import { Tray } from "./tray.js";
import { Tree } from "./tree.js";
import { Treemap } from "./treemap.js";

function main() {
  const structure = JSON.parse(byId("data").textContent);
  const tree = new Tree(structure);
  const state = new State(tree, new Kept(structure.run, structure.answers));
  const parts = new Parts(tree);
  const views = {};
  const redraw = () => {
    views[state.view]?.surface.change();
    drawWaiting();
  };
  const sets = picturesOf(structure, redraw);
  const table = structure.table ? new Table(structure.table) : null;
  views.treemap = new Treemap(byId("treemap"), state, parts, sets.pictures, table);
  views.dendrogram = new Dendrogram(byId("dendrogram"), state, sets.pictures, table);
  const current = () => views[state.view];

  byId("title").textContent = structure.title;
  byId("size").textContent = many(tree.numRows, tree.noun);
  const negative = new Negative(byId("invert"), tree, sets);
  new Theme(byId("theme"), (dark) => {
    negative.follow(dark);
    views[state.view].fit();
  });
  new CanvasKeys(byId("view"), state, parts, current);
  new Crumbs(state, parts);
  new Outline(byId("outline"), state, parts);
  new Panel(byId("panel"), state, sets, table);
  const questions = new Questions(state, sets.pictures, table);
  const tray = new Tray(state, sets.pictures, (rows, text) => questions.ask(rows, text));
  questions.tray = tray;
  new Finder(state, sets.pictures);
  new Served(state);

  state.on("focus", (moved) => {
    if (!moved) current().fly(state.focus);
    else current().surface.change();
  });
  state.on("chosen found selection names", () => current().surface.change());
  state.on("reveal", (row) => {
    const node = tree.rows.last[row];
    state.choose(node, "reveal");
    state.focus = node;
    state.tell("focus", true, "reveal");
    current().flyToRow(row);
    announce(`${tree.describe(row)}, in ${state.call(node)}`);
  });
  state.on("view", () => showView(state, views));
  for (const name of Object.keys(views)) {
    byId(`show-${name}`).addEventListener("click", () => state.show(name));
  }
  controls(state, views);
  new ResizeObserver(() => current().fit()).observe(byId("view"));
  showView(state, views);
  byId("unkept").hidden = state.kept.works;
  document.documentElement.dataset.ready = "true";
  requestAnimationFrame(() => performance.mark("first-view"));
}

function picturesOf(structure, changed) {
  const { pictures, means, samples } = structure;
  const set = (content, name) =>
    content && { ...content, sheets: new Sheets(content.pictures, name, changed) };
  return {
    pictures: pictures ? new Sheets(pictures, "pictures", changed) : null,
    means: set(means, "means"),
    samples: set(samples, "samples"),
  };
}

function showView(state, views) {
  for (const name of Object.keys(views)) {
    const shown = name === state.view;
    byId(name).hidden = !shown;
    byId(`show-${name}`).setAttribute("aria-pressed", String(shown));
  }
  byId("view").setAttribute("aria-label", `${state.view} of the branches`);
  views[state.view].fit();
  views[state.view].fly(state.focus, false);
}

function controls(state, views) {
  const current = () => views[state.view];
  byId("zoom-in").addEventListener("click", () => current().zoomBy(1.5));
  byId("zoom-out").addEventListener("click", () => current().zoomBy(1 / 1.5));
  byId("zoom-all").addEventListener("click", () => state.zoomTo(0, "button"));
  const picking = byId("picking");
  picking.addEventListener("click", () => state.setPicking(!state.picking));
  state.on("picking", () => {
    picking.setAttribute("aria-pressed", String(state.picking));
    announce(state.picking ? "A click selects a picture." : "A click zooms in.");
  });
  const outline = byId("toggle-outline");
  const list = (shown) => {
    outline.setAttribute("aria-pressed", String(shown));
    document.body.classList.toggle("no-outline", !shown);
  };
  outline.addEventListener("click", () => list(outline.getAttribute("aria-pressed") !== "true"));
  const wide = matchMedia("(min-width: 1081px)"); // on a narrow page it would lie over the picture
  wide.addEventListener("change", () => list(wide.matches));
  list(wide.matches);
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    list(true);
    byId("outline").querySelector("[tabindex='0']").focus();
  });
  const help = byId("help");
  byId("show-help").addEventListener("click", () => help.showModal());
  byId("close-help").addEventListener("click", () => help.close());
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, dialog");
    if (typing || event.altKey || event.ctrlKey || event.metaKey) return;
    const keys = {
      "/": () => byId("search").focus(),
      t: () => state.show("treemap"),
      d: () => state.show("dendrogram"),
      s: () => state.setPicking(!state.picking),
      n: () => byId("branch-name").focus(),
      "?": () => help.showModal(),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
}

main();
