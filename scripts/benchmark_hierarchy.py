"""Hierarchies side by side: trees of tfsp, and what users have, on the same test data.

    python scripts/benchmark_hierarchy.py --data=digits,mnist_1000 --seeds=3 --out=runs/hierarchy

Trains, for each data set and seed, VAEs with a normal prior (8 and 40 latent dimensions), LORACs
and CP-VAE with consistency (`--models`), into OUT/runs, where finished ones are found again. By
labels that nothing was trained on it scores Ward's linkage of pixels, of principal components and
of the codes of each model, HDBSCAN, Ward's linkage of k-means centres weighted by their data,
LORACs' summary tree with the data attached, and the tree over CP-VAE's categories. `table.txt` has
means and standard errors over seeds, `results.json` all rows.

Data: digits (all 1,797), mnist (10,000 test images), mnist_1000 (the first 1,000), or what
`tfsp.data.load` takes, its test part. TreeVAE's published dendrogram purity on MNIST is .879
(Manduchi et al. 2023, arXiv:2306.08984), measured there, not here.
"""

import collections
import pathlib
import time

import numpy as np
from absl import app, flags

from tfsp import atomic, evaluation, experiment
from tfsp.command_line import plain_errors
from tfsp.config import default_config, to_dict
from tfsp.evaluation import hierarchy_scores
from tfsp.studies import hierarchies
from tfsp.tmc import category_hierarchy, expected_hierarchy
from tfsp.tmc.summary import ward_tree
from tfsp.visualize import check_grid_folder

_DATA = flags.DEFINE_list("data", ["digits"], "Data sets, see above.")
_MODELS = flags.DEFINE_list("models", ["normal_8", "normal_40", "loracs", "cp_vae"], "To train.")
_SEEDS = flags.DEFINE_integer("seeds", 3, "Training runs of each.", lower_bound=1)
_EPOCHS = flags.DEFINE_integer("epochs", 0, "Of each run; 0: 40, of LORACs 37.", lower_bound=0)
_OUT = flags.DEFINE_string("out", "runs/hierarchy", "Folder for runs, table.txt, results.json.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the data sets.")
_SMALL = ("digits",)  # images of 8x8: small networks, short epochs
_MEASURES = ("purity", "leaf_purity", "accuracy", "nmi")


def config_of(data, model, seed):
    """The config of one run."""
    kind, _, latent_dim = model.partition("_")
    config = default_config("cp_vae" if model == "cp_vae" else "vae")
    config.seed = seed
    config.data.name = data.partition("_")[0]
    small = config.data.name in _SMALL
    config.network.hidden = (200, 200) if small else (400, 400)
    config.train.update(batch_size=100 if small else 200, epochs=_EPOCHS.value or 40)
    if small:
        config.train.steps_per_epoch = 120
    if model == "loracs":
        config.prior.update(
            name="loracs",
            num_inducing=100 if small else 200,
            start_epoch=10 if small else 5,
            edge_weights="bayes",
        )
        config.model.latent_dim = 10 if small else 40
        config.train.epochs = _EPOCHS.value or (40 if small else 37)
    elif model == "cp_vae":
        consistency = {"weight": 3.0}
        if small:  # turned or shifted by a pixel of eight, a digit is another
            consistency |= {"shift": 0.05, "rotation": 0.03, "zoom": 0.05}
        config.model.update(latent_dim=10, start_epoch=15, consistency=consistency)
    elif kind == "normal":
        config.model.latent_dim = int(latent_dim)
    else:
        raise ValueError(f"`models` are normal_8, normal_40, loracs, cp_vae. Received: {model!r}.")
    return config


def test_part(data, name):
    """(images, labels) that are scored, and the images that training saw."""
    seen, _ = data.arrays("train")
    if name == "digits":
        parts = [data.arrays(part) for part in ("train", "validation", "test")]
        return *(np.concatenate(column) for column in zip(*parts, strict=True)), seen
    images, labels = data.arrays("test")
    limit = int(name.partition("_")[2] or len(images))
    return images[:limit], labels[:limit], seen


def flat(images):
    return images.reshape(len(images), -1).astype(np.float64)


