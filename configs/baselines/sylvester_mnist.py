"""VAE with a Sylvester posterior on MNIST: four steps with Householder matrices.

Choose by --config.model.flow=orthogonal|householder|triangular. The sizes are the smaller ones of
van den Berg et al. 2018 (arXiv:1803.05649): 64 dimensions, 4 steps, 8 reflections or 32 columns.
"""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.name = "mnist"
    config.model.update(
        name="sylvester_vae",
        latent_dim=64,
        flow="householder",
        num_flows=4,
        num_reflections=8,
        num_columns=32,
    )
    preset(config, "network", name="mlp", hidden=(300, 300))
    config.train.update(epochs=100, kl_warmup_epochs=10)
    return config
