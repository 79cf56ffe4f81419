"""What a Graph VAE promises as all models do: training, saving, serving, distribution; freezing."""

import json

import keras
import model_contract as contract
import numpy as np
import pytest
import tensorflow as tf
from model_contract import built, eagerly

from tfsp import models, networks, priors
from tfsp.evaluation.latent import posterior_draws

NETWORK = {
    "name": "graph_vae_mlp",
    "encoder_hidden": (5,),
    "decoder_hidden": (4,),
    "num_features": 3,
}
CASES = {
    "learned": {},
    "independent": {"structure": "independent"},
    "chain": {"structure": "chain", "decoder_input": "bottom", "shared_top_down": False},
    "full": {"structure": "full", "objective": "iwae", "num_samples": 2},
    "given": {"structure": [[0, 0, 0], [0, 0, 0], [1, 1, 0]], "encoder": networks.MLP((5,))},
    "own": {"shared_top_down": False, "likelihood": "gaussian", "num_samples": 2},
}


def tiny(case, **kwargs):
    defaults = dict(encoder=NETWORK, latent_dim=6, num_nodes=3, node_hidden=4, seed=0)
    return models.build({"name": "graph_vae", **defaults, **CASES[case], **kwargs})


@pytest.mark.slow
@pytest.mark.parametrize("case", ["learned", "chain", "full"])
def test_fits_reloads_and_goes_on(case, binary_images, tmp_path):
    model = eagerly(tiny(case))
    contract.fit_with_validation(model, binary_images)
    again = contract.reloaded(model, binary_images, tmp_path)
    assert again.graph() == model.graph()
    x = binary_images[:5]
    np.testing.assert_array_equal(again.node_kl(x, seed=2), model.node_kl(x, seed=2))
    assert posterior_draws(model, x).shape == (5, 6)
    contract.assert_go_on_alike(model, again, binary_images, epochs=2, initial_epoch=1)


@pytest.mark.parametrize("case", CASES)
def test_every_weight_gets_a_finite_gradient(case, binary_images):
    model = built(eagerly(tiny(case)))
    contract.shake(model)

    def before_norm(path):
        """Batch normalisation takes away whatever bias stands before it."""
        return "bias" in path and "dense" in path

    contract.assert_every_weight_learns(model, binary_images, before_norm)
    assert ("gate_logits" in {w.name for w in model.trainable_weights}) == model.prior.learned
    again = type(model).from_config(model.get_config())
    assert json.dumps(again.get_config()) == json.dumps(model.get_config())


def test_averages_of_batch_norm_follow_the_data(binary_images):
    """Also those of the top-down networks, which see draws of the posterior."""
    model = built(eagerly(tiny("learned")))
    parts = [model.bottom_up, *model.prior.top_down.networks]
    before = [part.norm.moving_mean.numpy() for part in parts]
    model(binary_images, training=False)
    for part, average in zip(parts, before, strict=True):
        np.testing.assert_array_equal(part.norm.moving_mean, average)
    model(binary_images, training=True)
    for part, average in zip(parts, before, strict=True):
        assert np.any(part.norm.moving_mean != average)


def test_gates_are_in_the_history_and_temperature_falls(binary_images):
    model = eagerly(tiny("learned", temperature=0.8, temperature_decay=0.5, min_temperature=0.3))
    with pytest.warns(UserWarning, match="reached its minimum in epoch 3, .* means of 3 gates"):
        history = model.fit(binary_images, batch_size=64, epochs=3, verbose=0).history
    np.testing.assert_allclose(history["temperature"], [0.8, 0.4, 0.3], rtol=1e-6)
    assert {"gate_2_1", "gate_3_1", "gate_3_2"} <= set(history)
    means = model.graph().gate_mean
    assert means[2, 0] == history["gate_3_1"][-1] != history["gate_3_1"][0]
    assert "gate_2_1" not in eagerly(tiny("full")).fit(binary_images, verbose=0).history


