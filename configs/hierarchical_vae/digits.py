"""The two-layered VAE on scikit-learn's digits: minutes, and no data to fetch.

    --config=configs/hierarchical_vae/digits.py:hvae

Rows: hvp (the default), a VampPrior of 100 pseudo-inputs; hvae, the normal prior.
"""

from tfsp.config import default_config, row_of

ROWS = {"hvp": dict(name="vamp", num_components=100), "hvae": dict(name="normal")}


def get_config(row="hvp"):
    config = default_config("hierarchical_vae")
    config.data.name = "digits"
    config.model.update(latent_dim=10, bottom_dim=10)
    config.network.update(hidden=(100, 100), gated=True)
    config.prior.update(row_of(ROWS, row))
    config.train.update(batch_size=50, epochs=150)
    return config
