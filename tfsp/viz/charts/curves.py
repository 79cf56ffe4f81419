"""Training curves from a Keras history or the file of a `keras.callbacks.CSVLogger`."""

import os
import pathlib

import numpy as np

from tfsp import history_file
from tfsp.viz import style

_FIRST = ("elbo", "log_likelihood", "kl")  # the order of the panels; others follow
_NAMES = {
    "elbo": "ELBO",
    "iwae": "IWAE bound",
    "kl": "KL divergence",
    "kl_weight": "KL weight",
    "lr": "learning rate",
    "bits_per_dim": "bits per dimension",
}
_IN_NATS = ("elbo", "iwae", "log_likelihood", "log_prob", "log_partition", "kl", "loss")


def training_curves(history, metrics=None, title=None):
    """One panel per quantity over epochs, training and validation together.

    Args:
      history: dict from name to a list with one value per epoch (`History.history` of Keras,
        validation under `val_<name>`), the `History` itself, or the path of a CSVLogger file.
      metrics: names of the quantities to draw, without `val_`, in order. By default all: elbo,
        log_likelihood, kl and its parts first; those that are zero throughout are left out.
      title: text above.

    Returns:
      a `matplotlib.figure.Figure` with one axes per quantity. Epochs count from 1. Values that are
      not finite (a diverged run, an epoch without validation) are gaps.

    Raises:
      ValueError: for an unknown metric, lists of different lengths, or a broken file.
      FileNotFoundError: for a missing one.
    """
    epochs, series = read(history)
    names = _choose(series, metrics)
    with style.paper_style():
        columns = min(3, len(names)) if len(names) != 4 else 2
        rows = -(-len(names) // columns)
        width = style.TEXT_WIDTH if columns > 1 else 3.0
        figure = style.new_figure(width, 1.75 * rows + 0.3, layout="constrained")
        figure.get_layout_engine().set(wspace=0.06, hspace=0.06)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
        for axes, name in zip(grid[: len(names)], names, strict=True):
            _panel(axes, name, epochs, series)
        for index, axes in enumerate(grid):
            below = index + columns
            if index >= len(names):
                axes.remove()
            elif below >= len(names):  # the lowest panel of its column
                axes.set_xlabel("epoch")
                axes.tick_params(labelbottom=True)
        handles = {
            line.get_label(): line
            for axes in grid[: len(names)]
            for line in axes.get_lines()
            if not line.get_label().startswith("_")
        }
        if "validation" in handles:
            figure.legend(handles.values(), handles, loc="outside upper center", ncols=2)
        figure.align_ylabels()
        if title:
            figure.suptitle(title, fontsize=9)
        return style.settle(figure)


def axis_label(name):
    """The text of a quantity's axis: its name and, for log-probabilities, its unit."""
    text = _NAMES.get(name)
    if text is None and name.startswith("kl_"):
        text = f"KL, {name[3:].replace('_', ' ')}"
    text = text or name.replace("_", " ")
    in_nats = name in _IN_NATS or (name.startswith("kl_") and name != "kl_weight")
    return f"{text} (nats)" if in_nats else text


def read(history):
    """Epochs [n], counted from 1, and a dict from name to a float array [n].

    Args:
      history: as in `training_curves`.

    Raises:
      ValueError: if it holds no epochs, or is not a history.
      FileNotFoundError: if there is no such file.
    """
    if isinstance(history, (str, os.PathLike)):
        rows = history_file.read_history(pathlib.Path(history), strict=False)
        columns = history_file.columns(rows)
    else:
        columns = getattr(history, "history", history)
        if not hasattr(columns, "items"):
            raise ValueError(
                "`history` must be a dict from name to list, a Keras History or the path of a "
                f"CSVLogger file. Received: {type(history).__name__}."
            )
    series = {}
    for name, values in columns.items():
        try:
            series[name] = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"history[{name!r}] must be a list of numbers, one per epoch. Received: "
                f"{values!r:.80}."
            ) from error
        if series[name].ndim != 1:
            raise ValueError(
                f"history[{name!r}] must be a list of numbers, one per epoch. Received: shape "
                f"{series[name].shape}."
            )
    lengths = {name: len(values) for name, values in series.items()}
    if not lengths or max(lengths.values()) == 0:
        raise ValueError("`history` holds no epochs yet. Train for one epoch first.")
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f"All lists of `history` must be equally long, one value per epoch. Received: "
            f"lengths {lengths}. With `validation_freq` above 1 pass the CSVLogger file, which "
            "says which epochs were validated."
        )
    epochs = series.pop("epoch", None)
    if epochs is None:
        epochs = np.arange(max(lengths.values()), dtype=float)
    if np.any(np.diff(epochs) <= 0) or not np.isfinite(epochs).all():
        raise ValueError(
            "The epochs of `history` must increase. Received: "
            f"{epochs.astype(int).tolist() if np.isfinite(epochs).all() else epochs.tolist()}. "
            "Was one log file shared by two runs?"
        )
    return epochs + 1, series  # Keras counts from 0


def _choose(series, metrics):
    """The names to draw, without `val_`, in order."""
    known = list(dict.fromkeys(name.removeprefix("val_") for name in series))
    if metrics is not None:
        metrics = [metrics] if isinstance(metrics, str) else list(metrics)
        unknown = [name for name in metrics if name not in known]
        if unknown or not metrics:
            raise ValueError(
                f"`metrics` must be among the quantities of the history: {', '.join(known)}. "
                f"Received: {metrics}."
            )
        return metrics
    drawn = [n for n in known if any(np.any(series.get(k, 0) != 0) for k in (n, f"val_{n}"))]
    if not drawn:
        raise ValueError(f"All quantities of `history` are zero throughout: {', '.join(known)}.")

    def rank(name):
        if name in _FIRST:
            return _FIRST.index(name)
        if name.startswith("kl_") and name != "kl_weight":
            return len(_FIRST)
        return len(_FIRST) + (2 if name in ("learning_rate", "lr") else 1)

    return sorted(drawn, key=rank)  # stable: the others keep the order of the history


def _panel(axes, name, epochs, series):
    from matplotlib.ticker import MaxNLocator

    logarithmic = name in ("learning_rate", "lr")
    styles = {"": ("train", style.TRAIN_COLOR), "val_": ("validation", style.VALIDATION_COLOR)}
    drawn = False
    for prefix, (label, color) in styles.items():
        values = series.get(prefix + name)
        if values is None:
            continue
        shown = np.where(np.isfinite(values), values, np.nan)
        if logarithmic:
            shown = np.where(shown > 0, shown, np.nan)
        finite = np.isfinite(shown)
        if not finite.any():
            continue
        drawn = True
        # Validated every few epochs: the points are joined, as every gap is by design.
        if prefix:
            x, y = epochs[finite], shown[finite]
        else:
            x, y = epochs, shown
        marker = "o" if finite.sum() <= 3 else None
        # The line below is the wider one: where the two agree, both are seen.
        width = 0.9 if prefix else 1.5
        axes.plot(x, y, color=color, label=label, lw=width, marker=marker, markersize=2.5)
    if not drawn:
        axes.text(0.5, 0.5, "no finite values", ha="center", va="center", transform=axes.transAxes)
    elif logarithmic:
        axes.set_yscale("log")
    axes.set_ylabel(axis_label(name))
    axes.xaxis.set_major_locator(
        MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
    )
    axes.margins(x=0.02)
