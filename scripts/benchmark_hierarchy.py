"""Hierarchies side by side: trees of tfsp, and what users have, on the same test data.

    python scripts/benchmark_hierarchy.py --data=digits,mnist_1000 --seeds=3 --out=runs/hierarchy

Trains for each data set and seed, with the same networks, steps and learning rates
(configs/vae/clusters.py), a VAE with consistency ("clusters"), VAEs with a normal prior and 8 and
40 latent dimensions, LORACs, and CP-VAE with consistency (`--models`), into OUT/runs, where
finished ones are found again. By labels that nothing was trained on it scores the tree by nearest
neighbours, the summary of ten such trees of half of the links, and Ward's linkage of pixels, of
principal components and of the codes of each model; of codes also HDBSCAN, k-means, Ward's linkage
of k-means centres weighted by their data; LORACs' summary tree with the data attached, and the tree
over CP-VAE's categories; and DeepECT of clustpy with `--deepect=PYTHON`, the Python of its
environment (scripts/peer_deepect.py). `table.txt` has means and standard errors over seeds,
`results.json` all rows.

Data: digits (all 1,797), mnist (10,000 test images), mnist_1000 (the first 1,000), omniglot (the
characters of the first five alphabets of the evaluation set), cifar10 (test part). TreeVAE's
published dendrogram purity on MNIST is .879 (Manduchi et al. 2023, arXiv:2306.08984), measured
there, not here.
"""

import pathlib
import time

import numpy as np
from absl import app, flags

from tfsp import evaluation, experiment
from tfsp.command_line import plain_errors
from tfsp.config import default_config, read_config, to_dict
from tfsp.evaluation import hierarchy_scores
from tfsp.studies import clusterings, hierarchies, peers
from tfsp.tmc import (
    Phylogeny,
    category_hierarchy,
    expected_hierarchy,
    lasting_clusters,
    neighbour_summary,
    neighbour_tree,
    ward_tree,
)
from tfsp.tmc.summary import hang
from tfsp.visualize import check_grid_folder

_DATA = flags.DEFINE_list("data", ["digits"], "Data sets, see above.")
_MODELS = flags.DEFINE_list(
    "models", ["clusters", "normal_8", "normal_40", "loracs", "cp_vae"], "To train."
)
_SEEDS = flags.DEFINE_integer("seeds", 3, "Training runs of each.", lower_bound=1)
_EPOCHS = flags.DEFINE_integer("epochs", 0, "Of each run; 0: the config's.", lower_bound=0)
_OUT = flags.DEFINE_string("out", "runs/hierarchy", "Folder for runs, table.txt, results.json.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the data sets.")
_DEEPECT = flags.DEFINE_string("deepect", None, "Python of an environment with clustpy.")
_DEEPECT_EPOCHS = flags.DEFINE_integer(
    "deepect_epochs", 50, "Of its autoencoder; its tree takes half as many more.", lower_bound=2
)
_CONFIG = pathlib.Path(__file__).parents[1] / "configs" / "vae" / "clusters.py"
_MEASURES = ("purity", "leaf_purity", "accuracy", "nmi")
_FIVE_ALPHABETS = range(964, 1088)  # characters of Omniglot's first five of the evaluation set


def config_of(data, model, seed):
    """The config of one run."""
    name = data.partition("_")[0]
    base = read_config(f"{_CONFIG}:{name}")
    if model == "clusters":
        config = base
    else:
        config = default_config("cp_vae" if model == "cp_vae" else "vae")
        for section in ("data", "network", "likelihood", "train"):
            config[section] = base[section]
        config.model.latent_dim = base.model.latent_dim
    kind, _, latent_dim = model.partition("_")
    if model == "loracs":
        small = name == "digits"
        config.prior.update(
            name="loracs",
            num_inducing=100 if small else 200,
            start_epoch=10 if small else 5,
            edge_weights="bayes",
        )
    elif model == "cp_vae":
        consistency = base.model.consistency.to_dict() | {"weight": 4.0, "discrete_weight": 10.0}
        config.model.update(num_categories=25, start_epoch=8, consistency=consistency)
    elif kind == "normal":
        config.model.latent_dim = int(latent_dim)
    elif model != "clusters":
        raise ValueError(
            f"`models` are clusters, normal_8, normal_40, loracs, cp_vae. Received: {model!r}."
        )
    if name == "omniglot":
        config.data.split = "standard"  # its test part is of other alphabets
    if _EPOCHS.value:
        config.train.epochs = _EPOCHS.value
    config.seed = seed
    return config


