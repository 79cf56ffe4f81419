"""What `fit`, `evaluate` and `predict` take for data, and how weights of examples count."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsp import models, networks
from tfsp.models.inputs import dataset_form, example_weights

LABELS = np.arange(64) % 4
WEIGHTS = np.random.default_rng(1).uniform(0.2, 3.0, 64)
slices = tf.data.Dataset.from_tensor_slices


def autoencoder(**settings):
    """Without noise, so that each example's bound is known."""
    model = models.VAE(networks.MLP(hidden=(4,)), prior="none", latent_dim=2, seed=0, **settings)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return model


@pytest.fixture(scope="module")
def model(binary_images):
    model = autoencoder()
    model.build((None, *binary_images.shape[1:]))
    return model


def unlabelled(x, w):
    return slices((x, w)).batch(32).map(lambda x, w: (x, None, w))


FORMS = {
    "array": lambda x, w: ((x, None), dict(sample_weight=w)),
    "list": lambda x, w: ((x, None), dict(sample_weight=list(w))),
    "tensor": lambda x, w: ((tf.constant(x), None), dict(sample_weight=tf.constant(w))),
    "labelled": lambda x, w: ((x, LABELS), dict(sample_weight=w)),
    "dataset": lambda x, w: ((unlabelled(x, w),), {}),
    "generator": lambda x, w: ((iter_batches(x, w),), dict(shuffle=False)),
}


def iter_batches(x, w):
    yield from ((x[i : i + 32], None, w[i : i + 32]) for i in (0, 32))


def weighted(model, x, w):
    """Loss (as in Keras: the sum over the number of examples) and bound (the weighted mean)."""
    bounds = model(x)["log_likelihood"].numpy().astype(float)
    return -np.mean(w * bounds), np.sum(w * bounds) / np.sum(w)


@pytest.mark.parametrize("form", FORMS)
def test_weights_count_with_labels_and_without(form, model, binary_images):
    loss, bound = weighted(model, binary_images, WEIGHTS)
    given, settings = FORMS[form](binary_images, WEIGHTS)
    history = model.fit(*given, verbose=0, batch_size=32, **settings).history
    np.testing.assert_allclose([history["loss"][0], history["elbo"][0]], [loss, bound], rtol=1e-5)
    given, settings = FORMS[form](binary_images, WEIGHTS)
    settings.pop("shuffle", None)
    scores = model.evaluate(*given, verbose=0, return_dict=True, **settings)
    np.testing.assert_allclose([scores["loss"], scores["elbo"]], [loss, bound], rtol=1e-5)


def test_weights_count_in_validation_data_and_its_split(model, binary_images):
    loss, bound = weighted(model, binary_images, WEIGHTS)
    for data in (
        (binary_images, None, WEIGHTS),
        [binary_images, None, WEIGHTS],
        unlabelled(binary_images, WEIGHTS),
    ):
        history = model.fit(binary_images[:32], validation_data=data, verbose=0).history
        found = [history["val_loss"][0], history["val_elbo"][0]]
        np.testing.assert_allclose(found, [loss, bound], rtol=1e-5)
    history = model.fit(
        binary_images, sample_weight=WEIGHTS, validation_split=0.25, verbose=0
    ).history
    parts = [weighted(model, binary_images[p], WEIGHTS[p]) for p in (slice(48), slice(48, 64))]
    found = [[history["loss"][0], history["elbo"][0]]]
    found.append([history["val_loss"][0], history["val_elbo"][0]])
    np.testing.assert_allclose(found, parts, rtol=1e-5)


def test_weights_of_single_batches(model, binary_images):
    loss, bound = weighted(model, binary_images, WEIGHTS)
    for call in (model.train_on_batch, model.test_on_batch):
        scores = call(binary_images, sample_weight=WEIGHTS, return_dict=True)
        np.testing.assert_allclose([scores["loss"], scores["elbo"]], [loss, bound], rtol=1e-5)


@pytest.mark.parametrize("kind", ["array", "dataset", "one-hot", "column"])
def test_class_weights_are_honoured(kind, model, binary_images):
    """Class 3 has none, and counts once."""
    weights = {0: 0.0, 1: 2.0, 2: 0.5}
    expected = weighted(model, binary_images, np.array([0.0, 2.0, 0.5, 1.0])[LABELS])
    y = {"one-hot": np.eye(4)[LABELS], "column": LABELS[:, np.newaxis]}.get(kind, LABELS)
    given = (binary_images, y) if kind == "array" else (slices((binary_images, y)).batch(32),)
    history = model.fit(*given, class_weight=weights, verbose=0).history
    np.testing.assert_allclose([history["loss"][0], history["elbo"][0]], expected, rtol=1e-5)


