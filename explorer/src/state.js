// What the person at the page has chosen, named and said; views listen to it.

export class State {
  constructor(tree, kept) {
    this.tree = tree;
    this.kept = kept;
    this.view = "treemap";
    this.focus = 0; // the node that fills the view
    this.chosen = 0; // the node that the panel is about
    this.picking = false; // whether a click selects a picture
    this.selection = []; // rows, in the order in which they were selected
    this.found = null; // rows that a search has found, sorted, or null
    this.names = new Map(kept.names); // number of a node -> its name
    this.answers = kept.answers.filter((answer) => isAnswer(answer, tree.numRows));
    this.answered = new Set(kept.answered); // questions of the page, by their place
    this._listeners = new Map();
  }

  on(events, listener) {
    for (const event of events.split(" ")) {
      if (!this._listeners.has(event)) this._listeners.set(event, []);
      this._listeners.get(event).push(listener);
    }
  }

  tell(event, ...details) {
    for (const listener of this._listeners.get(event) ?? []) listener(...details);
  }

  /** Shows another view, "treemap" or "dendrogram". */
  show(view) {
    if (view === this.view) return;
    this.view = view;
    this.tell("view");
  }

  /** Puts a node into the panel; `by` says who has chosen it. */
  choose(m, by = "") {
    if (m === this.chosen) return;
    this.chosen = m;
    this.tell("chosen", by);
  }

  /** Lets a node fill the view, and chooses it; `moved` if the view has been moved there already. */
  zoomTo(m, by = "", moved = false) {
    this.focus = m;
    this.tell("focus", moved, by);
    if (!moved) this.choose(m, by);
  }

  setPicking(picking) {
    this.picking = picking;
    this.tell("picking");
  }

  toggle(i) {
    const at = this.selection.indexOf(i);
    if (at < 0) this.selection.push(i);
    else this.selection.splice(at, 1);
    this.tell("selection", i, at < 0);
  }

  clearSelection() {
    this.selection = [];
    this.tell("selection", null, false);
  }

  setFound(rows) {
    this.found = rows;
    this.tell("found");
  }

  nameOf(m) {
    return this.names.get(this.tree.number[m]) ?? null;
  }

  /** What a node is called: its name, or its number. */
  call(m) {
    return this.nameOf(m) ?? `Branch ${this.tree.number[m]}`;
  }

  /** Names a node; an empty name takes the name away. */
  rename(m, name) {
    const number = this.tree.number[m];
    const text = name.trim();
    if (text) this.names.set(number, text);
    else this.names.delete(number);
    this.kept.keep("names", [...this.names]);
    this.tell("names", m);
  }

  /** Adds an answer, see answers.js. */
  answer(answer) {
    this.answers.push(answer);
    this._answersChanged();
  }

  removeAnswer(at) {
    const [gone] = this.answers.splice(at, 1);
    if (gone.question !== undefined) {
      this.answered.delete(gone.question);
      this.kept.keep("answered", [...this.answered]);
    }
    this._answersChanged();
  }

  /** Marks a question of the page as asked. */
  asked(question) {
    this.answered.add(question);
    this.kept.keep("answered", [...this.answered]);
  }

  _answersChanged() {
    this.kept.keep("answers", this.answers);
    this.tell("answers");
  }
}

/** Whether an answer that was kept is one, about rows that are there. */
function isAnswer(answer, numRows) {
  const rows = [...(answer?.pair ?? answer?.rows ?? []), ...(answer?.kind === "must" ? [] : [answer?.odd])];
  return (
    ["triplet", "must", "cannot"].includes(answer?.kind) &&
    rows.length > 1 &&
    rows.every((i) => Number.isInteger(i) && i >= 0 && i < numRows)
  );
}
