"""Graph VAE on scikit-learn's digits: four nodes of five, minutes, and no data to fetch."""

from tfsp.config import default_config


def get_config():
    config = default_config("graph_vae")
    config.data.name = "digits"
    config.model.update(
        latent_dim=20,
        num_nodes=4,
        structure="learned",  # or "independent", "chain", "full"
        node_hidden=64,
        temperature_decay=0.96,
        decoder_input="all",
    )
    config.network.update(encoder_hidden=(100, 100), decoder_hidden=(100, 100), num_features=50)
    config.train.update(batch_size=50, epochs=100)
    return config
