// Grey pictures as negatives: by themselves dark ones on a light page, ink on paper.

import { drawAgain } from "./thumbs.js";

export class Negative {
  constructor(button, tree, sets) {
    this._button = button;
    this._all = [sets.pictures, sets.means?.sheets, sets.samples?.sheets].filter((each) => each);
    this._dark = tree.isImages && sets.pictures.grey && tree.isDark;
    this._said = false; // whether the person at the page has chosen
    button.hidden = !sets.pictures?.grey;
    button.addEventListener("click", () => {
      this._said = true;
      this._set(button.getAttribute("aria-pressed") !== "true");
    });
  }

  /** Goes along with the theme. */
  follow(dark) {
    if (!this._said) this._set(this._dark && !dark);
  }

  _set(inverted) {
    this._button.setAttribute("aria-pressed", String(inverted));
    for (const sheets of this._all) sheets.invert(inverted);
    drawAgain();
  }
}
