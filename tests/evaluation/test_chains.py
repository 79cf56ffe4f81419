"""Mode separation along Gibbs chains: by hand, against simulation, and as a task of a run."""

import json
import types

import numpy as np
import pytest

from tfsp import evaluation, experiment, models, networks
from tfsp.config import default_config, to_dict
from tfsp.evaluation import tasks as tasks_module
from tfsp.evaluation.log_z import prior_name
from tfsp.evaluation.tasks import chains as chains_task
from tfsp.visualize import visualize_run


def test_by_hand():
    # Chains in columns: 0 0 1 1, and 2 2 2 2.
    found = evaluation.mode_separation([[0, 2], [0, 2], [1, 2], [1, 2]])
    assert found["same_class"] == pytest.approx(5 / 6)
    # The chains' shares are 2/3 and 1.
    assert found["standard_error"] == pytest.approx(np.std([2 / 3, 1], ddof=1) / np.sqrt(2))
    assert found["frequencies"] == {0: 0.25, 1: 0.25, 2: 0.5}
    assert found["same_class_chance"] == pytest.approx(0.375)
    assert found["run_length"] == pytest.approx(8 / 3)
    assert found["run_length_chance"] == pytest.approx(4 / (1 + 3 * 0.625))
    assert "same_state" not in found


def test_draws_of_one_state():
    classes = np.array([[[0, 0, 1], [2, 2, 2]], [[0, 3, 1], [2, 2, 2]]])
    found = evaluation.mode_separation(classes)
    # Pairs of draws in one class: 1 of 3, 3 of 3, none of 3, 3 of 3.
    assert found["same_state"] == pytest.approx(7 / 12)
    assert found["same_class"] == 1.0  # of the first draws
    assert found == {**evaluation.mode_separation(classes[..., 0]), "same_state": 7 / 12}


def test_independent_rows_are_at_chance():
    """Both chances hold on average; 5 standard errors: false alarm below 1e-6 each."""
    rng = np.random.default_rng(0)
    classes = rng.choice(4, (50, 400), p=[0.4, 0.3, 0.2, 0.1])
    found = evaluation.mode_separation(classes)
    assert abs(found["same_class"] - 0.3) < 5 * np.sqrt(0.3 * 0.7 / (49 * 400)) * 1.5
    assert abs(found["same_class"] - found["same_class_chance"]) < 5 * found["standard_error"]
    assert found["run_length"] == pytest.approx(found["run_length_chance"], rel=0.03)


def test_sticky_chains_show_it():
    rng = np.random.default_rng(0)
    classes = np.repeat(rng.integers(0, 5, (5, 200)), 10, axis=0)  # ten rows each
    found = evaluation.mode_separation(classes)
    assert found["same_class"] > 0.9
    assert found["same_class_chance"] == pytest.approx(0.2, abs=0.02)
    assert found["run_length"] > 9


@pytest.mark.parametrize("shape", [(3,), (1, 5), (5, 1), (2, 2, 2, 2)])
def test_shapes_are_checked(shape):
    with pytest.raises(ValueError, match=r"two rows and two chains.*Received: shape"):
        evaluation.mode_separation(np.zeros(shape, int))


def test_classes_follow_the_images():
    """A labeller that sees which unit is on, of a model whose image is its units."""

    class Model:
        capabilities = frozenset({"gibbs_chains"})

        def sample_chains(self, num_chains, num_rows, chain_steps, num_draws, seed):
            assert (chain_steps, seed) == (7, 3)
            index = np.arange(num_rows * num_chains * num_draws) % 5
            return np.eye(5)[index].reshape(num_rows, num_chains, num_draws, 5, 1, 1)

    labeller = evaluation.Labeller(np.arange(10, 15), lambda x: x[:, :, 0, 0])
    found = evaluation.chain_classes(Model(), labeller, 4, 3, 7, 2, seed=3)
    np.testing.assert_array_equal(found, (np.arange(24) % 5).reshape(3, 4, 2))
    with pytest.raises(ValueError, match="`num_rows` must be a positive integer. Received: 0"):
        evaluation.chain_classes(Model(), labeller, num_rows=0)
    model = models.VAE(networks.MLP(hidden=(4,)), latent_dim=2)
    with pytest.raises(ValueError, match=r"such as 'discrete_vae'. Received: VAE"):
        evaluation.chain_classes(model, labeller)


def test_classifier_labeller_is_the_classifier():
    rng = np.random.default_rng(0)
    labels = rng.choice([3, 7, 8], 600)
    images = 0.1 * rng.random((600, 6)) + np.eye(6)[labels - 3]
    labeller = evaluation.classifier_labeller(images, labels, images, labels, "blobs")
    probabilities = labeller(images)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    accuracy = np.mean(labeller.classes[probabilities.argmax(axis=1)] == labels)
    assert accuracy > 0.95
    assert f"600 examples of blobs, test accuracy {accuracy:.4f}" in labeller.description
    features = evaluation.classifier_features(images, labels, images, labels, "blobs")
    assert features.description == f"last hidden layer of {labeller.description}"
    with pytest.raises(ValueError, match="one class each"):
        evaluation.classifier_labeller(images, np.eye(6, dtype=int)[labels - 3])


