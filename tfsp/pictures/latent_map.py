"""The picture "latent_map"."""

from tfsp import viz
from tfsp.pictures.registry import register


@register("latent_map", place=2)
def of_subject(subject):
    """Map of the test codes (t-SNE above two dimensions), coloured by label.

    Not drawn for a single dimension, nor for three codes or fewer.
    """
    codes = subject.codes
    plane = codes.shape[1] == 2
    if not plane and (codes.shape[1] < 2 or len(codes) <= 3):  # t-SNE needs so many
        return None
    method = "none" if plane else "tsne"
    return viz.latent_map(
        codes, subject.labels, method=method, class_names=subject.class_names, seed=subject.seed
    )
