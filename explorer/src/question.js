// A question with some rows as its answers, and the questions that the page brings along.

import { announce, button, byId, h } from "./dom.js";

export class Questions {
  constructor(state, sheets, table) {
    Object.assign(this, { state, sheets, table, tree: state.tree });
    this.dialog = byId("question");
    this.open = byId("questions");
    this.left = state.tree.structure.questions;
    this.open.addEventListener("click", () => this.askAll());
    this.dialog.addEventListener("keydown", (event) => this._key(event));
    this._count();
    state.on("answers", () => this._count());
  }

  /** Sets who takes answers: a `Tray`. */
  set tray(tray) {
    this._tray = tray;
  }

  _waiting() {
    return this.left.map((_, at) => at).filter((at) => !this.state.answered.has(at));
  }

  _count() {
    const number = this._waiting().length;
    this.open.hidden = !this.left.length;
    this.open.textContent = number ? `Questions (${number})` : "Questions: all asked";
    this.open.disabled = !number;
  }

  /** Asks the questions of the page one after the other, until one is put off. */
  async askAll() {
    const waiting = this._waiting();
    for (const [n, at] of waiting.entries()) {
      const rows = this.left[at];
      const progress = `${n + 1} of ${waiting.length}`;
      const odd = await this.ask(rows, "Which of these three is the odd one out?", progress);
      if (odd === null) break;
      if (odd === "skip") {
        this.state.asked(at);
        continue;
      }
      const pair = rows.filter((i) => i !== odd);
      const answer = { kind: "triplet", pair, odd, question: at };
      if (this._tray.add(answer, `${this.tree.nameOf(odd)} is the odd one out.`)) {
        this.state.asked(at);
      }
    }
    this._count();
    this.open.disabled ? byId("view").focus() : this.open.focus();
  }

  /**
   * Asks which of some rows it is. The row; null if the question is closed; "skip" where there are
   * more questions and this one is skipped.
   */
  ask(rows, text, progress = null) {
    return new Promise((resolve) => {
      const done = (answer) => {
        this._done = null;
        this.dialog.close();
        resolve(answer);
      };
      this._done = done;
      this.dialog.replaceChildren(
        h("p", { class: "progress", text: progress ?? "" }),
        h("h2", { id: "question-title", text }),
        h(
          "div",
          { class: "choices" },
          ...rows.map((i, at) => this._choice(i, at, rows.length, () => done(i))),
        ),
        h("p", {
          class: "hint",
          text: rows.length <= 9 ? `Click one, or press 1 to ${rows.length}.` : "Click one.",
        }),
        h(
          "div",
          { class: "row" },
          progress === null ? null : button("Skip", () => done("skip"), { id: "question-skip" }),
          button("Close", () => done(null), { class: "quiet", id: "question-close" }),
        ),
      );
      this.dialog.oncancel = (event) => {
        event.preventDefault();
        done(null);
      };
      if (!this.dialog.open) this.dialog.showModal();
      this.dialog.querySelector(".choices button").focus();
      announce(text);
    });
  }

  _choice(i, at, number, action) {
    const properties = {
      type: "button",
      class: "choice",
      "aria-label": `${at + 1}: ${this.tree.describe(i)}`,
      on: { click: action },
    };
    const side = number <= 3 ? 168 : 84;
    const content = this.sheets ? this._tray.picture(i, side) : this._values(i);
    const name = h("span", { class: "name", text: this.tree.nameOf(i), title: this.tree.nameOf(i) });
    return h("button", properties, content, name);
  }

  /** The values of a row in which these rows differ is what there is to look at in a table. */
  _values(i) {
    const columns = this.table.kept.slice(0, 10);
    const lines = columns.map((column) =>
      h(
        "span",
        { class: "value" },
        h("span", { text: this.table.columns[column] }),
        h("span", { text: this.table.text(i, column) ?? "" }),
      ),
    );
    return h("span", { class: "values" }, ...lines);
  }

  _key(event) {
    const number = Number(event.key);
    const choices = this.dialog.querySelectorAll(".choice");
    if (this._done && number >= 1 && number <= choices.length) {
      event.preventDefault();
      choices[number - 1].click();
    }
  }
}
