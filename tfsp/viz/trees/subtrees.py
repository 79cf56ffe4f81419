"""Parts of a large tree: its inducing points as a grid, one subtree, samples from subtrees."""

import numpy as np

from tfsp import arguments
from tfsp.viz import checks, style
from tfsp.viz.images import images, mosaic
from tfsp.viz.trees import tree_layout, tree_text, trees

_MOST_EXAMPLES = 20  # of a row of `subtree_samples`


def inducing_points(
    leaf_images,
    phylogeny=None,
    columns=None,
    pad=None,
    title=None,
    invert=False,
    node_numbers=False,
):
    """Decoded inducing points in a grid; with a tree, in the order of its drawing, row by row.

    Args:
      leaf_images: [N, H, W, C], the decoder's means of the inducing points, cut to [0, 1].
      phylogeny: as in `tree`: neighbours in the grid are then neighbours in `tree`'s drawing.
        None keeps the order of `leaf_images`.
      columns, pad: see `tile`.
      title: text above.
      invert: draw 1 - leaf_images.
      node_numbers: True writes each inducing point's number in the corner of its image.

    Returns:
      a `matplotlib.figure.Figure` with one axes.

    Raises:
      ValueError: for a wrong shape or another number of leaves.

    Source: Vikram et al. 2018, Figure 3.
    """
    leaf_images = checks.as_images(leaf_images, "leaf_images", clip=True)
    order = np.arange(len(leaf_images))
    if phylogeny is not None:
        phylogeny = tree_layout.as_phylogeny(phylogeny)
        _check_count(leaf_images, phylogeny)
        order = tree_layout.arrange(phylogeny)[0]
    block = images.block(leaf_images[order], None, columns, pad, invert)
    figure = mosaic.draw([block], title)
    if node_numbers:
        _number_cells(figure.axes[0], block, order)
    return figure


def subtree(
    phylogeny,
    node=None,
    max_leaves=30,
    labels=None,
    class_names=None,
    leaf_images=None,
    node_numbers=False,
    classes=None,
    **options,
):
    """The drawing of one subtree of a large tree, by `tree`.

    Args:
      phylogeny: as in `tree`.
      node: an internal node, whose subtree is drawn; None takes the largest subtree of at most
        `max_leaves` leaves (`largest_subtree`).
      max_leaves: at least 2.
      labels, class_names, leaf_images: as in `tree`, for the leaves of the whole tree. Classes
        keep the colours that they have in a drawing of the whole. Leaves without names have the
        numbers of the whole tree beside them.
      node_numbers: as in `tree`: True shows the numbers that nodes have in the whole tree; or what
        each node of the whole tree is called.
      classes: as in `tree`; None takes those that occur in `labels`.
      **options: of `tree`: orientation, time_power, title, ...

    Returns:
      a `matplotlib.figure.Figure`, see `tree`.

    Raises:
      ValueError: for arguments of the wrong shape or value, named.
      TypeError: if `phylogeny` is not a tree.

    Source: Vikram et al. 2018, Figure 4.
    """
    phylogeny = tree_layout.as_phylogeny(phylogeny)
    node = largest_subtree(phylogeny, max_leaves) if node is None else _check_node(phylogeny, node)
    leaves = phylogeny.leaves_below(node)
    if leaf_images is not None:
        leaf_images = checks.as_images(leaf_images, "leaf_images", clip=True)
        _check_count(leaf_images, phylogeny)
        leaf_images = leaf_images[leaves]
    if labels is not None:
        labels = checks.as_labels(labels, phylogeny.num_leaves, of="leaves")
        classes, labels = np.unique(labels) if classes is None else classes, labels[leaves]
    part = phylogeny.restrict(leaves)
    numbers = tree_text.check_numbers(node_numbers, phylogeny.num_nodes)
    if numbers is not None:
        numbers = [numbers[v] for v in _numbers_in_whole(phylogeny, part, leaves)]
    if part.names is None:
        part = part.with_names([str(n) for n in leaves])
    return trees.tree(
        part, labels, class_names, leaf_images, classes=classes, node_numbers=numbers, **options
    )


def largest_subtree(phylogeny, max_leaves=30):
    """The node with the most leaves below it, 2 to `max_leaves`; of equals the earliest.

    Raises:
      ValueError: for a tree of one leaf.
    """
    return disjoint_subtrees(phylogeny, 1, max_leaves)[0]


def disjoint_subtrees(phylogeny, count, max_leaves=30):
    """Up to `count` nodes whose subtrees have 2 to `max_leaves` leaves and share none.

    The largest that are in no other such subtree; largest first, of equals the earliest.

    Raises:
      ValueError: for a tree of one leaf, or numbers out of range.
    """
    phylogeny = tree_layout.as_phylogeny(phylogeny)
    max_leaves = arguments.integer("max_leaves", max_leaves, 2)
    count = arguments.integer("count", count)
    if phylogeny.num_leaves < 2:
        raise ValueError("A tree of one leaf has no subtree to choose. Received: 1 leaf.")
    size = phylogeny.leaf_counts
    above = np.where(phylogeny.parent >= 0, size[phylogeny.parent], np.inf)
    top = np.flatnonzero((size >= 2) & (size <= max_leaves) & (above > max_leaves))
    order = np.lexsort((top, phylogeny.time[top], -size[top]))
    return top[order][:count].tolist()


