"""Graph VAE against models written by hand, quadrature, Monte Carlo and finite differences."""

import numpy as np
import pytest
import tensorflow as tf
from reference import baselines, densities, graph_vae
from reference.statistics import mean_tolerance

from tfsp import models
from tfsp.models.graph.posterior import fuse
from tfsp.random import split_seed

NETWORK = {
    "name": "graph_vae_mlp",
    "encoder_hidden": (5,),
    "decoder_hidden": (4,),
    "num_features": 3,
}
X = (np.random.default_rng(9).random((3, 7)) < 0.5).astype(float)


def randomise(model, seed=3, spread=0.7):
    """Every weight of the networks far from its start, averages of batch norm included."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "moving_variance" in weight.path:
            weight.assign(rng.uniform(0.4, 2.0, size=weight.shape))
        elif weight.trainable or "moving_mean" in weight.path:
            weight.assign(weight + spread * rng.normal(size=weight.shape))
    return model


def tiny(structure="learned", data=7, **kwargs):
    defaults = dict(latent_dim=6, num_nodes=3, node_hidden=4, seed=0, dtype="float64")
    model = models.GraphVAE(NETWORK, structure=structure, **{**defaults, **kwargs})
    model.build((None, data))
    return randomise(model)


def weights_of(networks, k=0):
    """Weights of the k-th of some node networks, as the reference wants them."""
    width = networks.hidden
    part = slice(k * width, (k + 1) * width)
    norm = networks.norm
    arrays = dict(
        dense=networks.dense.kernel.numpy()[:, part],
        dense_bias=networks.dense.bias.numpy()[part],
        scale=norm.gamma.numpy()[part],
        offset=norm.beta.numpy()[part],
        average=norm.moving_mean.numpy()[part],
        variance=norm.moving_variance.numpy()[part],
        kernel=networks.kernel.numpy()[k],
        bias=networks.bias.numpy()[k, 0],
        output_kernel=networks.output_kernel.numpy()[k],
        output_bias=networks.output_bias.numpy()[k, 0],
    )
    return {**arrays, "epsilon": norm.epsilon}


def bottom_up(model):
    return [weights_of(model.bottom_up, k) for k in range(model.num_nodes)]


def top_down(networks):
    return [weights_of(network) for network in networks.networks]


def compare(model, by_hand, num_samples=2):
    """`call`, `log_weights` and `node_kl` against `by_hand(features, noise)`, at the same noise."""
    features = model.encoder(X).numpy()
    draw = model.draw(tf.constant(X), num_samples, seed=5)
    expected = [
        [by_hand(f, noise) for f, noise in zip(features, n, strict=True)] for n in draw.noise
    ]
    z = np.array([[one[0] for one in row] for row in expected])
    np.testing.assert_allclose(draw.z, z, rtol=1e-9)
    logits = model.decoder(z.reshape(-1, model.latent_dim)).numpy().reshape(num_samples, 3, -1)
    log_likelihood = np.array(
        [[baselines.bernoulli_log_prob(x, row)[b] for b, x in enumerate(X)] for row in logits]
    )
    log_ratio = np.array([[one[2] for one in row] for row in expected])
    log_weights = model.log_weights(X, num_samples, seed=5)
    np.testing.assert_allclose(log_weights, log_likelihood + log_ratio, rtol=1e-8)

    with model.seeds.at(11):
        seed = model.seeds.next()
    noise = model.draw(tf.constant(X), 1, seed).noise.numpy()[0]
    rows = [by_hand(f, n) for f, n in zip(features, noise, strict=True)]
    with model.seeds.at(11):
        terms = model(X)
    kl = np.array([one[1] for one in rows]).reshape(3, -1)
    np.testing.assert_allclose(terms["kl"], kl.sum(-1), rtol=1e-8)
    z = np.array([one[0] for one in rows])
    logits = model.decoder(z).numpy()
    expected = [
        baselines.bernoulli_log_prob(x, row[None])[0] for x, row in zip(X, logits, strict=True)
    ]
    np.testing.assert_allclose(terms["log_likelihood"], expected, rtol=1e-8)
    if kl.shape[1] == model.num_nodes:
        np.testing.assert_allclose(model.node_kl(X, seed), kl.mean(0), rtol=1e-8)
    np.testing.assert_allclose(tf.reduce_sum(model.node_kl(X, seed)), kl.sum(-1).mean(), rtol=1e-8)


def test_independent_nodes_are_a_vae(float64):
    model = tiny("independent")
    assert not model.prior.trainable_weights
    compare(model, lambda features, noise: graph_vae.vae(bottom_up(model), features, noise))


def test_a_chain_is_a_ladder_vae(float64):
    model = tiny("chain")
    weights = bottom_up(model), top_down(model.prior.top_down)
    compare(model, lambda features, noise: graph_vae.ladder(*weights, features, noise))


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("structure", ["full", "learned"])
def test_all_edges_with_their_gates(structure, shared, float64):
    """Hard gates in evaluation, relaxed ones where they are handed in; own top-down networks."""
    model = tiny(structure, shared_top_down=shared)
    gates = np.tri(3, k=-1)
    if structure == "learned":
        model.prior.gate_logits.assign([2.0, -0.1, 0.3])  # 2 -> 1, 3 -> 1, 3 -> 2
        gates[2, 0] = 0.0
    weights = bottom_up(model), top_down(model.prior.top_down)
    weights += (weights[1] if shared else top_down(model.own_top_down),)
    compare(model, lambda features, noise: graph_vae.gated(*weights, gates, features, noise))
    if structure == "full":
        return
    relaxed = np.array([0.9, 0.4, 0.05])
    gates[[1, 2, 2], [0, 0, 1]] = relaxed
    draw = model.posterior(tf.constant(X), gates=tf.constant(relaxed)).draw(2, seed=1)
    kl, log_ratio = draw.node_kl(3).numpy(), draw.log_ratio().numpy()
    for s, b in np.ndindex(2, 3):
        features, noise = model.encoder(X).numpy()[b], draw.noise.numpy()[s, b]
        z, node_kl, ratio = graph_vae.gated(*weights, gates, features, noise)
        np.testing.assert_allclose(draw.z[s, b], z, rtol=1e-9)
        np.testing.assert_allclose(kl[s, b], node_kl, rtol=1e-8)
        np.testing.assert_allclose(log_ratio[s, b], ratio, rtol=1e-7)


def test_any_other_structure_takes_its_own_parents(float64):
    """3 -> 1 alone: node 1 sees node 3, node 2 is like a latent of a VAE."""
    model = tiny([[0, 0, 0], [0, 0, 0], [1, 0, 0]])
    assert model.graph().edges == [(3, 1)]
    draw = model.draw(tf.constant(X), 1, seed=0)
    z, noise = draw.z.numpy()[0], draw.noise.numpy()[0]
    (network,) = top_down(model.prior.top_down)
    for b, features in enumerate(model.encoder(X).numpy()):
        prior = graph_vae.node_network(network, z[b, 4:])
        loc, variance = graph_vae.product_of_normals(
            *prior, *graph_vae.node_network(bottom_up(model)[0], features)
        )
        np.testing.assert_allclose(z[b, :2], loc + np.sqrt(variance) * noise[b, :2], rtol=1e-9)
        np.testing.assert_allclose(draw.prior_loc[0, b, :2], prior[0], rtol=1e-9)
        np.testing.assert_array_equal(draw.prior_loc[0, b, 2:], np.zeros(4))
        np.testing.assert_array_equal(draw.prior_log_variance[0, b, 2:], np.zeros(4))


def test_gates_shut_or_open_are_the_fixed_structures(float64):
    learned, full, shut = tiny("learned"), tiny("full"), tiny("independent")
    for other in (full, shut):
        other.encoder.set_weights(learned.encoder.get_weights())
        other.decoder.set_weights(learned.decoder.get_weights())
        other.bottom_up.set_weights(learned.bottom_up.get_weights())
    full.prior.top_down.set_weights(learned.prior.top_down.get_weights())
    learned.prior.gate_logits.assign([9.0, 8.0, 7.0])
    expected = full.log_weights(X, 4, seed=2)
    np.testing.assert_allclose(learned.log_weights(X, 4, seed=2), expected, rtol=1e-10)
    assert learned.graph() == full.graph()
    # With every gate shut the top-down networks put out constants: here N(0, I), as of a VAE.
    learned.prior.gate_logits.assign([-9.0, -8.0, -7.0])
    assert learned.graph() == shut.graph()
    for network in learned.prior.top_down.networks:
        network.output_kernel.assign(tf.zeros_like(network.output_kernel))
        network.output_bias.assign(tf.zeros_like(network.output_bias))
    expected = shut.log_weights(X, 4, seed=2)
    np.testing.assert_allclose(learned.log_weights(X, 4, seed=2), expected, rtol=1e-10)
    np.testing.assert_allclose(learned.encode(X), shut.encode(X), rtol=1e-10)
    np.testing.assert_allclose(learned.sample(4, seed=1), shut.sample(4, seed=1), rtol=1e-10)


def test_fusion_is_the_product_of_densities():
    grid = np.linspace(-30, 30, 60_001)
    for loc, log_variance, other_loc, other_log_variance in (
        (0.3, 0.1, -1.0, -0.7),
        (-2.0, 1.5, 2.5, -3.0),
        (0.0, -4.0, 0.4, 3.0),
    ):
        log_product = -0.5 * (grid - loc) ** 2 / np.exp(log_variance)
        log_product -= 0.5 * (grid - other_loc) ** 2 / np.exp(other_log_variance)
        density = np.exp(log_product - log_product.max())
        density /= density.sum()
        mean = density @ grid
        arguments = (loc, log_variance, other_loc, other_log_variance)
        fused = fuse(*(tf.constant(a, tf.float64) for a in arguments))
        np.testing.assert_allclose(fused[0], mean, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(tf.exp(fused[1]), density @ (grid - mean) ** 2, rtol=1e-6)


@pytest.mark.parametrize("shared", [True, False])
def test_kl_is_that_of_the_joint(shared, float64):
    """The sum over nodes against Monte Carlo of log q(z|x) - log p(z), densities by themselves."""
    model = tiny("full", shared_top_down=shared)
    x = tf.constant(X[:1])
    draw = model.draw(x, 20_000, seed=3)
    q = model.posterior(x)
    log_ratio = model.prior.log_prob(draw.z) - q.log_prob(draw.z)
    np.testing.assert_allclose(draw.log_ratio(), log_ratio, rtol=1e-7, atol=1e-9)
    differences = tf.reduce_sum(draw.node_kl(3), axis=-1)[:, 0] + log_ratio[:, 0]
    assert np.std(differences) > 0.1
    # A right KL fails with a probability of about 1e-6.
    np.testing.assert_allclose(np.mean(differences), 0.0, rtol=0, atol=mean_tolerance(differences))


@pytest.mark.parametrize("structure", ["chain", "learned"])
def test_weights_average_to_the_evidence(structure, float64):
    """log p(x) of two nodes of one dimension, by quadrature in the plane."""
    model = tiny(structure, data=3, latent_dim=2, num_nodes=2, decoder_input="all")
    if structure == "learned":
        model.prior.gate_logits.assign([0.4])
    for network in (model.bottom_up, *model.prior.top_down.networks):
        # Posteriors as wide as the priors and not far from them: weights have a variance.
        for weight in (network.output_kernel, network.output_bias):
            weight.assign(0.25 * weight)
    model.decoder.layers[0].kernel.assign(0.2 * model.decoder.layers[0].kernel)
    model.bottom_up.output_bias.assign([[[0.2, 3.0]], [[-0.3, 3.0]]])
    x = np.array([1.0, 0.0, 1.0])
    points, area = densities.midpoint_grid(limit=12.0, steps=400)
    log_prior = model.prior.log_prob(tf.constant(points)).numpy()
    np.testing.assert_allclose(area * np.exp(log_prior).sum(), 1.0, atol=1e-4)
    log_likelihood = baselines.bernoulli_log_prob(x, model.decoder(points).numpy())
    evidence = baselines.log_evidence(log_likelihood, log_prior, area)
    log_q = model.posterior(tf.constant(x[None])).log_prob(tf.constant(points[:, None]))[:, 0]
    np.testing.assert_allclose(area * np.exp(log_q).sum(), 1.0, atol=1e-4)
    elbo = area * np.sum(np.exp(log_q) * (log_likelihood + log_prior - log_q))
    log_weights = model.log_weights(x[None], 20_000, seed=1)[:, 0].numpy()
    # Right weights fail with a probability of about 1e-6, here and below.
    atol = mean_tolerance(log_weights) + 1e-4
    np.testing.assert_allclose(log_weights.mean(), elbo, rtol=0, atol=atol)
    ratios = np.exp(log_weights - evidence)
    assert 0.001 < mean_tolerance(ratios) < 0.2
    np.testing.assert_allclose(ratios.mean(), 1.0, rtol=0, atol=mean_tolerance(ratios) + 1e-4)
    terms = model(np.tile(x, (5_000, 1)))
    bound = (terms["log_likelihood"] - terms["kl"]).numpy()
    np.testing.assert_allclose(bound.mean(), elbo, rtol=0, atol=mean_tolerance(bound) + 1e-4)


def test_iwae_is_the_mean_of_the_weights(float64):
    model = tiny("chain", objective="iwae", num_samples=5)
    with model.seeds.at(4):
        terms = model(X)
    with model.seeds.at(4):
        log_weights = model.log_weights(X, 5, model.seeds.next()).numpy()
    expected = np.log(np.mean(np.exp(log_weights), axis=0))
    np.testing.assert_allclose(terms["iwae"], expected, rtol=1e-10)
    model.kl_weight.assign(0.0)
    with model.seeds.at(4):
        free = model(X)["iwae"].numpy()
    assert np.all(free > terms["iwae"].numpy() + 0.01)


def test_gradients_of_gates_against_finite_differences(float64):
    """In training, at the same noise of gates and of latents."""
    model = tiny("learned", num_samples=2)
    model.compile(run_eagerly=True)
    model.prior.temperature.assign(0.6)
    x = tf.constant(np.tile(X, (2, 1)))

    def loss(logits):
        model.prior.gate_logits.assign(logits)
        with model.seeds.at(7):
            terms = model(x, training=True)
        return tf.reduce_mean(terms["kl"] - terms["log_likelihood"])

    start = np.array([0.3, -0.6, 0.9])
    with tf.GradientTape() as tape:
        value = loss(start)
    gradient = tape.gradient(value, model.prior.gate_logits.value).numpy()
    step = 1e-5
    for k in range(3):
        shift = step * np.eye(3)[k]
        slope = (loss(start + shift) - loss(start - shift)) / (2 * step)
        np.testing.assert_allclose(gradient[k], slope, rtol=1e-5)
    assert np.all(np.abs(gradient) > 1e-4)


def test_one_draw_of_gates_for_the_whole_batch(float64):
    model = tiny("learned", num_samples=3)
    with model.seeds.at(2):
        terms = model(X, training=True)
    with model.seeds.at(2):
        gate_seed, seed = split_seed(model.seeds.next())
    gates = model.prior.gates(gate_seed)
    draw = model.posterior(tf.constant(X), training=True, gates=gates).draw(3, seed)
    kl = tf.reduce_mean(tf.reduce_sum(draw.node_kl(3), axis=-1), axis=0)
    np.testing.assert_allclose(terms["kl"], kl, rtol=1e-10)
    assert np.all((gates.numpy() > 0) & (gates.numpy() < 1))
    with model.seeds.at(3):
        other = model(X, training=True)
    assert np.all(np.abs(other["kl"] - terms["kl"]) > 1e-6)


def test_codes_are_means_down_the_graph(float64):
    model = tiny("chain")
    codes = model.encode(X).numpy()
    weights = bottom_up(model), top_down(model.prior.top_down)
    for b, features in enumerate(model.encoder(X).numpy()):
        z, _, _ = graph_vae.ladder(*weights, features, np.zeros(6))
        np.testing.assert_allclose(codes[b], z, rtol=1e-9)
    np.testing.assert_allclose(model.reconstruct(X), model.decode(codes).mean())
    draws = model.posterior(tf.constant(X)).sample(seed=3)
    np.testing.assert_allclose(draws, model.posterior(tf.constant(X)).sample(1, seed=3)[0])


def test_the_decoder_sees_all_nodes_or_the_bottom_one(float64):
    z = np.random.default_rng(0).normal(size=(2, 6))
    for decoder_input, width in (("all", 6), ("bottom", 2)):
        model = tiny("chain", decoder_input=decoder_input)
        assert model.decoder.input_shape == (None, width)
        np.testing.assert_allclose(
            model.decode(z).mean(), tf.sigmoid(model.decoder(z[:, :width])), rtol=1e-10
        )
        slopes = np.abs(model.decode(z + [0, 0, 1, 1, 1, 1]).mean() - model.decode(z).mean())
        assert np.any(slopes > 1e-3) == (decoder_input == "all")
        assert model.sample(4, seed=0).shape == (4, 7)
        assert model.representation_dim == model.encode(X).shape[1] == 6
        assert model.log_weights(X, 2, seed=0).shape == (2, 3)
