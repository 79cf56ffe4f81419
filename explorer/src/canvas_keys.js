// Mouse and keys on the canvases.

import { announce, byId } from "./dom.js";
import { many, percent } from "./numbers.js";

const STEP = 80; // pixels that shifted arrow keys move the view

export class CanvasKeys {
  constructor(view, state, parts, current) {
    Object.assign(this, { view, state, parts, current, tree: state.tree });
    this.status = byId("status");
    view.addEventListener("keydown", (event) => this._key(event));
    view.addEventListener("click", (event) => this._click(event));
    view.addEventListener("pointermove", (event) => this._hover(event));
    view.addEventListener("pointerleave", () => this._say(""));
  }

  _at(event) {
    const box = event.target.getBoundingClientRect();
    return this.current().at(event.clientX - box.left, event.clientY - box.top);
  }

  _hover(event) {
    if (!(event.target instanceof HTMLCanvasElement) || event.buttons) return;
    const at = this._at(event);
    event.target.classList.toggle("pointing", at !== null);
    if (at === null) return this._say("");
    const { node, own } = at.cell;
    const words = own
      ? `${many(at.cell.count, this.tree.noun)} at branch ${this.tree.number[node]} itself`
      : this.describe(node);
    this._say(at.row < 0 ? words : `${this.tree.describe(at.row)}   |   ${words}`);
  }

  _say(text) {
    this.status.textContent = text;
  }

  /** Name, size and most frequent class of a node. */
  describe(m) {
    const { tree, state } = this;
    const parts = [state.call(m), many(tree.count[m], tree.noun)];
    const [most] = tree.mix(m);
    if (most) parts.push(`${percent(most.count / tree.count[m])} ${most.name}`);
    return parts.join(" · ");
  }

  _click(event) {
    if (!(event.target instanceof HTMLCanvasElement)) return;
    const at = this._at(event);
    if (at === null) return;
    const { state } = this;
    const picking = state.picking || event.ctrlKey || event.metaKey || event.shiftKey;
    if (at.row >= 0 && (picking || (at.cell.node === state.focus && !at.open))) {
      this._toggle(at.row);
    } else if (!picking) state.zoomTo(at.cell.node, "canvas");
  }

  _toggle(i) {
    this.state.toggle(i);
    const now = this.state.selection.includes(i) ? "selected" : "no longer selected";
    announce(`${this.tree.describe(i)}, ${now}`);
  }

  _key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { state } = this;
    const view = this.current();
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const up = () => {
      const path = this.parts.path(state.focus);
      const above = path.at(-1) === state.focus ? path.at(-2) : path.at(-1);
      if (above !== undefined) {
        state.zoomTo(above, "keys");
        announce(this.describe(above));
      }
    };
    const keys = {
      Enter: () => this._into(),
      Escape: up,
      Backspace: up,
      "+": () => view.zoomBy(1.5),
      "=": () => view.zoomBy(1.5),
      "-": () => view.zoomBy(1 / 1.5),
      0: () => state.zoomTo(0, "keys"),
      " ": () => this._select(),
    };
    if (event.key in arrows) {
      const [dx, dy] = arrows[event.key];
      if (event.shiftKey) view.panBy(-dx * STEP, -dy * STEP);
      else this._move(dx, dy);
    } else if (event.key in keys) keys[event.key]();
    else return;
    event.preventDefault();
  }

  _move(dx, dy) {
    const { state } = this;
    // From the node that fills the view the arrows go to its parts.
    const first = state.view === "treemap" && state.chosen === state.focus;
    const inside = this.parts.of(state.focus).find((part) => !part.own && part.node !== state.focus);
    const next = first && inside ? inside.node : this.current().beside(state.chosen, dx, dy);
    if (next === null || next === undefined) return;
    state.choose(next, "keys");
    announce(this.describe(next));
  }

  _into() {
    const { state } = this;
    const inside = this.parts.of(state.focus).find((part) => !part.own);
    const next = state.chosen === state.focus && inside ? inside.node : state.chosen;
    state.zoomTo(next, "keys");
    announce(this.describe(next));
  }

  /** Selects the row that is nearest to the chosen node and not selected yet, or its only one. */
  _select() {
    const { state, tree } = this;
    const near = tree.nearest[state.chosen];
    const next = near.length === 1 ? near[0] : near.find((i) => !state.selection.includes(i));
    if (next !== undefined) this._toggle(next);
  }
}
