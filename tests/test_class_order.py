"""Data sorted by class: wherever only some rows are taken, every class is among them."""

import types

import numpy as np
import pytest
import tensorflow as tf
from callbacks.test_prior_schedule import Recorder
from PIL import Image

from tfsp import data, evaluation, experiment, models, networks, subset, viz
from tfsp import visualize as visualize_module
from tfsp.config import default_config
from tfsp.models.inputs.examples import count_examples, take_examples
from tfsp.priors import Prior

NUM_CLASSES = 11
ROWS = 22_000


def sorted_by_class(count):
    """Images `[count, 2, 2, 1]` whose four pixels are the binary digits of their class."""
    labels = np.arange(count) * NUM_CLASSES // count
    bits = (labels[:, None] >> np.arange(4)) & 1
    return bits.reshape(count, 2, 2, 1).astype(np.float32), labels


def classes(images):
    return (np.rint(images).reshape(len(images), 4) @ [1, 2, 4, 8]).astype(int)


def assert_all_classes(images, labels=None):
    counts = np.bincount(classes(images), minlength=NUM_CLASSES)
    assert len(counts) == NUM_CLASSES
    assert counts.min() > 0
    if labels is not None:
        np.testing.assert_array_equal(labels, classes(images))


X, Y = sorted_by_class(ROWS)


def batches(endless=False, known=True, labels=False):
    dataset = tf.data.Dataset.from_tensor_slices((X, Y) if labels else X).batch(5500)
    dataset = dataset.repeat() if endless else dataset
    return dataset if known else dataset.filter(lambda *_: True)


@pytest.mark.parametrize(
    ("source", "steps"),
    [
        (X, None),
        (tf.constant(X), None),
        (batches(), None),
        (batches(labels=True), None),
        (batches(known=False), None),
        (batches(endless=True), 2),  # much shorter an epoch than a pass over the data
        (batches(endless=True, known=False), 2),
    ],
    ids=["array", "tensor", "x", "xy", "unknown", "endless", "endless unknown"],
)
def test_what_a_prior_starts_from(source, steps):
    prior = Recorder(2)
    model = models.VAE(networks.MLP(hidden=(2,)), prior=prior, latent_dim=2, seed=0)
    model.compile(run_eagerly=True, steps_per_execution=1)
    model.fit(source, batch_size=11_000, epochs=1, steps_per_epoch=steps, verbose=0)
    assert len(prior.data) == Prior.most_examples
    assert_all_classes(prior.data)
    if steps is None:
        np.testing.assert_array_equal(prior.data, X[subset.rows(ROWS, Prior.most_examples)])
    assert "health 200" in prior.calls


def test_examples_of_every_kind_are_the_same():
    rows = subset.rows(ROWS, 300)
    for source in (X, (X, Y), batches(), batches(labels=True), batches(known=False)):
        np.testing.assert_array_equal(take_examples(source, 300), X[rows])
        assert count_examples(source, 10**9) == ROWS
        assert count_examples(source, 40) == 40
    np.testing.assert_array_equal(take_examples(batches()), X)


@pytest.mark.slow
def test_datasets_without_end_or_examples():
    with pytest.raises(ValueError, match=r"repeats without end.*\.take\(number_of_batches\)"):
        take_examples(batches(endless=True))
    assert_all_classes(take_examples(batches(endless=True), 500))
    long = tf.data.Dataset.range(10**9).map(lambda i: tf.cast(i, tf.float32)[None]).batch(10_000)
    found = take_examples(long.repeat(), 50, steps=23)
    assert 200_000 < found.max() < 230_000  # an epoch, if that is more than the window
    with pytest.raises(ValueError, match="no examples"):
        take_examples(batches().take(0), 5)


