// What a person says of rows: kinds of answers, and the file constraints.json that holds them.
//
// An answer is { kind: "triplet", pair: [i, j], odd: k } (i and j belong together rather than either
// with k), { kind: "must", rows } (all belong together), or { kind: "cannot", rows, odd } (odd belongs
// with none of the rows, and these, where there are several, belong together rather than with it).

/** Why an answer cannot be added, or null if it can. */
export function conflict(answers, answer) {
  const said = pairs([...answers, answer]);
  const group = new Map();
  const top = (i) => {
    while (group.has(i)) i = group.get(i);
    return i;
  };
  for (const [a, b] of said.must) {
    if (top(a) !== top(b)) group.set(top(a), top(b));
  }
  if (said.cannot.some(([a, b]) => top(a) === top(b))) {
    return "This contradicts what you have said of the same rows before. Remove that answer first.";
  }
  if (answer.kind === "triplet") {
    const rows = sorted([...answer.pair, answer.odd]).join();
    const other = answers.find(
      (each) =>
        each.kind === "triplet" &&
        each.odd !== answer.odd &&
        sorted([...each.pair, each.odd]).join() === rows,
    );
    if (other) return "You have named another of these three the odd one out. Remove that answer first.";
  }
  return null;
}

/**
 * Which answers ask for nothing, by their places: rows that belong together do so only against some
 * that do not. A set.
 */
export function idle(answers) {
  const { must, cannot } = pairs(answers);
  const group = new Map();
  const top = (i) => {
    while (group.has(i)) i = group.get(i);
    return i;
  };
  for (const [a, b] of must) {
    if (top(a) !== top(b)) group.set(top(a), top(b));
  }
  const several = new Set(must.flat().map(top));
  const against = new Set(cannot.flat().map(top));
  const asks = ({ kind, rows, odd }) => {
    if (kind === "triplet") return true;
    if (kind === "must") return against.has(top(rows[0]));
    return several.has(top(odd)) || rows.some((row) => several.has(top(row)));
  };
  return new Set(answers.map((_, at) => at).filter((at) => !asks(answers[at])));
}

/** Pairs of rows that must and cannot be together. */
function pairs(answers) {
  const must = answers
    .filter((each) => each.kind !== "triplet")
    .flatMap(({ rows }) => rows.slice(1).map((row) => [rows[0], row]));
  const cannot = answers
    .filter((each) => each.kind === "cannot")
    .flatMap(({ rows, odd }) => rows.map((row) => [row, odd]));
  return { must, cannot };
}

const sorted = (rows) => [...rows].sort((a, b) => a - b);

/** The content of constraints.json, which `tfsp.explorer.read_constraints` reads. */
export function constraints(tree, answers) {
  const item = (i) => ({
    row: tree.rows.row[i],
    name: tree.rows.name === null ? null : tree.rows.name[i],
  });
  const { must, cannot } = pairs(answers);
  return {
    format: "tfsp-constraints",
    version: 1,
    data: tree.structure.data,
    triplets: answers
      .filter((each) => each.kind === "triplet")
      .map(({ pair, odd }) => ({ pair: pair.map(item), odd: item(odd) })),
    must_links: must.map((pair) => pair.map(item)),
    cannot_links: cannot.map((pair) => pair.map(item)),
  };
}
