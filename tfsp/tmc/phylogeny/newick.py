"""Newick text: written and read to the last bit.

    tree   = ["[comment]"] branch ";"
    branch = ( "(" branch "," branch ... ")" )  [label]  [":" length]

Labels are bare, in single quotes ('' is a quote inside) or in double ones ("" likewise); comments
are in square brackets, may nest and may come between any two tokens. Labels of internal nodes are
the support of their clades where all that there are are numbers, of [0, 1] or in percent; other
labels are dropped.

Source: https://phylipweb.github.io/phylip/newicktree.html.
"""

import decimal
import math
import re

import numpy as np

from tfsp import arguments
from tfsp.tmc.phylogeny import newick_grammar, spacing
from tfsp.tmc.phylogeny.arrays import TreeArrays

# Lengths of six digits, as many programs print them, add up to this in some hundred levels.
TOLERANCE = 1e-4
# Decimal digits that hold any sum of float64 numbers in [0, 1].
PRECISION = 400
_BARE = re.compile(r"[A-Za-z0-9.+|/-]+\Z")  # an underscore is a blank to some readers: quoted


def write(tree):
    """One line of Newick; unnamed leaves are called by their numbers.

    Lengths are differences of the times' shortest decimals, which add up without rounding: `read`
    gives back every time to the last bit, where sums of rounded lengths would not. A tree whose
    root is not at 0 has a root length. Known support of internal nodes is their label.

    Not every program reads every name back. Names of letters, digits and . + | / - are written bare
    and survive everywhere; all others are put in single quotes, a quote inside is doubled. Tried:
    ete4 4.4 and DendroPy 5.1 read all of them. Bio.Phylo 1.88 takes the quotes off a name that has
    some of its own at both ends. treeswift 1.1.51 drops every apostrophe. toytree 3.0.11 does not
    know quotes: they become part of the name, blanks are dropped, and text with commas, colons,
    semicolons, brackets or parentheses in names is misread or refused. Not tried, by its
    documentation: ape (R) reads single quotes; apostrophes inside them it does not mention.
    """
    lengths = _decimal_lengths(tree)
    names = tree.names or [str(n) for n in range(tree.num_leaves)]
    parts, stack = [], [tree.root]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            parts.append(item)
        elif item < tree.num_leaves:
            parts.append(f"{_quoted(names[item])}:{lengths[item]}")
        else:
            left, right = tree.children[item].tolist()
            stem = "" if item == tree.root and tree.root_time == 0 else f":{lengths[item]}"
            if tree.support is not None and not math.isnan(tree.support[item]):
                stem = f"{float(tree.support[item])!r}{stem}"
            parts.append("(")
            stack.extend([f"){stem}", right, ",", left])
    return "".join(parts) + ";"


def _decimal_lengths(tree):
    times = [decimal.Decimal(repr(t)) for t in tree.time.tolist()]
    with decimal.localcontext(prec=PRECISION):
        return [
            str((times[v] - times[u] if u >= 0 else times[v]).normalize())
            for v, u in enumerate(tree.parent.tolist())
        ]


def _quoted(name):
    return name if _BARE.match(name) else "'" + name.replace("'", "''") + "'"


