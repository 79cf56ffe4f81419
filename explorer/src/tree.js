// The tree and its rows, as the structure of `tfsp.explorer.collect` has them: nodes parents first,
// rows in the order of the tree, so that those of a node are one stretch.

import { unpacked } from "./packed.js";

export class Tree {
  constructor(structure) {
    const { nodes, rows } = structure;
    Object.assign(this, nodes);
    this.rows = rows;
    this.structure = structure;
    this.classes = structure.classes;
    this.isImages = structure.kind === "images";
    this.noun = this.isImages ? "picture" : "row";
    this.numRows = rows.row.length;
    this.numNodes = this.number.length;
    this.children = Array.from({ length: this.numNodes }, () => []);
    this._until = Array.from({ length: this.numNodes }, (_, m) => m + 1);
    for (let m = 1; m < this.numNodes; m++) this.children[this.parent[m]].push(m);
    for (let m = this.numNodes - 1; m > 0; m--) {
      const above = this.parent[m];
      this._until[above] = Math.max(this._until[above], this._until[m]);
    }
    this.own = this.count.map((count, m) =>
      this.children[m].reduce((rest, child) => rest - this.count[child], count),
    );
    this.place = new Map(this.number.map((number, m) => [number, m]));
    this.placeOfRow = new Map(rows.row.map((row, i) => [row, i]));
    this._mixes = new Map();
    this._colours = structure.colours ? sums(unpacked(structure.colours, Uint8Array)) : null;
  }

  /** Whether row i is at or below node m. */
  holds(m, i) {
    return this.start[m] <= i && i < this.start[m] + this.count[m];
  }

  /** Whether node a is node m or above it: nodes below a node follow it in one stretch. */
  isAbove(a, m) {
    return a <= m && m < this._until[a];
  }

  end(m) {
    return this.start[m] + this.count[m];
  }

  /** Nodes from the root to m. */
  path(m) {
    const found = [m];
    while (this.parent[found[0]] >= 0) found.unshift(this.parent[found[0]]);
    return found;
  }

  /** Numbers from the root to the node of this number, as in members.csv: "38/35/4". */
  pathOfNumber(number) {
    const m = this.place.get(number);
    return m === undefined ? String(number) : this.path(m).map((v) => this.number[v]).join("/");
  }

  /** What row i is called: its name, or its number. */
  nameOf(i) {
    return this.rows.name === null ? `row ${this.rows.row[i]}` : this.rows.name[i];
  }

  labelOf(i) {
    return this.rows.label === null ? null : this.classes[this.rows.label[i]];
  }

  /** Name, label and part of row i in one line. */
  describe(i) {
    const parts = [this.nameOf(i)];
    if (this.rows.label !== null) parts.push(this.labelOf(i));
    if (this.rows.part !== null) parts.push(this.rows.part[i]);
    return parts.join(" · ");
  }

  /** Classes of the rows of node m, the most frequent first: [{ index, name, count }]. */
  mix(m) {
    return this.mixOf(this.start[m], this.count[m]);
  }

  mixOf(start, count) {
    if (this.rows.label === null) return [];
    const key = `${start}:${count}`;
    if (!this._mixes.has(key)) {
      const counts = new Map();
      for (let i = start; i < start + count; i++) {
        const label = this.rows.label[i];
        counts.set(label, (counts.get(label) ?? 0) + 1);
      }
      const mix = [...counts].map(([index, number]) => ({
        index,
        name: this.classes[index],
        count: number,
      }));
      this._mixes.set(key, mix.sort((a, b) => b.count - a.count || a.index - b.index));
    }
    return this._mixes.get(key);
  }

  /** The mean colour of a stretch of rows, or its negative, "rgb(...)". */
  colour(start, count, inverted = false) {
    const mean = [0, 1, 2].map((channel) => {
      const sum = this._colours[3 * (start + count) + channel] - this._colours[3 * start + channel];
      return Math.round(inverted ? 255 - sum / count : sum / count);
    });
    return `rgb(${mean.join(",")})`;
  }

  /** Whether the pictures are dark on the whole, as ink in white on black. */
  get isDark() {
    const sum = [0, 1, 2].reduce((all, channel) => all + this._colours[3 * this.numRows + channel], 0);
    return sum / (3 * this.numRows) < 110;
  }
}

function sums(colours) {
  const found = new Float64Array(colours.length + 3);
  for (let i = 0; i < colours.length; i++) found[i + 3] = found[i] + colours[i];
  return found;
}
