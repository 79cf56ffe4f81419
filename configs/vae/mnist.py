"""MNIST, binarised afresh at each visit, with a multilayer perceptron of two layers of 300.

The sizes of the VampPrior's and CP-VAE's experiments (latent 40, batch 100, 500 pseudo-inputs).
Choose the prior by --config.prior.name=normal|mixture|vamp|flow|none.
"""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.name = "mnist"
    preset(config, "network", name="mlp", hidden=(300, 300))
    preset(config, "prior", num_components=500)
    config.train.update(epochs=100, kl_warmup_epochs=0)
    return config
