"""Small trees, priors on them, and models for the tests of LORACs."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from reference import tmc

from tfsp import models, networks, priors

tfd = tfp.distributions


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
