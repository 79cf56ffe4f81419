"""The task "few_shot"."""

import numpy as np

from tfsp.evaluation.tasks.registry import register
from tfsp.measures.few_shot import PAPER_SIZES, PAPER_SIZES_MANY_CLASSES, few_shot

_MANY_CLASSES = 100


@register(
    "few_shot",
    needs=("classes",),
    columns=("few_shot_1", "few_shot_10", "few_shot_100"),
    place=3,
)
def of_subject(subject):
    """Accuracy of classifiers of the codes, trained on a few labels of each class.

    `few_shot_<n>` is the accuracy with n labels per class, `_sd` over label sets, `_num_labels` the
    total number of labels used: a class with fewer examples contributes all it has, and sizes
    beyond the largest class are left out.

    Source: Vikram et al. 2018, arXiv:1810.06891, section 6.2.
    """
    (codes, labels), (test_codes, test_labels) = subject.train, subject.test
    many = subject.data.info.num_classes > _MANY_CLASSES
    sizes = subject.labels_per_class or (PAPER_SIZES_MANY_CLASSES if many else PAPER_SIZES)
    result = few_shot(
        codes,
        labels,
        test_codes,
        test_labels,
        worthwhile(sizes, labels),
        num_label_sets=subject.num_label_sets or (5 if many else 20),
        seed=subject.seed,
        too_few="all",
        progress=subject.progress,
    )
    row = {}
    for i, size in enumerate(result["labels_per_class"]):
        row[f"few_shot_{size}"] = result["mean"][i]
        if result["num_label_sets"] > 1:
            row[f"few_shot_{size}_sd"] = result["standard_deviation"][i]
        row[f"few_shot_{size}_num_labels"] = result["num_labels"][i]
    row["few_shot_num_label_sets"] = result["num_label_sets"]
    row["few_shot_num_not_converged"] = sum(result["num_not_converged"])
    return row


def worthwhile(sizes, labels):
    """Without sizes beyond the largest class, but for the first of them: it takes all labels."""
    largest = np.unique(labels, return_counts=True)[1].max()
    sizes = sorted(set(sizes))
    return [size for i, size in enumerate(sizes) if not i or sizes[i - 1] < largest]