def test_one_node_is_a_vae(binary_images):
    model = eagerly(tiny("learned", num_nodes=1))
    model.fit(binary_images, batch_size=32, verbose=0)
    other = tiny("independent", num_nodes=1)
    other.build((None, 8, 8, 1))
    other.set_weights(model.get_weights())
    expected = other.log_weights(binary_images[:2], 3, seed=0)
    np.testing.assert_array_equal(model.log_weights(binary_images[:2], 3, seed=0), expected)


def test_frozen_gates_stay(binary_images, tmp_path):
    model = eagerly(tiny("learned"))
    model.fit(binary_images, batch_size=16, verbose=0)  # the optimiser has momentum
    prior = model.prior
    logits = prior.gate_logits.numpy()
    means = model.graph().gate_mean
    model.freeze_graph(priors.LatentGraph.named("chain", 3, 2))
    assert model.graph().edges == [(2, 1), (3, 2)]
    assert model.graph().is_converged()
    np.testing.assert_array_equal(prior.gates(seed=1), [1, 0, 1])  # in training, too
    np.testing.assert_array_equal(prior.gates(), [1, 0, 1])
    with tf.GradientTape() as tape:
        terms = model(binary_images, training=True)
        loss = tf.reduce_mean(terms["kl"] - terms["log_likelihood"])
    np.testing.assert_array_equal(tape.gradient(loss, prior.gate_logits.value), np.zeros(3))
    history = model.fit(binary_images, batch_size=16, verbose=0).history
    np.testing.assert_array_equal(prior.gate_logits, logits)
    assert [history[f"gate_{edge}"][0] for edge in ("2_1", "3_1", "3_2")] == [1, 0, 1]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.graph().edges == [(2, 1), (3, 2)]
    again.fit(binary_images, batch_size=16, verbose=0)
    np.testing.assert_array_equal(again.prior.gate_logits, logits)
    again.unfreeze_graph()
    np.testing.assert_array_equal(again.graph().gate_mean, means)
    again.fit(binary_images, batch_size=16, verbose=0)
    assert np.all(again.prior.gate_logits.numpy() != logits)
    # The most probable graph; again while frozen, with no change to what is kept.
    model.freeze_graph([[0, 0, 0], [1, 0, 0], [1, 0, 0]])
    model.freeze_graph()
    assert model.graph().edges == [(2, 1), (3, 1)]
    model.unfreeze_graph()
    np.testing.assert_array_equal(model.graph().gate_mean, means)


def test_a_frozen_graph_is_the_fixed_structure(binary_images):
    """Training with frozen gates is training of the model with those edges."""
    learned, full = eagerly(tiny("learned")), eagerly(tiny("full", objective="elbo", num_samples=1))
    for model in (learned, full):
        model.build((None, 8, 8, 1))
    learned.freeze_graph("full")
    for name in ("encoder", "decoder", "bottom_up"):
        getattr(full, name).set_weights(getattr(learned, name).get_weights())
    full.prior.top_down.set_weights(learned.prior.top_down.get_weights())
    for model in (learned, full):
        model.fit(binary_images, batch_size=32, verbose=0, shuffle=False)
    for ours, theirs in zip(learned.decoder.weights, full.decoder.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_keras_models_as_networks(binary_images, tmp_path):
    encoder = networks.MLP(hidden=(5,)).encoder((8, 8, 1), 9)  # any number of features
    decoder = networks.MLP(hidden=(5,)).decoder(6, (8, 8, 1))
    model = eagerly(tiny("learned", encoder=encoder, decoder=decoder))
    model.fit(binary_images, batch_size=32, verbose=0)
    assert model.bottom_up.num_inputs == 9
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.encode(binary_images), model.encode(binary_images))


@pytest.mark.parametrize(
    ("encoder", "layers", "features"),
    [
        (NETWORK, [5, 3], 3),
        ({"name": "mlp", "hidden": (7,)}, [7, 10], 10),
    ],
)
def test_features_are_the_end_of_the_encoder(encoder, layers, features):
    """No linear layer follows another."""
    model = tiny("learned", encoder=encoder, num_features=10)
    model.build((None, 8, 8, 1))
    assert [layer.units for layer in model.encoder.layers if hasattr(layer, "units")] == layers
    assert model.bottom_up.num_inputs == features


