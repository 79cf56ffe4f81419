"""VAE with a sparse prior and the decomposition penalty, on MNIST.

As the sparse experiments of Mathieu et al. 2019 (arXiv:1812.02833): 50 dimensions of which 80% are
off, the weights alpha = 100 and beta = 1; but on MNIST, not Fashion-MNIST, and in batches of 100,
not 500 (--config.train.batch_size). The divergence is estimated within a batch: smaller batches
make it noisier, not larger. Sweep --config.model.alpha.
"""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.name = "mnist"
    config.model.update(name="decomposed_vae", latent_dim=50, alpha=100.0, beta=1.0)
    preset(config, "network", name="mlp", hidden=(300, 300))
    config.prior.name = "sparse"
    config.train.update(epochs=80, learning_rate=5e-4)
    return config
