"""LORACs for a user's own data: what `train.py --data=PATH` takes without a config.

The prior is a tree, so that training ends in a hierarchy, in probabilities for where on it each row
belongs, and in a served model that answers for new rows. Likelihood, sizes of pictures, the number
of inducing points and the steps of an epoch are fitted to the data (`tfsp.own_data`); without
--data it trains on scikit-learn's digits.
"""

from tfsp.config import default_config


def get_config():
    config = default_config()
    config.model.latent_dim = 10
    config.network.hidden = (200, 200)
    config.prior.update(name="loracs", num_inducing=200, start_epoch=10, edge_weights="bayes")
    config.train.update(epochs=40, steps_per_epoch=100, kl_warmup_epochs=3, clip_norm=100.0)
    return config
