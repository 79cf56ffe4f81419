"""The task "sparsity"."""

from tfsp.evaluation.latent import posterior_draws
from tfsp.evaluation.tasks.registry import register
from tfsp.evaluation.tasks.rows import prefixed
from tfsp.measures.sparsity import sparsity


def _check(subject):
    dim = subject.model.representation_dim
    if dim < 2:
        raise ValueError(
            "The task 'sparsity' needs a representation of at least two dimensions. That of this "
            f"run has {dim}."
        )


@register("sparsity", columns=("sparsity", "sparsity_active"), check=_check, place=7)
def of_subject(subject):
    """Mean Hoyer score of the codes, each dimension scaled to unit deviation.

    `sparsity_active` is that of the active dimensions only, those that depend on x.

    Source: Miao et al. 2022, section 6 and appendix C.3.
    """
    codes, _ = subject.test
    draws = posterior_draws(subject.model, subject.data.arrays("test"), subject.seed)
    result = sparsity(codes, draws)
    return {"sparsity": result.pop("sparsity"), **prefixed("sparsity", result)}
