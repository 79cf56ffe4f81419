// Where the cells of the treemap are, in the units of its first view.

import { treemapSquarify } from "d3-hierarchy";

const HEAD = 0.062; // of the shorter side: the line with name and size
const ROOT_HEAD = 0.038; // of all: what it is stands above the picture too
const GAP = 0.011;
const FEW = 12; // rows that are shown at once, without cells

export class TreemapLayout {
  constructor(tree, parts, width, height) {
    this.tree = tree;
    this.parts = parts;
    const whole = { node: 0, own: false, start: 0, count: tree.numRows, isRoot: true };
    this.root = { ...whole, x: 0, y: 0, width, height };
    this._known = new Map();
  }

  /** The cells within a cell: parts with x, y, width, height; none where all rows are shown. */
  within(cell) {
    if (cell.own || cell.count <= FEW) return [];
    if (!this._known.has(cell.node)) this._known.set(cell.node, this._place(cell));
    return this._known.get(cell.node);
  }

  _place(cell) {
    const parts = this.parts.of(cell.node);
    if (parts.length < 2) return [];
    const side = Math.min(cell.width, cell.height);
    const inner = inside(cell);
    const children = parts.map((part) => ({ value: part.count }));
    treemapSquarify.ratio(1.2)(
      { value: cell.count, children },
      inner.x,
      inner.y,
      inner.x + inner.width,
      inner.y + inner.height,
    );
    const gap = (GAP * side) / 2;
    return parts.map((part, i) => {
      const { x0, y0, x1, y1 } = children[i];
      const margin = Math.min(gap, (x1 - x0) / 8, (y1 - y0) / 8);
      return {
        ...part,
        x: x0 + margin,
        y: y0 + margin,
        width: x1 - x0 - 2 * margin,
        height: y1 - y0 - 2 * margin,
      };
    });
  }

  /** The cell of a node, or of the last node above it that has one. */
  cellOf(m) {
    let cell = this.root;
    while (cell.node !== m) {
      const next = this.within(cell).find((part) => !part.own && this.tree.isAbove(part.node, m));
      if (next === undefined) break;
      cell = next;
    }
    return cell;
  }

  /** The innermost cell that holds row i, and those above it, the root first. */
  cellsOfRow(i) {
    const cells = [this.root];
    for (;;) {
      const next = this.within(cells.at(-1)).find(
        (part) => part.start <= i && i < part.start + part.count,
      );
      if (next === undefined) return cells;
      cells.push(next);
    }
  }
}

/** The place within a cell for what it holds, below its head. */
export function inside(cell) {
  const side = Math.min(cell.width, cell.height);
  const pad = GAP * side * 0.75;
  const head = headOf(cell);
  return {
    x: cell.x + pad,
    y: cell.y + head + pad,
    width: cell.width - 2 * pad,
    height: cell.height - head - 2 * pad,
  };
}

export const headOf = (cell) =>
  (cell.isRoot ? ROOT_HEAD : HEAD) * Math.min(cell.width, cell.height);

/**
 * How rows fill a place as a grid of squares: { size, columns, shown }.
 *
 * As large as fits all rows; where squares would be smaller than `least`, fewer of a size between
 * `least` and half as much again, that which leaves least of the place empty.
 */
export function gridOf(width, height, count, least) {
  const fits = (s) => Math.floor(width / s + 1e-9) * Math.floor(height / s + 1e-9) >= count;
  let size = Math.min(Math.sqrt((width * height) / count), width, height);
  while (!fits(size) && size > least) {
    // The next smaller square at which another column or row fits.
    const columns = Math.floor(width / size + 1e-9) + 1;
    const rows = Math.floor(height / size + 1e-9) + 1;
    size = Math.max(width / columns, height / rows);
  }
  if (size < least) size = fullest(width, height, least);
  const columns = Math.max(1, Math.floor(width / size + 1e-9));
  const rows = Math.max(1, Math.floor(height / size + 1e-9));
  return { size, columns, shown: Math.min(count, columns * rows) };
}

function fullest(width, height, least) {
  let best = Math.min(least, width, height);
  let most = 0;
  for (const side of [width, height]) {
    for (let n = Math.max(1, Math.ceil(side / (1.5 * least))); side / n >= least; n++) {
      const size = side / n;
      const full = Math.floor(width / size + 1e-9) * Math.floor(height / size + 1e-9) * size * size;
      if (full > most * 1.02) [best, most] = [size, full];
    }
  }
  return best;
}