def test_part(data, name):
    """(images, labels) that are scored, and the images that training saw."""
    seen, _ = data.arrays("train")
    if name == "digits":
        parts = [data.arrays(part) for part in ("train", "validation", "test")]
        return *(np.concatenate(column) for column in zip(*parts, strict=True)), seen
    images, labels = data.arrays("test")
    if name == "omniglot":
        rows = np.isin(labels, _FIVE_ALPHABETS)
        if not rows.any():
            raise ValueError(f"Omniglot's test labels lie in {labels.min()} to {labels.max()}.")
        images, labels = images[rows], labels[rows]
    limit = int(name.partition("_")[2] or len(images))
    return images[:limit], labels[:limit], seen


def flat(images):
    return images.reshape(len(images), -1).astype(np.float64)


def rows_without_training(images, labels, seen, seed):
    """Scores of what needs no model, by name."""
    from sklearn.decomposition import PCA

    num_classes = len(np.unique(labels))
    reduced = PCA(min(40, flat(seen).shape[1]), random_state=seed).fit(flat(seen))
    parts = {"pixels": flat, "PCA": lambda part: reduced.transform(flat(part))}
    for name, code in parts.items():
        codes = code(images)
        yield f"{name}, Ward", hierarchy_scores(ward_tree(codes), labels, num_classes)
        yield from by_neighbours(name, codes, others(code(seen), images, seen), labels, seed)


def by_neighbours(name, codes, unscored, labels, seed):
    """Scores of the summary of trees by half of the links, and of the tree by all links."""
    num_classes = len(np.unique(labels))
    summary = neighbour_summary(codes, 10, others=unscored, seed=seed).tree
    clusters = lasting_clusters(summary, num_classes)
    yield f"{name}, summary", hierarchy_scores(summary, labels, num_classes, clusters=clusters)
    tree = neighbour_tree(codes, others=unscored)
    yield f"{name}, neighbours", hierarchy_scores(tree, labels, num_classes)


def others(train_codes, images, seen):
    """Codes of those training images that are not scored; None if there are none."""
    kept = ~np.isin(rows_as_one(seen), rows_as_one(images))
    return train_codes[kept] if kept.any() else None


def rows_as_one(images):
    """Each image as one thing, to be compared as a whole."""
    rows = np.ascontiguousarray(flat(images))
    return rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]


def rows_of_model(name, model, images, labels, seen, seed):
    """Scores of what is made of a trained model's codes, by name."""
    num_classes = len(np.unique(labels))
    view = model.prior_view()
    encode = evaluation.encode if model.consistency is None else evaluation.encode_views
    codes, train_codes = (np.asarray(encode(view, part)[0], np.float64) for part in (images, seen))
    if name == "cp_vae":
        codes, train_codes = (part[:, : model.latent_dim] for part in (codes, train_codes))

    def score(tree, **kwargs):
        return hierarchy_scores(tree, labels, num_classes, **kwargs)

    yield from by_neighbours(name, codes, others(train_codes, images, seen), labels, seed)
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
        yield "cp_vae, categories", score(tree, method="spread")


def deepect(images, labels, seen, seed):
    """Scores of DeepECT, trained in its own environment; Ward's linkage below its leaves."""
    found = peers.ask(
        _DEEPECT.value,
        pathlib.Path(__file__).parent / "peer_deepect.py",
        train=flat(seen),
        test=flat(images),
        embedding_size=10,
        pretrain_epochs=_DEEPECT_EPOCHS.value,
        clustering_epochs=_DEEPECT_EPOCHS.value // 2,
        seed=seed,
    )
    leaf, codes, parent, splits = (found[key] for key in ("leaf", "codes", "parent", "time"))
    used, members = np.unique(leaf, return_inverse=True)
    tree = hang(Phylogeny(parent, splits).restrict(used), members, codes)
    num_classes = min(len(np.unique(labels)), len(used))
    return hierarchy_scores(tree, labels, num_classes)


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
            if _DEEPECT.value:
                start = time.perf_counter()
                add(name, seed, [("DeepECT", deepect(images, labels, seen, seed))])
                print(f"  DeepECT: {time.perf_counter() - start:.0f} s", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    table = clusterings.write_table(folder, rows, ("data", "method"), _MEASURES)
    print(f"\n{table}")


if __name__ == "__main__":
    app.run(main)