def spoilt(value):
    weights = WEIGHTS.copy()
    weights[5] = value
    return weights


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (spoilt(np.nan), r"finite and not negative.*sample_weight\[5\] = nan"),
        (spoilt(np.inf), r"sample_weight\[5\] = inf"),
        (spoilt(-1.0), r"sample_weight\[5\] = -1\.0"),
        (WEIGHTS[:, np.newaxis], r"`sample_weight`.*\(64,\)\. Received: shape \(64, 1\).*\[:, 0\]"),
        (WEIGHTS[:7], r"`sample_weight`.*\(64,\)\. Received: shape \(7,\)"),
        (2.0, r"`sample_weight`.*Received: shape \(\)"),
        ({"a": WEIGHTS}, "`sample_weight` must hold one number"),
        (np.array(["heavy"] * 64), "`sample_weight` must hold one number.*dtype <U5"),
        (np.zeros(64), "`sample_weight` must not all be 0"),
    ],
)
def test_weights_that_cannot_be(weights, message, model, binary_images):
    for call in (model.fit, model.evaluate):
        for labels in (None, LABELS):
            with pytest.raises(ValueError, match=message):
                call(binary_images, labels, sample_weight=weights, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.fit(binary_images, validation_data=(binary_images, None, weights), verbose=0)


def test_weights_that_cannot_be_in_datasets(model, binary_images):
    with pytest.raises(ValueError, match=r"sample_weight\[5\] = nan"):
        model.fit(unlabelled(binary_images, spoilt(np.nan)), verbose=0)
    with pytest.raises(ValueError, match=r"weights of examples.*shape \[B\].*\(None, 1\)"):
        model.evaluate(unlabelled(binary_images, WEIGHTS[:, np.newaxis]), verbose=0)
    batches = iter([(binary_images, None, WEIGHTS[:, np.newaxis])])
    with pytest.raises(ValueError, match=r"`sample_weight`.*shape \(64, 1\)"):
        model.evaluate((batch for batch in batches), verbose=0)


@pytest.mark.parametrize(
    ("weights", "labels", "message"),
    [
        ({0: 1.0}, None, "`class_weight` needs labels"),
        ([1.0, 2.0], LABELS, "`class_weight` must be a dict"),
        ({}, LABELS, "`class_weight` must be a dict"),
        ({0: np.nan}, LABELS, "`class_weight` must give integer classes finite weights"),
        ({0: -1.0}, LABELS, "`class_weight` must give integer classes finite weights"),
        ({"zero": 1.0}, LABELS, "`class_weight` must give integer classes finite weights"),
    ],
)
def test_class_weights_that_cannot_be(weights, labels, message, model, binary_images):
    with pytest.raises(ValueError, match=message):
        model.fit(binary_images, labels, class_weight=weights, verbose=0)
    data = slices(binary_images if labels is None else (binary_images, labels)).batch(8)
    with pytest.raises(ValueError, match=message):
        model.fit(data, class_weight=weights, verbose=0)


def test_weights_are_given_once(binary_images):
    data = slices((binary_images, LABELS, WEIGHTS)).batch(8)
    with pytest.raises(ValueError, match="along with the weights of examples"):
        example_weights.weigh_classes(data, {0: 1.0})


def calls(model, x):
    """Every way to hand over data, each with its error raised or not."""
    yield lambda: model.fit(x, verbose=0)
    yield lambda: model.evaluate(x, verbose=0)
    yield lambda: model.predict(x, verbose=0)
    yield lambda: model.fit(np.zeros((2, *model.data_shape)), validation_data=x, verbose=0)


def endless(x):
    return slices(x).batch(8).repeat()


WRONG = {
    "single examples": (slices, r"must yield batches.*\(8, 8, 1\).*`dataset.batch\("),
    "labelled examples": (lambda x: slices((x, LABELS)), r"must yield batches"),
    "dicts": (
        lambda x: slices({"image": x, "label": LABELS}).batch(8),
        r"dicts with the keys 'image', 'label'.*map\(lambda e: \(e\['image'\], e\['label'\]\)\)",
    ),
    "a dict": (lambda x: {"image": x}, r"dict with the keys 'image'.*data\['image'\]"),
    "no rows": (lambda x: x[:0], r"holds no examples.*\(0, 8, 8, 1\)"),
    "no tensor rows": (lambda x: tf.constant(x[:0]), "holds no examples"),
    "an empty dataset": (lambda x: slices(x[:0]).batch(8), "holds no examples"),
    "an empty batch": (lambda x: tf.data.Dataset.from_tensors(x[:0]), "holds no examples"),
    "no end": (endless, "has no end.*steps"),
    "no end behind a filter": (lambda x: endless(x).filter(lambda x: True), "has no end"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_data_is_explained(kind, model, binary_images):
    make, message = WRONG[kind]
    for call in calls(model, make(binary_images)):
        with pytest.raises(ValueError, match=message):
            call()


def test_pairs_lists_and_nothing_are_explained(model, binary_images):
    for x in ((binary_images, LABELS), [binary_images]):
        for call in (model.fit, model.evaluate, model.predict):
            with pytest.raises(ValueError, match=r"must be one array.*labels go into `y`"):
                call(x, verbose=0)
    with pytest.raises(ValueError, match="`x` is missing"):
        model.fit(verbose=0)


def test_an_endless_dataset_with_steps_is_taken(model, binary_images):
    data = endless(binary_images)
    history = model.fit(
        data, steps_per_epoch=2, validation_data=data, validation_steps=1, verbose=0
    ).history
    assert {"loss", "val_loss"} <= set(history)
    assert len(model.predict(data, steps=2, verbose=0)["latent"]) == 16
    model.evaluate(data, steps=1, verbose=0)


@pytest.mark.parametrize(
    ("make", "unbatched"),
    [
        (lambda x: slices(x), True),
        (lambda x: slices(x).shuffle(3).map(tf.identity).repeat(2).prefetch(1), True),
        (lambda x: slices(x).batch(8).unbatch(), True),
        (lambda x: slices(x.reshape(64, 64)), True),
        (lambda x: slices(x[..., 0]), True),
        (lambda x: one_by_one(x), True),
        (lambda x: slices(x).batch(8), False),
        (lambda x: slices(x).batch(8, drop_remainder=True).cache().shuffle(2), False),
        (lambda x: slices(x[..., 0]).batch(8, drop_remainder=True), False),
        (lambda x: slices(x.reshape(64, 64)).batch(8, drop_remainder=True), False),
        (lambda x: slices(x[..., 0]).unbatch().batch(8, drop_remainder=True), False),
        (lambda x: slices(x).batch(4).rebatch(8), False),
        (lambda x: tf.data.Dataset.from_tensors(x[..., 0]), False),
        (lambda x: slices(x.reshape(8, 8, 8, 8, 1)), False),
    ],
)
def test_batches_are_told_from_examples_before_a_model_is_built(make, unbatched, binary_images):
    assert dataset_form.is_unbatched(make(binary_images)) == unbatched


def one_by_one(x):
    spec = tf.TensorSpec(x.shape[1:])
    return tf.data.Dataset.from_generator(lambda: iter(x), output_signature=spec)


def test_the_end_of_a_dataset(binary_images):
    for data, infinite in (
        (endless(binary_images), True),
        (endless(binary_images).filter(lambda x: True).map(tf.identity), True),
        (endless(binary_images).take(3), False),
        (endless(binary_images).take_while(lambda x: False), False),
        (one_by_one(binary_images), False),
        (tf.data.Dataset.sample_from_datasets([slices([1.0]), slices([2.0])]), False),
    ):
        assert dataset_form.is_infinite(data) == infinite


@pytest.mark.graphs
def test_what_is_not_finite_never_becomes_a_code(model, binary_images):
    """A fused kernel turns NaN into 0, which a network maps to a code like any other."""
    for value in (np.nan, np.inf):
        broken = binary_images.copy()
        broken[20, 1, 2, 0] = value
        message = rf"x\[20, 1, 2, 0\] = {value}"
        for call in (model.predict, model.predict_on_batch, model.encode, model.reconstruct):
            with pytest.raises(ValueError, match=message):
                call(broken)
        compiled = autoencoder()
        compiled.build((None, *broken.shape[1:]))
        compiled.compile(jit_compile=False)
        found = compiled.predict(slices(broken).batch(16), verbose=0)
        for values in found.values():
            bad = ~np.isfinite(values.reshape(64, -1))
            assert bad[20].all()
            assert not np.delete(bad, 20, axis=0).any()


@pytest.mark.parametrize("name", ["metrics", "weighted_metrics", "loss_weights"])
def test_metrics_are_the_models_own(name):
    with pytest.raises(ValueError, match=rf"loss, elbo, log_likelihood, kl.*leave `{name}` out"):
        autoencoder().compile(**{name: ["mse"]})
    autoencoder().compile(**{name: None})


@pytest.mark.parametrize("half", ["bfloat16", "float16"])
def test_half_precision_is_for_networks_alone(half):
    for build in (models.VAE, models.CPVAE, models.DiscreteVAE):
        with pytest.raises(ValueError, match=f"in {half}.*'mixed_{half}'"):
            build(dtype=half)
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(half)
        with pytest.raises(ValueError, match=f"'mixed_{half}'.*Received the policy '{half}'"):
            models.VAE()
    finally:
        keras.config.set_dtype_policy(before)
    assert models.VAE(dtype=f"mixed_{half}").variable_dtype == "float32"


class Table:
    """An array to NumPy and Keras alike, though of a class of its own."""

    def __init__(self, values):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


@pytest.mark.parametrize("make", [lambda x: tf.cast(x, "bfloat16"), tf.Variable, Table])
def test_the_range_is_checked_whatever_holds_the_data(make, model, binary_images):
    wrong = make(binary_images * 1.5)
    for call in calls(model, wrong):
        with pytest.raises(ValueError, match=r"needs data in \[0, 1\].*from 0 to 1.5"):
            call()
    with pytest.raises(ValueError, match=r"x\[0, 0, 0, 0\] = nan"):
        model.fit(make(binary_images * np.float32(np.nan)), verbose=0)


def test_masked_data_and_weights_are_refused(model, binary_images):
    masked = np.ma.array(binary_images, mask=np.zeros(binary_images.shape, bool))
    masked[3, 0, 0, 0] = np.ma.masked
    for call in calls(model, masked):
        with pytest.raises(ValueError, match="`x` has 1 masked values"):
            call()
    with pytest.raises(ValueError, match="`sample_weight` has 4 masked values"):
        model.fit(binary_images, sample_weight=np.ma.masked_less(np.arange(64.0), 4), verbose=0)


SEVERAL = np.eye(4)[LABELS] + np.eye(4)[1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS.astype(str), r"labels y that are integers.*np\.unique"),
        (SEVERAL, r"one-hot.*y\[0\] = \[1\. 1\. 0\. 0\.\].*`sample_weight`"),
        (LABELS + 0.5, "not whole"),
        (np.zeros((64, 2, 2)), r"shape \(64, 2, 2\)"),
    ],
)
def test_labels_that_class_weights_cannot_mean(labels, message, model, binary_images):
    for given in ((binary_images, labels), (slices((binary_images, labels)).batch(64),)):
        with pytest.raises(ValueError, match=message):
            model.fit(*given, class_weight={0: 2.0}, verbose=0)


def test_class_weights_of_generators_and_sequences(model, binary_images):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            part = slice(32 * index, 32 * index + 32)
            return binary_images[part], LABELS[part]

    batches = ((binary_images, LABELS) for _ in range(1))
    with pytest.raises(ValueError, match=r"not go with generators.*\(x, y, sample_weight\)"):
        model.fit(batches, class_weight={0: 2.0}, verbose=0)
    loss, _ = weighted(model, binary_images, np.where(LABELS == 0, 2.0, 1.0))
    history = model.fit(Batches(), class_weight={0: 2.0}, verbose=0).history
    np.testing.assert_allclose(history["loss"][0], loss, rtol=1e-5)


@pytest.mark.parametrize("eager", [True, False])
def test_an_empty_batch_among_others_changes_nothing(eager, binary_images):
    def run(*sizes):
        keras.utils.set_random_seed(0)
        model = autoencoder()
        model.build((None, *binary_images.shape[1:]))
        model.compile(keras.optimizers.SGD(0.01), run_eagerly=eager, jit_compile=False)
        data = tf.data.Dataset.from_generator(
            lambda: (binary_images[:size] for size in sizes),
            output_signature=tf.TensorSpec((None, *binary_images.shape[1:])),
        )
        history = model.fit(data, verbose=0).history
        tested = model.evaluate(data, verbose=0, return_dict=True)
        return [*history.values(), *tested.values(), *model.get_weights()]

    for ours, theirs in zip(run(32, 0, 16), run(32, 16), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
