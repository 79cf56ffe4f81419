// Sprite sheets, decoded when they are first looked at.

import { unpacked } from "./packed.js";

const AT_ONCE = 1; // sheets that are being decoded: more of them leave no time for frames
const KEPT = 72; // decoded sheets in memory

export class Sheets {
  /**
   * @param layout of `tfsp.explorer.sheets.make`
   * @param name of the set in the page
   * @param changed called when a sheet has been decoded
   */
  constructor(layout, name, changed) {
    Object.assign(this, layout);
    this.name = name;
    this.inverted = false;
    this._changed = changed;
    this._urls = Array.isArray(layout.sheets) ? layout.sheets : null;
    this._bitmaps = new Map(); // in the order of their last use
    this._wanted = [];
    this._loading = new Set();
    this._failed = new Set();
    this._position = positions(layout.number, layout.levels);
  }

  /** Draws picture i into a square; false if its sheet is still to come. */
  draw(context, i, x, y, size) {
    const position = this._position[i];
    const sheet = Math.floor(position / this.per_sheet);
    const bitmap = this._bitmap(sheet);
    if (bitmap === null) return false;
    const within = position - sheet * this.per_sheet;
    const column = within % this.columns;
    const row = (within - column) / this.columns;
    const [height, width] = this.shape;
    const scale = size / Math.max(height, width);
    const w = width * scale;
    const hgt = height * scale;
    context.imageSmoothingEnabled = scale < 1 || Math.max(height, width) > 48;
    context.drawImage(
      bitmap,
      column * this.pitch[1],
      row * this.pitch[0],
      width,
      height,
      x + (size - w) / 2,
      y + (size - hgt) / 2,
      w,
      hgt,
    );
    return true;
  }

  /** Negatives instead of the pictures, or the pictures again. */
  invert(inverted) {
    if (inverted === this.inverted) return;
    this.inverted = inverted;
    this._bitmaps.clear();
    this._changed();
  }

  _bitmap(sheet) {
    const bitmap = this._bitmaps.get(sheet);
    if (bitmap !== undefined) {
      this._bitmaps.delete(sheet);
      this._bitmaps.set(sheet, bitmap);
      return bitmap;
    }
    if (!this._loading.has(sheet) && !this._failed.has(sheet) && !this._wanted.includes(sheet)) {
      this._wanted.push(sheet);
      count(1);
      this._next();
    }
    return null;
  }

  _next() {
    while (this._loading.size < AT_ONCE && this._wanted.length) {
      const sheet = this._wanted.shift();
      this._loading.add(sheet);
      const { inverted } = this;
      this._load(sheet, inverted)
        .then((bitmap) => {
          // What was begun before pictures were made negative, or positive again, comes too late.
          if (inverted === this.inverted) this._keep(sheet, bitmap);
        })
        .catch(() => this._failed.add(sheet))
        .finally(() => {
          this._loading.delete(sheet);
          count(-1);
          this._changed();
          this._next();
        });
    }
  }

  _keep(sheet, bitmap) {
    this._bitmaps.set(sheet, bitmap);
    for (const oldest of this._bitmaps.keys()) {
      if (this._bitmaps.size <= KEPT) break;
      this._bitmaps.get(oldest).close();
      this._bitmaps.delete(oldest);
    }
  }

  async _load(sheet, inverted) {
    const bitmap = await createImageBitmap(
      this._urls ? await image(this._urls[sheet]) : await this._blob(sheet),
    );
    if (!inverted) return bitmap;
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    context.globalCompositeOperation = "difference";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    return canvas.transferToImageBitmap();
  }

  async _blob(sheet) {
    const query = `script.sheet[data-set="${this.name}"][data-number="${sheet}"]`;
    let element = document.querySelector(query);
    // While the page is still being read, an element is whole once another follows it.
    while (document.readyState === "loading" && !element?.nextElementSibling) {
      await new Promise((resolve) => setTimeout(resolve, 15));
      element = document.querySelector(query);
    }
    const uri = element.textContent;
    const comma = uri.indexOf(",");
    const type = uri.slice("data:".length, uri.indexOf(";"));
    return new Blob([unpacked(uri.slice(comma + 1), Uint8Array)], { type });
  }
}

let pending = 0;

/** Notes, for those who wait for all pictures, how many sheets are still to come. */
function count(more) {
  pending += more;
  document.documentElement.dataset.pending = pending;
}

async function image(url) {
  const element = new Image();
  element.src = url;
  await element.decode();
  return element;
}

/** Where each picture stands: those of the coarsest level first. */
export function positions(number, levels) {
  const found = new Int32Array(number);
  let next = 0;
  let before = 0;
  for (const stride of levels) {
    for (let i = 0; i < number; i += stride) {
      if (!before || i % before) found[i] = next++;
    }
    before = stride;
  }
  return found;
}
