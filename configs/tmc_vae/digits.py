"""The TMC-VAE on the 1,297 training digits of scikit-learn: a leaf for each, a minute on a core.

Shows that it runs, not what it is for: an image of 8x8 leaves about 6 nats in the latent, less than
the log N = 7 nats that name a place on the tree, and the tree stays vague (dendrogram purity near
chance). On MNIST, with 20 nats, it finds the classes.
"""

from tfsp.config import default_config


def get_config():
    config = default_config()
    config.data.name = "digits"
    config.model.update(name="tmc_vae", latent_dim=10)
    config.network.update(name="mlp", hidden=(200, 200))
    config.prior.name = "tmc"
    # An epoch is ten passes over the 1,297 training images: so few make too short an epoch.
    config.train.update(epochs=30, steps_per_epoch=120)
    return config
