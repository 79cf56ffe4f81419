"""Codes for clusters and hierarchies: the same for an image and for its augmentations.

    --config=configs/vae/clusters.py:mnist

A normal prior, and consistency of the posterior under small shifts, turns, slants and bends; the
images decoded are those of the data alone. scripts/evaluate.py --tasks=hierarchy tells how well
trees over the codes keep classes together (`tfsp.tmc.neighbour_summary`, one tree and Ward's
linkage beside it).
A row is a data set: mnist (the default; 4 to 6 minutes on two cores), omniglot, digits (one
minute), cifar10; what was chosen on which labels is in docs/hierarchies.md. omniglot and cifar10
take over what was found on MNIST: on Omniglot that does not help, on CIFAR it is untried.
"""

from tfsp.config import default_config, row_of

_CONSISTENCY = dict(weight=1.5, reconstruct=False, shear=0.3, warp=0.03)
_LARGE = dict(
    model=dict(latent_dim=20, consistency=_CONSISTENCY),
    network=dict(hidden=(400, 400)),
    train=dict(batch_size=200, epochs=40, final_learning_rate=1e-4),
)
ROWS = {
    "mnist": dict(data=dict(name="mnist", binarization="none"), **_LARGE),
    "omniglot": dict(data=dict(name="omniglot", split="burda", binarization="none"), **_LARGE),
    "digits": dict(
        data=dict(name="digits", binarization="none"),
        model=dict(
            latent_dim=10,
            # Turned or shifted by a pixel of eight, a digit is another.
            consistency=_CONSISTENCY | dict(shift=0.05, rotation=0.03, zoom=0.05),
        ),
        network=dict(hidden=(200, 200)),
        train=dict(epochs=40, steps_per_epoch=120),
    ),
    "cifar10": dict(
        data=dict(name="cifar10", binarization="none"),
        model=dict(latent_dim=80, consistency=_CONSISTENCY | dict(flip=True)),
        network=dict(hidden=(400, 400)),
        likelihood=dict(name="logistic"),
        train=dict(epochs=40, clip_norm=100.0),
    ),
}


def get_config(row="mnist"):
    config = default_config()
    config.update(row_of(ROWS, row))
    return config
