"""The task "decomposition"."""

import numpy as np

from tfsp.evaluation.decomposition import check_decomposition, kl_decomposition
from tfsp.evaluation.tasks.registry import register
from tfsp.evaluation.tasks.rows import prefixed

_NUM_DECOMPOSED = 5_000  # examples between whose posteriors all densities are computed


def _check(subject):
    check_decomposition(subject.model, np.zeros((1, *subject.model.data_shape), np.float32))


@register(
    "decomposition",
    columns=(
        "decomposition_mutual_information",
        "decomposition_marginal_kl",
        "decomposition_category_kl",
        "decomposition_total",
    ),
    check=_check,
    place=15,
)
def of_subject(subject):
    """Decomposition of the KL: mutual information, aggregated posterior against prior, categories.

    For at most 5,000 test images (`kl_decomposition`): `decomposition_mutual_information`,
    `_marginal_kl`, `_category_kl`, `_total`.

    Source: Lavda et al. 2020, arXiv:1911.10885, sections 3.3.1 and 5.
    """
    images, _ = subject.data.arrays("test", limit=_NUM_DECOMPOSED)
    found = kl_decomposition(subject.model, images, num_examples=None, seed=subject.seed)
    return prefixed("decomposition", found)
