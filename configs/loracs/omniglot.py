"""LORACs(1000) on Omniglot with the paper's convolutions and schedule (loracs.txt, D)."""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.update(name="omniglot", split="burda")
    config.network.name = "loracs_conv"
    preset(config, "prior", name="loracs", num_inducing=1000, start_epoch=100, num_components=1000)
    # 100 epochs of a plain VAE, 100 with the tree, the last 20 at learning rate 1e-5.
    config.train.update(epochs=200, final_fraction=0.1)
    return config
