"""The pictures of categories: how much of the data each has, what it draws."""

import numpy as np

from tfsp import viz
from tfsp.pictures.registry import register

_NUM_SHOWN = 20  # samples of each category


@register("categories", needs=("category_priors",), place=11)
def of_subject(subject):
    """What each category draws (category_samples, of images), and its share (category_usage)."""
    model = subject.model
    model.adapt(subject.data.arrays("train")[0])
    shares = np.asarray(model.prior.category_weights)
    figures = {"category_usage": viz.category_usage(shares)}
    if subject.is_image:
        means = np.asarray(model.sample_categories(_NUM_SHOWN, subject.seed))
        figures["category_samples"] = viz.samples_per_category(means, shares)
    return figures