def read(text, names=None, rescale=False, resolve=False, tolerance=TOLERANCE):
    """A tree from Newick text: `TreeArrays`.

    Leaves labelled 0..N-1 get these numbers; leaves without labels are numbered in order of
    appearance; other labels become names, numbered in order of appearance.

    Args:
      text: one tree, ended by a semicolon.
      names: the leaves' labels in the wanted order; restores the numbering of a named tree.
        A blank in a name may be an underscore in the text, as some programs write it.
      rescale: divide lengths by the height of the tree, and drop the root's length. Without it
        the leaves must lie at distance 1.
      resolve: turn nodes with more than two children into nested splits, drop nodes with one,
        take lengths of 0 apart by tiny gaps, and pull negative lengths to 0.
      tolerance: how far the leaves' distances from the root may differ from each other (and from
        1 without `rescale`), relative to the largest: lengths that were printed with six
        digits add up to distances that do. All leaves' times are 1 in the result.

    Raises:
      TypeError: for anything but a string.
      ValueError: with the place in the text: of a syntax error, of a node that is not binary, or of
        a leaf at another distance than the rest.
    """
    if not isinstance(text, str):
        raise TypeError(f"`text` must be a string. Received: {type(text).__name__}.")
    tolerance = arguments.number("tolerance", tolerance, "[0, 1)")
    nodes = newick_grammar.parse(text)
    parent, place = np.array(nodes.parent), nodes.place
    lengths = _lengths(nodes, text, resolve)
    with decimal.localcontext(prec=PRECISION):
        if resolve:
            parent, lengths, origin = _resolve(parent, lengths)
        else:
            _check_binary(nodes, text)
            origin = np.arange(len(parent))
        time = _sums(parent, lengths, rescale)
    is_leaf = np.ones(len(parent), bool)
    is_leaf[parent[1:]] = False
    time = _heights(
        time,
        is_leaf,
        rescale,
        tolerance,
        lambda i: newick_grammar.where(text, place[origin[is_leaf][i]]),
    )
    labels, numbers = _leaf_order([nodes.label[o] for o in origin[is_leaf]], names)
    new = np.empty(len(parent), np.int32)
    new[is_leaf] = numbers
    new[~is_leaf] = np.arange(is_leaf.sum(), len(parent))
    out_parent, out_time = np.empty(len(parent), np.int32), np.empty(len(parent))
    out_parent[new] = np.where(parent >= 0, new[parent], -1)
    out_time[new] = time
    support = _support(nodes, origin, is_leaf)
    if support is not None:
        support[new] = support.copy()
    if resolve:
        out_time = spacing.separate(out_parent, out_time, root_time=time[0])
    return TreeArrays(out_parent, out_time, labels, time[0] if len(time) > 1 else 0.0, support)


def _support(nodes, origin, is_leaf):
    """Support `[V]` by the labels of internal nodes, 1 at leaves; None if they say nothing.

    Nodes that split a larger one have none of their own.
    """
    first = np.zeros(len(origin), bool)
    first[np.unique(origin, return_index=True)[1]] = True
    support = np.where(is_leaf, 1.0, np.nan)
    for v in np.flatnonzero(first & ~is_leaf):
        label = nodes.label[origin[v]]
        if label is None:
            continue
        try:
            support[v] = float(label)
        except ValueError:
            return None
    known = support[~is_leaf & ~np.isnan(support)]
    if not known.size or known.min() < 0 or known.max() > 100:
        return None
    if known.max() > 1:  # in percent
        support[~is_leaf] /= 100
    return support


def _lengths(nodes, text, resolve):
    """Lengths as decimals; None at a root without one."""
    for v, length in enumerate(nodes.length):
        if v and length is None:
            raise ValueError(
                f"A branch has no length at {newick_grammar.where(text, nodes.place[v])}."
            )
        if not resolve and length is not None and (length < 0 or (v and length == 0)):
            raise ValueError(
                f"Lengths must be positive. Received: {arguments.shorten(str(length), 80)} at "
                f"{newick_grammar.where(text, nodes.place[v])}. `resolve=True` "
                "replaces it by a tiny one. (Printed with few digits, short lengths become 0.)"
            )
    return [x if x is None else max(x, 0) for x in nodes.length]


def _sums(parent, lengths, rescale):
    """Distances from the root `[M]`, each rounded once; parents come before children."""
    start = 0 if len(parent) > 1 else 1
    sums = [start if rescale or lengths[0] is None else lengths[0]]
    above = parent.tolist()
    for v in range(1, len(above)):
        sums.append(sums[above[v]] + lengths[v])
    return np.array([float(x) for x in sums])


