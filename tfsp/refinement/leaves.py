"""Rows of data as leaves of a prior's tree."""

import keras
import numpy as np

from tfsp.data.splits import PARTS
from tfsp.tmc import Phylogeny
from tfsp.tmc.density.induced import place_points


def examples(data, rows):
    """The examples `[n, ...]` of rows, which are numbers in the source (`Data.rows`)."""
    return _picked(data, rows, 0)


def labels_of(data, rows):
    """The labels `[n]` of rows, of data that have them."""
    return _picked(data, rows, 1)


def _picked(data, rows, which):
    found, wanted = {}, set(np.asarray(rows).tolist())
    for part in PARTS:
        numbers = data.rows(part).tolist()
        if not wanted.isdisjoint(numbers):
            array = data.arrays(part)[which]
            found.update((n, array[i]) for i, n in enumerate(numbers) if n in wanted)
    return np.stack([found[row] for row in np.asarray(rows).tolist()])


def grown_tree(prior, points, options):
    """The prior's first tree with each point hung where it most probably belongs.

    Args:
      prior: a LORACs prior that has started.
      points: `[R, D]`, which become leaves N, N + 1, ...
      options: of `place_points`.

    Returns:
      (`Phylogeny` of N + R leaves, their locations `[N + R, D]`).
    """
    tree = prior.phylogeny()
    leaves = np.asarray(prior.inducing, np.float64)
    for point in np.asarray(points, np.float64):
        places = place_points(point[None], tree.parent, tree.time, leaves, mode="mode", **options)
        tree = tree.attach(int(places.edge[0]), float(places.time[0]))
        leaves = np.concatenate([leaves, point[None]])
    return Phylogeny(tree.parent, tree.time), leaves


class FollowRows(keras.callbacks.Callback):
    """Keeps leaves that are rows of data where the model encodes these rows.

    Before each epoch, and after it, so that a saved model has them where its encoder does.

    Args:
      examples: `[n, ...]`.
      leaves: their leaves, ints `[n]`.
    """

    def __init__(self, examples, leaves):
        super().__init__()
        self._examples = examples
        self._leaves = leaves

    def on_epoch_begin(self, epoch, logs=None):
        self._follow()

    def on_epoch_end(self, epoch, logs=None):
        self._follow()

    def _follow(self):
        if len(self._leaves):
            codes = self.model.encode(self._examples)
            self.model.prior.relocate(self._leaves, codes)
