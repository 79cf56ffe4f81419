"""The task "chains"."""

from tfsp.evaluation.chains import chain_classes
from tfsp.evaluation.tasks.registry import register
from tfsp.evaluation.tasks.rows import prefixed
from tfsp.measures.features import classifier_labeller
from tfsp.measures.mode_separation import mode_separation

_NUM_CHAINS = 100
_NUM_ROWS = 50
_CHAIN_STEPS = 100  # sweeps between rows, as in the paper's Figure 5
_NUM_TRAINING = 20_000  # images that the classifier is trained on, at most
_NUM_VISITS = 160_000  # of training images: with fewer images more epochs


def _check(subject):
    if subject.data.info.num_classes < 2:
        raise ValueError("The task 'chains' needs at least two classes.")


@register(
    "chains",
    needs=("classes", "gibbs_chains"),
    columns=("chains_same_class", "chains_same_class_chance", "chains_run_length"),
    check=_check,
    place=13,
)
def of_subject(subject):
    """How long Gibbs chains of a discrete VAE stay within one class.

    Classes of samples 100 block-Gibbs sweeps apart along 100 chains, by a classifier trained on the
    training images: `chains_same_class` share of consecutive samples in one class,
    `chains_standard_error`, `chains_same_class_chance` by the frequencies of the classes alone,
    `chains_run_length` and `chains_run_length_chance` out of 50 rows, `chains_same_state` share of
    pairs of samples of the same state in one class.

    Source: Figure 5 of Rolfe 2017, arXiv:1609.02200, as numbers.
    """
    info = subject.data.info
    images, labels = subject.data.arrays("train", limit=_NUM_TRAINING)
    test = subject.data.arrays("test")
    epochs = min(100, -(-_NUM_VISITS // len(images)))
    labeller = classifier_labeller(images, labels, *test, f"{info.name} (training)", epochs)
    classes = chain_classes(
        subject.model, labeller, _NUM_CHAINS, _NUM_ROWS, _CHAIN_STEPS, seed=subject.seed
    )
    found = mode_separation(classes)
    shares = {
        str(subject.class_name(labeller.classes[k])): f for k, f in found.pop("frequencies").items()
    }
    return {
        **prefixed("chains", found),
        "chains_shares": shares,
        "chains_num_chains": _NUM_CHAINS,
        "chains_num_rows": _NUM_ROWS,
        "chains_sweeps_per_row": _CHAIN_STEPS,
        "chains_classifier": labeller.description,
        "chains_of": "means",
    }