def subtree_samples(
    samples, examples, row_labels=None, max_examples=5, pad=None, title=None, invert=False
):
    """Samples from several subtrees: a row for each, examples of what is below it on the left.

    Args:
      samples: [R, n, H, W, C], the means of x given latents drawn below each of R nodes, cut to
        [0, 1]; for instance of `model.sample(n, subtree=node)`.
      examples: R arrays [k_r, H, W, C], k_r >= 1, for instance the decoded leaves below each node
        or the one image at its own location. Of more than `max_examples`, that many are shown,
        evenly spaced.
      row_labels: R texts; or None.
      max_examples, pad, title, invert: see above, `tile`.

    Returns:
      a `matplotlib.figure.Figure` with one axes.

    Raises:
      ValueError: for wrong shapes, named.

    Source: Vikram et al. 2018, Figures 6 and 7.
    """
    rows = [checks.as_images(row, f"samples[{r}]", clip=True) for r, row in enumerate(samples)]
    shown = [checks.as_images(row, f"examples[{r}]", clip=True) for r, row in enumerate(examples)]
    max_examples = arguments.integer("max_examples", max_examples)
    if not rows or len(shown) != len(rows):
        raise ValueError(
            "`samples` and `examples` must hold one entry per subtree. Received: "
            f"{len(rows)} and {len(shown)}."
        )
    if len({row.shape for row in rows}) > 1:
        raise ValueError(
            "`samples` must hold as many images of one shape for each subtree. Received: shapes "
            f"{sorted({row.shape for row in rows})}."
        )
    other = [row.shape for row in shown if row.shape[1:] != rows[0].shape[1:]]
    if other:
        raise ValueError(
            "`examples` must be images of the shape of `samples`. Received: "
            f"{rows[0].shape[1:]} and {other[0][1:]}."
        )
    if row_labels is not None and len(row_labels) != len(rows):
        raise ValueError(f"`row_labels` must hold {len(rows)} texts. Received: {len(row_labels)}.")
    max_examples = min(max_examples, max(map(len, shown)), _MOST_EXAMPLES)
    paper = 0.0 if invert else 1.0
    left = np.full((len(rows), max_examples, *rows[0].shape[1:]), paper, rows[0].dtype)
    for r, row in enumerate(shown):
        chosen = np.linspace(0, len(row) - 1, min(max_examples, len(row))).round().astype(int)
        left[r, max_examples - len(chosen) :] = row[chosen]  # beside the samples
    right = np.stack(rows)
    pad = images.default_pad(right[0], pad)
    parts = [
        images.block(part.reshape(-1, *part.shape[2:]), len(part), part.shape[1], pad, invert).image
        for part in (left, right)
    ]
    height, width = right.shape[2:4]
    gap = np.ones((len(parts[0]), max(width // 2, 3 * pad + 2), parts[0].shape[2]), parts[0].dtype)
    step = width + pad
    middle = (parts[0].shape[1] + gap.shape[1]) / step + (right.shape[1] - 1) / 2
    block = mosaic.Block(
        np.concatenate([parts[0], gap, parts[1]], 1),
        (height, width),
        pad,
        row_labels=list(row_labels) if row_labels is not None else None,
        column_labels={(max_examples - 1) / 2: "below the node", middle: "samples"},
    )
    figure = mosaic.draw([block], title)
    figure.axes[0].tick_params(bottom=False)
    return figure


def _number_cells(axes, block, numbers):
    """The number of each image in its lower left corner."""
    (height, width), shape = block.cell, block.image.shape
    columns = (shape[1] + block.pad) // (width + block.pad)
    pixels = width * axes.get_window_extent().width / shape[1]
    size = float(np.clip(0.25 * pixels * 72 / style.DPI, 2.0, 5.0))
    for i, number in enumerate(numbers):
        row, column = divmod(i, columns)
        corner = (column * (width + block.pad), row * (height + block.pad) + height)
        tree_text.draw_number(axes, corner, str(number), size, offset=(0.8, 0.8))


def _numbers_in_whole(phylogeny, part, leaves):
    """For every node of `part`, all that is below a node, its number in the whole: `[v]` ints."""
    whole = np.empty(part.num_nodes, int)
    whole[: part.num_leaves] = leaves
    for v in part.postorder[:-1].tolist():
        whole[part.parent[v]] = phylogeny.parent[whole[v]]
    return whole.tolist()


def _check_count(leaf_images, phylogeny):
    if len(leaf_images) != phylogeny.num_leaves:
        raise ValueError(
            f"`leaf_images` must hold one image per leaf, {phylogeny.num_leaves}. Received: "
            f"{len(leaf_images)} images."
        )


def _check_node(phylogeny, node):
    from tfsp.tmc.phylogeny.checks import check_node

    node = check_node(node, phylogeny.num_nodes)
    if node < phylogeny.num_leaves:
        raise ValueError(
            f"`node` must be an internal node, {phylogeny.num_leaves} to "
            f"{phylogeny.num_nodes - 1}. Received: {node}, a leaf."
        )
    return node
