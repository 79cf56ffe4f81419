// Numbers as people read them.

const WHOLE = new Intl.NumberFormat("en");

export const whole = (value) => WHOLE.format(value);

export const percent = (share) =>
  share > 0 && share < 0.01 ? "<1%" : `${Math.round(100 * share)}%`;

/** Three or four digits that matter; a true minus sign. */
export function short(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const text =
    value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3)
      ? value.toExponential(2)
      : String(Number(value.toPrecision(4)));
  return text.replace("-", "−");
}

/** "1 picture", "2 pictures". */
export const many = (count, noun) => `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;

/** "+1.6 alcohol": by how many standard deviations a column differs, see `Table.apart`. */
export function difference({ name, apart }) {
  return `${apart > 0 ? "+" : ""}${short(Number(apart.toFixed(1)))} ${name}`;
}
