"""The two-layered VAE on scikit-learn's digits: minutes, and no data to fetch.

--config.prior.name=normal for HVAE; the default is HVP, with 100 pseudo-inputs.
"""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.name = "digits"
    config.model.update(name="hierarchical_vae", latent_dim=10, bottom_dim=10)
    preset(config, "network", name="mlp", hidden=(100, 100), gated=True)
    preset(config, "prior", name="vamp", num_components=100)
    config.train.update(batch_size=50, epochs=150)
    return config
