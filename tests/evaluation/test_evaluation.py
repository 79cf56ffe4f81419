"""Evaluation: means over data sets, active units, reports."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tfsp import evaluation, models, networks, subset
from tfsp.evaluation.batches import iterate, padded


@pytest.fixture(scope="module")
def model():
    model = models.VAE(networks.MLP(hidden=(16,)), latent_dim=3, seed=0)
    model.build((None, 8, 8, 1))
    return model


def test_bounds_are_means_over_all_examples(model, binary_images):
    x = binary_images[:50]  # batches of 20: the last one is half empty
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(20)
    before = model.seeds.state.numpy()
    result = evaluation.bounds(model, dataset, seed=3)
    again = evaluation.bounds(model, dataset, seed=3)
    np.testing.assert_array_equal(model.seeds.state.numpy(), before)
    assert result == again
    assert result["num_examples"] == 50
    np.testing.assert_allclose(result["elbo"], result["log_likelihood"] - result["kl"], rtol=1e-6)
    # The KL is closed-form: no draw is in it.
    kl = model.prior.kl(model.posterior(x), None).numpy().astype(float)
    np.testing.assert_allclose(result["kl"], kl.mean(), rtol=1e-5)
    np.testing.assert_allclose(result["kl_standard_error"], kl.std(ddof=1) / np.sqrt(50), rtol=1e-5)


def test_log_likelihood_takes_any_kind_of_data(model, binary_images):
    x, y = binary_images[:50], np.arange(50)
    common = dict(num_samples=30, chunk_size=7, seed=1)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(20)
    ours = evaluation.log_likelihood(model, dataset, per_example=True, **common)
    per_example = ours.pop("log_p_per_example")
    assert per_example.shape == (50,)
    by_hand = [
        models.importance_log_prob(model, tf.constant(batch), 30, 7, [1, i])["log_prob"]
        for i, (batch, _) in enumerate(padded(dataset))
    ]
    np.testing.assert_allclose(per_example, np.concatenate(by_hand)[:50], rtol=1e-5)
    np.testing.assert_allclose(ours["log_p"], per_example.mean(), rtol=1e-6)
    # Under XLA, and from an array (one batch of 50 rows): other draws, same quantity.
    for other in (
        evaluation.log_likelihood(model, dataset, jit_compile=True, **common),
        evaluation.log_likelihood(model, (x, y), **common),
    ):
        error = np.hypot(other["monte_carlo_error"], ours["monte_carlo_error"])
        assert 0 < abs(other["log_p"] - ours["log_p"]) < 6 * error


def test_log_likelihood_shows_progress(model, binary_images, capsys):
    evaluation.log_likelihood(model, binary_images, num_samples=5, progress=True)
    assert "log p(x)" in capsys.readouterr().out


def test_log_likelihood_needs_a_density(binary_images):
    model = models.VAE(networks.MLP(hidden=(4,)), prior="none", latent_dim=2)
    model.build((None, 8, 8, 1))
    with pytest.raises(ValueError, match="neither log p\\(z\\) nor log p\\(x\\) exists"):
        evaluation.log_likelihood(model, binary_images)


def test_memory_does_not_grow_with_the_number_of_samples(model, binary_images):
    """The largest tensor of the traced graph is that of one chunk, whatever S is."""
    sizes = {}
    for num_samples in (20, 2000):
        function = tf.function(
            lambda x, s=num_samples: models.importance_log_prob(model, x, s, 10, seed=0)["log_prob"]
        )
        concrete = function.get_concrete_function(tf.TensorSpec([64, 8, 8, 1], tf.float32))
        shapes = [
            output.shape.num_elements() or 0
            for graph in [concrete.graph, *concrete.graph._functions.values()]
            for op in getattr(getattr(graph, "graph", graph), "get_operations", list)()
            for output in op.outputs
            if output.shape.rank is not None
        ]
        sizes[num_samples] = max(shapes)
    assert sizes[20] == sizes[2000]


def test_encode_keeps_order_and_labels(model, binary_images):
    y = np.arange(64)
    codes, labels = evaluation.encode(model, (binary_images, y), limit=40)
    rows = subset.rows(64, 40)
    np.testing.assert_array_equal(labels, rows)
    np.testing.assert_allclose(codes, model.encode(binary_images[rows]), rtol=1e-4, atol=1e-6)
    batches = tf.data.Dataset.from_tensor_slices((binary_images, y)).batch(9)
    streamed, labels = evaluation.encode(model, batches, limit=40)
    np.testing.assert_array_equal(labels, rows)
    np.testing.assert_allclose(streamed, codes, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="`limit` must be a positive integer.*: 0"):
        evaluation.encode(model, batches, limit=0)
    codes, labels = evaluation.encode(model, binary_images)
    assert codes.shape == (64, 3)
    assert labels is None


def test_active_units_by_hand():
    codes = np.zeros((100, 4))
    codes[:, 0] = np.linspace(-1, 1, 100)  # variance 0.34
    codes[:, 1] = 0.05 * (-1) ** np.arange(100)  # variance 0.0025
    codes[:, 2] = 7.0
    codes[:, 3] = 0.11 * (-1) ** np.arange(100)  # variance 0.0121
    assert evaluation.active_units(codes) == 2
    assert evaluation.active_units(codes, threshold=0.001) == 3
    with pytest.raises(ValueError, match=r"\[n, D\] with at least two rows"):
        evaluation.active_units(codes[:1])


def test_batches():
    x = np.arange(7.0)
    assert [len(b) for b, _ in iterate(x, 3)] == [3, 3, 1]
    blocks = list(padded(x, 3))
    assert [real for _, real in blocks] == [3, 3, 1]
    np.testing.assert_array_equal(blocks[-1][0], [6, 6, 6])
    with pytest.raises(ValueError, match="nothing to evaluate"):
        list(iterate(x[:0]))
    with pytest.raises(ValueError, match="repeats without end"):
        list(iterate(tf.data.Dataset.from_tensors(x).repeat()))


def test_reports(tmp_path):
    rows = [
        {"prior": "vamp", "elbo": -85.12345, "n": 3},
        {"prior": "a long name", "elbo": -1234.56, "n": None},
    ]
    lines = evaluation.format_table(rows).splitlines()
    assert lines[0].split() == ["prior", "elbo", "n"]
    assert lines[2].split() == ["vamp", "-85.123", "3"]
    assert lines[3].split() == ["a", "long", "name", "-1234.6", "-"]
    assert lines[2].index("-85.123") + len("-85.123") == lines[3].index("-1234.6") + len("-1234.6")
    assert evaluation.format_table([]) == "(no results)"
    path = tmp_path / "deep" / "results.json"
    evaluation.write_json(path, {"results": rows})
    assert evaluation.read_json(path) == json.loads(json.dumps({"results": rows}))
    assert [p.name for p in path.parent.iterdir()] == ["results.json"]


def test_wide_results_stand_upright():
    row = {"data": "mnist", "binarization": "dynamic", "prior": "vamp", "elbo": -90.1234}
    lines = evaluation.format_results([row]).splitlines()
    assert [line.split() for line in lines[::2]] == [
        ["data", "binarization", "prior", "elbo"],
        ["mnist", "dynamic", "vamp", "-90.123"],
    ]
    row |= dict.fromkeys(("few_shot_1", "few_shot_10", "retrieval_auc", "retrieval_map"), 0.5)
    row |= {"clusters_accuracy": None, "clusters_used": 9}
    lines = evaluation.format_results([row]).splitlines()
    assert max(map(len, lines)) < 40
    assert lines[0].split() == ["measure", "value"]
    assert [line.split() for line in lines[-3:]] == [
        ["retrieval_map", "0.500"],
        ["clusters_accuracy", "-"],
        ["clusters_used", "9"],
    ]
    lines = evaluation.format_results([row, row | {"prior": "flow"}]).splitlines()
    assert lines[0].split() == ["measure", "run", "1", "run", "2"]
    assert lines[4].split() == ["prior", "vamp", "flow"]
