"""A new leaf: its edge, its time, its location; and the posterior of small trees by quadrature.

Edges are named by their lower node. Fine quadrature runs over y = logit of the position on the
edge, which resolves both ends on a logarithmic scale.
"""

import math

import numpy as np
from reference import constraints, tmc_gaussian, tmc_trees
from scipy import integrate, optimize, special


def log_joint(parent, time, leaves, a=2.0, b=2.0):
    """log r(leaves, tree): topology, times and locations, in nats."""
    return (
        tmc_trees.topology_log_prob(parent)
        + tmc_trees.time_log_prob(parent, time, a, b)
        + tmc_gaussian.log_likelihood(parent, time, leaves)
    )


def edges(parent):
    return [v for v in range(len(parent)) if parent[v] >= 0]


def attach(parent, time, v, t):
    """The tree with leaf N more, branching off the edge above v at time t.

    Leaves keep their numbers, old internal node k becomes k + 1, the new one is last.
    """
    num_leaves = (len(parent) + 1) // 2

    def new(k):
        return k + 1 if k >= num_leaves else k

    branch = len(parent) + 1
    out, out_time = np.full(len(parent) + 2, -1, np.int32), np.ones(len(parent) + 2)
    for k, u in enumerate(parent):
        out[new(k)] = new(u) if u >= 0 else -1
        out_time[new(k)] = time[k]
    out[branch], out[new(v)], out[num_leaves] = out[new(v)], branch, branch
    out_time[branch] = t
    return out, out_time


def edge_log_prob(parent):
    """log p(e_v) `[V]`, -inf at the root: ratios of topology probabilities of the larger trees."""
    out = np.full(len(parent), -np.inf)
    for v in edges(parent):
        larger, _ = attach(parent, np.zeros(len(parent)), v, 0.0)
        out[v] = tmc_trees.topology_log_prob(larger) - tmc_trees.topology_log_prob(parent)
    return out - special.logsumexp(out)


def edge_gaps(parent, time, v, y):
    """At position x = sigmoid(y) on the edge above v: t - t_u, t_v - t, 1 - t, without loss."""
    length = time[v] - time[parent[v]]
    return (
        length * special.expit(y),
        length * special.expit(-y),
        ((1 - time[v]) + length * special.expit(-y)),
    )


def time_log_ratio(parent, time, v, y, a, b):
    """log of f(t given t_u) f(t_v given t) / f(t_v given t_u), or f(t given t_u) above a leaf."""
    num_leaves = (len(parent) + 1) // 2
    gap, rest, left = edge_gaps(parent, time, v, y)
    whole = 1 - time[parent[v]]
    out = tmc_trees.stick_log_density(gap, left, whole, a, b)
    if v >= num_leaves:
        end = 1 - time[v]
        out = out + tmc_trees.stick_log_density(rest, end, left, a, b)
        out = out - tmc_trees.stick_log_density(time[v] - time[parent[v]], end, whole, a, b)
    return out


def y_grid(num=6001, limit=60.0):
    """Even grid of y: the trapezoid rule converges exponentially for integrands that die out."""
    y = np.linspace(-limit, limit, num)
    return y, y[1] - y[0]


def log_time_weights(parent, time, v, a, b, y, step):
    """log of p(t given e) dt on the grid and its logarithmic normaliser log Z_e."""
    log_jacobian = np.log(time[v] - time[parent[v]]) + special.log_expit(y) + special.log_expit(-y)
    log_w = time_log_ratio(parent, time, v, y, a, b) + log_jacobian + math.log(step)
    log_z = special.logsumexp(log_w)
    return log_w - log_z, log_z


def time_density(parent, time, v, t, a=2.0, b=2.0):
    """p(t given e), normalised with `scipy.integrate.quad`; t is a number inside the edge."""
    start, end = time[parent[v]], time[v]

    def ratio(x):
        position = (x - start) / (end - start)
        return math.exp(time_log_ratio(parent, time, v, special.logit(position), a, b))

    total, _ = integrate.quad(ratio, start, end, epsabs=0, epsrel=1e-11, limit=500)
    return ratio(t) / total


def bayes_log_weights(parent, time, a=2.0, b=2.0):
    """log of w_e Z_e, normalised `[V]`: exact posterior of the edge given the old tree's times."""
    out = edge_log_prob(parent)
    y, step = y_grid()
    for v in edges(parent):
        out[v] += log_time_weights(parent, time, v, a, b, y, step)[1]
    return out - special.logsumexp(out)


def new_leaf(parent, time, leaves, v, t):
    """Mean `[D]` and variance of leaf N on the edge above v at time t, by dense conditioning."""
    num_leaves = len(leaves)
    larger, larger_time = attach(parent, time, v, t)
    cov = tmc_gaussian.node_covariance(larger, larger_time)
    weights = np.linalg.solve(cov[:num_leaves, :num_leaves], cov[:num_leaves, num_leaves])
    variance = cov[num_leaves, num_leaves] - weights @ cov[:num_leaves, num_leaves]
    return weights @ np.asarray(leaves, np.float64), variance


