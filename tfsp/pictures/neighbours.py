"""The picture "neighbours"."""

import numpy as np

from tfsp import subset, viz
from tfsp.evaluation import encode_views
from tfsp.pictures.registry import register
from tfsp.tmc import neighbour_summary

_LEAVES = 200  # of a tree whose images can still be told apart


@register("neighbours", place=2.5)
def of_subject(subject):
    """The summary of trees by nearest neighbours over codes (`tfsp.tmc.neighbour_summary`).

    Of 200 test data, with their images, among up to 3,000; colours are labels, which the tree does
    not know, and what many of the trees have is opaque. Codes of a model with `consistency` are
    means over augmentations. Not drawn for three codes or fewer.
    """
    codes = subject.codes
    if getattr(subject.model, "consistency", None) is not None:
        codes = encode_views(subject.model, subject.images, seed=subject.seed)[0]
    if len(codes) <= 3:
        return None
    rows = subset.rows(len(codes), _LEAVES)
    others = np.delete(codes, rows, axis=0)
    tree = neighbour_summary(codes[rows], others=others if len(others) else None).tree
    return viz.tree(
        tree,
        None if subject.labels is None else subject.labels[rows],
        subject.class_names,
        leaf_images=subject.images[rows] if subject.is_image else None,
        orientation="circle",
        time_power=0.5,
        node_numbers=subject.node_numbers,
    )
