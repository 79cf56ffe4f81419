"""What can be measured of a run, by name."""

import functools
import warnings

import numpy as np

from tfsp import experiment
from tfsp.evaluation.bounds import bounds
from tfsp.evaluation.category_tasks import CATEGORY_CHECKS, CATEGORY_TASKS
from tfsp.evaluation.discrete_tasks import DISCRETE_CHECKS, DISCRETE_TASKS, log_z_row
from tfsp.evaluation.draws import draw
from tfsp.evaluation.few_shot import PAPER_SIZES, PAPER_SIZES_MANY_CLASSES, few_shot
from tfsp.evaluation.intel_tasks import CHECKS, INTEL_TASKS
from tfsp.evaluation.latent import active_units, encode
from tfsp.evaluation.likelihood import log_likelihood
from tfsp.evaluation.representatives import labelled_points, nearest_labels, representatives
from tfsp.evaluation.retrieval import retrieval
from tfsp.evaluation.trees import tree_purity

DEFAULT_TASKS = ("bounds", "log_likelihood")
_NEED_CLASSES = (
    "few_shot",
    "retrieval",
    "labelled_points",
    "tree",
    "forest",
    "proportions",
    "chains",
    "clusters",
)
_NEED_LABELS = (*_NEED_CLASSES, "frechet", "attributes")
_MANY_CLASSES = 100
_VOTES = 5


