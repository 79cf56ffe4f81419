"""Half precision stays in the networks: inside a mixed model weights of densities are whole."""

import numpy as np
import pytest
import tensorflow as tf

from tfsp import models, networks, priors

TREES = {"burn_in": 50, "moves_per_step": 10, "start_epoch": 0}
PRIORS = {
    **{name: {} for name in priors.names()},
    "mixture": {"num_components": 3},
    "flow": {"hidden": (8,)},
    "vamp": {"num_components": 3},
    "tmc": {"num_points": 8, **TREES},
    "loracs": {
        "num_inducing": 4,
        "num_chains": 2,
        "inducing_points": "learned",
        **TREES,
        "inducing_gradient": "score",
        "attachment": "recognition",
        "recognition_hidden": (4,),
    },
}


def vae(**settings):
    model = models.VAE(networks.MLP(hidden=(4,)), latent_dim=2, seed=0, **settings)
    model.compile(jit_compile=False)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("name", PRIORS)
def test_priors_see_their_weights_in_float32(name, binary_images):
    """Training goes through, and the KL of a call is that of the prior on its own."""
    model = vae(prior={"name": name, **PRIORS[name]}, dtype="mixed_bfloat16")
    history = model.fit(binary_images, batch_size=32, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    prior, x = model.prior, tf.constant(binary_images[:5])
    rng = np.random.default_rng(0)
    for weight in prior.trainable_weights:  # numbers that half precision cannot hold
        weight.assign(weight + 0.1 * rng.random(weight.shape))
    with model.seeds.at(1), getattr(prior, "seeds", model.seeds).at(2):
        kl = model(x)["kl"]
    q = model.posterior(x)
    with model.seeds.at(1), getattr(prior, "seeds", model.seeds).at(2):
        z = q.sample(1, seed=model.seeds.next())
        expected = tf.reshape(prior.kl(q, z), [5])
    assert kl.dtype == tf.float32
    # The posterior's networks compute in half precision either way.
    np.testing.assert_allclose(kl, expected, rtol=1e-5, atol=1e-5)


def test_learned_scales_and_weighted_bounds(binary_images):
    model = vae(
        likelihood={"name": "gaussian", "scale": "scalar", "initial_scale": 0.3},
        objective="iwae",
        num_samples=2,
        dtype="mixed_bfloat16",
    )
    model.kl_weight.assign(1 / 3)
    history = model.fit(binary_images, batch_size=32, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    x = tf.constant(binary_images[:5])
    with model.seeds.at(1):
        terms = model(x)
    q = model.posterior(x)
    with model.seeds.at(1):
        z = q.sample(2, seed=model.seeds.next())
    log_p = model.prior.log_prob(z) - q.log_prob(z)
    weights = model.log_likelihood(x, z) + tf.constant(1 / 3, tf.float32) * log_p
    expected = tf.reduce_logsumexp(weights, axis=0) - np.log(2)
    np.testing.assert_allclose(terms["iwae"], expected, rtol=1e-5)
