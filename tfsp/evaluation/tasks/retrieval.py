"""The task "retrieval"."""

from tfsp.evaluation.tasks.registry import register
from tfsp.measures.retrieval import retrieval


@register(
    "retrieval",
    needs=("classes",),
    columns=("retrieval_auc", "retrieval_map"),
    place=4,
)
def of_subject(subject):
    """How well nearby codes are of the same class: precision against recall.

    `retrieval_auc` (Table 1 of the paper), `retrieval_map`, `retrieval_precision` (the curve, at
    recall 0, 1/100, ..., 1).

    Source: Vikram et al. 2018, arXiv:1810.06891, section 6.2.
    """
    result = retrieval(*subject.test, seed=subject.seed)
    return {
        "retrieval_auc": result["auc"],
        "retrieval_map": result["mean_average_precision"],
        "retrieval_num_queries": result["num_queries"],
        "retrieval_num_left_out": result["num_left_out"],
        # At recall 0, 1/100, ..., 1: the run's line in Figure B.16.
        "retrieval_precision": [round(float(p), 6) for p in result["precision"]],
    }
