"""What a hundred answers about a trained model's tree do to its codes.

    python scripts/benchmark_corrections.py --run_dirs=runs/mnist-0,runs/mnist-1 --answers=100

Runs with the prior loracs, of data with classes. An oracle that knows these answers which of three
training rows is the odd one out; the questions are those of `prior.suggest`, in rounds. The run is
then refined by the answers (`tfsp refine`), and, beside it, by as many triplets that its own tree
satisfies already: more training of the same kind, with nothing new. Prints accuracy of few labels,
retrieval, bound, and dendrogram purity of the summary tree over its leaves; means over runs with
standard errors, and of the differences between the two.
"""

import pathlib

import numpy as np
from absl import app, flags

from tfsp import evaluation, experiment, run_leaves, studies
from tfsp.command_line import plain_errors
from tfsp.explorer import leaf_rows, write_constraints
from tfsp.random import generator
from tfsp.refinement import refine_run
from tfsp.refinement.leaves import labels_of
from tfsp.tmc import dendrogram_purity

_RUNS = flags.DEFINE_list("run_dirs", None, "Folders of runs.", required=True)
_ANSWERS = flags.DEFINE_integer("answers", 100, "How many.", lower_bound=1)
_SHARE = flags.DEFINE_float("active_share", 0.5, "Share of active questions.", 0.0, 1.0)
_EPOCHS = flags.DEFINE_integer("epochs", 10, "Of each refinement.", lower_bound=1)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the data sets, as in training.")
_OUT = flags.DEFINE_string("out", "runs/corrections", "Folder of the refined runs.")
_TASKS = ("bounds", "few_shot", "retrieval")
_COLUMNS = ("few_shot_1", "few_shot_10", "few_shot_100", "retrieval_auc", "elbo")


def answered(model, data):
    """(answers as triplets of rows, the same number that the tree satisfies already)."""
    rows = leaf_rows.leaf_rows(model, data, run_leaves.NONE)
    usable = np.flatnonzero(rows >= 0)
    labels = labels_of(data, rows[usable])
    points = np.asarray(model.prior.inducing, np.float64)[usable]
    told = studies.answers(points, labels, _ANSWERS.value, _SHARE.value, seed=0)
    tree = model.prior.summary_tree(warn=False).tree.restrict(usable)
    rng, own = generator(0), []
    while len(own) < len(told):
        a, b, c = rng.choice(len(usable), 3, replace=False)
        times = [tree.time[tree.lowest_common_ancestor(*pair)] for pair in ((a, b), (a, c), (b, c))]
        own.append([(a, b, c), (a, c, b), (b, c, a)][int(np.argmax(times))])
    return [rows[usable][np.array(each)] for each in (told, own)]


def measured(run_dir, data_dir):
    """Scores of a run."""
    row = evaluation.evaluate_run(run_dir, data_dir, tasks=_TASKS, progress=False)
    model, config = experiment.load_run(run_dir)
    data = experiment.load_data(config, data_dir)
    rows = leaf_rows.leaf_rows(model, data, run_leaves.read(run_dir))
    usable = np.flatnonzero(rows >= 0)
    tree = model.prior.summary_tree(warn=False).tree.restrict(usable)
    purity = dendrogram_purity(tree, labels_of(data, rows[usable]))
    return {**{name: row[name] for name in _COLUMNS}, "leaves_purity": purity}


@plain_errors
def main(_):
    found = {"before": [], "own triplets": [], "answers": []}
    for i, run_dir in enumerate(map(pathlib.Path, _RUNS.value)):
        model, config = experiment.load_run(run_dir)
        data = experiment.load_data(config, _DATA_DIR.value)
        told, own = answered(model, data)
        found["before"].append(measured(run_dir, _DATA_DIR.value))
        for name, triplets in (("own triplets", own), ("answers", told)):
            folder = pathlib.Path(_OUT.value) / f"{i}-{name.replace(' ', '-')}"
            folder.mkdir(parents=True, exist_ok=True)
            write_constraints(folder / "asked.json", data, triplets)
            made = refine_run(
                run_dir,
                folder / "asked.json",
                folder / "run",
                _EPOCHS.value,
                _DATA_DIR.value,
                verbose=0,
            )
            print(f"{run_dir}, {name}: {made}", flush=True)
            found[name].append(measured(made.path, _DATA_DIR.value))
        for name, rows in found.items():
            print(f"{i} {name:14s}", *(f"{k} {v:.4f}" for k, v in rows[-1].items()), flush=True)
    report(found)


def report(found):
    """The table of means over runs, and of the paired differences."""
    names = list(found["before"][0])
    print(f"\n{'':30s}" + "".join(f"{name:>18s}" for name in names))
    arrays = {name: np.array([list(row.values()) for row in rows]) for name, rows in found.items()}
    arrays["answers - own triplets"] = arrays["answers"] - arrays["own triplets"]
    arrays["answers - before"] = arrays["answers"] - arrays["before"]
    for name, values in arrays.items():
        error = (
            values.std(axis=0, ddof=1) / len(values) ** 0.5 if len(values) > 1 else values[0] * 0
        )
        cells = (f"{m:.3f} \u00b1 {e:.3f}" for m, e in zip(values.mean(axis=0), error, strict=True))
        print(f"{name:30s}" + "".join(f"{cell:>18s}" for cell in cells))


if __name__ == "__main__":
    app.run(main)
