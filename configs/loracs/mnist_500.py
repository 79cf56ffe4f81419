"""LORACs(500) on MNIST with the paper's convolutions and schedule (loracs.txt, D, Table B.5)."""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.name = "mnist"
    config.network.name = "loracs_conv"
    preset(config, "prior", name="loracs", num_inducing=500, start_epoch=100, num_components=500)
    # 100 epochs of a plain VAE, 100 with the tree, the last 20 at learning rate 1e-5.
    config.train.update(epochs=200, final_fraction=0.1)
    return config
