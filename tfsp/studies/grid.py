"""Grids of small training runs: every model on every target, for several seeds."""

import time

import keras
import numpy as np
import tensorflow as tf

from tfsp import arguments, experiment
from tfsp.config import to_dict
from tfsp.evaluation.draws import draw
from tfsp.evaluation.report import format_table
from tfsp.measures.coverage import coverage
from tfsp.measures.energy import energy_distance
from tfsp.random import short_seed

_MEASURES = ("energy_distance", "stray", "missed", "elbo")


def train_grid(cells, num_seeds=5, num_samples=5000, report=None):
    """Trains every cell with several seeds and measures what was learned.

    A step is compiled once for each cell; the other seeds reuse it with new weights and new data.

    Args:
      cells: list of (target, model, config): two names, and a function of `seed` that returns the
        config of the run.
      num_seeds: training runs of each, with seeds 0, 1, ...
      num_samples: draws of each model, and test points, that are compared.
      report: called with each row as soon as it is complete, such as `print`, or None.

    Returns:
      (rows, samples, data):
        rows: list of dicts with target, model, seed, energy_distance (of draws of x to test data,
          unbiased), stray and missed (see `coverage`), elbo (nats, on test data) and seconds.
        samples: dict target -> dict model -> `[num_samples, d]`, of seed 0.
        data: dict target -> `[num_samples, d]`.

    Raises:
      ValueError: for `num_seeds` < 1, `num_samples` < 4 or a config that is not valid, before
        anything is trained.
    """
    num_seeds = arguments.integer("num_seeds", num_seeds)
    arguments.integer("num_samples", num_samples, 4)
    for _, _, config_of in cells:
        to_dict(config_of(seed=0))
    rows, samples, data = [], {target: {} for target, _, _ in cells}, {}
    for target, model, config_of in cells:
        trainer = _Trainer()
        for seed in range(num_seeds):
            start = time.perf_counter()
            trained, dataset = trainer.train(to_dict(config_of(seed=seed)))
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

    Args:
      rows: as returned by `train_grid`.

    Returns:
      list of dicts: target, model, seeds (how many), and for each measure its name and name_sd
      (None for a single seed). For `format_table`.
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


_COLUMNS = ("target", "model", "seeds", "1000 x energy distance", "% stray", "% missed", "ELBO")
_NOTE = (
    "Mean (standard deviation) over seeds. Energy distance: of draws of x to test data, unbiased, "
    "0 for equal\ndistributions. % stray: draws farther from all data than 99% of data are from "
    "each other; % missed: data as\nfar from all draws. ELBO: nats, on test data."
)


def format_grid(summary):
    """The text of a table of `summarise(rows)`, with a note on its columns."""
    return f"{format_table([_line(row) for row in summary])}\n\n{_NOTE}\n"


def _line(row):
    def cell(name, scale):
        deviation = row[f"{name}_sd"]
        spread = "" if deviation is None else f" ({scale * deviation:.2f})"
        return f"{scale * row[name]:.2f}{spread}"

    values = (cell("energy_distance", 1000), cell("stray", 100), cell("missed", 100))
    first = (row["target"], row["model"], row["seeds"])
    return dict(zip(_COLUMNS, (*first, *values, cell("elbo", 1)), strict=True))


class _Trainer:
    """Trains configs that differ in their seed alone, with one compiled step."""

    def __init__(self):
        self._model = None

    def train(self, config):
        """(model trained as `config` says, its data). The model is reused by the next call."""
        keras.utils.set_random_seed(short_seed(config["seed"]))
        dataset = experiment.load_data(config)
        model = experiment.build_model(config, dataset.info.image_shape)
        if model.prior.wants_data and not model.prior.start_epoch:
            # Not left to `fit`, which would use the seed of the model that is reused.
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
        self._model.fit(
            dataset.train_stream(),
            steps_per_epoch=steps,
            epochs=config["train"]["epochs"],
            verbose=0,
        )
        return self._model, dataset


def _elbo(model, points, seed):
    with model.seeds.at(seed):
        terms = model(tf.constant(points))
    return float(tf.reduce_mean(terms["log_likelihood"] - terms["kl"]))
