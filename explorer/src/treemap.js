// The treemap: cells within cells down to the pictures, on one canvas that zooms without end.

import { select } from "d3-selection";
import { zoomIdentity } from "d3-zoom";
import "d3-transition";

import { movable } from "./camera.js";
import { still } from "./dom.js";
import { classColour, clipped, look } from "./look.js";
import { difference, percent, whole } from "./numbers.js";
import { howMany, sample } from "./sampling.js";
import { Surface } from "./surface.js";
import { gridOf, headOf, inside, TreemapLayout } from "./treemap_layout.js";

const LEAST = 26; // pixels of a picture that is worth to be looked at
const OPEN = { width: 150, height: 120, area: 52_000 }; // pixels of a cell that shows its cells
const FAINT = 5; // pixels below which a cell is its mean colour
const SLOW = 450; // milliseconds of a flight
const LINE = 17; // pixels of a line of text
const NAME = 120; // pixels of the name of a row, at least

export class Treemap {
  constructor(canvas, state, parts, sheets, table) {
    Object.assign(this, { canvas, state, parts, sheets, table, tree: state.tree });
    this.surface = new Surface(canvas, (context) => this._draw(context));
    this.camera = zoomIdentity;
    this._flying = false;
    this._zoom = movable(this, canvas);
  }

  /** Adapts to the size and the theme of the page. */
  fit() {
    this.look = look();
    if (this.surface.fit() || !this.layout) {
      const { width, height } = this.surface;
      if (!width) return;
      this.layout = new TreemapLayout(this.tree, this.parts, width, height);
      this._zoom
        .extent([[0, 0], [width, height]])
        .translateExtent([[0, 0], [width, height]])
        .scaleExtent([1, 6 * Math.sqrt(this.tree.numRows) + 8]);
      this.fly(this.state.focus, false);
    }
    this.surface.change();
  }

  /** Moves the view to a node, in a flight or at once. */
  fly(m, slowly = true) {
    this._flyTo(this.layout.cellOf(m), slowly);
  }

  /** Moves the view so that row i can be seen. */
  flyToRow(i) {
    const cells = this.layout.cellsOfRow(i);
    this._flyTo(cells.at(-1));
  }

  _flyTo(cell, slowly = true) {
    const { width, height } = this.surface;
    const margin = cell === this.layout.root ? 1 : 0.97;
    const k = margin * Math.min(width / cell.width, height / cell.height);
    const to = zoomIdentity
      .translate(width / 2, height / 2)
      .scale(k)
      .translate(-cell.x - cell.width / 2, -cell.y - cell.height / 2);
    const target = select(this.canvas);
    target.interrupt();
    if (slowly && !still()) target.transition().duration(SLOW).call(this._zoom.transform, to);
    else target.call(this._zoom.transform, to);
  }

  zoomBy(factor) {
    select(this.canvas).interrupt().call(this._zoom.scaleBy, factor);
    this._settle();
  }

  panBy(x, y) {
    select(this.canvas).interrupt().call(this._zoom.translateBy, x / this.camera.k, y / this.camera.k);
    this._settle();
  }

  /** After the view was moved by hand: the node that fills it. */
  _settle() {
    const { width, height } = this.surface;
    const middle = this.camera.invert([width / 2, height / 2]);
    let cell = this.layout.root;
    for (;;) {
      const next = this.layout
        .within(cell)
        .find((part) => !part.own && holds(part, ...middle) && this._fills(part));
      if (next === undefined) break;
      cell = next;
    }
    if (cell.node !== this.state.focus) this.state.zoomTo(cell.node, "treemap", true);
  }

  _fills(cell) {
    const { width, height } = this.surface;
    const [x0, y0] = this.camera.invert([0, 0]);
    const [x1, y1] = this.camera.invert([width, height]);
    const across = Math.min(x1, cell.x + cell.width) - Math.max(x0, cell.x);
    const down = Math.min(y1, cell.y + cell.height) - Math.max(y0, cell.y);
    return (across * down) / ((x1 - x0) * (y1 - y0)) > 0.6;
  }

