"""The picture "reconstructions"."""

import numpy as np

from tfsp import subset, viz
from tfsp.pictures.registry import register

_NUM_RECONSTRUCTED = 20


@register("reconstructions", needs=("images",), place=3)
def of_subject(subject):
    """Twenty test images, each above its reconstruction."""
    shown = subject.images[subset.rows(len(subject.images), _NUM_RECONSTRUCTED)]
    return viz.reconstructions(shown, np.asarray(subject.model.reconstruct(shown)))
