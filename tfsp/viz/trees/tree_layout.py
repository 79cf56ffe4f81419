"""Where the nodes of a drawn tree stand: order of the leaves, places, depths, classes below."""

import numpy as np

from tfsp.viz import checks
from tfsp.viz.charts import scatter

OPENING = 0.15  # of a circle of leaves, radians: the numbers of the time axis stand in it


def as_phylogeny(value):
    """`value` as a `tfsp.tmc.Phylogeny`, whose own checks validate the arrays.

    Raises:
      TypeError: if it is neither a tree nor a pair of arrays.
      ValueError: for arrays that do not describe a tree.
    """
    from tfsp.tmc.phylogeny import Phylogeny

    if isinstance(value, Phylogeny):
        return value
    if hasattr(value, "parent") and hasattr(value, "time"):
        names, start = getattr(value, "names", None), getattr(value, "root_time", 0.0)
        return Phylogeny(value.parent, value.time, names, start, getattr(value, "support", None))
    if isinstance(getattr(value, "tree", None), Phylogeny):
        return value.tree
    if isinstance(value, tuple | list) and len(value) == 2:
        return Phylogeny(*value)
    raise TypeError(
        "`phylogeny` must be a tfsp.tmc.Phylogeny, or the pair (parent, time) of arrays. "
        f"Received: {type(value).__name__}."
    )


def arrange(phylogeny, labels=None, class_names=None, classes=None):
    """Where nodes stand across the time axis, and which class is below them.

    Returns:
      leaves from first to last `[N]`; place of every node `[V]`, leaves at 0..N-1, others midway
      between their children; class of the leaves below as an index `[V]`, -1 where they differ or
      have none; dict from label to name, or None.
    """
    from tfsp.tmc.phylogeny import layout

    same = phylogeny.canonical()  # the same leaves; children in the order of their first leaf
    counts = same.leaf_counts
    children = same.children.copy()
    swap = counts[children[:, 0]] > counts[children[:, 1]]
    children[swap] = children[swap, ::-1]
    inner, count, start, order = layout.depth_first(children, same.time)
    place = start.astype(float)
    for v in inner:
        place[v] = (place[children[v, 0]] + place[children[v, 1]]) / 2
    branch_class, names = np.full(same.num_nodes, -1), None
    if labels is not None:
        labels = checks.as_labels(labels, same.num_leaves, of="leaves")
        if class_names is None and scatter.is_scale(labels):
            raise ValueError(
                "`labels` must be classes, at most "
                f"{scatter.MAX_CLASSES} of them: integers or strings. Received: "
                f"{len(np.unique(labels))} different numbers. Group them into intervals."
            )
        known = np.unique(labels if classes is None else np.asarray(classes))
        names = scatter.class_names_of(known, class_names)
        index = np.searchsorted(known, labels)[order]
        odd = labels[order][known[np.minimum(index, len(known) - 1)] != labels[order]]
        if odd.size:
            raise ValueError(
                f"`classes` must hold every label. Received: {known.tolist()}, without "
                f"{odd.tolist()[0]!r}."
            )
        changes = np.concatenate([[0], np.cumsum(index[1:] != index[:-1])])
        pure = changes[start] == changes[start + count - 1]
        branch_class = np.where(pure, index[start], -1)
    elif class_names is not None or classes is not None:
        raise ValueError("`class_names` needs `labels`, one per leaf. Received: labels=None.")
    old = _canonical_numbers(phylogeny, same)
    return order, place[old], branch_class[old], names


def _canonical_numbers(phylogeny, same):
    """For every node its number in the canonical tree `[V]`: climbing from the leaves."""
    new = np.arange(phylogeny.num_nodes)
    for v in phylogeny.postorder[:-1].tolist():
        new[phylogeny.parent[v]] = same.parent[new[v]]
    return new


def opacity(phylogeny):
    """How opaque the branch above each node is `[V]`: with the support of the clade below it.

    1 where there is none; a clade that nothing speaks for is still to be seen.
    """
    if phylogeny.support is None:
        return np.ones(phylogeny.num_nodes)
    return 0.2 + 0.8 * np.where(np.isnan(phylogeny.support), 1.0, phylogeny.support)


def support_handles(phylogeny, color):
    """What a legend says of `opacity`; nothing where the tree has no support."""
    from matplotlib.lines import Line2D

    if phylogeny.support is None:
        return []
    return [
        Line2D([], [], color=color, alpha=0.2 + 0.8 * s, lw=1.2, label=f"support {s:g}")
        for s in (1.0, 0.5, 0.0)
    ]


def readable_power(phylogeny):
    """A `time_power` that draws the median split half-way: in [0.1, 1], two digits."""
    inner = np.delete(np.asarray(phylogeny.time), [*range(phylogeny.num_leaves), phylogeny.root])
    if not inner.size:
        return 1.0
    median = float(np.median(inner))
    return round(float(np.clip(np.log(0.5) / np.log1p(-median), 0.1, 1.0)), 2)


def depth(time, power):
    """Where `time` stands on the axis, 1 - (1 - time)^power: 0 at the root, 1 at the leaves."""
    return 1 - (1 - np.asarray(time, float)) ** power


def _angle(place, count):
    """Radians, clockwise from a gap on the right where the numbers of the time axis stand."""
    return -(OPENING / 2 + (place + 0.5) / count * (2 * np.pi - OPENING))


def project(depth, place, orientation, count):
    """Points `[..., 2]` in units of the axes."""
    if orientation == "circle":
        angle = _angle(place, count)
        return np.stack([depth * np.cos(angle), depth * np.sin(angle)], -1)
    points = np.stack([depth, place], -1)
    return points if orientation == "right" else points[..., ::-1]


def outward(tips, orientation):
    """Unit vectors from leaves away from the tree `[N, 2]`, on the page, y upwards."""
    if orientation == "circle":
        return tips
    return np.tile([1.0, 0.0] if orientation == "right" else [0.0, -1.0], (len(tips), 1))
