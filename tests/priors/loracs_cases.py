"""Small trees, priors on them, and models for the tests of LORACs."""

import contextlib

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from reference import loracs as reference
from reference import tmc

from tfsp import models, networks, priors

tfd = tfp.distributions
KL_WEIGHT = 0.7


def trees(num_trees, num_leaves=5, seed=0):
    """Random trees as a list of (parent, time)."""
    rng = np.random.default_rng([seed, num_leaves])
    return [tmc.random_tree(rng, num_leaves) for _ in range(num_trees)]


def leaves_of(tree, dim, seed=0):
    """Locations `[N, dim]` of a Brownian motion on the tree, exact in float32."""
    rng = np.random.default_rng([seed, dim])
    num_leaves = (len(tree[0]) + 1) // 2
    nodes = tmc.sample_leaves(rng, *tree, dim)
    return nodes[:num_leaves].astype("float32").astype("float64")


def on_trees(some_trees, leaves, **settings):
    """A prior that has started, on exactly these trees, one for each chain."""
    num_leaves, dim = leaves.shape
    settings = {"num_chains": len(some_trees), "moves_per_step": 0, **settings}
    prior = priors.LORACs(dim, num_inducing=num_leaves, **settings)
    prior.build()
    prior.start(leaves, *some_trees[0], burn_in=0)
    prior.parent.assign(np.stack([parent for parent, _ in some_trees]))
    prior.time.assign(np.stack([time for _, time in some_trees]))
    return prior


def posterior(loc, scale, dtype="float64"):
    return tfd.Independent(tfd.Normal(tf.constant(loc, dtype), tf.constant(scale, dtype)), 1)


def model(prior=None, latent_dim=2, hidden=(8,), activation="tanh", **settings):
    """A small VAE with a small LORACs, not compiled."""
    small = {"name": "loracs", "num_inducing": 6, "burn_in": 100, "moves_per_step": 20}
    return models.VAE(
        networks.MLP(hidden=hidden, activation=activation),
        prior={**small, "start_epoch": 1, **(prior or {})},
        latent_dim=latent_dim,
        seed=0,
        **settings,
    )


def images(count=60, size=8, dtype="float32", seed=0):
    """Rows of 0 and 1 `[count, size]` of two kinds."""
    rng = np.random.default_rng(seed)
    share = np.where(np.arange(count)[:, None] % 2 == np.arange(size) // (size // 2), 0.9, 0.1)
    return (rng.random((count, size)) < share).astype(dtype)


def started(prior=None, num_trees=2, **settings):
    """A float64 model whose prior stands on given trees, with an annealed variance."""
    settings = {"num_samples": 2, "dtype": "float64", **settings}
    prior = {"num_inducing": 5, "num_chains": num_trees, "edge_weights": "bayes", **(prior or {})}
    keras.utils.set_random_seed(0)
    vae = model(prior, **settings)
    vae.compile(jit_compile=False)
    x = images(7, dtype="float64")
    vae.build(x.shape)
    some = trees(num_trees)
    vae.prior.start(leaves_of(some[0], 2), *some[0], burn_in=0)
    vae.prior.parent.assign(np.stack([parent for parent, _ in some]))
    vae.prior.time.assign(np.stack([time for _, time in some]))
    vae.prior.annealed_variance.assign(0.1)
    vae.kl_weight.assign(KL_WEIGHT)
    rng = np.random.default_rng(3)
    for weight in vae.trainable_weights:  # off zero, where a recognition network starts
        if weight is not vae.prior._inducing:
            weight.assign(weight + 0.3 * rng.normal(size=weight.shape))
    return vae, x


@contextlib.contextmanager
def fixed_noise(vae):
    with vae.seeds.at(3), vae.prior.seeds.at(5):
        yield


def loss(vae, x):
    with fixed_noise(vae):
        return vae.compute_loss(x, y_pred=vae(x, training=True))


def gradients(vae, x, weights):
    with tf.GradientTape() as tape:
        value = loss(vae, x)
    return [np.asarray(g) for g in tape.gradient(value, [w.value for w in weights])]


def network_weights(vae):
    return vae.encoder.trainable_weights + vae.decoder.trainable_weights


def tree_log_probs(vae, z, num_nodes=(16, 8), added=0.1):
    """log p(z | tree) `[C, ...]` in NumPy, as in training."""
    prior, out = vae.prior, []
    for parent, time in zip(prior.parent.numpy(), prior.time.numpy(), strict=True):
        rule = reference.discrete(parent, time, num_nodes, bayes=True, added=added)
        flat = reference.log_prob(z.reshape(-1, 2), prior.inducing.numpy(), rule)
        out.append(flat.reshape(z.shape[:-1]))
    return np.stack(out)


def draws(vae, x):
    """loc, scale and the z that `loss` draws."""
    q = vae.posterior(x)
    with fixed_noise(vae):
        z = q.sample(2, seed=vae.seeds.next()).numpy()
    return q.mean().numpy(), q.stddev().numpy(), z
