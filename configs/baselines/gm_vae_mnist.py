"""GM-VAE on MNIST: ten components, their means and variances shaped by a second latent.

With the minimum information constraint of Dilokthanakul et al. 2016 (arXiv:1611.02648).
"""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.name = "mnist"
    config.model.update(
        name="gm_vae",
        latent_dim=50,
        num_components=10,
        style_dim=50,
        prior_units=128,
        min_information=1.0,
    )
    preset(config, "network", name="mlp", hidden=(300, 300))
    config.train.epochs = 100
    return config
