// A canvas as sharp as the screen, drawn anew once a frame when something has changed.

export class Surface {
  constructor(canvas, draw) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.width = 0;
    this.height = 0;
    this._draw = draw;
    this._waiting = false;
  }

  /** Takes the size that the page gives the canvas; true if it has changed. */
  fit() {
    const { clientWidth, clientHeight } = this.canvas;
    const ratio = window.devicePixelRatio || 1;
    const same =
      this.width === clientWidth && this.height === clientHeight && this._ratio === ratio;
    if (same || !clientWidth || !clientHeight) return false;
    this.width = clientWidth;
    this.height = clientHeight;
    this._ratio = ratio;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    return true;
  }

  /** Asks for a new frame. */
  change() {
    if (this._waiting) return;
    this._waiting = true;
    requestAnimationFrame(() => {
      this._waiting = false;
      if (!this.width) return;
      this.context.setTransform(this._ratio, 0, 0, this._ratio, 0, 0);
      this._draw(this.context);
    });
  }
}
