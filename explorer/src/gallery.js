// Rows of a node as a list from which several can be selected: role "listbox".

import { announce, h } from "./dom.js";
import { thumb } from "./thumbs.js";

export class Gallery {
  /**
   * @param label what the list is called
   * @param side pixels of a picture
   * @param line of a table: text of row i, instead of its picture
   */
  constructor(label, state, sheets, side, line = null) {
    Object.assign(this, { state, sheets, side, line, tree: state.tree, rows: [] });
    this.caption = h("p", { class: "caption" });
    this.list = h("div", {
      role: "listbox",
      "aria-multiselectable": "true",
      "aria-label": label,
      class: sheets ? "pictures" : "lines",
      on: {
        keydown: (event) => this._key(event),
        click: (event) => this._click(event),
        focusin: (event) => this._say(event.target),
        pointerover: (event) => this._say(event.target),
      },
    });
    this.element = h("div", { class: "gallery" }, this.list, this.caption);
    state.on("selection", () => this._mark());
    state.on("found", () => this._mark());
  }

  show(rows) {
    this.rows = rows;
    this.list.replaceChildren(
      ...rows.map((i, at) =>
        h(
          "div",
          {
            role: "option",
            "aria-label": this.tree.describe(i),
            title: this.tree.describe(i),
            tabindex: at ? -1 : 0,
            data: { row: i },
          },
          this.sheets ? thumb(this.sheets, i, this.side) : h("span", { text: this.line(i) }),
        ),
      ),
    );
    this.caption.textContent = "\u00a0";
    this._mark();
  }

  _mark() {
    const { selection, found } = this.state;
    const hits = found === null ? null : new Set(found);
    for (const option of this.list.children) {
      const i = Number(option.dataset.row);
      option.setAttribute("aria-selected", String(selection.includes(i)));
      option.classList.toggle("found", hits !== null && hits.has(i));
    }
  }

  _say(target) {
    const option = target.closest("[role=option]");
    if (option) this.caption.textContent = option.getAttribute("aria-label");
  }

  _columns() {
    const options = [...this.list.children];
    if (!options.length) return 1;
    const top = options[0].offsetTop;
    const next = options.findIndex((option) => option.offsetTop > top);
    return next < 0 ? options.length : next;
  }

  _key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const options = [...this.list.children];
    const at = options.indexOf(event.target);
    if (at < 0) return;
    const row = Number(event.target.dataset.row);
    const steps = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: this._columns(),
      ArrowUp: -this._columns(),
      Home: -at,
      End: options.length - 1 - at,
    };
    if (event.key in steps) {
      const next = options[at + steps[event.key]];
      if (next) {
        event.target.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      }
    } else if (event.key === " ") this._toggle(row);
    else if (event.key === "Enter") this.state.tell("reveal", row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  _click(event) {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    for (const other of this.list.children) other.tabIndex = other === option ? 0 : -1;
    this._toggle(Number(option.dataset.row));
  }

  _toggle(i) {
    this.state.toggle(i);
    const selected = this.state.selection.includes(i);
    announce(
      `${this.tree.nameOf(i)} ${selected ? "selected" : "no longer selected"}, ` +
        `${this.state.selection.length} in all`,
    );
  }
}
