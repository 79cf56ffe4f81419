"""Evaluation of a run directory: test results as JSON and as a table."""

import json

import numpy as np

from tfsp.atomic import WriteError
from tfsp.evaluation import tasks as tasks_of
from tfsp.evaluation.discrete_tasks import prior_name
from tfsp.evaluation.report import format_table, format_upright, read_rows, write_json
from tfsp.lock import locked
from tfsp.run_directory import RunDirectory

_IDENTITY = ("data", "split", "binarization", "checkpoint", "seed")
_WIDTH = 100
_ALWAYS = ("data", "binarization", "prior")
_COLUMNS = (
    "elbo",
    "log_likelihood_term",
    "kl",
    "active_units",
    "log_p",
    "standard_error",
    "log_z",
    "log_z_standard_error",
    "log_z_method",
    "num_samples",
    "few_shot_1",
    "few_shot_10",
    "few_shot_100",
    "retrieval_auc",
    "retrieval_map",
    "labelled_points",
    "tree_purity",
    "tree_induced_purity",
    "sparsity",
    "sparsity_active",
    "energy_distance",
    "frechet_classifier",
    "proportions_uncertainty",
    "proportions_second",
    "proportions_learned_second",
    "chains_same_class",
    "chains_same_class_chance",
    "chains_run_length",
    "clusters_accuracy",
    "clusters_majority",
    "clusters_nmi",
    "clusters_confidence",
    "clusters_used",
    "clusters_perplexity",
    "decomposition_mutual_information",
    "decomposition_marginal_kl",
    "decomposition_category_kl",
    "decomposition_total",
)


def format_results(rows):
    """Rows of `evaluate_run` as a plain-text table; what data they are on stands in each row.

    Of a table too wide for a terminal the lines become columns.

    Columns that no row has are left out, and of the few-shot accuracies those with other than 1,
    10 and 100 labels per class: `format_beside_paper` shows more.
    """
    # A row with `num_samples` speaks of log p(x), even if only to say that there is none.
    present = {key for row in rows for key in row}
    if "num_samples" in present:
        present |= {"log_p", "standard_error"}
    columns = [*_ALWAYS, *(name for name in _COLUMNS if name in present)]
    table = format_table(rows, columns)
    if max(map(len, table.splitlines())) <= _WIDTH:
        return table
    names = ["value"] if len(rows) == 1 else [f"run {i}" for i in range(1, len(rows) + 1)]
    return format_upright(rows, columns, names)


def format_spread(rows):
    """Mean and standard deviation (n - 1) over runs, such as those of several seeds, as a table.

    Args: rows: of `evaluate_run`, one for each run. Measures that not all of them have are left
      out.

    Returns: a plain-text table, a line for each measure; "" if no measure is left.
    """
    lines = []
    for name in _COLUMNS:
        values = [row.get(name) for row in rows]
        if all(isinstance(value, (int, float)) for value in values):
            spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
            lines.append(
                {
                    "measure": name,
                    "mean": float(np.mean(values)),
                    "standard deviation": spread,
                    "runs": len(rows),
                }
            )
    return format_table(lines) if lines else ""


