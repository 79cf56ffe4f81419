// Random trees in the form of `tfsp.explorer.collect`.

import { Tree } from "../src/tree.js";

export function random(seed) {
  let state = (seed * 2654435761 + 1) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A tree over rows; `comb`: one row parts from the others at each node. */
export function randomTree(seed, numRows, comb = false) {
  const next = random(seed + 1);
  const nodes = { number: [], parent: [], start: [], count: [], time: [], support: null, nearest: [] };
  const last = [];
  const add = (parent, rows, time) => {
    const m = nodes.number.length;
    nodes.number.push(1000 - m);
    nodes.parent.push(parent);
    nodes.start.push(last.length);
    nodes.count.push(rows);
    nodes.nearest.push([last.length]);
    const own = !comb && next() < 0.3 ? 1 : 0;
    const below = rows - own;
    const leaf = below < 2 || (!comb && next() < 0.1);
    nodes.time.push(leaf ? 1 : time);
    for (let i = 0; i < (leaf ? rows : own); i++) last.push(m);
    if (leaf) return;
    const first = comb ? below - 1 : 1 + Math.floor(next() * (below - 1));
    const sizes = [first, below - first].sort((a, b) => b - a);
    for (const size of sizes) add(m, size, time + (1 - time) * 0.3 * (0.1 + next()));
  };
  add(-1, numRows, 0);
  const rows = {
    row: last.map((_, i) => 2 * i),
    name: last.map((_, i) => `row-${i}.png`),
    part: null,
    node: last.map((m) => nodes.number[m]),
    cluster: last.map(() => 0),
    last,
    label: last.map((_, i) => i % 3),
  };
  return new Tree({
    kind: "table",
    run: "r",
    data: { name: "d", rows: 2 * numRows, fingerprint: "f" },
    nodes,
    rows,
    classes: ["a", "b", "c"],
  });
}
