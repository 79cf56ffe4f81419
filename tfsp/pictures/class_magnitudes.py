"""The picture "class_magnitudes"."""

from tfsp import viz
from tfsp.pictures.registry import register


@register("class_magnitudes", needs=("images", "mapping"), place=10)
def of_subject(subject):
    """Mean magnitude of each latent for a few classes, for labelled images."""
    if subject.labels is None or subject.codes.shape[1] <= 2:
        return None
    return viz.class_magnitudes(
        subject.codes, subject.labels, subject.model, class_names=subject.class_names
    )
