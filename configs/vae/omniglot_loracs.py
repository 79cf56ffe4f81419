"""Omniglot as the baselines of LORACs: convolutions, 400 epochs (loracs.txt, D and D.1)."""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.update(name="omniglot", split="burda")
    config.network.name = "loracs_conv"
    preset(config, "prior", num_components=1000)
    config.train.update(epochs=400, kl_warmup_epochs=50, kl_start=0.01)
    return config
