// Colours and type of the canvases, from the page's style sheet, and the colours of classes.

const NAMES = ["ground", "surface", "raised", "line", "ink", "soft", "accent", "found", "branch"];

/** Colours of the theme that holds now. */
export function look() {
  const style = getComputedStyle(document.documentElement);
  const colours = Object.fromEntries(
    NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
  );
  return { ...colours, font: style.getPropertyValue("--font").trim() };
}

/** The colour of class number `index`: of the palette, or around the wheel where there are more. */
export function classColour(palette, index, number) {
  if (number <= palette.length) return palette[index];
  return `hsl(${Math.round((index * 137.508) % 360)} 55% 55%)`;
}

/** A text that is cut where it would be too wide. */
export function clipped(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return low ? `${text.slice(0, low)}…` : "";
}