def edge_path(parent, time, leaves, v, y):
    """Means `[Q, D]` and variances `[Q]` of a new leaf that leaves the edge above v at y `[Q]`.

    Dense posterior of the pair (u, v), then a Brownian bridge between them.
    """
    mean, _ = tmc_gaussian.node_posterior(parent, time, leaves)
    cov = tmc_gaussian.node_posterior_covariance(parent, time)
    u = parent[v]
    x, not_x = special.expit(y), special.expit(-y)
    _, rest, left = edge_gaps(parent, time, v, y)
    variance = not_x**2 * cov[u, u] + 2 * x * not_x * cov[u, v] + x**2 * cov[v, v]
    return not_x[:, None] * mean[u] + x[:, None] * mean[v], variance + x * rest + left


def log_normal(z, mean, variance):
    """log N(z_b; mean_q, variance_q I) `[B, Q]`."""
    distance = np.sum((z[:, None] - mean) ** 2, -1)
    return -0.5 * (distance / variance + z.shape[1] * np.log(2 * np.pi * variance))


def edge_log_terms(z, parent, time, leaves, a=2.0, b=2.0, exact_bayes=False, num=6001):
    """log of p(e) times the integral of p(t given e) N(z; e, t) dt `[B, V]`; -inf at the root.

    Continuous time: no floor of the variance. `exact_bayes`: edges weighted by w_e Z_e.
    """
    z = np.asarray(z, np.float64)
    log_p = bayes_log_weights(parent, time, a, b) if exact_bayes else edge_log_prob(parent)
    y, step = y_grid(num)
    out = np.full((len(z), len(parent)), -np.inf)
    for v in edges(parent):
        log_w, _ = log_time_weights(parent, time, v, a, b, y, step)
        mean, variance = edge_path(parent, time, leaves, v, y)
        for n, point in enumerate(z):
            terms = log_w + log_normal(point[None], mean, variance)[0]
            out[n, v] = log_p[v] + special.logsumexp(terms)
    return out


def predictive_log_prob(z, parent, time, leaves, a=2.0, b=2.0, exact_bayes=False, num=6001):
    """Collapsed log p(z) `[B]`, edge and time summed out.

    For N = 1 there is no edge: the second leaf can only branch off at the root, which gives
    N(leaf / 2, 3/2 I).
    """
    z = np.asarray(z, np.float64)
    if len(parent) == 1:
        return log_normal(z, np.asarray(leaves) / 2, np.array([1.5]))[:, 0]
    terms = edge_log_terms(z, parent, time, leaves, a, b, exact_bayes, num)
    return special.logsumexp(terms, axis=1)


def attachment_log_prob(z, parent, time, leaves, a=2.0, b=2.0, exact_bayes=False, num=6001):
    """log p(e given z) `[B, V]`: the edge terms, normalised."""
    terms = edge_log_terms(z, parent, time, leaves, a, b, exact_bayes, num)
    return terms - special.logsumexp(terms, axis=1, keepdims=True)


def quadrature_rule(parent, time, v, num_nodes=(24, 12), floor=1e-3, a=2.0, b=2.0):
    """Times and weights of the package's rule on the edge above v: Gauss-Legendre in log var(t).

    var(t) is that of a new leaf; each node's time is found by bisection. On a leaf edge the rule
    stops at floor * var(t_u). The weights are p(t given e) |dt / d log var| times Gauss-Legendre's,
    normalised to sum to one. Args: num_nodes: on a leaf edge, on an internal edge.
    Returns: y `[Q]` (logit of the position on the edge, ascending in time), log weights `[Q]`.
    """
    num_leaves = (len(parent) + 1) // 2
    nothing = np.zeros((num_leaves, 0))

    def log_var(y):
        return float(np.log(edge_path(parent, time, nothing, v, np.array([float(y)]))[1][0]))

    is_leaf = v < num_leaves
    top = log_var(-np.inf)
    bottom = top + math.log(floor) if is_leaf else log_var(np.inf)
    x, w = special.roots_legendre(num_nodes[0] if is_leaf else num_nodes[1])
    target = top + (bottom - top) * (x + 1) / 2
    y = np.array(
        [optimize.brentq(lambda y, s=s: log_var(y) - s, -200, 200, xtol=1e-13) for s in target]
    )
    cov = tmc_gaussian.node_posterior_covariance(parent, time)
    u, length = parent[v], time[v] - time[parent[v]]
    p, q = special.expit(y), special.expit(-y)
    slope = -2 * q * cov[u, u] + 2 * (q - p) * cov[u, v] + 2 * p * cov[v, v]
    slope = np.abs((slope + (q - p) * length - length) / length)  # d var / d t
    log_w = time_log_ratio(parent, time, v, y, a, b) + np.log(w) + target - np.log(slope)
    return y, log_w - special.logsumexp(log_w)


