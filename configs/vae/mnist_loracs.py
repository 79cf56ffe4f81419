"""MNIST as the baselines of LORACs: convolutions, 400 epochs (loracs.txt, D and D.1).

KL weight from 0.01 to 1 over 50 epochs; learning rate 1e-3, then 1e-5 for the last 80 epochs.
"""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.name = "mnist"
    config.network.name = "loracs_conv"
    preset(config, "prior", num_components=500)
    config.train.update(epochs=400, kl_warmup_epochs=50, kl_start=0.01)
    return config
