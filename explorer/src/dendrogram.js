// The dendrogram: times across, rows down; branches too thin to part are shown as one.

import { scalePow } from "d3-scale";
import { select } from "d3-selection";
import { zoomIdentity } from "d3-zoom";
import "d3-transition";

import { movable } from "./camera.js";
import { middles, readablePower } from "./dendrogram_layout.js";
import { still } from "./dom.js";
import { classColour, clipped, look } from "./look.js";
import { difference, percent, whole } from "./numbers.js";
import { sample } from "./sampling.js";
import { Surface } from "./surface.js";

const BAND = 27; // pixels, at least, of a branch that shows its parts
const LEFT = 28;
const TOP = 14;
const BOTTOM = 34; // the axis
const SLOW = 450;
const TICKS = [0, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1];

export class Dendrogram {
  constructor(canvas, state, sheets, table) {
    Object.assign(this, { canvas, state, sheets, table, tree: state.tree });
    this.surface = new Surface(canvas, (context) => this._draw(context));
    this.camera = zoomIdentity; // of which k and y count
    this.middle = middles(this.tree);
    this.from = 0; // the time at the left edge
    this.power = readablePower(this.tree, 0, 0);
    this._zoom = movable(this, canvas);
  }

  fit() {
    this.look = look();
    const { width: before } = this.surface;
    if (this.surface.fit() || !before) {
      const { width, height } = this.surface;
      if (!width) return;
      this._zoom
        .extent([[0, 0], [width, height]])
        .translateExtent([[0, 0], [width, height]])
        .scaleExtent([1, Math.max(4, (3 * BAND * this.tree.numRows) / height)]);
      this.fly(this.state.focus, false);
    }
    this.surface.change();
  }

  /** Where row i stands, as far down, from the top of all. */
  _y(row) {
    const { height } = this.surface;
    return this.camera.applyY(TOP + ((height - TOP - BOTTOM) * row) / this.tree.numRows);
  }

  get _strip() {
    const { width } = this.surface;
    return Math.round(Math.min(360, width * 0.36));
  }

  _scale() {
    const { width } = this.surface;
    return scalePow()
      .exponent(this.power)
      .domain([1 - this.from, 0])
      .range([LEFT, width - this._strip]);
  }

  fly(m, slowly = true) {
    const { tree } = this;
    const { height } = this.surface;
    const inner = height - TOP - BOTTOM;
    const k = Math.max(1, (0.96 * tree.numRows) / Math.max(tree.count[m], 1));
    const wanted = Math.min(k, Math.max(4, (3 * BAND * tree.numRows) / height));
    const centre = TOP + (inner * (tree.start[m] + tree.count[m] / 2)) / tree.numRows;
    const y = Math.min(0, Math.max(height - wanted * height, (height - BOTTOM) / 2 - wanted * centre));
    const to = zoomIdentity.translate(0, wanted === 1 ? 0 : y).scale(wanted);
    this._turn(m, slowly);
    const target = select(this.canvas);
    target.interrupt();
    if (slowly && !still()) target.transition().duration(SLOW).call(this._zoom.transform, to);
    else target.call(this._zoom.transform, to);
  }

  flyToRow(i) {
    this.fly(this.tree.rows.last[i]);
  }

  /** The time at the left edge where node m fills the view: a little before it. */
  _timeLeftOf(m) {
    const { time, parent } = this.tree;
    if (m === 0 || time[m] === null) return 0;
    const above = time[parent[m]] ?? 0;
    return Math.min(0.995, Math.max(0, Math.min(time[m], 0.99) - 0.35 * (1 - time[m]) - 1e-3, above - (1 - above) * 0.1));
  }

  /** Turns the axis to that of node m. */
  _turn(m, slowly) {
    cancelAnimationFrame(this._turning);
    const from = this._timeLeftOf(m);
    const power = readablePower(this.tree, m, from);
    if (!slowly || still()) {
      Object.assign(this, { from, power });
      return;
    }
    const [first, before, begin] = [this.from, this.power, performance.now()];
    const step = (now) => {
      const share = Math.min(1, Math.max(0, (now - begin) / SLOW));
      const eased = share * share * (3 - 2 * share);
      this.from = first + (from - first) * eased;
      this.power = before + (power - before) * eased;
      this.surface.change();
      if (share < 1) this._turning = requestAnimationFrame(step);
    };
    this._turning = requestAnimationFrame(step);
  }

  zoomBy(factor) {
    select(this.canvas).interrupt().call(this._zoom.scaleBy, factor);
    this._settle();
  }

  panBy(x, y) {
    select(this.canvas).interrupt().call(this._zoom.translateBy, 0, y / this.camera.k);
    this._settle();
  }

  /** After the view was moved by hand: the lowest node that holds all rows in sight. */
  _settle() {
    const { tree } = this;
    const { height } = this.surface;
    const inner = height - TOP - BOTTOM;
    const row = (y) => ((this.camera.invertY(y) - TOP) / inner) * tree.numRows;
    const first = Math.max(0, Math.ceil(row(TOP)));
    const last = Math.min(tree.numRows - 1, Math.floor(row(height - BOTTOM)));
    let m = 0;
    for (;;) {
      const next = tree.children[m].find((child) => tree.holds(child, first) && tree.holds(child, last));
      if (next === undefined) break;
      m = next;
    }
    this._turn(m, true);
    if (m !== this.state.focus) this.state.zoomTo(m, "dendrogram", true);
  }

