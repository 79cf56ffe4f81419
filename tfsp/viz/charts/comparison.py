"""Several models in one picture: retrieval and few-shot curves."""

import numpy as np

from tfsp.viz import checks, style

_WIDTH, _HEIGHT = 3.2, 2.4  # inches, without the legend
_LINES = ("-", "--", ":", "-.")  # the next when the colours are used up


def retrieval_curves(curves, title=None):
    """Precision over recall of several models.

    Args:
      curves: dict from a model's name to (recall `[k]`, precision `[k]`), numbers in [0, 1], recall
        non-decreasing; for instance averages over the queries of a test set.
      title: text above.

    Returns:
      a `matplotlib.figure.Figure` with one axes.

    Raises:
      ValueError: for vectors of the wrong length or range, with the model.
      TypeError: if `curves` is not such a dict.

    Source: Vikram et al. 2018, Figure B.16.
    """
    read = {}
    for name, (recall, precision) in _entries(curves, "curves", "(recall, precision)", 2):
        recall = _vector(recall, f"curves[{name!r}]: recall", 0.0, 1.0)
        precision = _vector(precision, f"curves[{name!r}]: precision", 0.0, 1.0)
        _check_lengths(name, recall=recall, precision=precision)
        _check_increasing(name, "recall", recall, strict=False)
        read[name] = recall, precision
    with style.paper_style():
        figure, axes = _new(title)
        for index, (name, (recall, precision)) in enumerate(read.items()):
            axes.plot(recall, precision, **_look(index), label=name)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("recall")
        axes.set_ylabel("precision")
        return _finish(figure)


def few_shot_curves(curves, title=None):
    """Accuracy over the number of labelled examples of several models.

    Args:
      curves: dict from a model's name to (labels `[k]`, mean `[k]`, sd `[k]` or None): labelled
        examples per class (increasing, >= 1), mean accuracy in [0, 1] over draws of the labels, and
        its standard deviation, shown as a band.
      title: text above.

    Returns:
      a `matplotlib.figure.Figure` with one axes; numbers of labels on a logarithmic scale.

    Raises:
      ValueError: for vectors of the wrong length or range, with the model.
      TypeError: if `curves` is not such a dict.

    Source: Vikram et al. 2018, Figure 8.
    """
    read = {}
    for name, (labels, mean, sd) in _entries(curves, "curves", "(labels, mean, sd)", 3):
        labels = _vector(labels, f"curves[{name!r}]: labels", 1.0, np.inf)
        mean = _vector(mean, f"curves[{name!r}]: mean", 0.0, 1.0)
        sd = np.zeros_like(mean) if sd is None else sd
        sd = _vector(sd, f"curves[{name!r}]: sd", 0.0, 1.0)
        _check_lengths(name, labels=labels, mean=mean, sd=sd)
        _check_increasing(name, "labels", labels, strict=True)
        read[name] = labels, mean, sd
    with style.paper_style():
        figure, axes = _new(title)
        for index, (name, (labels, mean, sd)) in enumerate(read.items()):
            look = _look(index)
            axes.plot(labels, mean, **look, label=name, marker="o", markersize=3)
            axes.fill_between(
                labels, mean - sd, mean + sd, color=look["color"], alpha=0.15, linewidth=0
            )
        every = np.unique(np.concatenate([labels for labels, _, _ in read.values()]))
        axes.set_xscale("log")
        shown = every if len(every) <= 8 else every[np.linspace(0, len(every) - 1, 8).astype(int)]
        axes.set_xticks(shown, [f"{n:g}" for n in shown])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("labelled examples per class")
        axes.set_ylabel("test accuracy")
        return _finish(figure)


def _entries(curves, argument, form, count):
    if not hasattr(curves, "items") or not len(curves):
        raise TypeError(
            f"`{argument}` must be a dict from a model's name to {form}, of one model or more. "
            f"Received: {curves!r:.80}."
        )
    for name, entry in curves.items():
        if not isinstance(entry, tuple | list) or len(entry) != count:
            raise TypeError(
                f"{argument}[{name!r}] must be {form}. Received: {type(entry).__name__}"
                f"{f' of length {len(entry)}' if hasattr(entry, '__len__') else ''}."
            )
        yield str(name), entry


def _vector(values, name, low, high):
    values = checks.as_array(values, name).astype(np.float64)
    if values.ndim != 1:
        raise ValueError(f"{name} must be a vector. Received: shape {values.shape}.")
    if values.min() < low or values.max() > high:
        wanted = f"lie in [{low:g}, {high:g}]" if high < np.inf else f"be at least {low:g}"
        raise ValueError(
            f"{name} must {wanted}. Received values from {values.min():g} to {values.max():g}."
        )
    return values


def _check_lengths(name, **vectors):
    lengths = {key: len(value) for key, value in vectors.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"curves[{name!r}] must hold vectors of one length. Received: {lengths}.")


def _check_increasing(name, key, values, strict):
    steps = np.diff(values)
    if np.any(steps <= 0 if strict else steps < 0):
        wanted = "increase" if strict else "not decrease"
        raise ValueError(
            f"curves[{name!r}]: {key} must {wanted}. Received: {values.tolist()!r:.120}."
        )


def _new(title):
    figure = style.new_figure(_WIDTH, _HEIGHT, layout="constrained")
    axes = figure.subplots()
    if title:
        axes.set_title(title)
    return figure, axes


def _look(index):
    size = len(style.PALETTE)
    return dict(color=style.PALETTE[index % size], linestyle=_LINES[index // size % len(_LINES)])


def _finish(figure):
    """The legend beside the axes, in the order of the models; the figure grows by its width."""
    legend = figure.legend(loc="outside right center")
    width = legend.get_window_extent(figure.canvas.get_renderer()).width / style.DPI
    figure.set_size_inches(_WIDTH + width + 0.1, _HEIGHT)
    return style.settle(figure)
