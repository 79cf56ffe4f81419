"""Small models, data and pages for the tests of the explorer."""

import numpy as np
import pandas
import tensorflow as tf
from PIL import Image
from reference import tmc

import tfsp
from tfsp import priors


class Codes:
    """What the explorer sees of a model; here the pixels or columns are the code."""

    capabilities = frozenset()

    def __init__(self, prior):
        self.prior = prior

    def prior_view(self):
        return self

    def encode(self, x):
        return tf.reshape(x, [len(x), -1])


class Plain:
    """A prior without a tree."""

    capabilities = frozenset()


def tree_prior(num_leaves=6, dim=2, seed=5):
    """A started tree prior; the locations of its leaves are a draw from its tree."""
    rng = np.random.default_rng(seed)
    parent, time = tmc.random_tree(rng, num_leaves)
    leaves = tmc.sample_leaves(rng, parent, time, dim)[:num_leaves]
    prior = priors.LORACs(latent_dim=dim, num_inducing=num_leaves, burn_in=0)
    prior.build()
    prior.start(leaves.astype(np.float32), parent, time, burn_in=0)
    return prior


def table(x, labels=None, names="r"):
    """A `Data` of a table with columns c0, c1, ... and rows r0, r1, ..."""
    frame = pandas.DataFrame(x, columns=[f"c{i}" for i in range(x.shape[1])])
    frame.index = [f"{names}{i}" for i in range(len(x))]
    options = {}
    if labels is not None:
        frame["kind"] = labels
        options["label"] = "kind"
    return tfsp.data.load(frame, **options)


def points(n=40, dim=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


MARKUP = "<b>bold<img src=x onerror=document.title=1> & co.png"  # a careless page would obey it


def folder_of_pictures(folder, each=24, side=8, seed=3):
    """Grey PNG files in three folders of classes, each a bright square somewhere: the folder."""
    rng = np.random.default_rng(seed)
    for kind, (y, x) in {"left": (2, 0), "right": (2, 5), "top": (0, 3)}.items():
        (folder / kind).mkdir(parents=True)
        for i in range(each):
            picture = rng.integers(0, 40, (side, side))
            picture[y : y + 3, x : x + 3] += rng.integers(150, 215)
            name = MARKUP if kind == "top" and i == 0 else f"{kind}-{i:03d}.png"
            path = folder / kind / name
            Image.fromarray(picture.astype(np.uint8)).save(path)
    return folder
