// The panel beside the canvas: everything about the chosen node.

import { announce, button, h } from "./dom.js";
import { csv, json, memberLines, save } from "./files.js";
import { Gallery } from "./gallery.js";
import { classColour } from "./look.js";
import { many, percent, short, whole } from "./numbers.js";
import { thumb } from "./thumbs.js";

const PAGE = 40; // members at once
const CLASSES = 8; // that are listed

export class Panel {
  constructor(element, state, sets, table) {
    Object.assign(this, { element, state, sets, table, tree: state.tree });
    const { pictures } = sets;
    const line = table ? (i) => this._line(i) : null;
    const noun = `${this.tree.noun}s`;
    this.near = new Gallery(`Nearest ${noun}`, state, pictures, 52, line);
    this.all = new Gallery(`All ${noun} of the branch`, state, pictures, 40, line);
    this._page = 0;
    this._build();
    state.on("chosen", () => this.show());
    state.on("names", () => this._names());
    this.show();
  }

  _build() {
    this.name = h("input", {
      id: "branch-name",
      type: "text",
      maxlength: 200,
      autocomplete: "off",
      spellcheck: "false",
      on: {
        change: () => {
          this.state.rename(this._node, this.name.value);
          announce(this.name.value.trim() ? "Name kept." : "Name taken away.");
        },
        keydown: (event) => {
          if (event.key === "Enter") this.name.blur();
        },
      },
    });
    this.number = h("p", { class: "number" });
    this.facts = h("dl", { class: "facts" });
    this.mix = h("ul", { class: "mix" });
    this.mixSection = section("Classes", this.mix);
    this.apart = h("ul", { class: "apart" });
    this.apartSection = section("What sets it apart", this.apart);
    this.drawn = h("div", { class: "drawn" });
    this.drawnSection = section("What the model draws", this.drawn);
    this.where = h("span", { class: "where" });
    this.back = button("Previous", () => this._turn(-1), { class: "quiet", id: "members-previous" });
    this.next = button("Next", () => this._turn(1), { class: "quiet", id: "members-next" });
    const noun = `${this.tree.noun}s`;
    this.element.replaceChildren(
      h("div", { class: "naming" }, h("label", { for: "branch-name", text: "Name" }), this.name),
      this.number,
      this.facts,
      this.mixSection,
      this.apartSection,
      section(`Nearest ${noun}`, this.near.element),
      this.drawnSection,
      section(
        `All ${noun}`,
        h("div", { class: "pager" }, this.back, this.where, this.next),
        this.all.element,
        h(
          "div",
          { class: "row" },
          button("Save as CSV", () => this._save("csv"), { id: "members-csv" }),
          button("Save as JSON", () => this._save("json"), { id: "members-json" }),
        ),
      ),
    );
  }

  get _node() {
    return this.state.chosen;
  }

  show() {
    this._page = 0;
    this._names();
    this._facts();
    this._mix();
    this._apart();
    this._drawn();
    this.near.show(this.tree.nearest[this._node]);
    this._members();
  }

  _names() {
    this.name.value = this.state.nameOf(this._node) ?? "";
    this.name.placeholder = "Name this branch";
    this.number.textContent = this._node
      ? `Branch ${this.tree.number[this._node]}`
      : `Branch ${this.tree.number[0]}, the root`;
  }

  _facts() {
    const { tree } = this;
    const m = this._node;
    const facts = [
      [
        tree.isImages ? "Pictures" : "Rows",
        `${whole(tree.count[m])} · ${percent(tree.count[m] / tree.numRows)}`,
      ],
      ["Time", tree.time[m] === null ? null : short(Number(tree.time[m].toFixed(3)))],
      ["Support", tree.support === null ? null : short(tree.support[m])],
    ];
    this.facts.replaceChildren(
      ...facts
        .filter(([, value]) => value !== null)
        .map(([term, value]) => h("div", {}, h("dt", { text: term }), h("dd", { text: value }))),
    );
  }

