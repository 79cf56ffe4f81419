"""LORACs(200) on MNIST with a multilayer perceptron: minutes on two cores.

Five epochs with the normal prior, then 32 with the tree over fixed inducing points; exact edge
weights, steadied for four epochs.
"""

from tfsp.config import default_config


def get_config():
    config = default_config()
    config.data.name = "mnist"
    config.network.hidden = (400, 400)
    config.prior.update(name="loracs", num_inducing=200, start_epoch=5, edge_weights="bayes")
    config.train.update(batch_size=200, epochs=37)
    return config