def evaluate_run(
    run_dir,
    data_dir=None,
    download=False,
    num_samples=None,
    num_examples=None,
    checkpoint="best",
    seed=0,
    progress=True,
    tasks=tasks_of.DEFAULT_TASKS,
    labels_per_class=None,
    num_label_sets=None,
):
    """Evaluates a run on its test data and adds the results to the run's `metrics.json`.

    Tasks, for every model and prior (nats per example, but for `bits_per_dimension`; few_shot,
    retrieval, labelled_points, tree, forest and attributes give shares in [0, 1], take the codes of
    `model.encode` and need labels; so does clusters):

      bounds: the bound and its parts, active units.
      log_likelihood: log p(x) by importance samples (left out where the prior has no density).
        Of a discrete VAE this is the estimate minus log Z, so that it has two errors:
        `standard_error` over the images and `log_z_standard_error`, which all images share. log Z
        is computed anew for this task and for bounds (`refresh_log_partition`): `log_z`, and
        `log_z_method` says how: "enumeration", "independent units" (both exact) or "BAR", beside
        which `log_z_ais` must agree (`log_z_agree`).
      few_shot: `few_shot_<n>` accuracy with n labels per class, `_sd` over label sets,
        `_num_labels` used in all: a class with fewer examples gives all it has, and sizes
        beyond the largest class are left out.
      retrieval: `retrieval_auc` (Table 1), `retrieval_map`, `retrieval_precision` (the curve).
      labelled_points: accuracy of a classifier trained on the points of the prior alone, which
        are labelled by their 5 nearest training codes. Needs `representatives(model)`.
      tree: dendrogram purity of a learned tree (`tree_purity`) and of test data attached to it
        (`tree_induced_purity`), `tree_ward_purity` and `tree_induced_ward_purity` beside them.
      sparsity: mean Hoyer score of the codes, each dimension scaled to unit deviation;
        `sparsity_active`, that of the dimensions alone that tell of x.
      energy_distance: of draws of x to test data, for data that are points; unbiased.
      frechet: `frechet_classifier`, the Fréchet distance of 10,000 samples at most to as many test
        images in the features of a classifier trained on the training images (not the Inception
        features of what papers call FID), `frechet_features` and so on, which say all about it.
      proportions: what a logistic classifier sees in 10,000 samples: `proportions_uncertainty`,
        `proportions_shares` of the classes, of two classes `proportions_second`; the same of test
        data; `proportions_learned`, of the clusters of an InteL-VAE, and the class that most
        samples of each have (`proportions_learned_second`: of the clusters of the second class
        together). The classifier is trained on the data in their own proportions, whatever
        `data.proportion` is.
      forest: `forest_<n>` accuracy of random forests of depth 4 on n codes, `_sd` over 10 subsets.
      chains: of a discrete VAE, classes of samples 100 block-Gibbs sweeps apart along 100 chains,
        by a classifier trained on the training images: `chains_same_class` share of consecutive
        samples in one class, `chains_standard_error`, `chains_same_class_chance` by the
        frequencies of the classes alone, `chains_run_length` and `chains_run_length_chance` out of
        50 rows, `chains_same_state` share of two samples of one state in one class.
      clusters: of models and priors with categories (`category_probabilities`), the likeliest of
        each test image beside its label: `clusters_accuracy` by the best one-to-one matching,
        `clusters_majority` where each category stands for the class that most of its training
        images have, `clusters_nmi`; of the training data `clusters_used`, the number of categories
        with at least a tenth of an even share (`clusters_pruned` lists the others, Figure 4 of
        CP-VAE), `clusters_perplexity` of q(c), `clusters_shares`, `clusters_classes`.
      decomposition: the KL of 5,000 test images at most taken apart (`kl_decomposition`):
        `decomposition_mutual_information`, `_marginal_kl`, `_category_kl`, `_total`.
      attributes: `attributes_<n>` accuracy of linear classifiers, averaged over attributes, and
        `attributes_majority`, that of guessing.

    Args:
      run_dir: the run's folder.
      data_dir, download: as in training; by default where the data were then.
      num_samples: S for log p(x); None takes the config's `evaluate.num_samples`, 0 leaves log
        p(x) out.
      num_examples: how many test examples log p(x) is estimated on, a random subset that is the
        same in every call (`tfsp.subset`); None takes the config's `evaluate.num_examples`; 0
        means all.
      checkpoint: "best", "last" or an epoch.
      seed: of the draws and of the label sets.
      progress: show progress bars.
      tasks: names of tasks, a sequence.
      labels_per_class, num_label_sets: of the few-shot task. None takes the paper's: 1, 10, 20,
        ..., 100 and 20 sets, with more than 100 classes 1, 2, 5, 10, 15 and 5 sets.

    Returns: the row, a dict. Results of other tasks on the same data, checkpoint and seed that
      the run has already are in it too; those of a task that is run again are replaced. Rows
      with different S are kept apart.

    A task that the run cannot be given (no labels, no representative points), or that fails by the
    numbers it meets, is left out with a warning that says why; the others are measured.

    Raises: ValueError, before anything is computed, for unknown tasks, for a broken
      `metrics.json`, and where the run can be given none of the tasks; afterwards, where every one
      of them has failed.

    Source of few_shot, retrieval, labelled_points: Vikram et al. 2018, arXiv:1810.06891,
      section 6.2; from sparsity on: Miao et al. 2022, section 6 and appendices B, C; chains is
      Figure 5 of Rolfe 2017, arXiv:1609.02200, as numbers; clusters and decomposition: Lavda et al.
      2020, arXiv:1911.10885, sections 3.3.1 and 5.
    """
    tasks = [tasks] if isinstance(tasks, str) else list(tasks)
    run = RunDirectory(run_dir)
    read_rows(run.metrics)  # refused now, not when all has been computed
    subject = tasks_of.of_run(
        run,
        data_dir,
        download,
        checkpoint,
        seed=seed,
        progress=progress,
        num_samples=num_samples,
        num_examples=num_examples,
        labels_per_class=labels_per_class,
        num_label_sets=num_label_sets,
    )
    measured = tasks_of.measure(subject, tasks)
    info, config = subject.data.info, subject.config
    optimizer = getattr(subject.model, "optimizer", None)
    row = {
        "data": info.name,
        "split": info.split,
        "binarization": info.binarization,
        "num_classes": info.num_classes,
        "model": config["model"]["name"],
        "prior": prior_name(subject.model, config),
        "checkpoint": checkpoint,
        "steps": None if optimizer is None else int(optimizer.iterations),
        "seed": seed,
    }
    for results in measured.values():
        row |= results
    # Another evaluation of the run may have added results meanwhile, and may be adding some now.
    try:
        with locked(run.path / "metrics.lock", f"{run.metrics} is being written", wait=True):
            rows = _merged(read_rows(run.metrics), row, measured)
            write_json(run.metrics, {"results": rows})
    except WriteError as error:
        numbers = {
            key: value
            for results in measured.values()
            for key, value in results.items()
            if not isinstance(value, list)
        }
        error.state = f"What was measured, and is kept nowhere: {json.dumps(numbers)}"
        raise
    return rows[-1]


def _merged(rows, row, tasks):
    """`rows` with `row` at the end, which takes up what a row of the same identity has more.

    Rows of a checkpoint that has since been trained on (its number of steps has changed) are
    dropped: they tell of weights that are no more.
    """
    same = [old for old in rows if all(old.get(key) == row.get(key) for key in _IDENTITY)]
    kept = [old for old in rows if old not in same]
    same = [old for old in same if old.get("steps", row["steps"]) == row["steps"]]
    asked = row.get("num_samples")
    fitting = [old for old in same if asked is None or old.get("num_samples", asked) == asked]
    if fitting:
        base = fitting[-1]
        same.remove(base)
    else:  # another S: all but log p(x) holds for it too
        base = same[-1] if same else {}
        base = {k: v for k, v in base.items() if tasks_of.owner(k) != "log_likelihood"}
    base = {k: v for k, v in base.items() if tasks_of.owner(k) not in tasks}
    return [*kept, *same, {**base, **row}]
