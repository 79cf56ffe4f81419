// Light or dark: as the system has it, or as the person at the page wants it.

import { announce } from "./dom.js";

const KEY = "tfsp-explorer:theme";
const CHOICES = ["auto", "light", "dark"];

export class Theme {
  constructor(button, changed) {
    this._button = button;
    this._changed = changed;
    this._choice = this._read();
    this._system = matchMedia("(prefers-color-scheme: dark)");
    this._system.addEventListener("change", () => this._apply());
    button.addEventListener("click", () => this._next());
    this._apply();
  }

  get dark() {
    return this._choice === "auto" ? this._system.matches : this._choice === "dark";
  }

  _next() {
    this._choice = CHOICES[(CHOICES.indexOf(this._choice) + 1) % CHOICES.length];
    try {
      localStorage.setItem(KEY, this._choice);
    } catch {
      // Without a store the choice holds until the page is closed.
    }
    this._apply();
    announce(`Colours: ${this._choice}`);
  }

  _apply() {
    document.documentElement.dataset.theme = this.dark ? "dark" : "light";
    this._button.textContent = { auto: "Auto", light: "Light", dark: "Dark" }[this._choice];
    this._button.setAttribute("aria-label", `Colours: ${this._choice}. Press for the next.`);
    this._changed(this.dark);
  }

  _read() {
    try {
      const choice = localStorage.getItem(KEY);
      return CHOICES.includes(choice) ? choice : "auto";
    } catch {
      return "auto";
    }
  }
}
