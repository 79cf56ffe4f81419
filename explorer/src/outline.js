// The tree as a list that a keyboard and a screen reader can walk: role "tree", arrow keys.

import { h } from "./dom.js";
import { many, percent, short, whole } from "./numbers.js";

export class Outline {
  constructor(element, state, parts) {
    Object.assign(this, { element, state, parts, tree: state.tree });
    this._items = new Map(); // node -> its element, of those that have been opened
    element.replaceChildren(this._item({ node: 0, own: false, count: this.tree.numRows }, 1));
    this._open(0);
    this._current = 0;
    this._items.get(0).tabIndex = 0;
    element.addEventListener("keydown", (event) => this._key(event));
    element.addEventListener("click", (event) => this._click(event));
    state.on("chosen", (by) => {
      if (by !== "outline") this.reveal(state.chosen);
      this._mark();
    });
    state.on("names", (m) => this._rename(m));
    state.on("focus", () => this._mark());
    this._mark();
  }

  /** Opens the list down to a node, and lets the arrow keys go on from there. */
  reveal(m) {
    const path = this.parts.path(m);
    path.slice(0, -1).forEach((node) => this._open(node));
    this._setCurrent(path.at(-1), false);
    const line = this._items.get(path.at(-1)).firstElementChild;
    const box = this.element.getBoundingClientRect();
    const at = line.getBoundingClientRect();
    if (at.top < box.top || at.bottom > box.bottom) {
      this.element.scrollTop += at.top - box.top - box.height / 3;
    }
  }

  _item(part, level) {
    const { node } = part;
    const branches = this.parts.of(node).length > 1;
    const item = h("li", {
      role: "treeitem",
      "aria-level": level,
      "aria-expanded": branches ? "false" : undefined,
      "aria-label": this._label(node),
      tabindex: -1,
      data: { node },
    });
    item.append(
      h(
        "div",
        { class: "line", "aria-hidden": "true" },
        h("span", { class: "twist" }),
        h("span", { class: "title", text: this._title(node) }),
        h("span", { class: "most", text: this._most(node) }),
        h("span", { class: "count", text: whole(part.count) }),
      ),
    );
    item.style.setProperty("--level", level);
    this._items.set(node, item);
    return item;
  }

  _title(node) {
    return this.state.nameOf(node) ?? (node ? String(this.tree.number[node]) : "All");
  }

  _most(node) {
    const [most] = node ? this.tree.mix(node) : [];
    return most ? `${most.name} ${percent(most.count / this.tree.count[node])}` : "";
  }

  _label(node) {
    const { tree, state } = this;
    const parts = [state.call(node), many(tree.count[node], tree.noun)];
    const mix = tree.mix(node);
    if (mix.length) parts.push(`${percent(mix[0].count / tree.count[node])} ${mix[0].name}`);
    if (tree.support !== null && tree.support[node] !== null) {
      parts.push(`support ${short(tree.support[node])}`);
    }
    return parts.join(", ");
  }

  _rename(node) {
    const item = this._items.get(node);
    if (!item) return;
    item.setAttribute("aria-label", this._label(node));
    item.querySelector(".title").textContent = this._title(node);
  }

  _open(node) {
    const item = this._items.get(node);
    if (!item || !item.hasAttribute("aria-expanded")) return;
    item.setAttribute("aria-expanded", "true");
    if (item.children.length > 1) return;
    const level = Number(item.getAttribute("aria-level")) + 1;
    const parts = this.parts.of(node).filter((part) => !part.own && part.node !== node);
    item.append(h("ul", { role: "group" }, ...parts.map((part) => this._item(part, level))));
  }

  _close(node) {
    const item = this._items.get(node);
    if (item.hasAttribute("aria-expanded")) item.setAttribute("aria-expanded", "false");
  }

  _setCurrent(node, focus = true) {
    this._items.get(this._current).tabIndex = -1;
    this._current = node;
    const item = this._items.get(node);
    item.tabIndex = 0;
    if (focus) {
      item.focus();
      this.state.choose(node, "outline");
    }
  }

  _mark() {
    const { state } = this;
    const chosen = this.parts.path(state.chosen).at(-1);
    const focus = this.parts.path(state.focus).at(-1);
    for (const [node, item] of this._items) {
      item.setAttribute("aria-selected", String(node === chosen));
      item.classList.toggle("focus", node === focus);
    }
  }

  /** The items that can be seen, from top to bottom. */
  _visible() {
    const found = [];
    const walk = (item) => {
      found.push(item);
      if (item.getAttribute("aria-expanded") === "true") {
        for (const child of item.lastElementChild.children) walk(child);
      }
    };
    walk(this.element.firstElementChild);
    return found;
  }

  _key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const item = this._items.get(this._current);
    const visible = this._visible();
    const at = visible.indexOf(item);
    const to = (next) => next && this._setCurrent(Number(next.dataset.node));
    const expanded = item.getAttribute("aria-expanded");
    const above = item.parentElement.closest("[role=treeitem]");
    const actions = {
      ArrowDown: () => to(visible[at + 1]),
      ArrowUp: () => to(visible[at - 1]),
      Home: () => to(visible[0]),
      End: () => to(visible.at(-1)),
      ArrowRight: () => (expanded === "false" ? this._open(this._current) : to(visible[at + 1])),
      ArrowLeft: () => (expanded === "true" ? this._close(this._current) : to(above)),
      Enter: () => this.state.zoomTo(this._current, "outline"),
      " ": () => this.state.zoomTo(this._current, "outline"),
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  }

  _click(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item) return;
    const node = Number(item.dataset.node);
    if (event.target.classList.contains("twist") && item.hasAttribute("aria-expanded")) {
      if (item.getAttribute("aria-expanded") === "true") this._close(node);
      else this._open(node);
      return;
    }
    this._setCurrent(node);
    this.state.zoomTo(node, "outline");
  }
}
