// The way from the root to the node that fills the view.

import { button, byId, h } from "./dom.js";

export class Crumbs {
  constructor(state, parts) {
    Object.assign(this, { state, parts });
    this.list = byId("crumbs");
    state.on("focus names", () => this.show());
    this.show();
  }

  show() {
    const { state, parts } = this;
    const path = parts.path(state.focus);
    if (path.at(-1) !== state.focus) path.push(state.focus);
    const held = this.list.contains(document.activeElement);
    this.list.replaceChildren(
      ...path.map((m, at) => {
        const last = at === path.length - 1;
        const text = m ? (state.nameOf(m) ?? String(state.tree.number[m])) : "All";
        return h(
          "li",
          {},
          button(text, () => state.zoomTo(m, "crumbs"), {
            "aria-current": last ? "true" : undefined,
            "aria-label": m ? state.call(m) : "All, the root",
          }),
        );
      }),
    );
    this.list.scrollLeft = this.list.scrollWidth;
    if (held) this.list.lastElementChild.firstElementChild.focus();
  }
}
