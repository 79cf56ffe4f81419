"""The picture "distribution"."""

from tfsp import viz
from tfsp.evaluation import can_add_noise
from tfsp.pictures.registry import register


@register("distribution", needs=("density",), place=8)
def of_subject(subject):
    """Test data beside draws of x, for data that are points in one or two dimensions."""
    shape = subject.data.info.image_shape
    if shape not in ((1,), (2,)):
        return None
    images = subject.images
    kind = "draws" if can_add_noise(subject.model.likelihood) else "means"
    samples = subject.draws(len(images), kind)
    if shape == (2,):
        return viz.scatter_2d(images, samples, subject.labels)
    return viz.histograms(images, {subject.config["model"]["name"]: samples})