def rule_log_terms(
    z, parent, time, leaves, num_nodes=(24, 12), floor=1e-3, a=2.0, b=2.0, exact_bayes=False
):
    """`edge_log_terms` with the integral replaced by `quadrature_rule`: what the package sums."""
    z = np.asarray(z, np.float64)
    log_p = bayes_log_weights(parent, time, a, b) if exact_bayes else edge_log_prob(parent)
    out = np.full((len(z), len(parent)), -np.inf)
    for v in edges(parent):
        y, log_w = quadrature_rule(parent, time, v, num_nodes, floor, a, b)
        mean, variance = edge_path(parent, time, leaves, v, y)
        out[:, v] = log_p[v] + special.logsumexp(log_w + log_normal(z, mean, variance), axis=1)
    return out


def sample_attach_time(rng, parent, time, v, a=2.0, b=2.0):
    """t ~ p(t given e): a stick above a leaf, else the inverse cdf of a fine grid."""
    num_leaves = (len(parent) + 1) // 2
    start = time[parent[v]]
    if v < num_leaves:
        return start + rng.beta(a, b) * (1 - start)
    y, step = y_grid(20001)
    cdf = np.cumsum(np.exp(log_time_weights(parent, time, v, a, b, y, step)[0]))
    return start + edge_gaps(parent, time, v, np.interp(rng.random(), cdf, y))[0]


def sample_predictive(rng, parent, time, leaves, a=2.0, b=2.0):
    """One new leaf `[D]`: edge, time, location; and the edge and the time."""
    v = int(rng.choice(len(parent), p=np.exp(edge_log_prob(parent))))
    t = sample_attach_time(rng, parent, time, v, a, b)
    mean, variance = new_leaf(parent, time, leaves, v, t)
    return mean + rng.normal(size=mean.shape) * math.sqrt(variance), v, t


def topology_posterior(leaves, a=2.0, b=2.0, num=81, limit=14.0, triplets=()):
    """Exact posterior of N <= 5 leaves by enumeration times quadrature over all sticks.

    With triplets (a, b, c) given that each has a clade which holds a and b, but not c.

    Sticks are independent Beta(a, b), so p(leaves given topology) is the mean of the Gaussian
    density over a product grid of y = logit(beta), `num` points each.
    Returns: dict from clades to probability; dict from clades to E[lca times given topology]
        `[N, N]`; log of the marginal r(leaves).
    """
    leaves = np.asarray(leaves, np.float64)
    num_leaves, dim = leaves.shape
    y, step = y_grid(num, limit)
    stick, log_w = special.expit(y), math.log(step) - special.betaln(a, b)
    log_w = log_w + a * special.log_expit(y) + b * special.log_expit(-y)
    grids = np.meshgrid(*[np.arange(num)] * (num_leaves - 2), indexing="ij")
    grids = [g.ravel() for g in grids]
    log_mass, mean_lca = {}, {}
    for topology, parent in tmc_trees.all_topologies(num_leaves).items():
        if not constraints.displays(topology, triplets):
            continue
        time = np.zeros((len(parent), grids[0].size if grids else 1))
        time[:num_leaves] = 1.0
        total = np.zeros(time.shape[1])
        inner = [v for v in range(len(parent) - 1, num_leaves - 1, -1) if parent[v] >= 0]
        for v, g in zip(inner, grids, strict=True):  # `parents_of` puts larger clades last
            time[v] = time[parent[v]] + stick[g] * (1 - time[parent[v]])
            total += log_w[g]
        which = tmc_trees.lca_times(parent, np.arange(len(parent)))[:num_leaves, :num_leaves]
        lca = np.moveaxis(time[which.astype(int)], -1, 0)  # [G, N, N]
        chol = np.linalg.cholesky(1 + lca)
        white = np.linalg.solve(chol, np.broadcast_to(leaves, (len(lca), *leaves.shape)))
        log_det = 2 * np.sum(np.log(np.diagonal(chol, axis1=1, axis2=2)), -1)
        total -= 0.5 * (
            np.sum(white**2, (1, 2)) + dim * (log_det + num_leaves * math.log(2 * math.pi))
        )
        log_given = special.logsumexp(total)
        mean_lca[topology] = np.tensordot(np.exp(total - log_given), lca, 1)
        log_mass[topology] = tmc_trees.topology_log_prob(parent) + log_given
    evidence = special.logsumexp(list(log_mass.values()))
    return {t: math.exp(m - evidence) for t, m in log_mass.items()}, mean_lca, evidence
