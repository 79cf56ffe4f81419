"""LORACs as in the paper: convolutions and schedule of loracs.txt, appendix D, Tables B.5 and D.7.

    --config=configs/loracs/paper.py:omniglot_1000

Rows, each a data set with its number of inducing points: mnist_200 (the default), mnist_500,
omniglot_1000, celeb_a_500 and mnist_200_recipe. 100 epochs of a plain VAE, 100 with the tree, the
last 20 at learning rate 1e-5.

Pixels of CelebA are intensities, not binarised, so its likelihood is the continuous Bernoulli.

mnist_200_recipe is trained as the paper did (section 4, appendix C.3): learned inducing points with
the path gradient, the recognition network, 100 SPR moves a step, trees that start with all times
near 0. Slower by far than mnist_200, and no better: the learned inducing points shrink as long as
one trains.
"""

from tfsp.config import default_config, row_of

ROWS = {
    "mnist_200": dict(data=dict(name="mnist"), prior=dict(num_inducing=200)),
    "mnist_500": dict(data=dict(name="mnist"), prior=dict(num_inducing=500)),
    "omniglot_1000": dict(data=dict(name="omniglot", split="burda"), prior=dict(num_inducing=1000)),
    "celeb_a_500": dict(
        data=dict(name="celeb_a", binarization="none"),
        likelihood=dict(name="continuous_bernoulli"),
        prior=dict(num_inducing=500),
    ),
    "mnist_200_recipe": dict(
        data=dict(name="mnist"),
        prior=dict(
            num_inducing=200,
            attachment="recognition",
            inducing_points="learned",
            burn_in=0,
            moves_per_step=100,
            move_mixture=(1, 0, 0, 0),
            tree_start="near_zero",
        ),
    ),
}


def get_config(row="mnist_200"):
    config = default_config()
    config.network.name = "loracs_conv"
    config.prior.update(name="loracs", start_epoch=100)
    config.train.update(epochs=200, final_fraction=0.1)
    config.update(row_of(ROWS, row))
    return config
