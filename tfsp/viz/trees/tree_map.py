"""The map of the latent space with a tree of inducing points drawn over it."""

import numpy as np

from tfsp import arguments
from tfsp.random import generator
from tfsp.viz import checks, style
from tfsp.viz.charts import latent, scatter
from tfsp.viz.trees import tree_layout, tree_text

_BRANCH = "#1a1a1a"


def latent_tree(
    codes,
    phylogeny,
    leaves,
    labels=None,
    class_names=None,
    method="tsne",
    seed=0,
    perplexity=30,
    max_points=5000,
    title=None,
    node_numbers=False,
):
    """Codes in two dimensions with the inducing points, the inner nodes and the branches.

    Codes, inducing points and the inner nodes' expected locations given the inducing points are
    projected together; branches are straight lines between their ends.

    Args:
      codes: [n, D], for instance `model.encode(x)`.
      phylogeny: as in `tree`, with its root at time 0.
      leaves: [N, D], the inducing points.
      labels, class_names: of the codes, classes only, as in `latent_map`.
      method, seed, perplexity, max_points, title: as in `latent_map`; `max_points` is of codes.
      node_numbers: True writes its number beside every node; or what each is called there, `[V]`.

    Returns:
      a `matplotlib.figure.Figure` with one axes.

    Raises:
      ValueError: for wrong shapes, labels that are not classes, an unknown method.

    Source: Vikram et al. 2018, Figure A.11.
    """
    from tfsp.tmc import native

    if method not in latent.METHODS:
        raise ValueError(
            f"`method` must be one of {', '.join(latent.METHODS)}. Received: {method!r}."
        )
    codes = checks.as_matrix(codes, "codes")
    phylogeny = tree_layout.as_phylogeny(phylogeny)
    numbers = tree_text.check_numbers(node_numbers, phylogeny.num_nodes)
    leaves = checks.as_matrix(leaves, "leaves", "[N, D]")
    if leaves.shape != (phylogeny.num_leaves, codes.shape[1]):
        raise ValueError(
            f"`leaves` must have shape {(phylogeny.num_leaves, codes.shape[1])}, a row for each "
            f"leaf and a column for each latent dimension. Received: leaves.shape={leaves.shape}."
        )
    max_points = arguments.integer("max_points", max_points)
    names = None
    if labels is not None:
        labels = checks.as_labels(labels, len(codes))
        if class_names is None and scatter.is_scale(labels):
            raise ValueError(
                f"`labels` must be classes, at most {scatter.MAX_CLASSES} of them. Received: "
                f"{len(np.unique(labels))} different numbers."
            )
        names = scatter.class_names_of(labels, class_names)
    elif class_names is not None:
        raise ValueError("`class_names` needs `labels`, one per code. Received: labels=None.")
    kept = generator(seed).permutation(len(codes))[:max_points]
    nodes, _ = native.node_posterior(phylogeny.parent, phylogeny.time, leaves)
    together = np.concatenate([codes[kept].astype(np.float64), nodes])
    points, axis_labels = latent.project(together, method, seed, perplexity)
    codes, nodes = points[: len(kept)], points[len(kept) :]
    with style.paper_style():
        figure = style.new_figure(1, 1)
        axes = figure.add_axes((0, 0, 1, 1))
        latent.lay_out(axes, points, axis_labels, title)
        if names is None:
            scatter.draw_points(axes, codes, style.PALETTE[0])
        else:
            scatter.draw_classes(axes, codes, labels[kept], names, annotate=None)
        handles = _draw_tree(axes, phylogeny, nodes)
        handles += tree_layout.support_handles(phylogeny, _BRANCH)
        scatter.class_legend(axes, names or {}, extra=handles)
        size = float(np.clip(38 / np.sqrt(phylogeny.num_leaves), 2.5, 5.0))
        for point, number in zip(nodes, numbers or (), strict=numbers is not None):
            tree_text.draw_number(axes, point, number, size, offset=(1.5, 1.5))
        return style.settle(style.fit(figure))


def _draw_tree(axes, phylogeny, nodes):
    """Branches, inner nodes, inducing points, root; returns handles for the legend."""
    from matplotlib import colors
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    count = phylogeny.num_leaves
    opacity = 0.75 * tree_layout.opacity(phylogeny)[phylogeny.edges[:, 1]]
    lines = LineCollection(
        nodes[phylogeny.edges],
        colors=colors.to_rgba_array(_BRANCH, opacity),
        linewidths=float(np.clip(8 / np.sqrt(count), 0.35, 0.8)),
        zorder=3,
    )
    axes.add_collection(lines, autolim=False)
    size = float(np.clip(38 / np.sqrt(count), 1.6, 4.5))  # points
    inner = np.setdiff1d(np.arange(count, phylogeny.num_nodes), [phylogeny.root])
    root = [phylogeny.root] if count > 1 else []
    kinds = [
        ("inner node", inner, ".", 0.8 * size, _BRANCH),
        ("inducing point", np.arange(count), "o", size, "white"),
        ("root", np.array(root, int), "*", 7.0, "white"),
    ]
    handles = [Line2D([], [], color=_BRANCH, lw=0.8, label="branch")]
    for zorder, (name, which, marker, width, face) in enumerate(kinds, start=4):
        look = dict(marker=marker, markersize=width, markerfacecolor=face)
        look |= dict(markeredgecolor=_BRANCH, markeredgewidth=0.6, linestyle="")
        if len(which):
            axes.plot(*nodes[which].T, **look, zorder=zorder)
            handles.append(Line2D([], [], **look, label=name))
    return handles
