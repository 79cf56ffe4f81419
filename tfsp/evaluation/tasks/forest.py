"""The task "forest"."""

from tfsp.evaluation.tasks.registry import register
from tfsp.evaluation.tasks.rows import by_size
from tfsp.measures.forest import few_shot_forest


def _check(subject):
    if subject.data.info.num_train < 50:
        raise ValueError("The task 'forest' needs at least 50 training examples.")


@register("forest", needs=("classes",), check=_check, place=11)
def of_subject(subject):
    """Accuracy of random forests of depth 4 on a few codes.

    `forest_<n>` is the accuracy with n codes, `_sd` over 10 subsets of them.

    Source: Miao et al. 2022, section 6 and appendix C.
    """
    return by_size("forest", few_shot_forest(*subject.train, *subject.test, seed=subject.seed))
