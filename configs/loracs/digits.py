"""LORACs on the 1,797 digits of scikit-learn: no download, a minute on two cores."""

from tfsp.config import default_config


def get_config():
    config = default_config()
    config.data.name = "digits"
    config.model.latent_dim = 10
    config.network.hidden = (200, 200)
    config.prior.update(name="loracs", num_inducing=100, start_epoch=10, edge_weights="bayes")
    # An epoch is ten passes over the 1,297 training images: so few make too short an epoch.
    config.train.update(epochs=40, steps_per_epoch=120, kl_warmup_epochs=3)
    return config
