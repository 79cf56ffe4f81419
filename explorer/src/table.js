// Values of the rows of a table.

import { short } from "./numbers.js";
import { unpacked } from "./packed.js";

export class Table {
  constructor(content) {
    this.columns = content.columns;
    this.categories = content.categories;
    this.kept = content.kept;
    this._apart = content.apart;
    this._values = unpacked(content.values, Float32Array);
    this._where = new Map(content.kept.map((column, j) => [column, j]));
  }

  /** The value of a column of row i as text; null for a column that the page does not hold. */
  text(i, column) {
    if (!this._where.has(column)) return null;
    const value = this._values[i * this.kept.length + this._where.get(column)];
    const classes = this.categories[this.columns[column]];
    if (classes !== undefined && Number.isInteger(value)) return classes[value] ?? short(value);
    return short(value);
  }

  /** Columns in which node m differs most from the rest: [{ column, name, apart, mean }]. */
  apart(m) {
    return this._apart[m].map(([column, apart, mean]) => ({
      column,
      name: this.columns[column],
      apart,
      mean,
    }));
  }
}
