"""The task "energy_distance"."""

from tfsp.evaluation.draws import can_add_noise
from tfsp.evaluation.tasks.registry import register
from tfsp.measures.energy import energy_distance

_NUM_SAMPLES = 10_000  # drawn from the model, and of the test data at most


def _check(subject):
    info = subject.data.info
    if len(info.image_shape) != 1:
        raise ValueError(
            "The task 'energy_distance' compares points, such as those of 'star'; distances "
            f"between images of shape {list(info.image_shape)} ({info.name!r}) say little. Use "
            "the task 'frechet'."
        )
    if info.num_test < 2:
        raise ValueError("The task 'energy_distance' needs at least two test points.")


@register(
    "energy_distance",
    needs=("density",),
    columns=("energy_distance",),
    check=_check,
    place=8,
)
def of_subject(subject):
    """Distance of draws of x to test data, for data that are points; unbiased.

    Source: Miao et al. 2022, section 6 and appendix B.
    """
    points, _ = subject.data.arrays("test", limit=_NUM_SAMPLES)
    kind = "draws" if can_add_noise(subject.model.likelihood) else "means"
    samples = subject.draws(_NUM_SAMPLES, kind)
    return {
        "energy_distance": energy_distance(samples, points),
        "energy_distance_of": kind,
        "energy_distance_num_samples": len(samples),
        "energy_distance_num_data": len(points),
    }
