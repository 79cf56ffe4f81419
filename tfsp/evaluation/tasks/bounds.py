"""The task "bounds"."""

from tfsp.evaluation.bounds import bounds
from tfsp.evaluation.latent import encode
from tfsp.evaluation.tasks.registry import register
from tfsp.measures.active_units import active_units


@register(
    "bounds",
    columns=("elbo", "log_likelihood_term", "kl", "active_units"),
    owns=(),  # its keys are the model's terms; a new row replaces those of an old one
    place=1,
    default=True,
)
def of_subject(subject):
    """The bound on log p(x) and its parts; active units."""
    row = {**subject.log_z, **bounds(subject.model, subject.data.test, subject.seed)}
    codes = subject.test if "test" in vars(subject) else encode(subject.model, subject.data.test)
    if len(codes[0]) > 1:
        row["active_units"] = active_units(codes[0])
    row["log_likelihood_term"] = row.pop("log_likelihood")
    return row
