"""MNIST, binarised afresh at each visit, with a multilayer perceptron of two layers of 300.

    --config=configs/vae/mnist.py:vamp

The sizes of the VampPrior's and CP-VAE's experiments (latent 40, batch 100, 500 pseudo-inputs).
A row is a prior: normal (the default), mixture, vamp, flow, sparse, loracs or none;
--config.prior.name chooses as well.
"""

from tfsp.config import default_config, row_of

ROWS = {
    "normal": dict(name="normal"),
    "mixture": dict(name="mixture", num_components=500),
    "vamp": dict(name="vamp", num_components=500),
    "flow": dict(name="flow"),
    "sparse": dict(name="sparse"),
    "loracs": dict(name="loracs"),
    "none": dict(name="none"),
}


def get_config(row="normal"):
    config = default_config()
    config.data.name = "mnist"
    config.prior.update(row_of(ROWS, row))
    return config
