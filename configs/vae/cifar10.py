"""CIFAR-10 with a discretised logistic likelihood, reported in bits per dimension.

Networks of Graph VAE's appendix B.1: dense layers with batch normalisation, batch 64.
"""

from tfsp.config import default_config


def get_config():
    config = default_config()
    config.data.update(name="cifar10", binarization="none")
    config.model.latent_dim = 80
    config.network.name = "graph_vae_mlp"
    config.likelihood.name = "logistic"
    config.train.update(batch_size=64, epochs=100, clip_norm=100.0)
    return config
