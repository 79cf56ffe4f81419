"""The pictures of a run directory."""

import pathlib

import numpy as np

from tfsp import atomic, evaluation, experiment, subset, viz
from tfsp.run_directory import RunDirectory

_MOST_LEAVES = 2000  # of a tree that is drawn
_NUM_EXAMPLES = 3000  # test data that are encoded, at most
_NUM_RECONSTRUCTED = 20
_NUM_SHOWN = 20  # samples of each category
_NUM_CHAINS, _NUM_ROWS, _CHAIN_STEPS = 5, 24, 100  # of a picture of Gibbs chains


def visualize_run(
    run_dir,
    data_dir=None,
    download=False,
    checkpoint="best",
    seed=0,
    suffix=".png",
    beside=(),
    node_numbers=False,
):
    """Draws a run's pictures into its `figures/`.

    reconstructions, samples (from the prior), latent_map (t-SNE of the test codes, coloured by
    label; not of a single dimension), training_curves, traversal (for a latent of two dimensions a
    grid of quantiles of the standard normal, else one row for each of the most active dimensions;
    of an InteL-VAE in y).
    Of points in one or two dimensions instead of images: distribution (test data beside draws of
    x), latent_map and training_curves. Of an InteL-VAE also mapping (in two dimensions, y and
    g(y)), class_magnitudes (labelled images) and levels (where the map has levels). Of a discrete
    VAE gibbs_chains and, in place of traversal, levels: the units, then each layer of continuous
    latents, each between the percentiles of its codes. Of a CP-VAE category_samples (images) and
    category_usage; of a Graph VAE latent_graph, its nodes as large as their KL, and, where it was
    learned, gate_curves. Where the prior is a
    tree that has started (LORACs), also `tree.nwk`, the tree in Newick format whose leaf n is the
    prior's inducing point n, and, of up to 2,000 leaves, those of `viz.hierarchy_pictures`.

    Args:
      run_dir: the run's folder.
      data_dir, download: as in training; by default where the data were then.
      checkpoint: "best", "last" or an epoch.
      seed: of the samples and of t-SNE.
      suffix: ".png", ".pdf" or ".svg".
      beside: folders of other runs on images, whose samples are drawn above this one's
        (samples_beside).
      node_numbers: put its number beside every node of the pictures of a tree.

    Of more than 3,000 test examples a random subset is drawn, the same in every call; so are the
    20 that are reconstructed (see `tfsp.subset`).

    Returns: dict of name -> path.
    """
    model, config = experiment.load_run(run_dir, checkpoint)
    run = RunDirectory(run_dir)
    data = experiment.load_data(config, data_dir or run.data_dir(), download)
    history = experiment.history(run_dir)
    gates = {name for name in history if name.startswith("gate_")}  # a picture of their own
    curves = {name: values for name, values in history.items() if name not in gates}
    figures = {"training_curves": viz.training_curves(curves)}
    images, labels = data.arrays("test", limit=_NUM_EXAMPLES)
    labels = labels if np.ndim(labels) == 1 else None  # attributes are no classes
    codes, _ = evaluation.encode(model, images)
    if codes.shape[1] == 2 or (codes.shape[1] > 2 and len(codes) > 3):  # t-SNE needs so many
        figures["latent_map"] = viz.latent_map(
            codes, labels, method="none" if codes.shape[1] == 2 else "tsne", seed=seed
        )
    is_image = len(data.info.image_shape) == 3
    decode, inner = _inner(model, images, codes)
    if is_image:
        shown = images[subset.rows(len(images), _NUM_RECONSTRUCTED)]
        figures["reconstructions"] = viz.reconstructions(
            shown, np.asarray(model.reconstruct(shown))
        )
        if hasattr(model, "sample_chains"):
            figures |= _discrete(model, codes, seed)
        else:
            varied = inner.shape[1] - getattr(model, "num_categories", 0)  # z, not c
            figures["traversal"] = _traversal(decode, inner, varied)
        if model.prior.is_density:
            figures["samples"] = viz.prior_samples(np.asarray(model.sample(100, seed=seed)))
    if data.info.image_shape == (2,) and model.prior.is_density:
        kind = "draws" if evaluation.can_add_noise(model.likelihood) else "means"
        samples = evaluation.draw(model, len(images), seed, kind)
        figures["distribution"] = viz.scatter_2d(images, samples, labels)
    if data.info.image_shape == (1,) and model.prior.is_density:
        kind = "draws" if evaluation.can_add_noise(model.likelihood) else "means"
        drawn = {config["model"]["name"]: evaluation.draw(model, len(images), seed, kind)}
        figures["distribution"] = viz.histograms(images, drawn)
    mapping = getattr(model, "mapping", None)
    if mapping is not None and mapping.latent_dim == mapping.output_dim == 2:
        figures["mapping"] = viz.mapping_planes(mapping)
    if mapping is not None and is_image:
        if labels is not None and codes.shape[1] > 2:
            figures["class_magnitudes"] = viz.class_magnitudes(codes, labels, model)
        if hasattr(mapping, "levels"):
            figures["levels"] = viz.level_traversals(decode, inner, mapping.sizes, symbol="y")
    if hasattr(model, "sample_categories"):
        figures |= _categories(model, data, is_image, seed)
    if hasattr(model, "graph"):
        figures["latent_graph"] = viz.latent_graph(model.graph(), model.node_kl(images, seed))
        if gates:
            figures["gate_curves"] = viz.gate_curves(history)
    if beside:
        figures["samples_beside"] = _samples_beside([*beside, run_dir], checkpoint, seed)
    tree = _tree(model.prior)
    if tree is not None and tree.num_leaves <= _MOST_LEAVES:
        shown = images if is_image else None
        view = model.prior_view()
        figures |= viz.hierarchy_pictures(
            model,
            codes if view is model else evaluation.encode(view, images)[0],
            labels,
            shown,
            seed=seed,
            leaf_labels=_leaf_labels(model, data),
            node_numbers=node_numbers,
        )
    paths = {
        name: viz.save(figure, run.figures / f"{name}{suffix}") for name, figure in figures.items()
    }
    if tree is not None:
        paths["newick"] = run.figures / "tree.nwk"
        atomic.write(paths["newick"], tree.to_newick() + "\n")
    return paths


