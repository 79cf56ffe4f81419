// Where the nodes of the dendrogram are: across by their time, down by the order of the rows.

const LOOKED_AT = 60; // splits

/**
 * The power of the time axis from `from` to 1 that puts the median split half-way, in [0.1, 1].
 *
 * Of the largest splits at or below node m, which are those that can be seen.
 */
export function readablePower(tree, m, from) {
  const splits = [];
  // The largest first: each node comes before those below it, which are no larger.
  const open = [m];
  while (open.length && splits.length < LOOKED_AT) {
    let best = 0;
    for (let j = 1; j < open.length; j++) {
      if (tree.count[open[j]] > tree.count[open[best]]) best = j;
    }
    const [next] = open.splice(best, 1);
    if (tree.children[next].length > 1 && tree.time[next] > from) splits.push(tree.time[next]);
    open.push(...tree.children[next]);
  }
  if (!splits.length) return 1;
  splits.sort((a, b) => a - b);
  const median = splits[splits.length >> 1];
  const power = Math.log(0.5) / Math.log((1 - median) / (1 - from));
  return Math.min(1, Math.max(0.1, Number.isFinite(power) ? power : 1));
}

/** Heights of the nodes in rows: a node stands half-way between its first and its last part. */
export function middles(tree) {
  const found = new Float64Array(tree.numNodes);
  for (let m = tree.numNodes - 1; m >= 0; m--) {
    const below = tree.children[m];
    if (!below.length) {
      found[m] = tree.start[m] + tree.count[m] / 2;
      continue;
    }
    const first = tree.own[m] ? tree.start[m] + tree.own[m] / 2 : found[below[0]];
    found[m] = (first + found[below.at(-1)]) / 2;
  }
  return found;
}