def rows_without_training(images, labels, seen, seed):
    """Scores of what needs no model, by name."""
    from sklearn.decomposition import PCA

    num_classes = len(np.unique(labels))
    reduced = PCA(min(40, flat(seen).shape[1]), random_state=seed).fit(flat(seen))
    for name, codes in [("pixels", flat(images)), ("PCA", reduced.transform(flat(images)))]:
        yield f"{name}, Ward", hierarchy_scores(ward_tree(codes), labels, num_classes)


def rows_of_model(name, model, images, labels, seen, seed):
    """Scores of what is made of a trained model's codes, by name."""
    num_classes = len(np.unique(labels))
    view = model.prior_view()
    codes, train_codes = (
        np.asarray(evaluation.encode(view, part)[0], np.float64) for part in (images, seen)
    )
    if name == "cp_vae":
        codes, train_codes = (part[:, : model.latent_dim] for part in (codes, train_codes))

    def score(tree, **kwargs):
        return hierarchy_scores(tree, labels, num_classes, **kwargs)

    yield f"{name}, Ward", score(ward_tree(codes))
    yield f"{name}, counts-Ward", score(hierarchies.counts_ward(train_codes, codes, seed=seed))
    tree, clusters = hierarchies.hdbscan(codes)
    yield f"{name}, HDBSCAN", score(tree, clusters=clusters)
    yield f"{name}, k-means", hierarchies.flat_peers(codes, labels, num_classes, seed)
    if name == "loracs":
        leaves, options = np.asarray(model.prior.leaf_locations()), model.prior.options()
        summary = model.prior.summary_tree(seed=seed)
        attached = expected_hierarchy(codes, summary, leaves, seed=seed, **options).tree
        yield "loracs, summary tree", score(attached, method="spread")
    if name == "cp_vae":
        batches = [images[i : i + 500] for i in range(0, len(images), 500)]
        log_probs = np.concatenate([model.posterior_parts(batch)[0] for batch in batches])
        tree = category_hierarchy(log_probs, codes)
        yield "cp_vae, categories", score(tree, clusters=log_probs.argmax(axis=1))


@plain_errors
def main(_):
    check_grid_folder(_OUT.value)
    folder, rows = pathlib.Path(_OUT.value), []

    def add(data, seed, found):
        for method, scores in found:
            rows.append({"data": data, "method": method, "seed": seed, **scores})
            text = "  ".join(f"{key} {scores[key]:.3f}" for key in _MEASURES if key in scores)
            print(f"{data:12s} {seed}  {method:24s} {text}", flush=True)

    for name in _DATA.value:
        for seed in range(_SEEDS.value):
            config = config_of(name, "normal_8", seed)
            data = experiment.load_data(to_dict(config), _DATA_DIR.value)
            images, labels, seen = test_part(data, name)
            if not seed:
                add(name, seed, rows_without_training(images, labels, seen, seed))
            for model in _MODELS.value:
                run = folder / "runs" / name.partition("_")[0] / f"{model}-{seed}"
                start = time.perf_counter()
                experiment.train(config_of(name, model, seed), run, _DATA_DIR.value, verbose=0)
                print(f"  {run}: {time.perf_counter() - start:.0f} s of training", flush=True)
                trained, _ = experiment.load_run(run, "last")
                add(name, seed, rows_of_model(model, trained, images, labels, seen, seed))
    table = summarise(rows)
    print(f"\n{table}")
    atomic.write(folder / "table.txt", table + "\n")
    evaluation.write_json(folder / "results.json", {"rows": rows})


def summarise(rows):
    """Means over seeds, with standard errors where there are several."""
    groups = collections.defaultdict(list)
    for row in rows:
        groups[row["data"], row["method"]].append(row)
    lines = []
    for (data, method), group in groups.items():
        line = {"data": data, "method": method, "runs": len(group)}
        for measure in _MEASURES:
            values = [row[measure] for row in group if measure in row]
            if not values:
                continue
            text = f"{np.mean(values):.3f}"
            if len(values) > 1:
                text += f" ± {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"
            line[measure] = text
        lines.append(line)
    return evaluation.format_table(lines, ("data", "method", "runs", *_MEASURES))


if __name__ == "__main__":
    app.run(main)
