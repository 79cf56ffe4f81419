"""LORACs(200) as the paper trained it, on MNIST: loracs.txt, section 4, appendices C.3 and D.

Learned inducing points with the path gradient, the recognition network, 100 SPR moves a step,
trees that start with all times near 0. Slower by far than `mnist.py`, and no better: the learned
inducing points shrink as long as one trains.
"""

from tfsp.config import default_config, preset


def get_config():
    config = default_config()
    config.data.name = "mnist"
    config.network.name = "loracs_conv"
    preset(
        config,
        "prior",
        name="loracs",
        num_inducing=200,
        start_epoch=100,
        attachment="recognition",
        inducing_points="learned",
    )
    preset(
        config,
        "prior",
        burn_in=0,
        moves_per_step=100,
        move_mixture=(1, 0, 0, 0),
        tree_start="near_zero",
    )
    config.train.update(epochs=200, final_fraction=0.1)
    return config
