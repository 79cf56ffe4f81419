"""The picture "samples"."""

import numpy as np

from tfsp import viz
from tfsp.pictures.registry import register


@register("samples", needs=("images", "density"), place=7)
def of_subject(subject):
    """A hundred samples from the prior."""
    return viz.prior_samples(np.asarray(subject.model.sample(100, seed=subject.seed)))
