"""The grid of Figure 4: targets in two dimensions, and what each model learns of them."""

import time

import keras
import numpy as np
import tensorflow as tf

from tfsp import experiment
from tfsp.config import default_config, to_dict
from tfsp.evaluation.checks import check_count
from tfsp.evaluation.coverage import coverage
from tfsp.evaluation.draws import draw
from tfsp.evaluation.energy import energy_distance

# The map with the right number of holes or clusters for each target.
MAPPINGS = {
    "circle": dict(name="circle"),
    "square": dict(name="circle"),
    "star": dict(name="circle"),
    "infinity": dict(name="glued_circles", num_holes=2),
    "two_gaussians": dict(name="sectors", num_sectors=(2,)),
}
TARGETS = tuple(MAPPINGS)
MODELS = ("vae", "vamp", "intel_vae")
_MEASURES = ("energy_distance", "stray", "missed", "elbo")


def shape_config(
    target, model, seed=0, steps=10_000, batch_size=500, hidden=(32, 32, 32), learning_rate=3e-3
):
    """The config of one cell of the grid, an `ml_collections.ConfigDict` for `experiment`.

    All models share encoder, decoder, budget and likelihood, N(mean, 0.05^2): the noise of the
    curves. (A scale that is learned ends, for every model, in wide blurs: a poor optimum.)

    Args:
      target: one of `TARGETS`.
      model: "vae" (normal prior), "vamp" (a VAE with a VampPrior of 50 pseudo-inputs that start as
        data) or "intel_vae" (with the target's map).
      seed, steps, batch_size, hidden, learning_rate: of training.

    Raises: ValueError for another target or model.
    """
    for name, value, known in (("target", target, TARGETS), ("model", model, MODELS)):
        if value not in known:
            raise ValueError(f"`{name}` must be one of {', '.join(known)}. Received: {value!r}.")
    config = default_config()
    config.seed = seed
    config.data.update(name=target, binarization="none", train_size=steps * batch_size)
    config.model.latent_dim = 2
    config.network.update(name="mlp", hidden=tuple(hidden))
    config.likelihood.update(name="gaussian", scale="fixed", initial_scale=0.05)
    if model == "vamp":
        config.prior.update(name="vamp", num_components=50, start="data", bounded=False)
    if model == "intel_vae":
        config.model.name = "intel_vae"
        config.mapping.update(**MAPPINGS[target])
    config.train.update(
        batch_size=batch_size,
        epochs=1,
        steps_per_execution=100,
        learning_rate=learning_rate,
        final_learning_rate=learning_rate / 30,
        final_fraction=0.3,
        validate=False,
    )
    return config


def train_shapes(
    targets=TARGETS,
    models=MODELS,
    num_seeds=5,
    num_samples=5000,
    report=None,
    **settings,
):
    """Trains every model on every target and measures what it has learned.

    A step is compiled once for each target and model; other seeds take it over with new weights
    and new data.

    Args:
      targets, models: of the grid.
      num_seeds: training runs of each, with seeds 0, 1, ...
      num_samples: draws of each model, and test points, that are compared.
      report: function of each row as it comes, such as `print`, or None.
      **settings: steps, batch_size, hidden, learning_rate of `shape_config`.

    Returns: (rows, samples, data). A row is a dict: target, model, seed, energy_distance (of
      draws of x to test data, unbiased), stray and missed (see `coverage`), elbo (nats, on test
      data), seconds. samples: dict target -> dict model -> `[num_samples, 2]`, of seed 0. data:
      dict target -> `[num_samples, 2]`.

    Raises: ValueError for names or numbers out of range, before anything is trained.
    """
    targets, models = list(targets), list(models)
    num_seeds = check_count(num_seeds, "num_seeds")
    check_count(num_samples, "num_samples", 4)
    for target in targets:
        for model in models:
            shape_config(target, model, **settings)
    rows, samples, data = [], {target: {} for target in targets}, {}
    for target in targets:
        for model in models:
            trainer = _Trainer()
            for seed in range(num_seeds):
                start = time.perf_counter()
                config = to_dict(shape_config(target, model, seed, **settings))
                trained, dataset = trainer.train(config)
                points, _ = dataset.arrays("test", limit=num_samples)
                drawn = draw(trained, num_samples, seed)
                far = coverage(drawn, points)
                row = {
                    "target": target,
                    "model": model,
                    "seed": seed,
                    "energy_distance": energy_distance(drawn, points),
                    "stray": far["stray"],
                    "missed": far["missed"],
                    "elbo": _elbo(trained, points, seed),
                    "seconds": time.perf_counter() - start,
                }
                rows.append(row)
                if report is not None:
                    report(row)
                if seed == 0:
                    samples[target][model], data[target] = drawn, points
    return rows, samples, data


def summarise(rows):
    """Mean and standard deviation (n - 1) over seeds of each measure, for target and model.

    Args: rows: of `train_shapes`.

    Returns: list of dicts: target, model, seeds (how many), and for each measure its name and
      name_sd (None for a single seed). For `format_table`.
    """
    table = []
    for target, model in dict.fromkeys((row["target"], row["model"]) for row in rows):
        found = [row for row in rows if (row["target"], row["model"]) == (target, model)]
        line = {"target": target, "model": model, "seeds": len(found)}
        for measure in _MEASURES:
            values = np.array([row[measure] for row in found])
            line[measure] = float(values.mean())
            line[f"{measure}_sd"] = float(values.std(ddof=1)) if len(values) > 1 else None
        table.append(line)
    return table


class _Trainer:
    """Trains configs that differ in their seed alone, with one compiled step."""

    def __init__(self):
        self._model = None

    def train(self, config):
        """(model trained as `config` says, its data). The model is reused by the next call."""
        keras.utils.set_random_seed(config["seed"])
        dataset = experiment.load_data(config)
        model = experiment.build_model(config, dataset.info.image_shape)
        if model.prior.wants_data:
            # Not left to `fit`, which would go by the seed of the model that is reused.
            model.adapt(dataset.arrays("train", limit=1000)[0])
        steps = dataset.steps_per_epoch
        if self._model is None:
            experiment.compile_model(model, config, steps)
            self._model = model
        else:
            self._model.set_weights(model.get_weights())
            for variable in self._model.optimizer.variables:
                if variable is not self._model.optimizer._learning_rate:
                    variable.assign(tf.zeros(variable.shape, variable.dtype))
        stream = dataset.train_stream()
        self._model.fit(stream, steps_per_epoch=steps, epochs=1, verbose=0)
        return self._model, dataset


def _elbo(model, points, seed):
    with model.seeds.at(seed):
        terms = model(tf.constant(points))
    return float(tf.reduce_mean(terms["log_likelihood"] - terms["kl"]))
