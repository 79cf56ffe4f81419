"""All pictures of a model whose prior is a tree over inducing points."""

import numpy as np

from tfsp import arguments, subset
from tfsp.neighbours import nearest_labels
from tfsp.viz import checks
from tfsp.viz.images import traversal
from tfsp.viz.trees import subtrees, tree_layout, trees
from tfsp.viz.trees.tree_map import latent_tree
from tfsp.viz.trees.tree_slices import slices


def hierarchy_pictures(
    model,
    codes,
    labels=None,
    images=None,
    class_names=None,
    num_induced=200,
    num_rows=8,
    seed=0,
    leaf_labels=None,
    node_numbers=False,
    summary=None,
):
    """The pictures of section 6.1 of the LORACs paper, for a trained model.

    summary_tree (the expected tree over all inducing points, a circle, clades the fainter the less
    support they have), inducing_points (Figure 3), tree (the draw that the prior holds, a circle),
    subtree (Figure 4), slices (Figure 5), subtree_samples (Figures 6 and 7), latent_tree (Figure
    A.11) and induced_hierarchy (data attached to the draws of the summary, or else to the one draw,
    inducing points removed). The rows of `subtree_samples` are labelled with the numbers of their
    nodes. Without `leaf_labels` inducing points have the class of most of the five codes nearest to
    them, as in `tfsp.evaluation.nearest_labels`.

    Args:
      model: its `prior` offers `phylogeny()`, `options()` and the leaves, `inducing` or `mean`
        [N, D]; it decodes (through its `prior_view()`, if it has one), and draws by
        `sample(n, seed=..., subtree=node)`.
      codes: [n, D], data encoded in the space of the prior.
      labels: [n] classes of the data, or None.
      images: [n, H, W, C] the data, or None if they are not images: then only the tree, the map
        and the induced hierarchy are drawn.
      class_names: as in `latent_map`.
      num_induced: number of data in the induced hierarchy, a random subset (`tfsp.subset`).
      num_rows: subtrees of `subtree_samples`.
      seed: an int, of the samples, the attachment and t-SNE.
      leaf_labels: [N] classes of the inducing points; None takes those of the codes around them.
      node_numbers: True writes its number beside every node that is drawn.
      summary: a `tfsp.tmc.TreeSummary` of the inducing points (`prior.summary_tree()`), or None:
        then there is no summary_tree.

    Returns:
      dict from name to `matplotlib.figure.Figure`.

    Raises:
      ValueError: for arguments of the wrong shape or value, named.
      TypeError: for arrays that do not hold real numbers.

    Source: Vikram et al. 2018, arXiv:1810.06891, section 6.1 and appendix A.
    """
    from tfsp.tmc import expected_hierarchy, induced_hierarchy

    codes = checks.as_matrix(codes, "codes")
    num_induced = arguments.integer("num_induced", num_induced, 2)
    prior, view = model.prior, model.prior_view() if hasattr(model, "prior_view") else model
    tree = prior.phylogeny()
    inducing = np.asarray(prior.inducing if hasattr(prior, "inducing") else prior.mean)
    classes = None
    if leaf_labels is not None:
        leaf_labels = checks.as_labels(leaf_labels, len(inducing), "leaf_labels", "inducing points")
        classes = np.unique(leaf_labels)
    if labels is not None:
        labels = checks.as_labels(labels, len(codes))
        if leaf_labels is None:
            leaf_labels = nearest_labels(inducing, codes, labels)
        classes = np.unique(np.concatenate([labels, leaf_labels]))
    look = dict(class_names=class_names, classes=classes)
    numbered = dict(node_numbers=node_numbers)
    power = tree_layout.readable_power(tree)
    if summary is not None and summary.tree.num_leaves != tree.num_leaves:
        raise ValueError(
            f"`summary` must be over the {tree.num_leaves} inducing points. Received: {summary!r}."
        )
    figures = {}
    decoded = None
    if images is not None:
        images = checks.as_images(images)
        if len(images) != len(codes):
            raise ValueError(
                f"`images` must hold one image per code, {len(codes)}. Received: {len(images)}."
            )
        decoded = traversal.decode(traversal.decoder_mean(view), inducing)
    if summary is not None:
        figures["summary_tree"] = _circle(
            summary.tree,
            leaf_labels,
            decoded,
            tree_layout.readable_power(summary.tree),
            look,
            numbered,
        )
    if images is not None:
        figures["inducing_points"] = subtrees.inducing_points(
            decoded, tree, columns=20 if len(decoded) >= 200 else None, **numbered
        )
        if tree.num_leaves > 2:
            figures["subtree"] = subtrees.subtree(
                tree,
                None,
                30,
                leaf_labels,
                leaf_images=decoded,
                time_power=power,
                **numbered,
                **(look if leaf_labels is not None else {}),
            )
        figures["slices"] = slices(tree, inducing, view, **numbered)
        figures["subtree_samples"] = _samples(model, tree, decoded, num_rows, seed)
    figures["tree"] = _circle(tree, leaf_labels, decoded, power, look, numbered)
    figures["latent_tree"] = latent_tree(
        codes,
        tree,
        inducing,
        labels,
        class_names,
        method="none" if codes.shape[1] == 2 else "tsne",
        seed=seed,
        **numbered,
    )
    part = subset.rows(len(codes), num_induced)
    options = {k: _plain(v) for k, v in prior.options().items()}
    if summary is None:
        state = tree.parent, tree.time, inducing
        induced = induced_hierarchy(codes[part], *state, seed=seed, **options)
    else:
        induced = expected_hierarchy(codes[part], summary, inducing, seed=seed, **options).tree
    figures["induced_hierarchy"] = _circle(
        induced,
        None if labels is None else labels[part],
        None if images is None else images[part],
        tree_layout.readable_power(induced),
        look,
        numbered,
    )
    return figures


def _circle(tree, labels, images, power, look, numbered):
    look = numbered | (look if labels is not None else {})
    if images is not None:
        images = np.clip(images, 0, 1)
    return trees.tree(
        tree, labels, leaf_images=images, orientation="circle", time_power=power, **look
    )


def _samples(model, tree, decoded, num_rows, seed, num_samples=10):
    """Rows of samples below the largest subtrees of at most a fifth of the leaves."""
    most = max(2, tree.num_leaves // 5)
    nodes = subtrees.disjoint_subtrees(tree, num_rows, most) or [tree.root]
    draws = [
        np.asarray(model.sample(num_samples, seed=seed + row, subtree=node))
        for row, node in enumerate(nodes)
    ]
    examples = [decoded[tree.leaves_below(node)] for node in nodes]
    texts = [
        f"node {v}: {len(row)} leaves, $t$ = {tree.time[v]:.2f}"
        for v, row in zip(nodes, examples, strict=True)
    ]
    return subtrees.subtree_samples(draws, examples, texts)


def _plain(value):
    """A tensor as a number; anything else as it is."""
    return float(value) if hasattr(value, "numpy") else value
