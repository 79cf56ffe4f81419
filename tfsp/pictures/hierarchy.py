"""The pictures of a tree over the latent space."""

from tfsp import viz
from tfsp.evaluation import encode, nearest_labels
from tfsp.pictures.registry import register

_MOST_LEAVES = 2000  # of a tree that is drawn


@register("hierarchy", needs=("tree",), place=15)
def of_subject(subject):
    """The tree of a tree prior that has started, in several views; of up to 2,000 leaves.

    Those of `tfsp.viz.hierarchy_pictures`: summary_tree, tree, inducing_points, subtree,
    subtree_samples, slices, latent_tree, induced_hierarchy. `summary_tree` is the one to look at:
    what draws of the tree have in common, faint where they do not agree. `--node_numbers` writes
    its number beside every node.
    """
    if subject.tree.num_leaves > _MOST_LEAVES:
        return None
    model, view = subject.model, subject.model.prior_view()
    return viz.hierarchy_pictures(
        model,
        subject.codes if view is model else encode(view, subject.images)[0],
        subject.labels,
        subject.images if subject.is_image else None,
        subject.class_names,
        seed=subject.seed,
        leaf_labels=_leaf_labels(subject),
        node_numbers=subject.node_numbers,
        summary=subject.summary,
    )


def _leaf_labels(subject):
    """Classes of the inducing points, as where the purity of the tree is measured, or None."""
    images, labels = subject.data.arrays("train")
    if labels is None or labels.ndim != 1:
        return None
    codes, _ = encode(subject.model.prior_view(), images)
    votes = min(5, len(codes))
    return nearest_labels(subject.model.prior.leaf_locations(), codes, labels, votes)