  at(x, y) {
    let best = null;
    let least = 12;
    for (const drawn of this._nodes ?? []) {
      const far = Math.hypot(drawn.x - x, drawn.y - y);
      if (far < least) {
        least = far;
        best = { cell: { node: drawn.node, own: false }, open: true, row: -1 };
      }
    }
    if (best) return best;
    for (const band of this._bands ?? []) {
      if (y < band.top || y >= band.bottom || x < band.left) continue;
      const column = Math.floor((x - band.strip) / band.size);
      const row = column >= 0 ? (band.rows[column] ?? -1) : -1;
      return { cell: { node: band.node, own: band.own, count: band.count }, open: false, row };
    }
    return null;
  }

  /** The node beside another in a direction: its parent to the left, its first part to the right. */
  beside(m, dx, dy) {
    const { tree } = this;
    if (dx < 0) return m ? tree.parent[m] : null;
    if (dx > 0) return tree.children[m][0] ?? null;
    const beside = m ? tree.children[tree.parent[m]] : [0];
    return beside[beside.indexOf(m) + dy] ?? null;
  }

  _draw(context) {
    const { width, height } = this.surface;
    context.fillStyle = this.look.surface;
    context.fillRect(0, 0, width, height);
    context.textBaseline = "middle";
    this.x = this._scale();
    this._nodes = [];
    this._bands = [];
    this._lines = new Map();
    this._axis(context);
    context.save();
    context.beginPath();
    context.rect(0, 0, width, height - BOTTOM);
    context.clip();
    this._node(context, 0);
    this._labels(context);
    context.restore();
  }

  _xOf(m) {
    const time = this.tree.time[m] ?? 1;
    return Math.max(-40, this.x(1 - Math.max(time, this.from - 0.2 * (1 - this.from))));
  }

  _axis(context) {
    const { height } = this.surface;
    const base = height - BOTTOM + 8;
    context.font = `400 11px ${this.look.font}`;
    context.textAlign = "center";
    let last = -Infinity;
    for (const tick of TICKS) {
      if (tick < this.from) continue;
      const x = Math.round(this.x(1 - tick)) + 0.5;
      context.strokeStyle = this.look.line;
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(x, 0);
      context.lineTo(x, base);
      context.stroke();
      if (x - last < 34) continue;
      last = x;
      context.fillStyle = this.look.soft;
      context.fillText(String(tick), x, base + 11);
    }
    context.textAlign = "start";
    context.fillText("time", this.x(0) + 14, base + 11);
  }

  /** Draws what is below node m; branches are lines from the time of a node to that of its parts. */
  _node(context, root) {
    const { tree } = this;
    const bottom = this.surface.height - BOTTOM;
    const stack = [root];
    while (stack.length) {
      const m = stack.pop();
      const top = this._y(tree.start[m]);
      const end = this._y(tree.end(m));
      if (end < -2 || top > bottom + 2) continue;
      const x = this._xOf(m);
      const y = this._y(this.middle[m]);
      const below = tree.children[m];
      if (!below.length || end - top < BAND) {
        this._band(context, m, false, x, y, top, end);
        continue;
      }
      const opacity = this._opacity(m);
      const ends = below.map((child) => this._y(this.middle[child]));
      if (tree.own[m]) ends.unshift((top + this._y(tree.start[m] + tree.own[m])) / 2);
      context.globalAlpha = opacity;
      context.strokeStyle = this.look.branch;
      context.lineWidth = 1.5;
      context.lineCap = "round";
      context.beginPath();
      context.moveTo(x, Math.max(ends[0], -5));
      context.lineTo(x, Math.min(ends.at(-1), bottom + 5));
      context.stroke();
      if (tree.own[m]) {
        const own = this._y(tree.start[m] + tree.own[m]);
        this._band(context, m, true, x, (top + own) / 2, top, own);
      }
      for (const child of below) {
        const yChild = this._y(this.middle[child]);
        context.globalAlpha = this._opacity(child);
        context.lineWidth = 1 + 2.5 * Math.sqrt(tree.count[child] / tree.numRows);
        context.beginPath();
        context.moveTo(x, yChild);
        context.lineTo(this._xOf(child), yChild);
        context.stroke();
      }
      context.globalAlpha = 1;
      this._mark(m, x, y, end - top);
      for (const child of below) stack.push(child);
    }
  }

  /** Keeps where a node stands, if there is room for its dot. */
  _mark(node, x, y, room) {
    if (room >= 5 || node === this.state.chosen) this._nodes.push({ node, x, y, room });
  }

