"""A small picture of a tree as SVG, for notebooks."""

import heapq

import numpy as np

from tfsp import notebook

_MOST = 200  # tips
_NAMED = 60  # tips, of more no names are written
_WIDTH, _ROW, _HEIGHT = 420, 12, 480  # pixels; of a tip with a name, and of all without
_LETTERS, _LETTER = 24, 6  # of a name, and the width of one in pixels
_FAINTEST = 0.2


def as_html(tree):
    """The picture and the numbers of a `Phylogeny`, as text of HTML.

    Time runs from left to right. A split whose clade has less support is fainter. Of more than 200
    leaves the largest clades are split until there are 200, and what is not split any further is
    drawn as a triangle.
    """
    tips = _tips(tree)
    numbers = {"leaves": f"{tree.num_leaves:,}", "height": 1.0 - tree.root_time}
    inner = np.setdiff1d(np.arange(tree.num_leaves, tree.num_nodes), tree.root)
    if inner.size:
        times = tree.time[inner]
        numbers["inner times"] = f"{times.min():.3g} to {times.max():.3g}"
    if tree.support is not None and not np.isnan(tree.support[inner]).all():
        support = tree.support[inner]
        numbers["support"] = f"mean {np.nanmean(support):.3f}, least {np.nanmin(support):.3f}"
    parts = [notebook.listing(numbers), _svg(tree, tips)]
    if len(tips) < tree.num_leaves:
        largest = int(tree.leaf_counts[tips].max())
        parts.append(
            notebook.note(
                f"Cut to its {len(tips)} largest clades, of up to {largest:,} leaves each "
                "(triangles)."
            )
        )
    return notebook.card("Phylogeny", *parts)


def _tips(tree):
    """Nodes that are drawn as tips, from the top to the bottom of the picture."""
    clades = [(-int(tree.leaf_counts[tree.root]), int(tree.root))]
    while len(clades) < min(_MOST, tree.num_leaves):
        _, v = heapq.heappop(clades)
        for child in tree.children[v].tolist():
            heapq.heappush(clades, (-int(tree.leaf_counts[child]), child))
    nodes = np.array([v for _, v in clades])
    return nodes[np.argsort(tree.layout.start[nodes])]


def _svg(tree, tips):
    named = len(tips) <= _NAMED
    row = _ROW if named else _HEIGHT / len(tips)
    span = tree.time.max() - tree.root_time
    x = 4 + (_WIDTH - 8) * (tree.time - tree.root_time) / (span if span > 0 else 1.0)
    y = dict(zip(tips.tolist(), row * (np.arange(len(tips)) + 0.5), strict=True))
    shapes = []
    for v in tree.layout.inner:  # children first
        first, second = tree.children[v].tolist()
        if v in y or first not in y:
            continue
        y[v] = (y[first] + y[second]) / 2
        shapes.append(
            f'<path d="M{x[first]:.1f} {y[first]:.1f}H{x[v]:.1f}V{y[second]:.1f}H{x[second]:.1f}"'
            f"{_opacity(tree, v)}/>"
        )
    for v in tips.tolist():
        if v >= tree.num_leaves:
            top, low = y[v] - 0.4 * row, y[v] + 0.4 * row
            end = f"{_WIDTH - 4} {low:.1f}V{top:.1f}Z"
            shapes.append(f'<path d="M{x[v]:.1f} {y[v]:.1f}L{end}" fill="currentColor"/>')
    names = [_name(tree, v) for v in tips.tolist()] if named else []
    texts = "".join(
        f'<text x="{_WIDTH + 2}" y="{y[v] + 4:.1f}">{notebook.escaped(name)}</text>'
        for v, name in zip(tips.tolist(), names, strict=False)  # of many tips no names
    )
    width = _WIDTH + 4 + _LETTER * max(map(len, names), default=0)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{row * len(tips):.0f}" '
        'fill="none" stroke="currentColor" stroke-width="1">'
        f'{"".join(shapes)}<g fill="currentColor" stroke="none" font-size="10">{texts}</g></svg>'
    )


def _opacity(tree, v):
    if tree.support is None or np.isnan(tree.support[v]):
        return ""
    return f' stroke-opacity="{max(_FAINTEST, float(tree.support[v])):.2f}"'


def _name(tree, v):
    if v >= tree.num_leaves:
        return f"{int(tree.leaf_counts[v]):,} leaves"
    name = str(v) if tree.names is None else tree.names[v]
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}\u2026"
