"""The picture "gate_curves"."""

from tfsp import viz
from tfsp.pictures.registry import register


@register("gate_curves", needs=("graph",), place=13)
def of_subject(subject):
    """Means of the gates of a graph over the epochs, where the graph was learned."""
    return viz.gate_curves(subject.history) if subject.gates else None
