"""The 1,797 digits of scikit-learn, 8x8: no download, a minute on two cores.

    --config=configs/vae/digits.py:flow

A row is a prior: vamp (the default), mixture, flow, normal or none.
"""

from tfsp.config import default_config, row_of

ROWS = {
    "vamp": dict(name="vamp", num_components=50),
    "mixture": dict(name="mixture", num_components=50),
    "flow": dict(name="flow", hidden=(64, 64)),
    "normal": dict(name="normal"),
    "none": dict(name="none"),
}


def get_config(row="vamp"):
    config = default_config()
    config.data.name = "digits"
    config.model.latent_dim = 10
    config.network.hidden = (200, 200)
    config.prior.update(row_of(ROWS, row))
    # An epoch is ten passes over the 1,297 training images: so few make too short an epoch.
    config.train.update(epochs=30, steps_per_epoch=120, kl_warmup_epochs=3)
    return config
