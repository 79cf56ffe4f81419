"""InteL-VAE with sparse representations of the digits of scikit-learn: no download, a minute."""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.name = "digits"
    config.model.update(name="intel_vae", latent_dim=10)
    preset(config, "network", name="mlp", hidden=(200, 200))
    preset(config, "prior", num_components=50, hidden=(64, 64))
    preset(config, "mapping", name="selector", sparsity_weight=1.0, hidden=(64,))
    # An epoch is ten passes over the 1,297 training images: so few make too short an epoch.
    config.train.update(epochs=30, steps_per_epoch=120, kl_warmup_epochs=3)
    return config