def _check_binary(nodes, text):
    count = np.bincount(np.array(nodes.parent[1:], int), minlength=len(nodes.parent))
    for v, c in enumerate(count):
        if c not in (0, 2):
            raise ValueError(
                f"A node has {c} children, not 2, at {newick_grammar.where(text, nodes.place[v])}. "
                "`resolve=True` splits large nodes and drops those with one child."
            )


def _resolve(parent, lengths):
    """Binary again: single children joined to their parent, many split off one after another.

    Returns:
      parent, lengths, and which node of the text each node comes from.
    """
    below = [[] for _ in parent]
    for v in range(1, len(parent)):
        below[parent[v]].append(v)
    out_parent, out_lengths, origin = [], [], []
    stack = [(0, -1, 0)]  # node, new parent, length of dropped nodes above
    while stack:
        v, up, extra = stack.pop()
        length = lengths[v] if lengths[v] is None else extra + lengths[v]
        if len(below[v]) == 1:
            stack.append((below[v][0], up, length or 0))
            continue
        here = len(out_parent)
        out_parent.append(up)
        out_lengths.append(length)
        origin.append(v)
        found = []
        for i, w in enumerate(below[v]):
            if 0 < i < len(below[v]) - 1:  # the children from here on under a new node
                out_parent.append(here)
                out_lengths.append(0)
                origin.append(v)
                here = len(out_parent) - 1
            found.append((w, here, 0))
        stack.extend(reversed(found))
    return np.array(out_parent), out_lengths, np.array(origin)


def _heights(time, is_leaf, rescale, tolerance, where):
    """Times with leaves at exactly 1; checks that they lie at one distance."""
    height = time[is_leaf].max()
    off = height - time[is_leaf] if height < math.inf else np.isinf(time[is_leaf])
    if not 0 < height < math.inf or off.max() > tolerance * height:
        raise ValueError(
            f"Leaves must lie at the same positive distance from the root, up to {tolerance:g} of "
            f"it. Received: {height} and {time[is_leaf][off.argmax()]}, the latter at "
            f"{where(off.argmax())}. Where lengths were printed with few digits, a larger "
            "`tolerance` accepts them."
        )
    if rescale:
        time = time / height
    elif abs(height - 1) > tolerance:
        raise ValueError(
            f"Leaves must lie at distance 1 from the root. Received: {height}. "
            "`rescale=True` divides all lengths by it."
        )
    elif np.any(time[~is_leaf] >= 1):  # by rounding, just above a leaf
        time = time[0] + (time - time[0]) * ((1 - time[0]) / (height - time[0]))
    time = time.copy()
    time[is_leaf] = 1.0
    return time


def _as_names(names):
    try:
        names = [str(name) if isinstance(name, np.str_) else name for name in names]
    except TypeError:
        names = [names]
    for n, name in enumerate(names):
        if not isinstance(name, str):
            raise ValueError(
                f"`names` must be a list of strings. Received: names[{n}]={arguments.shown(name)}."
            )
    return names


def _leaf_order(labels, names):
    """Names (or None) and the number of each leaf, in order of appearance."""
    count = len(labels)
    if names is not None:
        names = _as_names(names)
        known = set(names)
        blanks = {name.replace(" ", "_"): name for name in names if " " in name}
        labels = [label if label in known else blanks.get(label, label) for label in labels]
        if sorted(names) != sorted(label or "" for label in labels):
            odd = set(names).symmetric_difference(labels)
            odd = [arguments.shorten(label, 80) for label in sorted(map(str, odd))[:5]]
            raise ValueError(
                f"`names` must be the labels of the {count} leaves. They differ in: {odd}."
            )
        number = {name: n for n, name in enumerate(names)}
        return names, [number[label] for label in labels]
    if all(label is None for label in labels):
        return None, list(range(count))
    if None in labels:
        raise ValueError(f"Leaf {labels.index(None)}, in order of appearance, has no label.")
    if sorted(labels) == sorted(map(str, range(count))):
        return None, [int(label) for label in labels]
    return labels, list(range(count))
