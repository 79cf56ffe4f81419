// A page that a server has sent: the model learns from the answers, and what it learned is taken back.
//
// The server puts <meta name="tfsp-server" content="GENERATION"> into the page; a page from disk has
// none, and nothing here shows or asks for anything.

import { constraints, idle } from "./answers.js";
import { announce, button, byId, h } from "./dom.js";

const SOON = 700; // milliseconds between two looks at a refinement
const GONE = "The server does not answer. Start it again: tfsp explore --serve.";

export class Served {
  constructor(state) {
    const mark = document.querySelector('meta[name="tfsp-server"]');
    if (mark === null) return;
    this.state = state;
    this.generation = Number(mark.content);
    this._build();
    state.on("answers", () => this._buttons());
    this._look();
  }

  _build() {
    this.learn = button("Learn from my answers", () => this._learn(), { id: "learn", class: "strong" });
    this.stop = button("Stop", () => this._ask("stop"), { id: "stop-learning" });
    this.back = button("Take the last back", () => this._back(), { id: "take-back", class: "quiet" });
    this.show = button("Show the new tree", () => location.reload(), { id: "show-new", class: "strong" });
    this.bar = h("progress", { id: "learning", "aria-label": "Learning", max: 1 });
    this.words = h("p", { class: "hint", id: "served-words" });
    this.problem = h("p", { class: "problem", id: "served-problem", role: "alert", hidden: true });
    byId("served").replaceChildren(
      h("h3", { text: "The model" }),
      this.words,
      this.bar,
      this.problem,
      h("div", { class: "row" }, this.learn, this.show, this.stop, this.back),
    );
    byId("served").hidden = false;
  }

  async _learn() {
    const answers = constraints(this.state.tree, this.state.answers);
    await this._ask("refine", JSON.stringify(answers));
  }

  async _back() {
    if (await this._ask("undo")) location.reload();
  }

  /** Asks the server for a change; whether it was made. */
  async _ask(what, body) {
    this._tell("");
    try {
      const response = await fetch(what, { method: "POST", body });
      const found = await response.json();
      if (!response.ok) {
        this._tell(found.message);
        return false;
      }
      this._set(found);
      return true;
    } catch {
      this._tell(GONE);
      return false;
    }
  }

  async _look() {
    try {
      const response = await fetch("state");
      this._set(await response.json());
    } catch {
      this._tell(GONE);
    }
  }

  _set(found) {
    const before = this.found?.state;
    this.found = found;
    const running = found.state === "running";
    if (running) {
      clearTimeout(this._timer);
      this._timer = setTimeout(() => this._look(), SOON);
    }
    if (found.state === "failed") this._tell(found.message);
    const { epoch, epochs } = found;
    if (running && epochs) this.bar.value = epoch / epochs;
    else this.bar.removeAttribute("value"); // under way, nobody knows how far
    this.words.textContent = this._words(found);
    this._buttons();
    if (found.state !== before && (running || before === "running")) announce(this.words.textContent);
  }

  _words({ state, epoch, epochs, current }) {
    if (state === "running") {
      if (!epochs) return "Learning: getting ready.";
      return epoch < epochs ? `Learning: epoch ${epoch} of ${epochs}.` : "Learning: the new page is made.";
    }
    if (current !== this.generation) return "The model has learned from your answers.";
    if (state === "stopped") return "Stopped: nothing has changed.";
    if (current) return `This tree has learned from answers (refinement ${current}).`;
    return "Trains on with a tree that keeps to your answers. It takes a minute or more, and can be taken back.";
  }

  _buttons() {
    const { state, undo, current } = this.found ?? {};
    const running = state === "running";
    const fresh = !running && current !== undefined && current !== this.generation;
    this.learn.hidden = running || fresh;
    const { answers } = this.state;
    this.learn.disabled = !this.found || idle(answers).size === answers.length;
    this.show.hidden = !fresh;
    this.stop.hidden = !running;
    this.back.hidden = !undo;
    this.bar.hidden = !running;
  }

  _tell(problem) {
    this.problem.textContent = problem;
    this.problem.hidden = !problem;
  }
}
