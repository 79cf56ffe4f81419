"""The measures of discrete VAEs: log Z and its error, and what Gibbs chains pass through."""

from tfsp.evaluation.chains import chain_classes, mode_separation
from tfsp.evaluation.features import classifier_labeller
from tfsp.priors.log_partition import has_log_partition, refresh_log_partition

_NUM_CHAINS = 100
_NUM_ROWS = 50
_CHAIN_STEPS = 100  # sweeps between rows, as in the paper's Figure 5
_NUM_TRAINING = 20_000  # images that the classifier is trained on, at most
_NUM_VISITS = 160_000  # of training images: with fewer images more epochs


def log_z_row(model, seed=0):
    """What a row says of the prior's log Z, which is computed anew; {} where there is none."""
    if not has_log_partition(model.prior):
        return {}
    found = refresh_log_partition(model.prior, seed)
    row = {
        "log_z": found.log_z,
        "log_z_standard_error": found.standard_error,
        "log_z_method": found.method,
    }
    for name, (log_z, error) in found.estimates.items():
        row |= {f"log_z_{name}": log_z, f"log_z_{name}_standard_error": error}
    if found.estimates:
        row["log_z_agree"] = found.agree
    return row


def prior_name(model, config):
    """What the row's prior is called: of a discrete VAE its variant, "dvae", "dvae++", "dvae#"."""
    if has_log_partition(model.prior):
        return model.get_config()["variant"]
    return config["prior"]["name"]


def _chains(subject):
    info = subject.data.info
    images, labels = subject.data.arrays("train", limit=_NUM_TRAINING)
    test = subject.data.arrays("test")
    epochs = min(100, -(-_NUM_VISITS // len(images)))
    labeller = classifier_labeller(images, labels, *test, f"{info.name} (training)", epochs)
    classes = chain_classes(
        subject.model, labeller, _NUM_CHAINS, _NUM_ROWS, _CHAIN_STEPS, seed=subject.seed
    )
    found = mode_separation(classes)
    shares = {str(labeller.classes[k]): f for k, f in found.pop("frequencies").items()}
    return {
        **{f"chains_{name}": value for name, value in found.items()},
        "chains_shares": shares,
        "chains_num_chains": _NUM_CHAINS,
        "chains_num_rows": _NUM_ROWS,
        "chains_sweeps_per_row": _CHAIN_STEPS,
        "chains_classifier": labeller.description,
        "chains_of": "means",
    }


def _check_chains(subject):
    if not hasattr(subject.model, "sample_chains"):
        raise ValueError(
            "The task 'chains' follows Gibbs chains of discrete units, which the model of this "
            f"run, {subject.config['model']['name']!r}, has not. Take a run of 'discrete_vae'."
        )
    if subject.data.info.num_classes < 2:
        raise ValueError("The task 'chains' needs two classes at least.")


DISCRETE_TASKS = {"chains": _chains}
DISCRETE_CHECKS = {"chains": _check_chains}