class Subject:
    """A trained model with its data and the settings of an evaluation.

    Args:
      model, config, data: of the run.
      seed: of every draw.
      progress: show progress bars.
      num_samples, num_examples: of log p(x); None takes the config's.
      labels_per_class, num_label_sets: of the few-shot task; None takes the paper's.
      load_reference: function without arguments that loads the data a classifier of samples is
        trained on; None takes `data`.
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
    ):
        settings = config["evaluate"]
        self.model, self.config, self.data = model, config, data
        self.seed, self.progress = seed, progress
        self.num_samples = settings["num_samples"] if num_samples is None else num_samples
        self.num_examples = settings["num_examples"] if num_examples is None else num_examples
        self.labels_per_class, self.num_label_sets = labels_per_class, num_label_sets
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

    @functools.cached_property
    def log_z(self):
        """What the row says of log Z; computed anew once, before anything that depends on it."""
        return log_z_row(self.model, self.seed)

    @functools.cached_property
    def representatives(self):
        return representatives(self.model)

    def draws(self, count, kind):
        """`count` examples from the model, "means" or "draws"; see `tfsp.evaluation.draw`."""
        key = (count, kind)
        if key not in self._draws:
            self._draws[key] = draw(self.model, count, self.seed, kind)
        return self._draws[key]


def of_run(run, data_dir, download, checkpoint, **settings):
    """The `Subject` of a `RunDirectory`; `settings` go to `Subject`."""
    model, config = experiment.load_run(run.path, checkpoint)

    def load(config):
        return experiment.load_data(config, data_dir or run.data_dir(), download)

    if config["data"].get("proportion") is not None:
        # One classifier for all proportions: that of ones alone would call nothing a zero.
        own = {**config, "data": {**config["data"], "proportion": None}}
        settings["load_reference"] = lambda: load(own)
    return Subject(model, config, load(config), **settings)


def check(subject, tasks):
    """Those of the tasks that the run can be given; warns of each other one, and says why.

    Raises: ValueError for unknown tasks, and where the run can be given none.
    """
    unknown = [task for task in tasks if task not in TASKS]
    if unknown or not tasks:
        raise ValueError(
            f"`tasks` must be some of {', '.join(TASKS)}. Received: "
            f"{', '.join(map(repr, unknown)) or 'none'}."
        )
    refused = {}
    for task in tasks:
        try:
            _check(subject, task)
        except ValueError as error:
            refused[task] = error
    fit = [task for task in tasks if task not in refused]
    _leave_out(refused, fit)
    return fit


def _check(subject, task):
    """Raises ValueError if the run cannot be given the task."""
    info, prior = subject.data.info, subject.config["prior"]["name"]
    if task in _NEED_LABELS and info.num_classes is None:
        raise ValueError(
            f"The task {task!r} needs labels, and the data set {info.name!r} "
            f"({info.source}) has none. Of a run without labels can be measured: "
            f"{', '.join(task for task in TASKS if task not in _NEED_LABELS)}."
        )
    if task in _NEED_CLASSES:
        shape = subject.data.arrays("test", limit=0)[1].shape[1:]
        if shape:
            raise ValueError(
                f"The task {task!r} needs one class for each image. The data set "
                f"{info.name!r} has labels of shape {list(shape)} (attributes)."
            )
    if task in _CHECKS:
        _CHECKS[task](subject)
    if task == "labelled_points" and subject.representatives is None:
        raise ValueError(
            "The task 'labelled_points' needs a prior with points that stand for the data: "
            f"'loracs' once its tree has started, 'vamp' or 'mixture'. The prior of this run, "
            f"{prior!r}, has none."
        )


def _check_tree(subject):
    prior = subject.model.prior
    if not hasattr(prior, "phylogeny") or not prior.is_started():
        raise ValueError(
            "The task 'tree' needs a tree prior ('loracs', 'tmc') whose tree has started. The "
            f"prior of this run is {subject.config['prior']['name']!r}."
        )


def _leave_out(refused, others):
    """Warns of tasks that are left out (dict task -> error); raises the error if none is left."""
    if refused and not others:
        first, *rest = refused.values()
        raise ValueError("\n".join(map(str, [first, *rest]))) from first
    for task, error in refused.items():
        warnings.warn(f"The task {task!r} is left out. {error}", stacklevel=4)


def measure(subject, tasks):
    """Results of the tasks: dict task -> flat dict. The quick and fussy come first, log p(x) last.

    A task that the run cannot be given is left out with a warning, and so is one that fails by the
    numbers that it meets: the results of the others are not lost.

    Raises: ValueError as `check`, and where every task fails.
    """
    tasks = check(subject, tasks)
    results, failed = {}, {}
    for task in TASKS:
        if task in tasks:
            try:
                results[task] = TASKS[task](subject)
            except (ArithmeticError, ValueError) as error:
                failed[task] = error
    _leave_out(failed, results)
    return results


def owner(key):
    """The task that a key of a row belongs to, or None."""
    for task in TASKS:
        if task not in DEFAULT_TASKS and (key == task or key.startswith(f"{task}_")):
            return task
    return "log_likelihood" if key in _LOG_P_KEYS else None


def _few_shot(subject):
    (codes, labels), (test_codes, test_labels) = subject.train, subject.test
    many = subject.data.info.num_classes > _MANY_CLASSES
    sizes = subject.labels_per_class or (PAPER_SIZES_MANY_CLASSES if many else PAPER_SIZES)
    result = few_shot(
        codes,
        labels,
        test_codes,
        test_labels,
        _worthwhile(sizes, labels),
        num_label_sets=subject.num_label_sets or (5 if many else 20),
        seed=subject.seed,
        too_few="all",
        progress=subject.progress,
    )
    row = {}
    for i, size in enumerate(result["labels_per_class"]):
        row[f"few_shot_{size}"] = result["mean"][i]
        if result["num_label_sets"] > 1:
            row[f"few_shot_{size}_sd"] = result["standard_deviation"][i]
        row[f"few_shot_{size}_num_labels"] = result["num_labels"][i]
    row["few_shot_num_label_sets"] = result["num_label_sets"]
    row["few_shot_num_not_converged"] = sum(result["num_not_converged"])
    return row


def _worthwhile(sizes, labels):
    """Without sizes beyond the largest class, but for the first of them: it takes all labels."""
    largest = np.unique(labels, return_counts=True)[1].max()
    sizes = sorted(set(sizes))
    return [size for i, size in enumerate(sizes) if not i or sizes[i - 1] < largest]


def _retrieval(subject):
    result = retrieval(*subject.test, seed=subject.seed)
    return {
        "retrieval_auc": result["auc"],
        "retrieval_map": result["mean_average_precision"],
        "retrieval_num_queries": result["num_queries"],
        "retrieval_num_left_out": result["num_left_out"],
        # At recall 0, 1/100, ..., 1: the run's line in Figure B.16.
        "retrieval_precision": [round(float(p), 6) for p in result["precision"]],
    }


def _labelled_points(subject):
    points = subject.representatives
    train, test = _in_prior(subject)
    labels = nearest_labels(points, *train, k=_VOTES)
    result = labelled_points(points, labels, *test)
    return {
        "labelled_points": result["accuracy"],
        "labelled_points_count": result["num_points"],
        "labelled_points_num_classes": result["num_classes"],
        "labelled_points_converged": result["converged"],
        "labelled_points_labels": f"majority of the {_VOTES} nearest training codes",
    }


def _tree(subject):
    train, test = _in_prior(subject)
    result = tree_purity(subject.model.prior, *train, *test, seed=subject.seed)
    return {f"tree_{name}": value for name, value in result.items()}


def _in_prior(subject):
    """(codes, labels) of the training and of the test data, codes in the space of the prior."""
    view = subject.model.prior_view()
    if view is subject.model:
        return subject.train, subject.test
    return tuple(encode(view, subject.data.arrays(part)) for part in ("train", "test"))


def _bounds(subject):
    log_z = subject.log_z
    row = {**log_z, **bounds(subject.model, subject.data.test, subject.seed)}
    codes = subject.test if "test" in vars(subject) else encode(subject.model, subject.data.test)
    if len(codes[0]) > 1:
        row["active_units"] = active_units(codes[0])
    row["log_likelihood_term"] = row.pop("log_likelihood")
    return row


_LOG_P_KEYS = (
    "num_samples",
    "log_p",
    "log_p_num_examples",
    "standard_error",
    "monte_carlo_error",
    "bits_per_dimension",
    "mean_effective_sample_size",
)


def _log_likelihood(subject):
    row = {"num_samples": subject.num_samples if subject.model.prior.is_density else 0}
    if row["num_samples"]:
        row |= subject.log_z
        test = subject.data.arrays("test", limit=subject.num_examples or None)[0]
        estimate = log_likelihood(
            subject.model,
            test,
            row["num_samples"],
            seed=subject.seed,
            progress=subject.progress,
        )
        row["log_p_num_examples"] = estimate.pop("num_examples")
        if test.min() < 0 or test.max() > 1:
            del estimate["bits_per_dimension"]  # which is about intensities
        row.update(estimate)
    return row


_CHECKS = {**CHECKS, **DISCRETE_CHECKS, **CATEGORY_CHECKS, "tree": _check_tree}
TASKS = {
    **INTEL_TASKS,
    **DISCRETE_TASKS,
    **CATEGORY_TASKS,
    "few_shot": _few_shot,
    "retrieval": _retrieval,
    "labelled_points": _labelled_points,
    "tree": _tree,
    "bounds": _bounds,
    "log_likelihood": _log_likelihood,
}
