// The bar of selected rows, what can be said of them, and the list of all answers.

import { conflict, constraints, idle } from "./answers.js";
import { announce, button, byId, h } from "./dom.js";
import { json, names, save } from "./files.js";
import { many } from "./numbers.js";
import { thumb } from "./thumbs.js";

export class Tray {
  constructor(state, sheets, ask) {
    Object.assign(this, { state, sheets, ask, tree: state.tree });
    this.bar = byId("tray");
    this.list = byId("answers");
    this._build();
    state.on("selection", () => this._selection());
    state.on("answers", () => this._answers());
    this._selection();
    this._answers();
  }

  _build() {
    this.chosen = h("div", { class: "chosen" });
    this.count = h("span", { class: "count" });
    this.together = button("These belong together", () => this._together(), { id: "say-together" });
    this.odd = button("Which is the odd one out?", () => this._odd(), {
      id: "say-odd",
      title: "Of three that are selected",
    });
    this.not = button("One does not belong", () => this._not(), { id: "say-not" });
    this.clear = button("Clear", () => this._clear(), { class: "quiet", id: "clear-selection" });
    this.bar.replaceChildren(
      this.count,
      this.chosen,
      h("div", { class: "row" }, this.together, this.odd, this.not, this.clear),
    );
    this.undo = button("Undo", () => this._undo(), { class: "quiet", id: "undo" });
    this.empty = h("p", {
      class: "hint",
      text: "Nothing yet. Select two or more, and say what belongs together.",
    });
    this.entries = h("ol", { class: "entries", "aria-label": "Answers" });
    this.waiting = h("p", {
      class: "hint",
      id: "waiting",
      text: "What belongs together does so against something that does not: say that too.",
    });
    this.list.replaceChildren(
      this.entries,
      this.waiting,
      this.empty,
      h(
        "div",
        { class: "row" },
        this.undo,
        button("Save answers", () => this._saveConstraints(), { id: "save-constraints" }),
        button("Save names", () => this._saveNames(), { id: "save-names" }),
      ),
    );
  }

  _selection() {
    const { selection } = this.state;
    this.bar.hidden = !selection.length;
    this.count.textContent = `${selection.length} selected`;
    this.chosen.replaceChildren(
      ...selection.map((i) =>
        h(
          "button",
          {
            type: "button",
            class: "item",
            title: this.tree.describe(i),
            "aria-label": `Take ${this.tree.describe(i)} out of the selection`,
            on: { click: () => this._drop(i) },
          },
          this.picture(i, 36),
        ),
      ),
    );
    this.together.disabled = selection.length < 2;
    this.odd.disabled = selection.length !== 3;
    this.not.disabled = selection.length < 2;
  }

  _drop(i) {
    const at = this.state.selection.indexOf(i);
    this.state.toggle(i);
    const items = this.chosen.children;
    (items[Math.min(at, items.length - 1)] ?? byId("view")).focus();
  }

  _clear() {
    this.state.clearSelection();
    announce("Nothing is selected.");
    byId("view").focus();
  }

  /** A picture of a row, or its name where there are none. */
  picture(i, side) {
    if (this.sheets) return thumb(this.sheets, i, side);
    return h("span", { class: "word", text: this.tree.nameOf(i) });
  }

  _together() {
    const rows = [...this.state.selection];
    this._say({ kind: "must", rows }, `${rows.length} belong together.`);
  }

  async _odd() {
    const rows = [...this.state.selection];
    const odd = await this.ask(rows, "Which is the odd one out?");
    if (odd === null) return;
    const pair = rows.filter((i) => i !== odd);
    this._say({ kind: "triplet", pair, odd }, `${this.tree.nameOf(odd)} is the odd one out.`);
  }

  async _not() {
    const rows = [...this.state.selection];
    const odd = rows.length === 2 ? rows[1] : await this.ask(rows, "Which does not belong?");
    if (odd === null) return;
    const others = rows.filter((i) => i !== odd);
    this._say(
      { kind: "cannot", rows: others, odd },
      `${this.tree.nameOf(odd)} does not belong with ${this.tree.nameOf(others[0])}` +
        `${others.length > 1 ? " and the others" : ""}.`,
    );
  }

  _say(answer, text) {
    if (!this.add(answer, text)) return;
    this.state.clearSelection();
    byId("view").focus();
  }

  /** Adds an answer unless it contradicts another; whether it was added. */
  add(answer, text) {
    const problem = conflict(this.state.answers, answer);
    byId("problem").textContent = problem ?? "";
    byId("problem").hidden = !problem;
    if (problem) {
      announce(problem);
      return false;
    }
    this.state.answer(answer);
    announce(text);
    return true;
  }

  _answers() {
    const { answers } = this.state;
    this.empty.hidden = answers.length > 0;
    this.undo.disabled = !answers.length;
    byId("answers-count").textContent = answers.length ? String(answers.length) : "";
    const waiting = idle(answers);
    this.entries.replaceChildren(
      ...answers.map((answer, at) => this._entry(answer, at, waiting.has(at))),
    );
    this.waiting.hidden = !waiting.size;
  }

  _entry(answer, at, waiting) {
    const rows = answer.kind === "triplet" ? answer.pair : answer.rows;
    const pictures = rows.slice(0, 6).map((i) => this.picture(i, 28));
    if (rows.length > 6) pictures.push(h("span", { class: "more", text: `+${rows.length - 6}` }));
    if (answer.kind !== "must") {
      pictures.push(h("span", { class: "against", text: "not" }), this.picture(answer.odd, 28));
    }
    if (waiting) pictures.push(h("span", { class: "hint", text: "asks for nothing yet" }));
    return h(
      "li",
      { "aria-label": this._words(answer) + (waiting ? " (asks for nothing yet)" : "") },
      h("div", { class: "said", title: this._words(answer) }, ...pictures),
      button("Remove", () => this._remove(at), {
        class: "quiet",
        "aria-label": `Remove: ${this._words(answer)}`,
      }),
    );
  }

  _words(answer) {
    const called = (rows) => rows.map((i) => this.tree.nameOf(i)).join(", ");
    if (answer.kind === "must") return `${called(answer.rows)} belong together`;
    if (answer.kind === "cannot") {
      return `${this.tree.nameOf(answer.odd)} does not belong with ${called(answer.rows)}`;
    }
    return `${called(answer.pair)} belong together rather than with ${this.tree.nameOf(answer.odd)}`;
  }

  _remove(at) {
    this.state.removeAnswer(at);
    announce(`Removed. ${many(this.state.answers.length, "answer")} left.`);
    (this.entries.children[at]?.querySelector("button") ?? this.undo).focus();
  }

  _undo() {
    this.state.removeAnswer(this.state.answers.length - 1);
    announce(`The last answer is undone. ${many(this.state.answers.length, "answer")} left.`);
    if (this.undo.disabled) byId("save-constraints").focus();
  }

  _saveConstraints() {
    save("constraints.json", json(constraints(this.tree, this.state.answers)));
    announce(`constraints.json saved, ${many(this.state.answers.length, "answer")}.`);
  }

  _saveNames() {
    save("names.json", json(names(this.tree, this.state)));
    announce(`names.json saved, ${many(this.state.names.size, "name")}.`);
  }
}