@pytest.mark.slow
def test_served(binary_images, tmp_path):
    model = built(tiny("learned"))
    model.prior.gate_logits.assign([1.0, -2.0, 0.1])
    graph = contract.served(model, binary_images, tmp_path, ["graph"])["graph"]()
    assert (graph["adjacency"].dtype, graph["gate_mean"].dtype) == (tf.int32, tf.float32)
    np.testing.assert_array_equal(graph["adjacency"], model.graph().adjacency)
    np.testing.assert_allclose(graph["gate_mean"], model.graph().gate_mean, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.graphs
def test_trains_mirrored_in_mixed_precision(binary_images):
    model = contract.trained_mirrored_in_mixed_precision(
        lambda **kwargs: tiny("learned", **kwargs), binary_images
    )
    assert np.all(model.prior.gate_logits.numpy() != 0)
    assert model.bottom_up.kernel.dtype == "float32"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_nodes": 0}, "`num_nodes` must be a positive integer. Received: 0"),
        ({"num_nodes": 4}, "multiple of `num_nodes`. Received: latent_dim=6, num_nodes=4"),
        ({"structure": "tree"}, "'independent', 'chain', 'full', or an array"),
        ({"structure": [[0, 1], [0, 0]]}, r"must have shape \[3, 3\], one row"),
        ({"structure": np.eye(3, k=1)}, "from node 1 to node 2. Is it transposed?"),
        ({"structure": np.eye(3)}, "so that there are no cycles. Received an edge from node 1"),
        ({"structure": 0.5 * np.eye(3, k=-1)}, "must hold 0 and 1"),
        ({"gate_start": 1.0}, r"`gate_start` must be a number in \(0, 1\). Received: 1.0"),
        ({"temperature": 0.0}, "`temperature` must be a positive number. Received: 0.0"),
        ({"temperature_decay": 1.1}, r"`temperature_decay` must be .* \(0, 1\].*: 1.1"),
        ({"min_temperature": "low"}, "`min_temperature` must be a positive number.*'low'"),
        ({"node_hidden": 2.5}, "`node_hidden` must be a positive integer"),
        ({"num_features": 0}, "`num_features` must be a positive integer"),
        ({"decoder_input": "top"}, r"'all' \(every node\) or 'bottom' \(node 1\)"),
        ({"prior": "vamp"}, "'graph_vae' does not take 'prior'"),
        ({"posterior_covariance": "full"}, "does not take 'posterior_covariance'"),
        ({"objective": "wake"}, "Unknown objective: 'wake'. Known: elbo, iwae, renyi"),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny("learned", **arguments)


def test_bad_networks_data_and_uses_are_explained(binary_images):
    image = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.ReLU()])
    decoder = networks.MLP(hidden=(5,)).decoder(6, (8, 8, 1))
    with pytest.raises(ValueError, match=r"vector of features, \[B, F\]. It outputs \(None, 8, 8"):
        tiny("full", encoder=image, decoder=decoder).build((None, 8, 8, 1))
    flat = networks.MLP(hidden=(5,)).encoder((7,), 4)
    with pytest.raises(ValueError, match="does not accept its input"):
        tiny("full", encoder=flat, decoder=decoder).build((None, 8, 8, 1))
    with pytest.raises(ValueError, match=r"decoder must map \(2,\) to \(8, 8, 1\).*from node 1"):
        tiny("chain", decoder=decoder).build((None, 8, 8, 1))
    model = tiny("learned")
    contract.assert_misuse_is_explained(model, binary_images, [model.node_kl])
    with pytest.raises(ValueError, match=r"must have shape \[3, 3\]"):
        model.freeze_graph(priors.LatentGraph.named("chain", 4))
    with pytest.raises(ValueError, match="parents have the larger number"):
        model.freeze_graph(np.eye(3, k=1))
    fixed = tiny("chain")
    for call, name in ((fixed.freeze_graph, "freeze_graph"), (fixed.unfreeze_graph, "unfreeze")):
        with pytest.raises(ValueError, match=f"`{name}.*this structure is fixed: 'chain'"):
            call()
