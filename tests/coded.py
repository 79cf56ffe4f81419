"""Data that are their own codes, and a small tree prior over such, for tests of trees over data."""

import numpy as np
import pandas
import tensorflow as tf
from reference import tmc

import tfsp
from tfsp import priors


class Codes:
    """What a tree sees of a model; here the pixels or columns are the code."""

    capabilities = frozenset()

    def __init__(self, prior):
        self.prior = prior

    def prior_view(self):
        return self

    def encode(self, x):
        return tf.reshape(x, [len(x), -1])


def tree_prior(num_leaves=6, dim=2, seed=5):
    """A started tree prior; the locations of its leaves are a draw from its tree."""
    rng = np.random.default_rng(seed)
    parent, time = tmc.random_tree(rng, num_leaves)
    leaves = tmc.sample_leaves(rng, parent, time, dim)[:num_leaves]
    prior = priors.LORACs(latent_dim=dim, num_inducing=num_leaves, burn_in=0)
    prior.build()
    prior.start(leaves.astype(np.float32), parent, time, burn_in=0)
    return prior


def table(x, labels=None, names="r", **options):
    """A `Data` of a table with columns c0, c1, ... and rows r0, r1, ..."""
    frame = pandas.DataFrame(x, columns=[f"c{i}" for i in range(x.shape[1])])
    frame.index = [f"{names}{i}" for i in range(len(x))]
    if labels is not None:
        frame["kind"] = labels
        options["label"] = "kind"
    return tfsp.data.load(frame, **options)


def points(n=40, dim=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
