// A binary tree is too deep to look at: each node is shown as falling into several parts at once.

const LARGE = 7; // parts that count
const SHARE = 0.03; // of the rows of a node, at which a part counts
const MOST = 48;

/**
 * The parts that a node falls into: [{ node, own, start, count }], the largest first.
 *
 * The largest part is split until there are enough large ones; strays that part on the way are parts
 * too. A part with `own` holds the rows at `node` itself, those that are below none of its children.
 * Empty for a node without children.
 */
export function partsOf(tree, m) {
  if (!tree.children[m].length) return [];
  const least = Math.max(1, tree.count[m] * SHARE);
  let parts = split(tree, m);
  for (;;) {
    const large = parts.filter((part) => part.count >= least);
    if (large.length >= LARGE || parts.length >= MOST) break;
    const open = parts.filter((part) => !part.own && tree.children[part.node].length);
    if (!open.length) break;
    const next = open.reduce((best, part) => (part.count > best.count ? part : best));
    parts = parts.flatMap((part) => (part === next ? split(tree, part.node) : [part]));
  }
  return parts.sort((a, b) => b.count - a.count || a.start - b.start);
}

/** The children of a node and its own rows, as parts; of a chain of single children its end. */
function split(tree, m) {
  while (tree.children[m].length === 1 && tree.own[m] === 0) m = tree.children[m][0];
  const parts = tree.children[m].map((child) => ({
    node: child,
    own: false,
    start: tree.start[child],
    count: tree.count[child],
  }));
  if (!parts.length) return [{ node: m, own: false, start: tree.start[m], count: tree.count[m] }];
  if (tree.own[m]) parts.unshift({ node: m, own: true, start: tree.start[m], count: tree.own[m] });
  return parts;
}

/** The parts of the nodes of a tree, each worked out once. */
export class Parts {
  constructor(tree) {
    this.tree = tree;
    this._known = new Map();
  }

  of(m) {
    if (!this._known.has(m)) this._known.set(m, partsOf(this.tree, m));
    return this._known.get(m);
  }

  /** The nodes that are shown from the root down to m, or to the last above it that is. */
  path(m) {
    const { tree } = this;
    const found = [0];
    for (;;) {
      const last = found.at(-1);
      if (last === m) return found;
      const next = this.of(last).find((part) => !part.own && tree.isAbove(part.node, m));
      if (next === undefined || next.node === last) return found;
      found.push(next.node);
    }
  }
}
