"""A trained model with its data and the settings of an evaluation."""

import functools

from tfsp import experiment
from tfsp.evaluation.draws import draw
from tfsp.evaluation.latent import encode
from tfsp.evaluation.log_z import log_z_row
from tfsp.evaluation.representatives import representatives


class Subject:
    """A trained model with its data and the settings of an evaluation: what a task is given.

    What several tasks need is computed once, on first use.

    Args:
      model, config, data: of the run.
      seed: of every draw.
      progress: show progress bars.
      num_samples, num_examples: of log p(x); None takes the config's.
      labels_per_class, num_label_sets: of the few-shot task; None takes the paper's.
      load_reference: function without arguments that loads the data a classifier of samples is
        trained on; None takes `data`.
      num_clusters: of the task "members"; None takes as many as last.
      run: the `RunDirectory`, or None of a model that is in none.
      share: (index, count) of `tfsp.evaluation.shares`, or None for the whole.

    `shares` is the run's folder of shares, None where there is none and none is to be made.
    """

    def __init__(
        self,
        model,
        config,
        data,
        seed=0,
        progress=False,
        num_samples=None,
        num_examples=None,
        labels_per_class=None,
        num_label_sets=None,
        load_reference=None,
        num_clusters=None,
        run=None,
        share=None,
    ):
        settings = config["evaluate"]
        self.model, self.config, self.data = model, config, data
        self.seed, self.progress = seed, progress
        self.num_samples = settings["num_samples"] if num_samples is None else num_samples
        self.num_examples = settings["num_examples"] if num_examples is None else num_examples
        self.labels_per_class, self.num_label_sets = labels_per_class, num_label_sets
        self.num_clusters, self.run, self.share = num_clusters, run, share
        used = run is not None and (share is not None or run.shares.is_dir())
        self.shares = run.shares if used else None
        self._load_reference = load_reference
        self._draws = {}

    @functools.cached_property
    def reference(self):
        """What a classifier of samples is trained on: the data in the set's own proportions."""
        return self.data if self._load_reference is None else self._load_reference()

    @functools.cached_property
    def train(self):
        """(codes, labels) of the training data, with the fixed draws of evaluation."""
        return encode(self.model, self.data.arrays("train"))

    @functools.cached_property
    def test(self):
        """(codes, labels) of the test data."""
        return encode(self.model, self.data.arrays("test"))

    def in_prior(self):
        """`train` and `test` with codes in the space of the prior."""
        view = self.model.prior_view()
        if view is self.model:
            return self.train, self.test
        return tuple(encode(view, self.data.arrays(part)) for part in ("train", "test"))

    @functools.cached_property
    def log_z(self):
        """The row's entries for log Z; recomputed once, before anything that depends on it."""
        return log_z_row(self.model, self.seed)

    @functools.cached_property
    def representatives(self):
        """See `tfsp.evaluation.representatives`."""
        return representatives(self.model)

    def class_name(self, label):
        """What a class is called in tables: its name where the data have one, else its number."""
        names = self.data.info.class_names
        return label if names is None or label is None else names[int(label)]

    def draws(self, count, kind):
        """`count` examples from the model, "means" or "draws"; see `tfsp.evaluation.draw`."""
        key = (count, kind)
        if key not in self._draws:
            self._draws[key] = draw(self.model, count, self.seed, kind)
        return self._draws[key]


def of_run(run, data_dir, download, checkpoint, **settings):
    """The `Subject` of a run.

    Args:
      run: a `RunDirectory`.
      data_dir, download: where the data set is (None takes the folder used in training), and
        whether it may be fetched.
      checkpoint: "best", "last" or an epoch.
      **settings: of `Subject`.

    Raises:
      FileNotFoundError: if there is no run or no such checkpoint.
      ValueError: if the checkpoint or the run's config is damaged.
    """
    model, config = experiment.load_run(run.path, checkpoint)

    def load(config):
        return experiment.load_data(config, data_dir or run.data_dir(), download)

    if config["data"].get("proportion") is not None:
        # One classifier for all proportions: that of ones alone would call nothing a zero.
        own = {**config, "data": {**config["data"], "proportion": None}}
        settings["load_reference"] = lambda: load(own)
    return Subject(model, config, load(config), run=run, **settings)
