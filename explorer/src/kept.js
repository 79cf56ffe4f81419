// What stays when the page is closed: in the browser's store, under the tree that it is about.

const EMPTY = { names: [], answers: [], answered: [] };

/** `answers` are those that the page brings along; what has been kept goes first. */
export class Kept {
  constructor(run, answers = []) {
    this._key = `tfsp-explorer:${run}`;
    this._content = { ...EMPTY, answers, ...this._read() };
    Object.assign(this, this._content);
    this.works = this._write();
  }

  keep(what, value) {
    this._content[what] = value;
    this.works = this._write();
  }

  _read() {
    try {
      const content = JSON.parse(localStorage.getItem(this._key)) ?? {};
      return Object.fromEntries(
        Object.keys(EMPTY)
          .filter((name) => Array.isArray(content[name]))
          .map((name) => [name, content[name]]),
      );
    } catch {
      return {};
    }
  }

  _write() {
    try {
      localStorage.setItem(this._key, JSON.stringify(this._content));
      return true;
    } catch {
      return false; // the browser has no store for this page
    }
  }
}
