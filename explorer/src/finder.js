// The search field, and the list of what it has found.

import { announce, byId, h } from "./dom.js";
import { many, whole } from "./numbers.js";
import { search } from "./search.js";
import { thumb } from "./thumbs.js";

const LISTED = 60;
const PAUSE = 120; // milliseconds without a key

export class Finder {
  constructor(state, sheets) {
    Object.assign(this, { state, sheets, tree: state.tree });
    this.field = byId("search");
    this.list = byId("results");
    this.said = byId("found");
    this.clear = byId("search-clear");
    this._current = -1;
    this.field.addEventListener("input", () => {
      clearTimeout(this._timer);
      this._timer = setTimeout(() => this._search(), PAUSE);
    });
    this.field.addEventListener("keydown", (event) => this._key(event));
    this.field.addEventListener("focus", () => this._show(true));
    this.clear.addEventListener("click", () => this.reset());
    document.addEventListener("pointerdown", (event) => {
      if (!event.target.closest(".search")) this._show(false);
    });
  }

  reset() {
    this.field.value = "";
    this._search();
    this.field.focus();
  }

  _search() {
    this._searched = this.field.value;
    const found = search(this.tree, this.field.value);
    this.state.setFound(found);
    this.clear.hidden = found === null;
    this._current = -1;
    this.field.removeAttribute("aria-activedescendant");
    if (found === null) {
      this.said.textContent = "";
      this.list.replaceChildren();
      this._show(false);
      return;
    }
    this.said.textContent = found.length ? `${whole(found.length)} found` : "nothing found";
    announce(found.length ? `${many(found.length, this.tree.noun)} found` : "Nothing found.");
    this.list.replaceChildren(
      ...found.slice(0, LISTED).map((i, at) =>
        h(
          "li",
          {
            role: "option",
            id: `result-${at}`,
            "aria-selected": "false",
            data: { row: i },
            on: { click: () => this._go(at) },
          },
          this.sheets ? thumb(this.sheets, i, 24) : null,
          h("span", { text: this.tree.describe(i) }),
        ),
      ),
    );
    if (found.length > LISTED) {
      this.list.append(
        h("li", { class: "hint", role: "presentation", text: `and ${whole(found.length - LISTED)} more` }),
      );
    }
    this._show(found.length > 0);
  }

  _show(open) {
    const shown = open && this.list.children.length > 0;
    this.list.hidden = !shown;
    this.field.setAttribute("aria-expanded", String(shown));
  }

  _options() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  _key(event) {
    const options = this._options();
    if (event.key === "Escape") {
      if (this.list.hidden) this.reset();
      else this._show(false);
    } else if (event.key === "Enter") {
      clearTimeout(this._timer);
      if (this._searched !== this.field.value) this._search();
      const at = this._options().length ? Math.max(0, this._current) : -1;
      if (at >= 0) this._go(at);
    } else if (options.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      this._show(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      this._mark((this._current + step + options.length) % options.length);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  _mark(at) {
    this._current = at;
    this._options().forEach((option, j) => {
      option.setAttribute("aria-selected", String(j === at));
      if (j === at) {
        option.scrollIntoView({ block: "nearest" });
        this.field.setAttribute("aria-activedescendant", option.id);
      }
    });
  }

  _go(at) {
    this._mark(at);
    this._show(false);
    const row = Number(this._options()[at].dataset.row);
    this.state.tell("reveal", row);
  }
}
