"""The TMC-VAE on the 1,297 training digits of scikit-learn: a leaf for each, a minute on a core.

Shows that it runs, not what it is for: the tree stays vague (dendrogram purity near chance, that of
Ward's clustering of the same codes .58). An image of 8x8 leaves about 6 nats in the latent, and the
posterior uncertainty of the leaves drowns the distances between them. On MNIST, with 20 nats, the
tree is as pure as Ward's.
"""

from tfsp.config import default_config


def get_config():
    config = default_config("tmc_vae")
    config.data.name = "digits"
    config.model.latent_dim = 10
    config.network.hidden = (200, 200)
    # An epoch is ten passes over the 1,297 training images: so few make too short an epoch.
    config.train.update(epochs=30, steps_per_epoch=120)
    return config
