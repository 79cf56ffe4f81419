"""The task "proportions"."""

from tfsp.evaluation.learned_proportions import learned_proportions
from tfsp.evaluation.tasks.registry import register
from tfsp.measures.proportions import logistic_labeller, proportions

_NUM_SAMPLES = 10_000  # drawn from the model
_NUM_LOGISTIC = 10_000  # images that the classifier is trained on, at most
_MANY_CLASSES = 100


def _check(subject):
    info = subject.reference.info
    if not 2 <= info.num_classes <= _MANY_CLASSES:
        raise ValueError(
            f"The task 'proportions' needs from 2 to {_MANY_CLASSES} classes. The data set "
            f"{info.name!r} has {info.num_classes}."
        )


@register(
    "proportions",
    needs=("classes", "density"),
    columns=("proportions_uncertainty", "proportions_second", "proportions_learned_second"),
    check=_check,
    place=10,
)
def of_subject(subject):
    """Shares of the classes among samples, as a logistic classifier sees them.

    For 10,000 samples `proportions_uncertainty`, `proportions_shares` of the classes, for two
    classes `proportions_second`; the same for test data; for the clusters of an InteL-VAE their
    probabilities, `proportions_learned`, and the class of most samples of each
    (`proportions_learned_second`: of the clusters of the second class together). The classifier is
    trained on the data in their own proportions, whatever `data.proportion` is.

    Source: Miao et al. 2022, section 6 and appendices B, C.
    """
    labeller = logistic_labeller(*subject.reference.arrays("train", limit=_NUM_LOGISTIC))
    test, _ = subject.data.arrays("test")
    # Means also for binary data: on those a linear classifier gives its average over draws.
    samples = subject.draws(_NUM_SAMPLES, "means")
    found, of_data = proportions(samples, labeller), proportions(test, labeller)
    row = {
        "proportions_uncertainty": found["uncertainty"],
        "proportions_data_uncertainty": of_data["uncertainty"],
    }
    if len(found["classes"]) == 2:
        row["proportions_second"] = found["shares"][1]
        row["proportions_data_second"] = of_data["shares"][1]
    row |= {
        "proportions_classes": [subject.class_name(c) for c in found["classes"]],
        "proportions_shares": found["shares"],
        "proportions_data_shares": of_data["shares"],
        "proportions_classifier": labeller.description,
        "proportions_of": "means",
        "proportions_num_samples": found["num_examples"],
    }
    learned = learned_proportions(subject.model, labeller, seed=subject.seed)
    if learned is not None:
        row["proportions_learned"] = learned["proportions"]
        row["proportions_learned_classes"] = [subject.class_name(c) for c in learned["classes"]]
        if len(found["classes"]) == 2:
            pairs = zip(learned["proportions"], learned["classes"], strict=True)
            second = found["classes"][1]
            row["proportions_learned_second"] = sum(p for p, c in pairs if c == second)
    return row
