"""The measures of the InteL-VAE paper as tasks of a run: points, images, and refusals."""

import json
import types

import numpy as np
import pytest
from reference.statistics import frequency_tolerance

from tfsp import evaluation, experiment
from tfsp.config import default_config
from tfsp.evaluation import tasks as tasks_module
from tfsp.export import export_run
from tfsp.run_directory import RunDirectory
from tfsp.visualize import visualize_run


@pytest.fixture(scope="module")
def points_run(tmp_path_factory):
    """An InteL-VAE with two sectors on two Gaussians."""
    path = tmp_path_factory.mktemp("intel") / "points"
    config = default_config()
    config.data.update(name="two_gaussians", binarization="none", proportion=0.3)
    config.data.update(train_size=5000, validation_size=200, test_size=500)
    config.model.update(name="intel_vae", latent_dim=2)
    config.mapping.update(name="sectors", num_sectors=(2,), learned=True)
    config.network.hidden = (16,)
    config.likelihood.update(name="gaussian", initial_scale=0.1)
    config.train.update(batch_size=100, epochs=2, jit_compile=False, learning_rate=1e-2)
    experiment.train(config, path, verbose=0)
    return path


@pytest.fixture(scope="module")
def images_run(tmp_path_factory):
    path = tmp_path_factory.mktemp("intel") / "images"
    config = default_config()
    config.data.update(classes="0,1", validation_size=20, test_size=50)
    config.model.update(name="intel_vae", latent_dim=4)
    config.mapping.update(name="hierarchy", num_levels=2, hidden=(8,))
    config.network.hidden = (16,)
    config.train.update(batch_size=50, epochs=2, jit_compile=False)
    experiment.train(config, path, verbose=0)
    return path


@pytest.mark.slow
def test_tasks_on_points(points_run):
    tasks = ("energy_distance", "proportions", "sparsity", "forest", "log_likelihood")
    row = evaluation.evaluate_run(points_run, tasks=tasks, num_samples=2, progress=False)
    model, config = experiment.load_run(points_run)
    data = experiment.load_data(config)
    points, _ = data.arrays("test")
    expected = evaluation.energy_distance(evaluation.draw(model, 10_000), points)
    assert row["energy_distance"] == pytest.approx(expected, rel=1e-6)
    assert row["energy_distance_of"] == "draws"
    assert (row["energy_distance_num_samples"], row["energy_distance_num_data"]) == (10_000, 500)
    codes, _ = evaluation.encode(model, points)
    assert row["sparsity"] == pytest.approx(evaluation.sparsity(codes)["sparsity"], rel=1e-5)
    assert row["sparsity_num_dimensions"] == 2
    assert row["sparsity_num_active"] == 2
    own = {**config, "data": {**config["data"], "proportion": None}}
    own = experiment.load_data(own).arrays("train", limit=10_000)
    labeller = evaluation.logistic_labeller(*own)
    means = evaluation.draw(model, 10_000, kind="means")
    found = evaluation.proportions(means, labeller)
    assert row["proportions_second"] == pytest.approx(found["shares"][1], abs=0.01)
    assert row["proportions_uncertainty"] == pytest.approx(found["uncertainty"], abs=0.01)
    assert row["proportions_data_second"] == pytest.approx(0.3, abs=0.1)
    assert row["proportions_classes"] == [0, 1]
    learned = model.mapping.proportions()
    np.testing.assert_allclose(row["proportions_learned"], learned, rtol=1e-6)
    second = np.array(row["proportions_learned_classes"]) == 1
    share = np.sum(row["proportions_learned"], where=second)
    assert row["proportions_learned_second"] == pytest.approx(share)
    assert row["forest_500"] > 0.9
    assert row["forest_num_subsets"] == 10
    assert "log_p" in row
    assert "bits_per_dimension" not in row  # x is no intensity
    json.dumps(row)
    # A task that is run again replaces what it wrote alone.
    again = evaluation.evaluate_run(points_run, tasks=["sparsity"], progress=False)
    assert again["energy_distance"] == row["energy_distance"]
    table = evaluation.format_results([again])
    assert "energy_distance" in table
    assert "proportions_second" in table


def test_classifier_of_samples_sees_the_own_proportions_of_the_data(points_run):
    subject = tasks_module.of_run(RunDirectory(points_run), None, False, "best")
    share = {
        name: np.mean(data.arrays("train", limit=5000)[1])
        for name, data in (("own", subject.reference), ("run", subject.data))
    }
    # Hoeffding: wrong with probability below 1e-6.
    atol = frequency_tolerance(5000, 2)
    assert share["own"] == pytest.approx(0.5, abs=atol)
    assert share["run"] == pytest.approx(0.3, abs=atol)


