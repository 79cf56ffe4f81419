"""Flat clusters and trees over a table, scored by labels; what users of scikit-learn have."""

import pathlib

import numpy as np

from tfsp import atomic, evaluation
from tfsp.measures.clusters import normalised_mutual_information
from tfsp.random import short_seed
from tfsp.tmc import dendrogram_purity

MEASURES = ("ari", "nmi", "purity")
_STARTS = 10  # of k-means and of the mixture; the best counts, by their own objectives
_REGULAR = 1e-3  # some columns are constant


def scores(labels, clusters, tree=None):
    """How well clusters, and a tree where there is one, keep to labels.

    Args:
      labels, clusters: integers `[n]`.
      tree: `Phylogeny` over the n data, or None.

    Returns:
      dict of floats: ari (adjusted Rand index, 0 by chance and 1 for the same partition), nmi
      (normalised mutual information), and with a tree purity (of the dendrogram).

    Raises:
      ValueError: for shapes that do not fit.
    """
    from sklearn.metrics import adjusted_rand_score

    nmi = normalised_mutual_information(labels, clusters)
    found = {"ari": float(adjusted_rand_score(labels, clusters)), "nmi": nmi}
    return found if tree is None else {**found, "purity": dendrogram_purity(tree, labels)}


def k_means(points, labels, seed=0):
    """`scores` of k-means with as many clusters as there are classes, the best of ten starts.

    Args:
      points: `[n, D]`.
      labels: integers `[n]`.
      seed: an integer.
    """
    from sklearn.cluster import KMeans

    clusters = KMeans(len(np.unique(labels)), n_init=_STARTS, random_state=short_seed(seed))
    return scores(labels, clusters.fit_predict(np.asarray(points, np.float64)))


def gaussian_mixture(points, labels, seed=0):
    """`scores` of a mixture of as many Gaussians with full covariances, the best of ten starts.

    Args:
      points: `[n, D]`, standardised: .001 is added to the variances.
      labels: integers `[n]`.
      seed: an integer.
    """
    from sklearn.mixture import GaussianMixture

    number, seed = len(np.unique(labels)), short_seed(seed)
    mixture = GaussianMixture(number, reg_covar=_REGULAR, n_init=_STARTS, random_state=seed)
    return scores(labels, mixture.fit_predict(np.asarray(points, np.float64)))


def of_tree(tree, labels):
    """`scores` of a tree over data, cut into as many clusters as there are classes."""
    return scores(labels, tree.cut(len(np.unique(labels))), tree)


def of_estimator(estimator, points, labels):
    """`scores` of an estimator of `tfsp.sklearn` fitted to points, of its tree if it has one."""
    estimator.fit(points)
    return scores(labels, estimator.labels_, getattr(estimator, "tree_", None))


def line(found):
    """Scores as a line of text."""
    return "  ".join(f"{key} {found[key]:.3f}" for key in MEASURES if key in found)


def write_table(folder, rows, by, measures=MEASURES):
    """Writes table.txt, the `mean_rows`, and results.json, all rows, into an existing folder.

    Returns:
      The text of the table.
    """
    columns = (*by, "runs", *measures)
    table = evaluation.format_table(mean_rows(rows, by, measures), columns)
    atomic.write(pathlib.Path(folder) / "table.txt", table + "\n")
    evaluation.write_json(pathlib.Path(folder) / "results.json", {"rows": rows})
    return table


def mean_rows(rows, by, measures):
    """Means over runs, with standard errors where there are several.

    Args:
      rows: dicts; a measure may be absent in some.
      by: keys whose values make a group, in the order of the groups' first rows.
      measures: keys of numbers.

    Returns:
      list of dicts for `tfsp.evaluation.format_table`: the keys of `by`, runs, and each measure
      that a group has as "mean ± standard error", as "mean" of a single run.

    Raises:
      ValueError: if there is no key to group by.
    """
    by = tuple(by)
    if not by:
        raise ValueError("`by` must name at least one key. Received: none.")
    lines = []
    for group in dict.fromkeys(tuple(row[key] for key in by) for row in rows):
        members = [row for row in rows if tuple(row[key] for key in by) == group]
        line = dict(zip(by, group, strict=True), runs=len(members))
        for measure in measures:
            values = [row[measure] for row in members if measure in row]
            if values:
                line[measure] = _with_error(np.array(values, float))
        lines.append(line)
    return lines


def _with_error(values):
    text = f"{values.mean():.3f}"
    if len(values) == 1:
        return text
    return f"{text} ± {values.std(ddof=1) / np.sqrt(len(values)):.3f}"
