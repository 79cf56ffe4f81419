"""The picture "training_curves"."""

from tfsp import viz
from tfsp.pictures.registry import register


@register("training_curves", place=1)
def of_subject(subject):
    """What was logged in training, over the epochs."""
    gates = subject.gates  # a picture of their own
    return viz.training_curves({k: v for k, v in subject.history.items() if k not in gates})