  /** What is at a place of the canvas: { cell, head, row }; row is -1 where no picture is. */
  at(x, y) {
    let found = null;
    for (const drawn of this._drawn ?? []) {
      if (x >= drawn.x && x < drawn.x + drawn.width && y >= drawn.y && y < drawn.y + drawn.height) {
        found = drawn;
      }
    }
    if (found === null) return null;
    let row = found.cell.count === 1 ? found.cell.start : -1;
    if (found.grid) {
      const { x: left, y: top, wide, high, columns, rows } = found.grid;
      const column = Math.floor((x - left) / wide);
      const line = Math.floor((y - top) / high);
      if (column >= 0 && column < columns && line >= 0) row = rows[line * columns + column] ?? -1;
    }
    return { cell: found.cell, open: found.open, row };
  }

  /** The cell beside the chosen one in a direction, for the arrow keys. */
  beside(m, dx, dy) {
    const path = this.parts.path(m);
    const within = this._cellsBeside(path);
    const own = within.find((cell) => cell.node === path.at(-1) && !cell.own);
    if (own === undefined) return within[0]?.node ?? null;
    const [cx, cy] = middleOf(own);
    let best = null;
    let least = Infinity;
    for (const cell of within) {
      if (cell === own || cell.own) continue;
      const [x, y] = middleOf(cell);
      const along = (x - cx) * dx + (y - cy) * dy;
      const across = Math.abs((x - cx) * dy) + Math.abs((y - cy) * dx);
      if (along <= 1e-9) continue;
      const far = along + 2 * across;
      if (far < least) {
        least = far;
        best = cell.node;
      }
    }
    return best;
  }

  _cellsBeside(path) {
    if (path.length < 2) return [];
    return this.layout.within(this.layout.cellOf(path.at(-2)));
  }

  _draw(context) {
    const { width, height } = this.surface;
    context.fillStyle = this.look.ground;
    context.fillRect(0, 0, width, height);
    context.textBaseline = "middle";
    this._drawn = [];
    this._outlines = [];
    this._cell(context, this.layout.root, null, 0);
    for (const [x, y, w, hgt, colour, line] of this._outlines) {
      context.strokeStyle = colour;
      context.lineWidth = line;
      context.strokeRect(x + line / 2, y + line / 2, w - line, hgt - line);
    }
  }

  _cell(context, cell, above, depth) {
    const { k } = this.camera;
    const x = this.camera.applyX(cell.x);
    const y = this.camera.applyY(cell.y);
    const width = cell.width * k;
    const height = cell.height * k;
    if (x > this.surface.width || y > this.surface.height || x + width < 0 || y + height < 0) return;
    if (width < FAINT || height < FAINT) {
      if (Math.max(width, height) > 4 * FAINT) return; // a line would be mistaken for something
      context.fillStyle = this._fill(cell);
      context.fillRect(x, y, Math.max(width, 0.5), Math.max(height, 0.5));
      return;
    }
    const drawn = { cell, x, y, width, height, open: false, grid: null };
    this._drawn.push(drawn);
    context.fillStyle = depth % 2 ? this.look.raised : this.look.surface;
    context.beginPath();
    context.roundRect(x, y, width, height, Math.min(5, width / 12, height / 12));
    context.fill();
    const big = width > OPEN.width && height > OPEN.height && width * height > OPEN.area;
    const cells = big ? this.layout.within(cell) : [];
    const head = this._headOf(cell, cells.length > 0, width, height);
    this._head(context, cell, head, x, y, width);
    if (cells.length) {
      drawn.open = true;
      for (const each of cells) this._cell(context, each, cell, depth + 1);
    } else if (this.sheets) {
      drawn.grid = this._pictures(context, cell, head);
    } else {
      drawn.grid = this._texts(context, cell, head);
    }
    if (this._isChosen(cell, above)) {
      this._outlines.push([x - 1, y - 1, width + 2, height + 2, this.look.accent, 2]);
    }
  }

