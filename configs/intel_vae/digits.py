"""InteL-VAE with sparse representations of the digits of scikit-learn: no download, a minute."""

from tfsp.config import default_config


def get_config():
    config = default_config("intel_vae")
    config.data.name = "digits"
    config.model.latent_dim = 10
    config.network.hidden = (200, 200)
    config.mapping.update(name="selector", sparsity_weight=1.0, hidden=(64,))
    # An epoch is ten passes over the 1,297 training images: so few make too short an epoch.
    config.train.update(epochs=30, steps_per_epoch=120, kl_warmup_epochs=3)
    return config
