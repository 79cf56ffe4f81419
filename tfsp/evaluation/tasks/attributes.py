"""The task "attributes"."""

from tfsp.evaluation.tasks.registry import register
from tfsp.evaluation.tasks.rows import by_size
from tfsp.measures.attributes import attribute_prediction


@register("attributes", needs=("attributes",), place=12)
def of_subject(subject):
    """Accuracy of linear classifiers of binary attributes, averaged over attributes.

    `attributes_<n>` is the accuracy with n codes, `attributes_majority` that of guessing.

    Source: Miao et al. 2022, section 6 and appendix C.
    """
    result = attribute_prediction(*subject.train, *subject.test, seed=subject.seed)
    return {**by_size("attributes", result), "attributes_majority": result["majority"]}
