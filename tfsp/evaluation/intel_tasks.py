"""The measures of the InteL-VAE paper as tasks: on codes, and on what the model draws."""

from tfsp.evaluation.attributes import attribute_prediction
from tfsp.evaluation.draws import can_add_noise
from tfsp.evaluation.energy import energy_distance
from tfsp.evaluation.features import classifier_features
from tfsp.evaluation.forest import few_shot_forest
from tfsp.evaluation.frechet import frechet
from tfsp.evaluation.latent import posterior_draws
from tfsp.evaluation.proportions import learned_proportions, logistic_labeller, proportions
from tfsp.evaluation.sparsity import sparsity

_NUM_SAMPLES = 10_000  # drawn from the model, and of the test data at most
_NUM_TRAINING = 20_000  # images that the classifier of the features is trained on, at most
_NUM_LOGISTIC = 10_000  # the same of the logistic classifier
_MANY_CLASSES = 100


def _sparsity(subject):
    codes, _ = subject.test
    draws = posterior_draws(subject.model, subject.data.arrays("test"), subject.seed)
    result = sparsity(codes, draws)
    return {"sparsity": result.pop("sparsity"), **_prefixed("sparsity", result)}


def _check_sparsity(subject):
    dim = subject.model.representation_dim
    if dim < 2:
        raise ValueError(
            "The task 'sparsity' needs a representation of two dimensions at least. That of this "
            f"run has {dim}."
        )


def _energy_distance(subject):
    points, _ = subject.data.arrays("test", limit=_NUM_SAMPLES)
    kind = "draws" if can_add_noise(subject.model.likelihood) else "means"
    samples = subject.draws(_NUM_SAMPLES, kind)
    return {
        "energy_distance": energy_distance(samples, points),
        "energy_distance_of": kind,
        "energy_distance_num_samples": len(samples),
        "energy_distance_num_data": len(points),
    }


def _check_energy_distance(subject):
    _check_draws(subject, "energy_distance")
    info = subject.data.info
    if len(info.image_shape) != 1:
        raise ValueError(
            "The task 'energy_distance' compares points, such as those of 'star'; distances "
            f"between images of shape {list(info.image_shape)} ({info.name!r}) say little. Take "
            "the task 'frechet'."
        )
    if info.num_test < 2:
        raise ValueError("The task 'energy_distance' needs two test points at least.")


def _frechet(subject):
    info = subject.data.info
    images, labels = subject.data.arrays("train", limit=_NUM_TRAINING)
    test, test_labels = subject.data.arrays("test", limit=_NUM_SAMPLES)
    features = classifier_features(images, labels, test, test_labels, f"{info.name} (training)")
    # Binary data against binary draws; grey data against means, as papers do.
    binary = info.binarization != "none" and can_add_noise(subject.model.likelihood)
    kind = "draws" if binary else "means"
    result = frechet(subject.draws(len(test), kind), test, features)
    return {
        # The features are part of the name: in others the number would be another.
        f"frechet_{result['features']}": result["distance"],
        "frechet_features": result["description"],
        "frechet_of": kind,
        **{f"frechet_{key}": result[key] for key in ("num_samples", "num_data", "resize")},
    }


def _check_frechet(subject):
    _check_draws(subject, "frechet")
    info = subject.data.info
    if info.num_classes < 2 or info.num_test < 2:
        raise ValueError(
            "The task 'frechet' takes the features of a classifier trained on the data, so that "
            f"there must be two classes and two test images. {info.name!r} has {info.num_classes} "
            f"and {info.num_test}."
        )


def _proportions(subject):
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
        "proportions_classes": found["classes"],
        "proportions_shares": found["shares"],
        "proportions_data_shares": of_data["shares"],
        "proportions_classifier": labeller.description,
        "proportions_of": "means",
        "proportions_num_samples": found["num_examples"],
    }
    learned = learned_proportions(subject.model, labeller, seed=subject.seed)
    if learned is not None:
        row["proportions_learned"] = learned["proportions"]
        row["proportions_learned_classes"] = learned["classes"]
        if len(found["classes"]) == 2:
            pairs = zip(learned["proportions"], learned["classes"], strict=True)
            second = found["classes"][1]
            row["proportions_learned_second"] = sum(p for p, c in pairs if c == second)
    return row


def _check_proportions(subject):
    _check_draws(subject, "proportions")
    info = subject.reference.info
    if not 2 <= info.num_classes <= _MANY_CLASSES:
        raise ValueError(
            f"The task 'proportions' needs from 2 to {_MANY_CLASSES} classes. The data set "
            f"{info.name!r} has {info.num_classes}."
        )


def _forest(subject):
    return _by_size("forest", few_shot_forest(*subject.train, *subject.test, seed=subject.seed))


def _check_forest(subject):
    if subject.data.info.num_train < 50:
        raise ValueError("The task 'forest' needs 50 training examples at least.")


def _attributes(subject):
    result = attribute_prediction(*subject.train, *subject.test, seed=subject.seed)
    return {**_by_size("attributes", result), "attributes_majority": result["majority"]}


def _check_attributes(subject):
    info = subject.data.info
    labels = subject.data.arrays("test", limit=0)[1]
    if labels.ndim != 2:
        raise ValueError(
            "The task 'attributes' needs a vector of binary attributes for each image, such as "
            f"those of 'celeb_a'. The data set {info.name!r} has one class for each; take the "
            "task 'few_shot' or 'forest'."
        )


def _check_draws(subject, task):
    if not subject.model.prior.is_density:
        raise ValueError(
            f"The task {task!r} needs a model that can be sampled. The prior of this run, "
            f"{subject.config['prior']['name']!r}, is no distribution."
        )


def _by_size(task, result):
    row = {}
    for size, mean, deviation in zip(
        result["sizes"], result["mean"], result["standard_deviation"], strict=True
    ):
        row |= {f"{task}_{size}": mean, f"{task}_{size}_sd": deviation}
    return row | {f"{task}_num_subsets": result["accuracies"].shape[1]}


def _prefixed(task, result):
    return {f"{task}_{key}": value for key, value in result.items()}


INTEL_TASKS = {
    "sparsity": _sparsity,
    "energy_distance": _energy_distance,
    "frechet": _frechet,
    "proportions": _proportions,
    "forest": _forest,
    "attributes": _attributes,
}
CHECKS = {
    "sparsity": _check_sparsity,
    "energy_distance": _check_energy_distance,
    "frechet": _check_frechet,
    "proportions": _check_proportions,
    "forest": _check_forest,
    "attributes": _check_attributes,
}