  /** Whether a cell is the chosen node, or a part of it where that has no cell of its own. */
  _isChosen(cell, above) {
    const { chosen } = this.state;
    if (!chosen || cell.own) return false;
    if (cell.node === chosen) return true;
    const nearest = this.layout.cellOf(chosen);
    return above === nearest && nearest.node !== chosen && this.tree.isAbove(chosen, cell.node);
  }

  /** Pixels of the line with name and size: of a closed cell enough to be read. */
  _headOf(cell, open, width, height) {
    const head = headOf(cell) * this.camera.k;
    return open || width < 44 || height < 60 ? head : Math.max(head, 15);
  }

  _head(context, cell, head, x, y, width) {
    if (head < 9.5 || width < 34) return;
    const size = Math.min(13, Math.max(10, head * 0.72));
    const name = cell.own ? null : this.state.nameOf(cell.node);
    const left = Math.max(x, 0) + Math.min(8, head * 0.4);
    const room = Math.min(x + width, this.surface.width) - left - 6;
    const middle = y + head / 2 + Math.min(1, head * 0.05);
    context.font = `${name ? 600 : 500} ${size}px ${this.look.font}`;
    context.fillStyle = name ? this.look.ink : this.look.soft;
    const title = cell.own ? `at ${this.tree.number[cell.node]}` : (name ?? `${this.tree.number[cell.node]}`);
    const text = clipped(context, title, room);
    context.fillText(text, left, middle);
    const used = context.measureText(text).width + 8;
    let rest = room - used;
    context.font = `400 ${size}px ${this.look.font}`;
    const count = whole(cell.count);
    const wide = context.measureText(count).width;
    if (wide < rest) {
      context.fillStyle = this.look.soft;
      context.fillText(count, left + room - wide, middle);
      rest -= wide + 8;
    }
    const { found: rows } = this.state;
    const hits = rows ? howMany(rows, cell.start, cell.start + cell.count) : 0;
    if (hits) {
      const found = `${whole(hits)} found`;
      if (context.measureText(found).width < rest) {
        context.fillStyle = this.look.found;
        context.fillText(found, left + used, middle);
        rest = 0;
      }
    }
    this._mix(context, cell, left + used, middle, rest, size);
  }

  /** A thin bar of the classes of a cell. */
  _mix(context, cell, x, y, room, size) {
    const mix = this.tree.mixOf(cell.start, cell.count);
    const width = Math.min(room - 6, 90);
    if (!mix.length || width < 16) return;
    const high = Math.max(3, Math.round(size * 0.3));
    let left = x;
    for (const { index, count } of mix) {
      const wide = (width * count) / cell.count;
      context.fillStyle = this._classColour(index);
      context.fillRect(left, y - high / 2, Math.max(wide, 0.5), high);
      left += wide;
      if (wide < 0.4) break;
    }
  }

  _classColour(index) {
    return classColour(this.tree.structure.palette, index, this.tree.classes.length);
  }

  _fill(cell) {
    if (this.sheets) return this._mean(cell.start, cell.count);
    return this.look.raised;
  }

  _mean(start, count) {
    return this.tree.colour(start, count, this.sheets.inverted);
  }

  /** The place of what a cell holds, in pixels. */
  _inside(cell, head) {
    const { k } = this.camera;
    const place = inside(cell);
    const more = head - headOf(cell) * k;
    return {
      x: this.camera.applyX(place.x),
      y: this.camera.applyY(place.y) + more,
      width: place.width * k,
      height: place.height * k - more,
    };
  }

