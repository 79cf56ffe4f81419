"""How well a model fills in what was taken away, beside means and nearest neighbours."""

import keras
import numpy as np
import tensorflow as tf

from tfsp import arguments, models
from tfsp.evaluation import impute
from tfsp.random import generator, short_seed

METHODS = ("model", "neighbours", "mean")


def imputation_errors(
    x,
    share=0.2,
    seeds=(0, 1, 2),
    steps=700,
    batch_size=128,
    learning_rate=3e-3,
    num_draws=1000,
    report=None,
    **settings,
):
    """Root mean square error of removed entries, in standard deviations of their columns.

    Entries are removed at random, each with the same probability. Every method sees the rows with
    holes and nothing else: a VAE with `missing=True` that is trained on them, `KNNImputer` of
    scikit-learn at its defaults (5 neighbours) on columns standardised by what is left, and the
    means of what is left.

    Args:
      x: complete table `[n, D]` of numbers, of which no column is constant.
      share: of the entries, in (0, 1).
      seeds: one repetition each: what is removed, the starting weights and all draws.
      steps, batch_size, learning_rate: of the training, by Adam.
      num_draws: of codes, `num_samples` of `tfsp.evaluation.impute`.
      report: called with (seed, errors) of each repetition when it is done, or None.
      **settings: of `models.VAE`, in place of one hidden layer of 64, 8 latents and the objective
        "iwae" with 20 samples.

    Returns:
      dict of `METHODS` -> float array, an error for each seed.

    Raises:
      ValueError: for numbers out of range, a table that is not complete, and rows too few for the
        holes: a column without any value.
    """
    share = arguments.number("share", share, "(0, 1)")
    x = np.asarray(x, np.float64)
    unit = x.std(axis=0) if x.ndim == 2 and len(x) else np.zeros(1)
    if not np.isfinite(x).all() or not (unit > 0).all():
        raise ValueError(
            "`x` must be a complete table [n, D] without constant columns. Received: shape "
            f"{x.shape}, with {int((~np.isfinite(x)).sum())} entries that are not finite."
        )
    found = {method: [] for method in METHODS}
    for seed in seeds:
        removed = generator(seed).random(x.shape) < share
        holes = np.where(removed, np.nan, x)
        model = _train(holes, seed, steps, batch_size, learning_rate, settings)
        filled = {
            "model": impute(model, holes.astype("float32"), num_draws, seed=seed),
            "neighbours": _by_neighbours(holes),
            "mean": np.where(removed, np.nanmean(holes, axis=0), x),
        }
        errors = {
            method: float(np.sqrt(np.mean(((values - x) / unit)[removed] ** 2)))
            for method, values in filled.items()
        }
        for method, error in errors.items():
            found[method].append(error)
        if report is not None:
            report(seed, errors)
    return {method: np.array(errors) for method, errors in found.items()}


def format_imputation(results):
    """The errors of several tables in Markdown: means over seeds, with standard errors.

    Args:
      results: dict name of a table -> what `imputation_errors` returned.
    """
    lines = [f"| table | {' | '.join(METHODS)} |", "| --- " * (len(METHODS) + 1) + "|"]
    for name, errors in results.items():
        cells = []
        for method in METHODS:
            values = errors[method]
            error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
            cells.append(f"{values.mean():.3f} ± {error:.3f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _train(holes, seed, steps, batch_size, learning_rate, settings):
    keras.utils.set_random_seed(short_seed(seed))
    model = models.VAE(
        **{
            "encoder": {"name": "mlp", "hidden": (64,)},
            "likelihood": {
                "name": "gaussian",
                "scale": "feature",
                "standardize": True,
                "missing": True,
            },
            "latent_dim": 8,
            "objective": "iwae",
            "num_samples": 20,
            "seed": seed,
            **settings,
        }
    )
    model.compile(keras.optimizers.Adam(learning_rate))
    rows = tf.data.Dataset.from_tensor_slices(holes.astype("float32"))
    rows = rows.shuffle(len(holes), seed=short_seed(seed)).repeat().batch(batch_size)
    model.fit(rows, steps_per_epoch=steps, epochs=1, verbose=0)
    return model


def _by_neighbours(holes):
    from sklearn.impute import KNNImputer

    center, unit = np.nanmean(holes, axis=0), np.nanstd(holes, axis=0)
    return KNNImputer().fit_transform((holes - center) / unit) * unit + center
