"""What one of several processes does in the tests: `python worker.py CASE FOLDER` with TF_CONFIG.

Writes what it has found into FOLDER, by its number. Without TF_CONFIG it does the same alone.
"""

import json
import os
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

from tfsp import distribute, models, networks
from tfsp.callbacks import NonFiniteError
from tfsp.distribute.guard import weights_hash

SETTINGS = {
    "none": {"prior": "none"},
    "normal": {"prior": "normal"},
    "vamp": {"prior": {"name": "vamp", "num_components": 4}},
    "flow": {"prior": {"name": "flow", "num_flows": 1, "hidden": (4,)}},
    "iwae": {"prior": "normal", "objective": "iwae", "num_samples": 3},
    "loracs": {
        "prior": {
            "name": "loracs",
            "num_inducing": 8,
            "moves_per_step": 50,
            "burn_in": 50,
            "start_epoch": 1,
        }
    },
}
NAMED = {
    "tmc": lambda: models.TMCVAE(
        networks.MLP(hidden=(6,)),
        prior={"name": "tmc", "start_epoch": 1, "burn_in": 50, "moves_per_step": 20},
        latent_dim=2,
        seed=0,
    ),
    "discrete": lambda: models.DiscreteVAE(
        networks.MLP(hidden=(6,)), latent_dim=4, num_groups=1, num_chains=4, num_sweeps=1, seed=0
    ),
    "cp": lambda: models.CPVAE(
        networks.MLP(hidden=(6,)), latent_dim=2, num_categories=3, start="random", seed=0
    ),
}


def images(count):
    rng = np.random.default_rng(0)
    return (rng.random((count, 8, 8, 1)) < 0.3).astype("float32")


def build(name):
    if name in NAMED:
        return NAMED[name]()
    return models.VAE(networks.MLP(hidden=(6,)), latent_dim=2, seed=0, **SETTINGS[name])


def fit(strategy, name, rows=40, form="arrays", steps_per_execution=1, epochs=2, spoil=None):
    """Trains one model and tells its history, its weights and their hash."""
    keras.utils.set_random_seed(0)
    x, validation = images(rows), images(25)
    if spoil is not None:
        x[spoil] = np.nan
    with strategy.scope():
        model = build(name)
        if model.__class__.__name__ == "TMCVAE":
            model.set_num_points(rows)
        model.build((None, *x.shape[1:]))
        model.compile(
            keras.optimizers.SGD(0.01), steps_per_execution=steps_per_execution, jit_compile=False
        )
    data = {"x": x, "batch_size": 10, "shuffle": False}
    if form == "pairs":
        data["y"] = np.zeros(rows)
    elif form == "dataset":
        data = {"x": tf.data.Dataset.from_tensor_slices(x).batch(10)}
    history = model.fit(
        **data, epochs=epochs, verbose=0, validation_data=(validation, None)
    ).history
    return {
        "history": history,
        "hash": weights_hash(model),
        "weights": {w.path: np.asarray(w, float).ravel().tolist() for w in model.weights},
        "evaluated": model.evaluate(validation, batch_size=10, verbose=0, return_dict=True),
        "predicted": model.predict(validation, batch_size=10, verbose=0)["latent"].tolist(),
    }


def main():
    cases, folder = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2])
    several = "TF_CONFIG" in os.environ
    strategy = distribute.workers(60, 3) if several else tf.distribute.get_strategy()
    index = strategy.cluster_resolver.task_id if several else 0
    found = {}
    for name, settings in cases.items():
        try:
            found[name] = fit(strategy, **settings)
        except NonFiniteError as error:
            found[name] = {"error": str(error)}
    (folder / f"found-{index if several else 'alone'}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