  _mix() {
    const mix = this.tree.mix(this._node);
    const count = this.tree.count[this._node];
    this.mixSection.hidden = !mix.length;
    const lines = mix.slice(0, CLASSES).map(({ index, name, count: number }) => {
      const bar = h("span", { class: "bar", "aria-hidden": "true" });
      const colour = classColour(this.tree.structure.palette, index, this.tree.classes.length);
      bar.style.setProperty("--share", number / count);
      bar.style.setProperty("--colour", colour);
      return h(
        "li",
        {},
        h("span", { class: "class", text: name, title: name }),
        bar,
        h("span", { class: "share", text: percent(number / count) }),
      );
    });
    const rest = mix.slice(CLASSES);
    if (rest.length) {
      const number = rest.reduce((sum, each) => sum + each.count, 0);
      lines.push(
        h("li", { class: "rest", text: `${rest.length} more classes, ${percent(number / count)}` }),
      );
    }
    this.mix.replaceChildren(...lines);
  }

  _apart() {
    const apart = this.table ? this.table.apart(this._node) : [];
    this.apartSection.hidden = !apart.length;
    const most = Math.max(1, ...apart.map((each) => Math.abs(each.apart)));
    this.apart.replaceChildren(
      ...apart.map(({ name, apart: difference, mean }) => {
        const bar = h("span", { class: "either", "aria-hidden": "true" });
        bar.style.setProperty("--from", difference < 0 ? 0.5 + difference / most / 2 : 0.5);
        bar.style.setProperty("--share", Math.abs(difference) / most / 2);
        const text = `${difference > 0 ? "+" : ""}${short(Number(difference.toFixed(2)))} sd`;
        return h(
          "li",
          { title: `mean ${short(mean)}; difference from all others in standard deviations` },
          h("span", { class: "class", text: name, title: name }),
          bar,
          h("span", { class: "share", text }),
        );
      }),
    );
  }

  _drawn() {
    const m = this._node;
    const { means, samples } = this.sets;
    const pictures = [];
    const meanAt = means ? means.nodes.indexOf(m) : -1;
    if (meanAt >= 0) {
      pictures.push(figure("mean", [thumb(means.sheets, meanAt, 56)], "the decoded mean"));
    }
    const sampleAt = samples ? samples.nodes.indexOf(m) : -1;
    if (sampleAt >= 0) {
      const drawn = Array.from({ length: samples.each }, (_, j) =>
        thumb(samples.sheets, sampleAt * samples.each + j, 32),
      );
      pictures.push(figure("samples", drawn, `${samples.each} samples from below the branch`));
    }
    this.drawnSection.hidden = !pictures.length;
    this.drawn.replaceChildren(...pictures);
  }

  _members() {
    const { tree } = this;
    const m = this._node;
    const first = this._page * PAGE;
    const last = Math.min(tree.count[m], first + PAGE);
    this.all.show(Array.from({ length: last - first }, (_, j) => tree.start[m] + first + j));
    this.where.textContent = `${whole(first + 1)}–${whole(last)} of ${whole(tree.count[m])}`;
    this.back.disabled = !this._page;
    this.next.disabled = last >= tree.count[m];
  }

  _turn(step) {
    this._page += step;
    this._members();
    announce(`${this.tree.noun}s ${this.where.textContent}`);
    // A button that can do nothing more would lose the focus to the page.
    if (document.activeElement === document.body) (step > 0 ? this.back : this.next).focus();
  }

  /** Name and the most telling values of a row of a table. */
  _line(i) {
    const told = this.table.apart(this._node).slice(0, 3).map(({ column }) => column);
    const columns = told.length ? told : this.table.kept.slice(0, 3);
    const values = columns
      .map((column) => [this.table.columns[column], this.table.text(i, column)])
      .filter(([, text]) => text !== null)
      .map(([name, text]) => `${name} ${text}`);
    const label = this.tree.labelOf(i);
    return [this.tree.nameOf(i), ...(label === null ? [] : [label]), ...values].join(" · ");
  }

  _save(kind) {
    const { tree, state } = this;
    const lines = memberLines(tree, state, this._node);
    const name = `members-${tree.number[this._node]}.${kind}`;
    if (kind === "csv") save(name, csv(lines), "text/csv");
    else {
      const { data } = tree.structure;
      const node = tree.number[this._node];
      save(name, json({ format: "tfsp-members", version: 1, data, node, members: lines }));
    }
    announce(`${name} saved, ${many(lines.length, tree.noun)}`);
  }
}

function section(title, ...content) {
  return h("section", {}, h("h3", { text: title }), ...content);
}

function figure(kind, content, caption) {
  return h(
    "figure",
    { class: kind },
    h("div", { class: "strip", role: "img", "aria-label": caption }, ...content),
    h("figcaption", { text: caption }),
  );
}
