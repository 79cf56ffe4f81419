"""The task "log_likelihood"."""

from tfsp.evaluation.likelihood import log_likelihood
from tfsp.evaluation.tasks.registry import register


def _share(subject):
    if not _num_samples(subject):
        raise ValueError(
            "The task 'log_likelihood' has no shares here: the number of samples is 0, or the "
            "prior of the run has no density."
        )
    return [_estimate(subject, _test(subject))]


@register(
    "log_likelihood",
    columns=(
        "log_p",
        "standard_error",
        "log_z",
        "log_z_standard_error",
        "log_z_method",
        "num_samples",
    ),
    owns=(
        "num_samples",
        "log_p",
        "log_p_num_examples",
        "standard_error",
        "monte_carlo_error",
        "bits_per_dimension",
        "mean_effective_sample_size",
    ),
    place=2,
    default=True,
    share=_share,
)
def of_subject(subject):
    """log p(x) by importance samples; left out where the prior has no density.

    For a discrete VAE this is the estimate minus log Z, so that it has two errors:
    `standard_error` over the images and `log_z_standard_error`, which all images share. log Z is
    recomputed for this task and for bounds (`refresh_log_partition`): `log_z`, with the method
    `log_z_method`: "enumeration", "independent units" (both exact) or "BAR", which is compared with
    `log_z_ais` (`log_z_agree`).
    """
    row = {"num_samples": _num_samples(subject)}
    if row["num_samples"]:
        test = _test(subject)
        estimate = _estimate(subject, test)
        row |= subject.log_z
        row["log_p_num_examples"] = estimate.pop("num_examples")
        if test.min() < 0 or test.max() > 1:
            del estimate["bits_per_dimension"]  # which is about intensities
        row.update(estimate)
    return row


def _num_samples(subject):
    return subject.num_samples if subject.model.prior.is_density else 0


def _test(subject):
    return subject.data.arrays("test", limit=subject.num_examples or None)[0]


def _estimate(subject, test):
    _ = subject.log_z  # recomputed first: the estimates depend on it
    return log_likelihood(
        subject.model,
        test,
        subject.num_samples,
        seed=subject.seed,
        progress=subject.progress,
        share=subject.share,
        folder=subject.shares,
    )