def test_a_generator_of_a_dataset_is_read_as_often_as_before():
    """Once to count, once to start, once for the codes of the health, and once for training."""
    begun = []

    def generate():
        begun.append(0)
        for start in range(0, 64, 8):
            begun[-1] += 1
            yield X[start : start + 8]

    dataset = tf.data.Dataset.from_generator(
        generate, output_signature=tf.TensorSpec([None, 2, 2, 1], tf.float32)
    )

    class Needy(Recorder):
        min_examples = 3

    model = models.VAE(networks.MLP(hidden=(2,)), prior=Needy(2), latent_dim=2, seed=0)
    model.compile(run_eagerly=True)
    model.fit(dataset, epochs=1, verbose=0)
    assert len(begun) == 5  # the check of the first batch, too


def test_categories_start_from_all_classes(monkeypatch):
    model = models.CPVAE(networks.MLP(hidden=(4,)), latent_dim=2, num_categories=3)
    seen = []
    parts = models.CPVAE._parts
    monkeypatch.setattr(models.CPVAE, "_parts", lambda self, x: seen.append(x) or parts(self, x))
    model.adapt((X, Y))
    assert [len(x) for x in seen] == [Prior.most_examples, ROWS]  # to start, and for q(c)
    assert_all_classes(seen[0])


def test_points_of_a_tree_are_of_all_classes():
    model = models.VAE(
        networks.MLP(hidden=(8,)), prior={"name": "tmc", "num_points": 60}, latent_dim=2, seed=0
    )
    model.build((None, 2, 2, 1))
    few = X[::50]  # 440 rows, more than points
    model.adapt(few)
    expected = np.asarray(model.encode(few[subset.rows(len(few), 60)]))
    np.testing.assert_allclose(model.prior.mean, expected, rtol=1e-5, atol=1e-6)


def folder_of_images(path):
    images, labels = sorted_by_class(110)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        (path / f"{label:02d}").mkdir(exist_ok=True)
        grey = Image.fromarray((255 * image[..., 0]).astype(np.uint8))
        grey.save(path / f"{label:02d}" / f"{i:03d}.png")
    return path


@pytest.mark.parametrize("form", ["array", "folder", "dataset", "stream"])
@pytest.mark.parametrize("mode", ["none", "static", "threshold"])
def test_arrays_of_every_source(form, mode, tmp_path):
    if form == "folder":
        source, options = folder_of_images(tmp_path), {}
    elif form == "array":
        source, options = sorted_by_class(1100), {}
    else:
        source = tf.data.Dataset.from_tensor_slices(sorted_by_class(1100))
        options = {"cache": form == "dataset"}
    loaded = data.load(source, binarization=mode, **options)
    whole, labels = loaded.arrays("train")
    limit = len(whole) // 2
    few, few_labels = loaded.arrays("train", limit=limit)
    rows = subset.rows(len(whole), limit)
    np.testing.assert_array_equal(few, whole[rows])
    np.testing.assert_array_equal(few_labels, labels[rows])
    assert_all_classes(few, few_labels)
    np.testing.assert_array_equal(few, loaded.arrays("train", limit=limit)[0])
    none, no_labels = loaded.arrays("train", limit=0)
    assert (none.shape, no_labels.shape) == ((0, 2, 2, 1), (0,))
    np.testing.assert_array_equal(loaded.arrays("train", limit=10**6)[0], whole)