@pytest.mark.slow
def test_pictures_and_export_of_points(points_run, tmp_path):
    with pytest.raises(ValueError, match="points is not a run on images"):
        visualize_run(points_run, beside=[points_run])
    paths = visualize_run(points_run)
    assert set(paths) == {"latent_map", "neighbours", "training_curves", "distribution", "mapping"}
    assert all(path.stat().st_size > 2000 for path in paths.values())
    path, names = export_run(points_run, tmp_path / "export")
    assert "sample" in names
    import tensorflow as tf

    served = tf.saved_model.load(str(path)).signatures
    model, config = experiment.load_run(points_run)
    x = experiment.load_data(config).arrays("test", limit=3)[0]
    latent = served["encode"](images=tf.constant(x))["latent"]
    np.testing.assert_allclose(latent, model.encode(x), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_training_on_points_resumes(points_run, tmp_path):
    """One epoch and then another end where two epochs at once do, bit for bit."""
    _, config = experiment.load_run(points_run)
    config["data"].update(train_size=400, validation_size=100)
    whole = experiment.train(config, tmp_path / "whole", verbose=0)

    class Stop(Exception):
        pass

    calls = []
    original = experiment.callbacks.Checkpoint.on_epoch_end

    def stop_after_one(self, epoch, logs=None):
        original(self, epoch, logs)
        calls.append(epoch)
        if len(calls) == 1:
            raise Stop

    experiment.callbacks.Checkpoint.on_epoch_end = stop_after_one
    try:
        with pytest.raises(Stop):
            experiment.train(config, tmp_path / "parts", verbose=0)
    finally:
        experiment.callbacks.Checkpoint.on_epoch_end = original
    parts = experiment.train(config, tmp_path / "parts", verbose=0)
    for a, b in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_frechet_and_pictures_of_images(images_run):
    row = evaluation.evaluate_run(images_run, tasks=["frechet", "proportions"], progress=False)
    assert row["frechet_classifier"] > 0
    assert row["frechet_of"] == "draws"  # binary data
    assert (row["frechet_num_samples"], row["frechet_num_data"]) == (50, 50)
    assert row["frechet_resize"] == "none"
    assert "trained for 8 epochs" in row["frechet_features"]
    assert "digits (training), test accuracy" in row["frechet_features"]
    assert "frechet" not in row  # no number without the name of its features
    assert row["proportions_data_uncertainty"] < 0.1
    assert "proportions_learned" not in row
    paths = visualize_run(images_run, suffix=".pdf", beside=[images_run])
    assert paths.pop("samples_beside").stat().st_size > 2000
    usual = {
        "latent_map",
        "neighbours",
        "reconstructions",
        "samples",
        "training_curves",
        "traversal",
    }
    assert set(paths) == usual | {"class_magnitudes", "levels"}


def subject(shape=(8, 8, 1), num_classes=10, labels=(), prior="normal", **facts):
    """A run of which only the facts are known; nothing can be computed from it."""
    info = dict(name="mine", source="a file", num_train=100, num_test=50) | facts
    data = types.SimpleNamespace(
        info=types.SimpleNamespace(image_shape=shape, num_classes=num_classes, **info),
        arrays=lambda part, limit: (np.zeros((1, *shape)), np.zeros((1, *labels), np.int32)),
    )
    model = types.SimpleNamespace(
        prior=types.SimpleNamespace(is_density=prior != "none"),
        representation_dim=facts.get("dim", 4),
    )
    config = {"evaluate": dict(num_samples=1, num_examples=0), "prior": dict(name=prior)}
    return tasks_module.Subject(model, config, data)


@pytest.mark.parametrize(
    ("task", "facts", "message"),
    [
        ("energy_distance", {}, r"compares points.*\[8, 8, 1\].*'frechet'"),
        ("energy_distance", dict(shape=(2,), prior="none"), "'none', is not a distribution"),
        ("energy_distance", dict(shape=(2,), num_test=1), "two test points"),
        ("frechet", dict(prior="none"), "'frechet' needs a model that can be sampled"),
        ("frechet", dict(num_classes=None), "'frechet' needs labels"),
        ("frechet", dict(num_classes=1), "two classes and two test images"),
        ("proportions", dict(num_classes=None), "'proportions' needs labels"),
        ("proportions", dict(num_classes=1623), "from 2 to 100 classes.*has 1623"),
        ("proportions", dict(labels=(40,)), "one class for each image"),
        ("proportions", dict(prior="none"), "can be sampled"),
        ("sparsity", dict(dim=1), "at least two dimensions.* has 1"),
        ("forest", dict(num_train=20), "50 training examples"),
        ("forest", dict(num_classes=None), "'forest' needs labels"),
        ("attributes", {}, "vector of binary attributes.*'few_shot' or 'forest'"),
        ("attributes", dict(num_classes=None), "'attributes' needs labels"),
    ],
)
def test_refusals(task, facts, message):
    with pytest.raises(ValueError, match=message):
        tasks_module.check(subject(**facts), [task])


def test_attributes_of_a_run(monkeypatch):
    rng = np.random.default_rng(0)
    run = subject(labels=(3,))
    tasks_module.check(run, ["attributes", "frechet"])
    codes = rng.normal(size=(160, 4))
    pair = codes, (codes[:, :3] > 0).astype(np.int32)
    vars(run).update(train=pair, test=pair)
    row = tasks_module.measure(run, ["attributes"])["attributes"]
    assert row["attributes_50"] > 0.8
    assert row["attributes_100_sd"] >= 0
    assert 0.4 < row["attributes_majority"] < 0.7
