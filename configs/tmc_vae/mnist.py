"""The TMC-VAE on 1,000 images of MNIST, the size that the paper names as its limit.

The paper (loracs.txt, section 3) gives no settings; networks and latent size are those of
configs/vae/mnist.py. The cost of a step grows in proportion to --config.data.train_size: 20,000
are possible.
"""

from tfsp.config import default_config


def get_config():
    config = default_config("tmc_vae")
    config.data.update(name="mnist", train_size=1000)
    # An epoch is ten passes over the 1,000 images.
    config.train.update(epochs=100, steps_per_epoch=100)
    return config
