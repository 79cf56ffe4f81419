"""Sparse VAE (variational sparse coding) on MNIST: a fifth of 50 dimensions on at a time.

The smaller --config.model.alpha, the sparser. Tonolini et al. 2020.
"""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.name = "mnist"
    config.model.update(
        name="sparse_vae",
        latent_dim=50,
        alpha=0.2,
        sharpness=50.0,
        sharpness_start=10.0,
        warmup_steps=10_000,
        slab_warmup_steps=0,
    )
    preset(config, "network", name="mlp", hidden=(300, 300))
    config.train.epochs = 100
    return config
