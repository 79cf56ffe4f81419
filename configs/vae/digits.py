"""The 1,797 digits of scikit-learn, 8x8: no download, a minute on two cores."""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.name = "digits"
    config.model.latent_dim = 10
    preset(config, "network", name="mlp", hidden=(200, 200))
    preset(config, "prior", name="vamp", num_components=50, hidden=(64, 64))
    # An epoch is ten passes over the 1,297 training images: so few make too short an epoch.
    config.train.update(epochs=30, steps_per_epoch=120, kl_warmup_epochs=3)
    return config