def test_sizes_of_streamed_parts():
    """The part that is trained on, too, is of all classes, and the same in every epoch."""
    images, labels = sorted_by_class(1100)
    images = images + np.arange(1100.0).reshape(-1, 1, 1, 1) * 1e-4  # each another
    source = tf.data.Dataset.from_tensor_slices((images.astype(np.float32) / 2, labels))
    sizes = dict(train_size=60, validation_size=0, test_size=55)
    loaded = data.load(source, cache=False, labels=True, batch_size=20, **sizes)
    assert (loaded.info.num_train, loaded.info.num_test) == (60, 55)
    for part, count in (("train", 60), ("test", 55)):
        few, few_labels = loaded.arrays(part)
        assert len(few) == count
        assert set(few_labels) == set(range(NUM_CLASSES))
    few = loaded.arrays("train")[0]
    for _ in range(2):
        seen = np.concatenate([x for x, _ in loaded.train])
        np.testing.assert_array_equal(np.sort(seen.ravel()), np.sort(few.ravel()))
    whole = data.load(source, cache=False, test_size=0, validation_size=0).arrays("train")[0]
    expected = data.load(source, cache=False, test_size=0, validation_size=0, train_size=40)
    np.testing.assert_array_equal(expected.arrays("train")[0], whole[subset.rows(1100, 40)])


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A VampPrior that starts from data, on a file of 24,000 / 200 / 3,500 rows."""
    folder = tmp_path_factory.mktemp("sorted")
    parts = {"train": 24_000, "val": 200, "test": 3_500}
    arrays = {}
    for part, count in parts.items():
        arrays[f"x_{part}"], arrays[f"y_{part}"] = sorted_by_class(count)
    np.savez(folder / "sorted.npz", **arrays)
    config = default_config()
    config.data.update(name=str(folder / "sorted.npz"), binarization="none")
    config.model.latent_dim = 2
    config.network.hidden = (8,)
    config.prior.update(name="vamp", num_components=200, start="data")
    config.train.update(batch_size=500, epochs=1, learning_rate=1e-12, jit_compile=False)
    experiment.train(config, folder / "run", verbose=0)
    return folder / "run"


@pytest.mark.slow
def test_a_run_starts_from_all_classes(run_dir):
    model, _ = experiment.load_run(run_dir)
    assert_all_classes(np.asarray(model.prior.pseudo_inputs))


def test_log_p_is_estimated_on_all_classes(run_dir, monkeypatch):
    from tfsp.evaluation.tasks import log_likelihood as tasks

    seen = []
    estimate = tasks.log_likelihood
    monkeypatch.setattr(
        tasks, "log_likelihood", lambda m, x, *a, **k: seen.append(x) or estimate(m, x, *a, **k)
    )
    for _ in range(2):
        row = evaluation.evaluate_run(
            run_dir, tasks=["log_likelihood"], num_samples=2, num_examples=200, progress=False
        )
        assert row["log_p_num_examples"] == 200
    assert_all_classes(seen[0])
    np.testing.assert_array_equal(*seen)


def test_pictures_show_all_classes(run_dir, monkeypatch):
    seen = {}

    def note(name, function):
        def called(*args, **kwargs):
            seen[name] = args
            return function(*args, **kwargs)

        return called

    for name in ("reconstructions", "latent_map"):
        monkeypatch.setattr(viz, name, note(name, getattr(viz, name)))
    visualize_module.visualize_run(run_dir)
    images, _ = seen["reconstructions"]
    assert len(images) == 20
    assert len(set(classes(images))) >= 7  # 9.3 are expected of 11; P(fewer than 7) is 0.002
    codes, labels = seen["latent_map"]
    assert len(codes) == 3000
    assert np.bincount(labels).min() > 200
    loaded = experiment.load_data(experiment.load_run(run_dir)[1])
    batch = {}
    model = types.SimpleNamespace(
        reconstruct=lambda x: batch.update(x=x) or x, prior=types.SimpleNamespace(is_density=False)
    )
    experiment._drawer(loaded)(model)  # TensorBoard
    assert len(batch["x"]) == 10
    assert len(set(classes(batch["x"]))) >= 4


def test_measures_that_take_some_rows():
    """Codes of a limit, the decomposition, and the tree's purity by points of all classes."""
    model = models.VAE(networks.MLP(hidden=(4,)), latent_dim=2, seed=0)
    model.build((None, 2, 2, 1))
    rows = subset.rows(ROWS, 400)
    for source in ((X, Y), batches(labels=True)):
        codes, labels = evaluation.encode(model, source, limit=400)
        np.testing.assert_array_equal(labels, Y[rows])
        np.testing.assert_allclose(codes, model.encode(X[rows]), rtol=1e-4, atol=1e-6)
        found = evaluation.kl_decomposition(model, source, num_examples=100)
        few = X[subset.rows(ROWS, 100)]
        assert found == evaluation.kl_decomposition(model, few, num_examples=None)
