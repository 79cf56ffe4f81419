"""The task "frechet"."""

from tfsp.evaluation.draws import can_add_noise
from tfsp.evaluation.tasks.registry import register
from tfsp.measures.features import classifier_features
from tfsp.measures.frechet import frechet

_NUM_SAMPLES = 10_000  # drawn from the model, and of the test data at most
_NUM_TRAINING = 20_000  # images that the classifier of the features is trained on, at most


def _check(subject):
    info = subject.data.info
    if info.num_classes < 2 or info.num_test < 2:
        raise ValueError(
            "The task 'frechet' uses the features of a classifier trained on the data, which needs "
            f"at least two classes and two test images. {info.name!r} has {info.num_classes} "
            f"and {info.num_test}."
        )


@register(
    "frechet",
    needs=("labels", "density"),
    columns=("frechet_classifier",),
    check=_check,
    place=9,
)
def of_subject(subject):
    """Fréchet distance of samples to test images, in the features of a classifier of the data.

    `frechet_classifier` is the distance of at most 10,000 samples to as many test images in the
    features of a classifier trained on the training images (not the Inception features of what
    papers call FID); `frechet_features` describes them.

    Source: Miao et al. 2022, section 6 and appendix B.
    """
    info = subject.data.info
    images, labels = subject.data.arrays("train", limit=_NUM_TRAINING)
    test, test_labels = subject.data.arrays("test", limit=_NUM_SAMPLES)
    features = classifier_features(images, labels, test, test_labels, f"{info.name} (training)")
    # Binary data against binary draws; other data against means, as papers do.
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