@pytest.fixture(scope="module")
def model():
    """Not trained: couplings drawn at random, and a log Z that does not belong to them."""
    network = networks.MLP(hidden=(8,))
    settings = dict(latent_dim=6, num_groups=2, num_chains=10, num_sweeps=2, seed=0)
    model = models.DiscreteVAE(network, num_continuous_layers=1, continuous_size=2, **settings)
    model.build((None, 8, 8, 1))
    model.prior.couplings.assign(np.random.default_rng(0).normal(size=(3, 3)))
    return model


@pytest.fixture
def run_dir(model, tmp_path, monkeypatch):
    """A folder that passes for the run of `model`, on digits of three classes."""
    config = default_config()
    config.data.update(classes="0,1,6", train_size=100, validation_size=20, test_size=60)
    config.model.name = "discrete_vae"
    config = to_dict(config)
    monkeypatch.setattr(experiment, "load_run", lambda *_: (model, config))
    monkeypatch.setattr(experiment, "history", lambda _: {"elbo": [-3.0, -2.0]})
    monkeypatch.setattr(chains_task, "_NUM_VISITS", 3000)
    monkeypatch.setattr(chains_task, "_NUM_ROWS", 6)
    return tmp_path


@pytest.mark.slow
def test_a_run_has_both_errors_and_chains(run_dir, model):
    model.prior.log_z.assign(99.0)  # does not survive
    row = evaluation.evaluate_run(
        run_dir, tasks=["bounds", "log_likelihood", "chains"], num_samples=20, progress=False
    )
    json.dumps(row)
    assert row["prior"] == "dvae"
    exact = float(model.prior.machine().log_z_exact())
    assert row["log_z"] == pytest.approx(exact, abs=1e-6)
    assert float(model.prior.log_z) == row["log_z"]
    assert row["log_z_method"] == "enumeration"
    assert row["log_z_standard_error"] == 0.0
    assert row["standard_error"] > 0
    config = experiment.load_run(run_dir)[1]
    test = experiment.load_data(config).arrays("test")[0]
    model.prior.log_z.assign(exact)
    expected = evaluation.log_likelihood(model, test, 20)
    assert row["log_p"] == pytest.approx(expected["log_p"], abs=1e-4)
    assert row["elbo"] == pytest.approx(evaluation.bounds(model, test)["elbo"], abs=1e-3)
    assert 0 <= row["chains_same_class"] <= 1
    assert 1 / 3 - 1e-6 <= row["chains_same_class_chance"] <= 1
    assert 1 <= row["chains_run_length"] <= row["chains_num_rows"] == 6
    assert set(row["chains_shares"]) <= {"0", "1", "6"}
    assert sum(row["chains_shares"].values()) == pytest.approx(1)
    assert "30 epochs on 100 examples of digits (training), test" in row["chains_classifier"]
    table = evaluation.format_results([row])
    for column in ("log_z_standard_error", "log_z_method", "enumeration", "chains_run_length"):
        assert column in table


def test_pictures_of_a_run(run_dir):
    paths = visualize_run(run_dir)
    usual = {"latent_map", "neighbours", "reconstructions", "samples", "training_curves"}
    assert set(paths) == usual | {"gibbs_chains", "levels"}
    assert all(path.stat().st_size > 2000 for path in paths.values())


def test_refusals():
    def subject(num_classes=10, name="discrete_vae", model=None):
        info = types.SimpleNamespace(num_classes=num_classes, name="mine", source="a file")
        arrays = lambda part, limit: (np.zeros((1, 2)), np.zeros(1, int))  # noqa: E731
        data = types.SimpleNamespace(info=info, arrays=arrays)
        config = {"evaluate": dict(num_samples=1, num_examples=0), "model": dict(name=name)}
        config["prior"] = dict(name="normal")
        model = model or types.SimpleNamespace(prior=None, capabilities={"gibbs_chains"})
        return tasks_module.Subject(model, config, data)

    for wrong, message in [
        (subject(None), "'chains' needs labels"),
        (subject(1), "at least two classes"),
        (subject(name="vae", model=models.VAE(latent_dim=2)), "run, 'vae', does not have"),
    ]:
        with pytest.raises(ValueError, match=message):
            tasks_module.check(wrong, ["chains"])
    tasks_module.check(subject(), ["chains"])


def test_rows_name_the_variant():
    def name(**settings):
        network = networks.MLP(hidden=(4,))
        model = models.DiscreteVAE(network, latent_dim=4, num_groups=2, **settings)
        return prior_name(model, {"prior": dict(name="normal")})

    assert name() == "dvae"
    assert name(variant="dvae#", boltzmann=False) == "dvae#"
    model = models.VAE(networks.MLP(hidden=(4,)), latent_dim=2)
    assert prior_name(model, {"prior": dict(name="normal")}) == "normal"