  /** What is too thin to be parted, or has no parts: a wedge, and pictures of its rows. */
  _band(context, m, own, x, y, top, bottom) {
    const { tree, state } = this;
    const tips = this.x(0);
    const high = bottom - top;
    if (high < 1) {
      // Of rows closer than pixels one line is drawn, that of the longest.
      const line = Math.round(2 * y);
      if (x >= (this._lines.get(line) ?? Infinity) && m !== state.chosen) return;
      this._lines.set(line, x);
    }
    const start = tree.start[m];
    const count = own ? tree.own[m] : tree.count[m];
    context.globalAlpha = own ? 0.5 : this._opacity(m);
    context.fillStyle = this.look.branch;
    if (high < 2.5 || count === 1 || own) {
      context.strokeStyle = this.look.branch;
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(tips, y);
      context.stroke();
    } else {
      const slim = Math.min(high * 0.4, 9);
      context.globalAlpha *= 0.4;
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(tips, y - slim);
      context.lineTo(tips, y + slim);
      context.fill();
    }
    context.globalAlpha = 1;
    if (!own) this._mark(m, x, y, high);
    const size = Math.floor(Math.min(high - 1, 44));
    const strip = Math.round(tips) + 12;
    const up = Math.round(y - size / 2);
    const band = { node: m, own, count, top, bottom, left: x, strip, size: Math.max(size, 1), rows: [] };
    this._bands.push(band);
    if (size < 9) return;
    const room = this.surface.width - strip - 8;
    if (!this.sheets) {
      this._words(context, m, own, start, count, strip, y, room);
      return;
    }
    const shown = Math.min(count, Math.floor((room - 34) / size));
    band.rows = sample(start, count, shown, this.sheets.levels, state.found);
    band.rows.forEach((i, j) => {
      const left = strip + j * size;
      const faded = state.isFound !== null && !state.isFound[i];
      if (faded) context.globalAlpha = 0.22;
      if (!this.sheets.draw(context, i, left, up, size - 1)) {
        context.fillStyle = tree.colour(i, 1, this.sheets.inverted);
        context.fillRect(left, up, size - 1, size - 1);
      }
      context.globalAlpha = 1;
      const marked = state.selected.has(i);
      if (marked || (state.isFound !== null && !faded)) {
        context.strokeStyle = marked ? this.look.accent : this.look.found;
        context.lineWidth = 2;
        context.strokeRect(left, up, size - 1, size - 1);
      }
    });
    if (count > shown) {
      context.font = `400 11px ${this.look.font}`;
      context.fillStyle = this.look.soft;
      context.fillText(whole(count), strip + shown * size + 6, y);
    }
  }

  _words(context, m, own, start, count, x, y, room) {
    const [most] = this.tree.mixOf(start, count);
    const apart = own || count === 1 ? undefined : this.table.apart(m)[0];
    const parts = [count === 1 ? this.tree.nameOf(start) : whole(count)];
    if (most) parts.push(`${most.name} ${percent(most.count / count)}`);
    if (apart) parts.push(difference(apart));
    context.font = `400 12px ${this.look.font}`;
    context.fillStyle = this.look.ink;
    context.fillText(clipped(context, parts.join(" · "), room), x, y);
  }

  /** The fainter, the fewer trees have the clade. */
  _opacity(m) {
    const support = this.tree.support === null ? 1 : (this.tree.support[m] ?? 1);
    return 0.25 + 0.75 * support;
  }

  _labels(context) {
    const { state, tree } = this;
    // The larger first, names before numbers, so that what has no room for its label is small.
    const rank = ({ node }) =>
      (node === state.chosen ? 4e9 : 0) + (state.nameOf(node) ? 2e9 : 0) + tree.count[node];
    const placed = [];
    for (const { node, x, y, room } of [...this._nodes].sort((a, b) => rank(b) - rank(a))) {
      const chosen = node === state.chosen;
      const name = state.nameOf(node);
      const mix = tree.mix(node);
      const radius = chosen ? 5.5 : Math.min(4.5, 1.6 + 4 * Math.sqrt(tree.count[node] / tree.numRows));
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fillStyle = mix.length
        ? classColour(tree.structure.palette, mix[0].index, tree.classes.length)
        : this.look.branch;
      context.fill();
      context.lineWidth = chosen ? 2.5 : 1;
      context.strokeStyle = chosen ? this.look.accent : this.look.surface;
      context.stroke();
      const text = name ?? (room > 44 || chosen ? String(tree.number[node]) : null);
      if (text === null) continue;
      context.font = `${name ? 600 : 400} ${name ? 12.5 : 10.5}px ${this.look.font}`;
      const wide = context.measureText(text).width;
      // At the tips, where pictures or words follow, a label stands to the left.
      const left = x > this.x(0) - 12 ? x - wide - 7 : x + 7;
      const box = { x: left, y: y - 16, right: left + wide + 2, bottom: y - 2 };
      const apart = (other) =>
        box.right < other.x || box.x > other.right || box.bottom < other.y || box.y > other.bottom;
      if (!chosen && !placed.every(apart)) continue;
      placed.push(box);
      context.lineWidth = 3;
      context.lineJoin = "round";
      context.strokeStyle = this.look.surface;
      context.strokeText(text, left, y - 9);
      context.fillStyle = name ? this.look.ink : this.look.soft;
      context.fillText(text, left, y - 9);
    }
  }
}
