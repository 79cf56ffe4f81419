"""A run as its pictures see it."""

import functools

import numpy as np

from tfsp import experiment, viz
from tfsp.evaluation import encode
from tfsp.evaluation.subject import Subject as Measured
from tfsp.run_directory import RunDirectory
from tfsp.viz.charts.scatter import is_scale

_NUM_EXAMPLES = 3000  # test data that are encoded, at most


class Subject(Measured):
    """A trained model with its data; what several pictures show is computed once.

    Args:
      model, config, data: of the run.
      run_dir: its folder.
      checkpoint: "best", "last" or an epoch, also of the runs `beside`.
      seed: of the samples and of t-SNE.
      beside: folders of other runs.
      node_numbers: whether nodes of trees get their numbers.
    """

    def __init__(
        self, model, config, data, run_dir, checkpoint="best", seed=0, beside=(), node_numbers=False
    ):
        super().__init__(model, config, data, seed=seed, run=RunDirectory(run_dir))
        self.run_dir, self.checkpoint = run_dir, checkpoint
        self.beside, self.node_numbers = list(beside), node_numbers

    @functools.cached_property
    def history(self):
        """What was logged in training: dict name -> list, an entry for each epoch."""
        return experiment.history(self.run_dir)

    @property
    def gates(self):
        """Names of the columns of `history` that are gates of a graph."""
        return {name for name in self.history if name.startswith("gate_")}

    @property
    def is_image(self):
        """Whether the data are images."""
        return len(self.data.info.image_shape) == 3

    @functools.cached_property
    def _shown(self):
        return self.data.arrays("test", limit=_NUM_EXAMPLES)

    @property
    def images(self):
        """Test data, `[n, *data_shape]`."""
        return self._shown[0]

    @property
    def labels(self):
        """Their classes, `[n]`, or None."""
        labels = self._shown[1]
        return labels if np.ndim(labels) == 1 else None  # attributes are not classes

    @property
    def class_names(self):
        """Names of the classes, or None: without names or labels, and of too many for a legend."""
        if self.labels is None or is_scale(self.labels):
            return None
        return self.data.info.class_names

    @functools.cached_property
    def codes(self):
        """Their codes, `[n, D]`."""
        return encode(self.model, self.images)[0]

    @functools.cached_property
    def inner(self):
        """(decoder's means as a function, codes), of y for a model with a map."""
        if "mapping" not in self.model.capabilities:
            return viz.decoder_mean(self.model), self.codes
        starts = range(0, len(self.images), 500)
        means = [np.asarray(self.model.posterior(self.images[i : i + 500]).mean()) for i in starts]
        return lambda y: self.model.decode(self.model.mapping(y)).mean(), np.concatenate(means)

    @functools.cached_property
    def tree(self):
        """The prior's tree; only for runs that have one."""
        return self.model.prior.phylogeny()

    @functools.cached_property
    def summary(self):
        """The expected tree over the prior's leaves, a `tfsp.tmc.TreeSummary`."""
        return self.model.prior.summary_tree(seed=self.seed)
