"""The picture "mapping"."""

from tfsp import viz
from tfsp.pictures.registry import register


@register("mapping", needs=("mapping",), place=9)
def of_subject(subject):
    """y and g(y), for a map from the plane to the plane."""
    mapping = subject.model.mapping
    if not mapping.latent_dim == mapping.output_dim == 2:
        return None
    return viz.mapping_planes(mapping)