  _pictures(context, cell, head) {
    const { x: x0, y: y0, width: wide, height: high } = this._inside(cell, head);
    if (wide < 3 || high < 3) return null;
    const { size, columns, shown } = gridOf(wide, high, cell.count, LEAST);
    if (size < 12) {
      context.fillStyle = this._fill(cell);
      context.fillRect(x0, y0, wide, high);
      return null;
    }
    const { found, isFound, selected } = this.state;
    const rows = sample(cell.start, cell.count, shown, this.sheets.levels, found);
    const gap = size > 20 ? Math.round(Math.min(3, 1 + size * 0.03)) : 1;
    // In the middle of the place: what is left over is even on both sides.
    const lines = Math.ceil(rows.length / columns);
    const left = x0 + (wide - Math.min(columns, rows.length) * size) / 2;
    const top = y0 + (high - lines * size) / 2;
    for (let j = 0; j < rows.length; j++) {
      const i = rows[j];
      // Whole pixels, so that all pictures are alike and none is blurred.
      const x = Math.round(left + (j % columns) * size);
      const y = Math.round(top + Math.floor(j / columns) * size);
      if (x > this.surface.width || y > this.surface.height || x + size < 0 || y + size < 0) continue;
      const faded = isFound !== null && !isFound[i];
      if (faded) context.globalAlpha = 0.22;
      const side = Math.floor(size) - gap;
      if (!this.sheets.draw(context, i, x, y, side)) {
        context.fillStyle = this._mean(i, 1);
        context.fillRect(x, y, side, side);
      }
      if (faded) context.globalAlpha = 1;
      else if (isFound !== null) this._outlines.push([x - 1, y - 1, side + 2, side + 2, this.look.found, 2]);
      if (selected.has(i)) this._outlines.push([x - 2, y - 2, side + 4, side + 4, this.look.accent, 3]);
    }
    return { x: left, y: top, wide: size, high: size, columns, rows };
  }

  /** Of a table: the columns that set a cell apart, and as many names of its rows as have room. */
  _texts(context, cell, head) {
    const place = this._inside(cell, head);
    const { y, height: high } = place;
    const x = place.x + 6;
    const wide = place.width - 12;
    if (wide < 40 || high < 16) return null;
    const [most] = this.tree.mixOf(cell.start, cell.count);
    const texts = [];
    if (most) texts.push([`${most.name} ${percent(most.count / cell.count)}`, 600]);
    if (!cell.own && cell.count > 1) {
      for (const apart of this.table.apart(cell.node)) texts.push([difference(apart), 400]);
    }
    texts.splice(Math.max(1, Math.floor(high / LINE)));
    texts.forEach(([text, weight], at) => {
      context.font = `${weight} 12px ${this.look.font}`;
      context.fillStyle = weight > 400 ? this.look.ink : this.look.soft;
      context.fillText(clipped(context, text, wide), x, y + LINE * (at + 0.6));
    });
    const top = y + LINE * (texts.length + (texts.length ? 0.5 : 0));
    const lines = Math.floor((y + high - top) / LINE);
    return lines > 0 ? this._names(context, cell, x, top, wide, lines) : null;
  }

  _names(context, cell, x, top, wide, lines) {
    const { found, isFound, selected } = this.state;
    const columns = Math.max(1, Math.floor(wide / NAME));
    const width = wide / columns;
    const rows = sample(cell.start, cell.count, Math.min(cell.count, lines * columns), [1], found);
    rows.forEach((i, at) => {
      const left = x + (at % columns) * width;
      const middle = top + LINE * (Math.floor(at / columns) + 0.6);
      const marked = selected.has(i);
      const hit = isFound !== null && isFound[i];
      context.globalAlpha = isFound !== null && !hit && !marked ? 0.4 : 1;
      context.font = `${marked || hit ? 600 : 400} 12px ${this.look.font}`;
      context.fillStyle = marked ? this.look.accent : hit ? this.look.found : this.look.ink;
      context.fillText(clipped(context, this.tree.nameOf(i), width - 10), left, middle);
    });
    context.globalAlpha = 1;
    return { x, y: top, wide: width, high: LINE, columns, rows };
  }
}

function holds(cell, x, y) {
  return x >= cell.x && x < cell.x + cell.width && y >= cell.y && y < cell.y + cell.height;
}

function middleOf(cell) {
  return [cell.x + cell.width / 2, cell.y + cell.height / 2];
}
