"""Where the categories of CP-VAE begin: at groups of codes."""

import numpy as np

from tfsp.random import short_seed
from tfsp.tmc import lasting_clusters, neighbour_summary

_ACTIVE = 0.05  # share of a dimension's variance that is between codes
_LEAST = 1e-10  # below this share codes differ by their rounding
_MANY = 20  # components from which on one start of the fit is enough
_LEAVES, _DRAWS = 5000, 10  # of the summary of trees by neighbours: its cost grows with N^2


def components(loc, log_variance, num_components, seed=0, method="mixture"):
    """Means and variances of K components of the aggregated posterior of some examples.

    The groups are those of `method`. "neighbours": the clusters that last in the summary of trees
    by nearest neighbours (`tfsp.tmc.neighbour_summary`) over the first 5,000 codes, with the others
    among the neighbours. "mixture": a mixture of Gaussians,
    fitted to the means of the active dimensions, with full covariances where there are ten examples
    for each dimension and component, else with diagonal ones; the best of five starts for few
    components. Each component's mean and variance are then those of the aggregated posterior under
    its responsibilities, in all dimensions. (On codes of MNIST k-means or a diagonal mixture of ten
    find .65 of the digits, a full one .7 to .8, neighbours .9.)

    Codes that are all the same tell nothing apart: then every component is the whole.

    Args:
      loc, log_variance: `[n, D]`, of q(z|x).
      num_components: K.
      seed: int, of the mixture or the summary.
      method: "mixture" or "neighbours".

    Returns:
      (mean, variance), each `[K, D]` float64.

    Raises:
      ValueError: for fewer than K examples.
    """
    loc, variance = np.asarray(loc, np.float64), np.exp(np.asarray(log_variance, np.float64))
    if len(loc) < num_components:
        raise ValueError(
            f"At least {num_components} examples are needed to start as many categories. "
            f"Received: {len(loc)}."
        )
    between = loc.var(axis=0)
    share = between / (between + variance.mean(axis=0))
    active = share > max(_LEAST, min(_ACTIVE, share.max() / 2))
    if method == "neighbours":
        weights = np.zeros((len(loc), num_components))
        clusters = _clusters(loc, num_components, seed)
        weights[np.arange(len(clusters)), clusters] = 1.0
    elif active.any():
        codes = loc[:, active] / loc[:, active].std(axis=0)
        weights = _responsibilities(codes, num_components, seed)
    else:
        weights = np.ones((len(loc), num_components))
    # A component that lost all of its examples takes after the whole.
    weights += 1e-3 / len(loc)
    weights /= weights.sum(axis=0)
    mean = weights.T @ loc
    return mean, weights.T @ (loc**2 + variance) - mean**2


def _clusters(codes, num_components, seed):
    """Which of at most K clusters each of the first codes is of; all of one if no codes differ."""
    few, others = codes[:_LEAVES], codes[_LEAVES:]
    if num_components < 2 or not np.ptp(codes, axis=0).any():
        return np.zeros(len(few), int)
    others = others if len(others) else None
    tree = neighbour_summary(few, _DRAWS, others=others, seed=short_seed(seed)).tree
    return lasting_clusters(tree, num_components)


def _responsibilities(codes, num_components, seed):
    from sklearn.mixture import GaussianMixture

    full = len(codes) >= 10 * num_components * codes.shape[1]
    mixture = GaussianMixture(
        num_components,
        covariance_type="full" if full else "diag",
        reg_covar=1e-2,
        n_init=5 if num_components < _MANY else 1,
        init_params="k-means++",
        random_state=short_seed(seed),
    )
    return mixture.fit(codes).predict_proba(codes)
