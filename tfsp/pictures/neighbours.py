"""The picture "neighbours"."""

from tfsp import subset, viz
from tfsp.evaluation import encode_views
from tfsp.pictures.registry import register
from tfsp.tmc import neighbour_tree

_LEAVES = 200  # of a tree whose images can still be told apart


@register("neighbours", place=2.5)
def of_subject(subject):
    """The tree by nearest neighbours over codes of test data (`tfsp.tmc.neighbour_tree`).

    Of up to 3,000 test data, of which 200 are drawn with their images; colours are labels, which
    the tree does not know. Codes of a model with `consistency` are means over augmentations. Not
    drawn for three codes or fewer.
    """
    codes = subject.codes
    if getattr(subject.model, "consistency", None) is not None:
        codes = encode_views(subject.model, subject.images, seed=subject.seed)[0]
    if len(codes) <= 3:
        return None
    rows = subset.rows(len(codes), _LEAVES)
    tree = neighbour_tree(codes).restrict(rows)
    return viz.tree(
        tree,
        None if subject.labels is None else subject.labels[rows],
        subject.class_names,
        leaf_images=subject.images[rows] if subject.is_image else None,
        orientation="circle",
        time_power=0.5,
        node_numbers=subject.node_numbers,
    )
