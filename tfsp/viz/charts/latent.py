"""Maps of the latent space: codes projected to two dimensions, coloured by label."""

import numpy as np

from tfsp import arguments
from tfsp.random import generator, short_seed
from tfsp.viz import checks, style
from tfsp.viz.charts import scatter

METHODS = ("tsne", "pca", "none")
_MAP_WIDTH = 680  # device pixels
_EXACT = 500  # up to here t-SNE needs no approximation
_PCA_FIRST = 50  # t-SNE's customary reduction: distances hardly change, the search is faster


def latent_map(
    codes,
    labels=None,
    class_names=None,
    method="tsne",
    seed=0,
    perplexity=30,
    max_points=5000,
    annotate="legend",
    title=None,
):
    """Codes in two dimensions, coloured by label.

    Args:
      codes: [n, D], for instance `model.encode(x)`.
      labels: [n]. Whole numbers or strings are classes (colours, beyond ten of them also marker
        shapes); fractions, and numbers of more than 60 different values, are a scale with a
        colour bar. None draws all points in one colour.
      class_names: what to call the classes: a list indexed by an integer label, or a dict from
        label to name. By default the labels themselves.
      method: "tsne", "pca" or "none" (D must be 2; the codes themselves).
      seed: an int; chooses the points kept and the order in which they are drawn, and seeds
        t-SNE.
      perplexity: of t-SNE; lowered to (n - 1) / 3 for few points.
      max_points: more codes are thinned to this many at random.
      annotate: "legend", or "direct" for names at the medians of the classes.
      title: text above.

    Returns:
      a `matplotlib.figure.Figure` with one map (and a colour bar for a scale).

    Raises:
      ValueError: for wrong shapes, an unknown method, too few points, or a class without a name.

    Source: van der Maaten & Hinton 2008, "Visualizing Data using t-SNE".
    """
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}. Received: {method!r}.")
    if annotate not in ("legend", "direct"):
        raise ValueError(f"`annotate` must be 'legend' or 'direct'. Received: {annotate!r}.")
    codes = checks.as_matrix(codes, "codes")
    max_points = arguments.integer("max_points", max_points)
    if labels is not None:
        labels = checks.as_labels(labels, len(codes))
    elif class_names is not None:
        raise ValueError("`class_names` needs `labels`, one per code. Received: labels=None.")
    rng = generator(seed)
    # The order of drawing is random, so that no class lies on top of the others.
    kept = rng.permutation(len(codes))[:max_points]
    names = None
    if labels is not None and (class_names is not None or not scatter.is_scale(labels)):
        names = scatter.class_names_of(labels, class_names)
    codes, labels = codes[kept], None if labels is None else labels[kept]
    points, axis_labels = project(codes, method, seed, perplexity)
    with style.paper_style():
        figure = style.new_figure(1, 1)
        axes = figure.add_axes((0, 0, 1, 1))
        lay_out(axes, points, axis_labels, title)
        if labels is None:
            scatter.draw_points(axes, points, style.PALETTE[0])
        elif names is None:
            drawn = scatter.draw_points(axes, points, labels.astype(float), cmap=style.SEQUENTIAL)
            _draw_bar(axes, drawn)
        else:
            scatter.draw_classes(axes, points, labels, names, annotate)
            if annotate == "legend":
                scatter.class_legend(axes, names)
        return style.settle(style.fit(figure))


def project(codes, method="tsne", seed=0, perplexity=30):
    """Codes [n, D] in two dimensions.

    Args:
      codes: the codes.
      method, seed, perplexity: as in `latent_map`.

    Returns:
      points [n, 2] and the two axis labels, None where an axis has no meaning (t-SNE).

    Raises:
      ValueError: for too few points or dimensions.
    """
    count, dims = codes.shape
    seed = short_seed(seed)
    if method == "none":
        if dims != 2:
            raise ValueError(
                f"method='none' draws the codes themselves, which must have shape [n, 2]. "
                f"Received: codes.shape={codes.shape}. Use method='pca' or 'tsne'."
            )
        return codes, ("$z_{0}$", "$z_{1}$")
    perplexity = arguments.number("perplexity", perplexity, "(0, inf)")
    least = 4 if method == "tsne" else 2
    if count < least or dims < 2:
        raise ValueError(
            f"method={method!r} needs at least {least} codes of at least 2 dimensions. "
            f"Received: codes.shape={codes.shape}."
        )
    codes = codes.astype(np.float64)
    if not np.ptp(codes, axis=0).any():
        # A collapsed encoder: every code is one point, and so is every faithful map. PCA and
        # t-SNE would divide by the variance, zero.
        return np.zeros((count, 2)), None
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if method == "pca":
        pca = PCA(2, svd_solver="full").fit(codes)
        shares = pca.explained_variance_ratio_
        texts = [f"PC {i + 1} ({100 * share:.0f}% of variance)" for i, share in enumerate(shares)]
        return pca.transform(codes), tuple(texts)
    if min(codes.shape) > _PCA_FIRST:
        codes = PCA(_PCA_FIRST, svd_solver="full").fit_transform(codes)
    # scikit-learn needs perplexity < n; beyond (n - 1) / 3 the neighbourhoods that perplexity
    # stands for (three times as many points) would reach past the data.
    perplexity = min(perplexity, (count - 1) / 3)
    tsne = TSNE(
        2,
        perplexity=perplexity,
        init="pca",
        learning_rate="auto",
        random_state=seed,
        # The approximation costs more than it saves on few points; see `latent_map` on threads.
        method="exact" if count <= _EXACT else "barnes_hut",
    )
    # One thread: scikit-learn's threads wait for one another at each of its many short loops, and
    # on a busy machine that takes far longer than the work itself.
    with threadpool_limits(1, user_api="openmp"):
        return tsne.fit_transform(codes), None


def lay_out(axes, points, axis_labels, title):
    """Gives a map of `points` its size, limits and texts.

    Its width is fixed; its height follows the shape of the point cloud, within reason. Units stay
    equal on both axes.
    """
    points = points.astype(np.float64)
    low, high = points.min(0), points.max(0)
    extent = np.maximum(high - low, 1e-6 * np.abs(points).max())
    extent = np.where(extent > 0, extent, 1.0)
    height = round(_MAP_WIDTH * float(np.clip(extent[1] / extent[0], 0.6, 1.25)))
    half = 0.53 * max(extent / [_MAP_WIDTH, height]) * np.array([_MAP_WIDTH, height])
    left, bottom = (low + high) / 2 - half
    axes.set(xlim=(left, left + 2 * half[0]), ylim=(bottom, bottom + 2 * half[1]), aspect="equal")
    style.place(axes, 0, 0, _MAP_WIDTH, height)
    style.strip_axes(axes)
    if axis_labels:
        axes.set(xlabel=axis_labels[0], ylabel=axis_labels[1])
        axes.spines[["left", "bottom"]].set_visible(True)
    if title:
        axes.set_title(title)


def _draw_bar(axes, drawn):
    """The colour bar of `drawn`, on the right of a map that has been laid out."""
    width, height = axes.bbox.size
    bar = axes.figure.add_axes((0, 0, 1, 1))
    bar = axes.figure.colorbar(
        drawn, cax=style.place(bar, width + 20, 0.1 * height, 18, 0.8 * height)
    )
    bar.outline.set_visible(False)
    bar.solids.set_alpha(1)
