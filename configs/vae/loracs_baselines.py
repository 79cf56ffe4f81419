"""MNIST and Omniglot as the baselines of LORACs: convolutions, 400 epochs (loracs.txt, D and D.1).

    --config=configs/vae/loracs_baselines.py:omniglot_vamp

A row is data set and prior: mnist or omniglot, normal (mnist_normal is the default), mixture, vamp
or flow; 500 components or pseudo-inputs on MNIST, 1,000 on Omniglot. KL weight from 0.01 to 1 over
50 epochs; learning rate 1e-3, then 1e-5 for the last 80 epochs.
"""

from tfsp.config import default_config, row_of

DATA = {
    "mnist": (dict(name="mnist"), 500),
    "omniglot": (dict(name="omniglot", split="burda"), 1000),
}
ROWS = {
    f"{name}_{prior}": dict(data=data, prior=dict(name=prior, **settings))
    for name, (data, size) in DATA.items()
    for prior, settings in {
        "normal": {},
        "mixture": dict(num_components=size),
        "vamp": dict(num_components=size),
        "flow": {},
    }.items()
}


def get_config(row="mnist_normal"):
    config = default_config()
    config.network.name = "loracs_conv"
    config.train.update(epochs=400, kl_warmup_epochs=50)
    config.update(row_of(ROWS, row))
    return config