def _samples_beside(run_dirs, checkpoint, seed):
    """Samples of each run under its folder's name."""
    samples = {}
    for run_dir in run_dirs:
        model, _ = experiment.load_run(run_dir, checkpoint)
        if len(model.data_shape) != 3 or not model.prior.is_density:
            raise ValueError(f"{run_dir} is no run on images whose model can be sampled.")
        samples[RunDirectory(run_dir).path.name] = np.asarray(model.sample(48, seed=seed))
    return viz.samples_beside(samples)


def _discrete(model, codes, seed):
    """Gibbs chains, and what the units and the continuous layers control."""
    means = np.asarray(model.sample_chains(_NUM_CHAINS, _NUM_ROWS, _CHAIN_STEPS, seed=seed))
    continuous = model.continuous
    sizes = [model.latent_dim] + [continuous.size] * continuous.num_layers
    title = f"Gibbs chains of the prior, {_CHAIN_STEPS} sweeps from row to row"
    return {
        "gibbs_chains": viz.gibbs_chains(means, title=title),
        "levels": viz.level_traversals(viz.decoder_mean(model), codes, sizes),
    }


def check_grid_folder(folder):
    """Raises FileExistsError if `folder` holds a grid already; to be asked before training."""
    results = pathlib.Path(folder) / "results.json"
    if results.exists():
        raise FileExistsError(
            f"{results} exists, from an earlier grid. Choose another folder (--out), or move this "
            "one away."
        )


def write_grid(folder, figure, rows):
    """Writes a grid of small runs: figure.png, figure.pdf, table.txt and results.json.

    Args:
      folder: made if need be.
      figure: a `matplotlib.figure.Figure`.
      rows: of `tfsp.evaluation.train_grid`.

    Returns: (text of the table, list of paths).
    """
    folder = pathlib.Path(folder)
    paths = [viz.save(figure, folder / f"figure.{suffix}") for suffix in ("png", "pdf")]
    summary = evaluation.summarise_grid(rows)
    table = evaluation.format_grid(summary)
    atomic.write(folder / "table.txt", table)
    evaluation.write_json(folder / "results.json", {"summary": summary, "runs": rows})
    return table, [*paths, folder / "table.txt", folder / "results.json"]


def _categories(model, data, is_image, seed):
    """What each category draws, and how much of the data it has."""
    model.adapt(data.arrays("train")[0])
    shares = np.asarray(model.prior.category_weights)
    figures = {"category_usage": viz.category_usage(shares)}
    if is_image:
        means = np.asarray(model.sample_categories(_NUM_SHOWN, seed))
        figures["category_samples"] = viz.samples_per_category(means, shares)
    return figures


def _tree(prior):
    """The prior's tree if it has one that is in force, else None."""
    if hasattr(prior, "phylogeny") and bool(np.asarray(prior.started)):
        return prior.phylogeny()
    return None


def _leaf_labels(model, data):
    """Classes of the inducing points, as where the purity of the tree is measured, or None."""
    images, labels = data.arrays("train")
    if labels is None or labels.ndim != 1:
        return None
    codes, _ = evaluation.encode(model.prior_view(), images)
    votes = min(5, len(codes))
    return evaluation.nearest_labels(model.prior.leaf_locations(), codes, labels, votes)


def _inner(model, images, codes):
    """(decoder's means as a function, codes): of the space of the prior, y for an InteL-VAE."""
    if not hasattr(model, "mapping"):
        return viz.decoder_mean(model), codes
    starts = range(0, len(images), 500)
    means = [np.asarray(model.posterior(images[i : i + 500]).mean()) for i in starts]
    return lambda y: model.decode(model.mapping(y)).mean(), np.concatenate(means)


def _traversal(decode, codes, varied):
    if codes.shape[1] == 2:
        return viz.traversal_grid(decode, pad=1)
    most_active = np.argsort(-codes[:, :varied].var(axis=0))[:8]
    return viz.traversal_rows(decode, codes[0], dims=[int(d) for d in most_active])
