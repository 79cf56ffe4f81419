"""CP-VAE on scikit-learn's digits: minutes, and no data to fetch."""

from tfsp.config import default_config


def get_config():
    config = default_config("cp_vae")
    config.data.name = "digits"
    config.model.update(
        latent_dim=10,
        num_categories=10,
        gate_units=100,
        start="mixture",  # or "random"
        start_epoch=40,
        sum_out_categories=False,
    )
    config.network.update(hidden=(100, 100), gated=True)
    config.train.update(batch_size=50, epochs=150)
    return config
