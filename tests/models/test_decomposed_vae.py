"""The decomposition penalty: MMD pair by pair, and the weights in the loss."""

import numpy as np
import pytest
import tensorflow as tf
from reference import baselines
from reference.statistics import mean_tolerance

from tfsp import callbacks, models, networks
from tfsp.models.mmd import mmd_squared

SCALES = (0.3, 2.0)


def test_mmd_against_all_pairs():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), 0.5 + 2 * rng.normal(size=(5, 3))
    joint = baselines.mmd_squared(x, y, SCALES)
    np.testing.assert_allclose(mmd_squared(x, y, SCALES), joint, rtol=1e-12)
    marginals = sum(baselines.mmd_squared(x[:, [d]], y[:, [d]], SCALES) for d in range(3))
    actual = mmd_squared(x, y, SCALES, by_dimension=True)
    np.testing.assert_allclose(actual, marginals, rtol=1e-12)
    assert abs(joint - marginals) > 0.1


@pytest.mark.parametrize("by_dimension", [False, True])
def test_mmd_is_zero_on_average_for_equal_distributions_alone(by_dimension):
    def values(shift):
        noise = tf.random.stateless_normal([2, 100, 20, 2], seed=[0, 1], dtype=tf.float64)
        pairs = zip(noise[0], noise[1] + shift, strict=True)
        return np.array([mmd_squared(x, y, SCALES, by_dimension) for x, y in pairs])

    same, other = values(0.0), values(1.0)
    # A right estimate fails with a probability of about 1e-6.
    assert abs(same.mean()) < mean_tolerance(same)
    assert other.mean() > mean_tolerance(other) + mean_tolerance(same)


def test_a_batch_of_one_has_a_finite_divergence():
    assert np.isfinite(mmd_squared(tf.zeros([1, 2]), tf.ones([1, 2]), SCALES))


def build(**kwargs):
    model = models.DecomposedVAE(networks.MLP(hidden=(5,)), latent_dim=2, seed=0, **kwargs)
    model.compile(run_eagerly=True)
    model.build((None, 4))
    return model


def test_loss_and_terms_by_hand():
    model = build(alpha=3.0, beta=0.25, scales=SCALES)
    model.kl_weight.assign(0.5)
    x = (np.random.default_rng(0).random((6, 4)) < 0.5).astype("float32")
    with model.seeds.at(3):
        terms = model(x)
    with model.seeds.at(3):
        q = model.posterior(tf.constant(x))
        z = q.sample(1, seed=model.seeds.next())[0]
        draws = model.prior.sample(6, seed=model.seeds.next())
    expected = sum(
        baselines.mmd_squared(z.numpy()[:, [d]], draws.numpy()[:, [d]], SCALES) for d in range(2)
    )
    np.testing.assert_allclose(terms["divergence"], np.full(6, expected), rtol=1e-4, atol=1e-6)
    kl = q.log_prob(z) - model.prior.log_prob(z)
    np.testing.assert_allclose(terms["kl"], kl, rtol=1e-5)
    for training in (True, False):
        loss = model.compute_loss(x, y_pred=terms, training=training)
        parts = -np.mean(terms["log_likelihood"]) + 0.5 * 0.25 * np.mean(kl) + 3.0 * expected
        np.testing.assert_allclose(loss, parts, rtol=1e-5)


def test_sample_weights_weigh_what_belongs_to_examples():
    """And not the divergence, which is one number for the batch."""
    model = build(alpha=3.0, beta=0.25)
    x = (np.random.default_rng(0).random((6, 4)) < 0.5).astype("float32")
    terms = model(x)
    weights = np.array([2.0, 0, 0, 0, 0, 0], "float32")
    loss = model.compute_loss(x, y_pred=terms, sample_weight=weights)
    first = {name: float(value[0]) for name, value in terms.items()}
    parts = 0.25 * first["kl"] - first["log_likelihood"]
    np.testing.assert_allclose(loss, 2 * parts / 6 + 3 * first["divergence"], rtol=1e-5)
    loss = model.compute_loss(x, y_pred=terms, sample_weight=0 * weights)
    np.testing.assert_allclose(loss, 3 * first["divergence"], rtol=1e-5)


def test_a_divergence_that_is_not_finite_is_named():
    model = build(alpha=3.0)
    assert model.term_names == ("log_likelihood", "kl", "divergence")
    infer = model.infer
    model.infer = lambda *args: infer(*args)._replace(
        batch_terms={"divergence": lambda: np.float32("nan")}
    )
    x = (np.random.default_rng(0).random((6, 4)) < 0.5).astype("float32")
    with pytest.raises(callbacks.NonFiniteError, match="divergence became NaN .* at training step"):
        model.fit(x, batch_size=3, epochs=1, verbose=0)


def test_without_weights_it_is_the_vae():
    x = (np.random.default_rng(0).random((16, 4)) < 0.5).astype("float32")
    model = build(alpha=0.0, beta=1.0, prior="normal")
    plain = models.VAE(networks.MLP(hidden=(5,)), latent_dim=2, seed=0)
    plain.compile(run_eagerly=True)
    plain.build((None, 4))
    for ours, theirs in zip(plain.trainable_weights, model.trainable_weights, strict=True):
        ours.assign(theirs)
    scores = []
    for subject in (model, plain):
        with subject.seeds.at(0):
            scores.append(subject.evaluate(x, verbose=0, return_dict=True))
    for name, value in scores[1].items():
        np.testing.assert_allclose(scores[0][name], value, rtol=1e-5)


@pytest.mark.graphs
def test_the_penalty_brings_codes_to_the_prior():
    """Data of two kinds: with the penalty the codes' distribution comes near the sparse prior."""
    x = np.tile(np.eye(4, dtype="float32")[[0, 3]], (64 * 40, 1))  # 40 batches
    divergences = []
    for alpha in (0.0, 50.0):
        model = build(alpha=alpha, beta=0.01)
        model.compile("adam", jit_compile=False)
        model.optimizer.learning_rate = 1e-2
        model.fit(x, batch_size=128, epochs=1, verbose=0)
        scores = model.evaluate(x[: 128 * 5], batch_size=128, verbose=0, return_dict=True)
        divergences.append(scores["divergence"])
    assert divergences[1] < 0.5 * divergences[0]
