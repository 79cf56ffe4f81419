"""Speed of the TMC core on one thread, each row beside a slow NumPy reference in the same run.

    python scripts/benchmark_tmc.py
    python scripts/benchmark_tmc.py --sizes=200,1000 --dim=40 --batch=100

Times are CPU time of this process, the best of many short windows, with all overhead of the call
from Python; `target` is TMC.md section 6 where it names one. `difference` is the largest deviation
of the result from the reference's, in nats or relative to the largest entry: both compute the same
thing. The last table holds the exponent p of time ~ N^p, fitted over the sizes.

A row is added by appending to a group in `GROUPS`: a function from a `Case` to `Row`s.
"""

import dataclasses
import math
import time
from collections.abc import Callable

import numpy as np
from absl import app, flags
from scipy import special

from tfsp.tmc import native, native_sampler, satisfies, summarize
from tfsp.tmc.native.summary import lca_moments, transfer_distances

_SIZES = flags.DEFINE_list("sizes", ["200", "1000", "10000"], "Numbers of leaves.")
_DIM = flags.DEFINE_integer("dim", 40, "Dimensions of the latent space.")
_BATCH = flags.DEFINE_integer("batch", 100, "Rows of z.")
_WINDOWS = flags.DEFINE_integer("windows", 50, "Timed windows per row.")
_TRIPLETS = flags.DEFINE_integer("triplets", 100, "Constraints on the topology.")
_REFERENCE = flags.DEFINE_boolean("reference", True, "Whether to run the slow references.")


@dataclasses.dataclass
class Row:
    """One line of the table. `run` and `reference` return what `difference` compares."""

    name: str
    run: Callable
    reference: Callable | None = None
    targets: dict = dataclasses.field(default_factory=dict)  # leaves -> microseconds
    compare: Callable | None = None  # of the two results; `deviation` by default
    calls: int = 1  # how many of what is named one `run` makes
    reference_calls: int = 1


class Case:
    """A random tree, leaves drawn on it, and points near the leaves."""

    def __init__(self, num_leaves, dim, batch, seed=0):
        rng = np.random.default_rng(seed)
        num_nodes = 2 * num_leaves - 1
        self.num_leaves, self.dim = num_leaves, dim
        self.parent = np.full(num_nodes, -1, np.int32)
        alive = list(range(num_leaves))
        for new in range(num_leaves, num_nodes):  # random merges
            for _ in range(2):
                i = rng.integers(len(alive))
                alive[i], alive[-1] = alive[-1], alive[i]
                self.parent[alive.pop()] = new
            alive.append(new)
        self.time = np.ones(num_nodes)
        location = np.empty((num_nodes, dim))
        for v in range(num_nodes - 1, -1, -1):
            u = self.parent[v]
            if u < 0:
                self.time[v], location[v] = 0.0, rng.normal(size=dim)
                continue
            if v >= num_leaves:
                self.time[v] = self.time[u] + (1 - self.time[u]) * rng.uniform(0.1, 0.4)
            step = math.sqrt(self.time[v] - self.time[u])
            location[v] = location[u] + step * rng.normal(size=dim)
        self.leaves = location[:num_leaves].copy()
        z = self.leaves[rng.integers(num_leaves, size=batch)] + 0.3 * rng.normal(size=(batch, dim))
        self.z = z.astype(np.float32)
        self.mean_gradient = rng.normal(size=(num_nodes, dim))
        self.children = np.full((num_nodes, 2), -1)
        for v in range(num_nodes - 1):
            self.children[self.parent[v], int(self.children[self.parent[v], 0] >= 0)] = v


# Slow references: plain NumPy, one node or edge at a time.


def reference_upward(case):
    """Means, variances and weights of the upward messages, and log r(leaves given tree)."""
    mean = np.zeros((len(case.parent), case.dim))
    mean[: case.num_leaves] = case.leaves
    variance, weight = np.zeros(len(mean)), np.zeros(len(mean))
    total = 0.0
    for v in range(case.num_leaves, len(mean)):  # merges are numbered children first
        k, j = case.children[v]
        a, b = variance[[k, j]] + case.time[[k, j]] - case.time[v]
        weight[v] = b / (a + b)
        variance[v] = a * b / (a + b)
        mean[v] = weight[v] * mean[k] + (1 - weight[v]) * mean[j]
        distance = np.sum((mean[k] - mean[j]) ** 2)
        total -= 0.5 * (distance / (a + b) + case.dim * np.log(2 * np.pi * (a + b)))
    root = 1 + variance[-1]
    total -= 0.5 * (np.sum(mean[-1] ** 2) / root + case.dim * np.log(2 * np.pi * root))
    return mean, variance, weight, total


def reference_log_joint(case):
    n = case.num_leaves
    total = reference_upward(case)[-1]
    size = np.zeros(len(case.parent))
    for v in range(n, len(size)):
        size[v] = 1 + size[case.children[v]].sum()
    i = np.arange(1, n)
    total += special.gammaln(n) - np.log(size[n:]).sum() - np.log(i * (i + 1) / 2).sum()
    t, u = case.time[n:-1], case.time[case.parent[n:-1]]
    return total + np.sum(np.log(6 * (t - u) * (1 - t)) - 3 * np.log(1 - u))


def reference_gains(case, variance):
    """g, so that M_v = g mu_v + (1 - g) M_u; and cavity variances at the parents."""
    gain, cavity = np.ones(len(variance)), np.ones(len(variance))
    gain[-1] = 1 / (1 + variance[-1])
    for v in range(len(variance) - 2, -1, -1):
        u = case.parent[v]
        length = case.time[v] - case.time[u]
        gain[v] = length / (length + variance[v])
        (s,) = case.children[u][case.children[u] != v]
        above = 1.0 if case.parent[u] < 0 else cavity[u] + case.time[u] - case.time[case.parent[u]]
        cavity[v] = 1 / (1 / above + 1 / (variance[s] + case.time[s] - case.time[u]))
    return gain, cavity


def reference_table(case):
    """Edges, positions, log weights with log p(e), variances, and the means of the nodes."""
    mean, nu, _, _ = reference_upward(case)
    gain, cavity = reference_gains(case, nu)
    mean[-1] *= gain[-1]
    for v in range(len(mean) - 2, case.num_leaves - 1, -1):
        mean[v] = gain[v] * mean[v] + (1 - gain[v]) * mean[case.parent[v]]
    size, reach = np.zeros(len(mean)), np.ones(len(mean))
    for v in range(case.num_leaves, len(mean)):
        size[v] = 1 + size[case.children[v]].sum()
    edges, xs, log_ws, variances = [], [], [], []
    rules = [special.roots_legendre(24), special.roots_legendre(12)]
    for v in range(len(mean) - 2, -1, -1):
        u = case.parent[v]
        reach[v] = reach[u] * size[u] / (size[u] + 1)
        start, length = case.time[u], case.time[v] - case.time[u]
        total = cavity[v] + nu[v] + length
        top = 1 - start + cavity[v] - cavity[v] ** 2 / total
        bottom = 1 - start + cavity[v] - (cavity[v] + length) ** 2 / total
        leaf = v < case.num_leaves
        node, w = rules[0 if leaf else 1]
        span = math.log(1e3) if leaf else math.log(top / bottom)
        var = top * np.exp(-span * (1 + node) / 2)
        slope = np.sqrt((1 - start + cavity[v] - var) / total)
        t = start + total * slope - cavity[v]
        log_w = np.log(w * var / slope * (t - start))
        log_w += np.log(1 - t) if leaf else np.log((case.time[v] - t) / (1 - t) ** 2)
        log_w += math.log(reach[v] / (size[v] + 1)) - special.logsumexp(log_w)
        edges.append(np.full(len(t), v))
        xs.append((t - start) / length)
        log_ws.append(log_w)
        variances.append(var)
    edge, x, log_w, var = (np.concatenate(c) for c in (edges, xs, log_ws, variances))
    return mean, edge, x, log_w - special.logsumexp(log_w), var


def reference_entries(case, table, rows=10):
    """Chunks of rows: z, log p(z), responsibilities of the entries."""
    mean, edge, x, log_w, var = table
    upper = case.parent[edge]
    spread = np.sum((mean[upper] - mean[edge]) ** 2, 1)
    for begin in range(0, len(case.z), rows):
        z = case.z[begin : begin + rows].astype(np.float64)
        distance = np.stack([np.sum((point - mean) ** 2, 1) for point in z])
        square = (1 - x) * distance[:, upper] + x * distance[:, edge] - x * (1 - x) * spread
        log_p = log_w - 0.5 * (square / var + case.dim * np.log(2 * np.pi * var))
        value = special.logsumexp(log_p, axis=1)
        yield z, value, np.exp(log_p - value[:, None])


def reference_gradients(case, table):
    mean, edge, x, _, var = table
    upper = case.parent[edge]
    centre = (1 - x)[:, None] * mean[upper] + x[:, None] * mean[edge]
    by_z, by_mean, values = [], np.zeros_like(mean), []
    for z, value, share in reference_entries(case, table):
        share /= var
        values.append(value)
        by_z.append(share @ centre - share.sum(1)[:, None] * z)
        pull = share.T @ z - share.sum(0)[:, None] * centre
        np.add.at(by_mean, upper, (1 - x)[:, None] * pull)
        np.add.at(by_mean, edge, x[:, None] * pull)
    by_leaf = reference_adjoint(case, by_mean)
    return np.concatenate(values), np.concatenate(by_z), by_leaf


def reference_adjoint(case, mean_gradient):
    _, nu, weight, _ = reference_upward(case)
    gain, _ = reference_gains(case, nu)
    g, n = mean_gradient.copy(), case.num_leaves
    for v in range(n, len(g) - 1):
        g[case.parent[v]] += (1 - gain[v]) * g[v]
    g[n:] *= gain[n:, None]
    for v in range(len(g) - 1, n - 1, -1):
        k, j = case.children[v]
        g[k] += weight[v] * g[v]
        g[j] += (1 - weight[v]) * g[v]
    return g[:n]


# Rows of the table.


def numeric_rows(case):
    """The Cython face. `tree` and `table` are kept between calls where the row says so."""
    tree = native.Tree(case.parent, case.time)
    table = native.Predictive(tree=tree, leaves=case.leaves, dtype=np.float32)
    slow = reference_table(case) if _REFERENCE.value else None
    args = (case.parent, case.time, case.leaves)
    order = np.argsort(slow[1], kind="stable") if slow else None

    def new_table():
        return native.Predictive(tree=tree, leaves=case.leaves, dtype=np.float32)

    def table_values():  # variances, to compare; the timed call is `new_table`
        return native.attachment_quadrature(case.parent, case.time)["variance"]

    def log_probs():
        return np.concatenate([value for _, value, _ in reference_entries(case, slow)])

    return [
        Row(
            "full log joint",
            lambda: native.log_joint(*args),
            lambda: reference_log_joint(case),
            {200: 11, 1000: 60},
        ),
        Row(
            "quadrature tables for a new tree",
            new_table,
            lambda: reference_table(case),
            {200: 60, 1000: 300},
            lambda _, theirs: deviation(table_values(), theirs[4][order]),
        ),
        Row(
            "collapsed log p(z), forward",
            lambda: table.log_prob(case.z),
            log_probs,
            {200: 800, 1000: 3200},
        ),
        Row(
            "collapsed log p(z), forward and backward",
            lambda: table.log_prob_and_gradient(case.z),
            lambda: reference_gradients(case, slow),
            {200: 1100, 1000: 4700},
        ),
        Row(
            "leaf gradient (adjoint)",
            lambda: tree.node_posterior_vjp(case.mean_gradient),
            lambda: reference_adjoint(case, case.mean_gradient),
            {200: 5, 1000: 33},
        ),
        Row(
            "log joint and its gradient",
            lambda: native.log_joint_and_gradient(*args)[0],
            lambda: reference_log_joint(case),
        ),
    ]


def sampler_rows(case):
    """One proposal of each kind, in a long chain on clustered leaves, free and under triplets."""
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(10, case.dim))
    leaves = centres[rng.integers(10, size=case.num_leaves)]
    leaves = leaves + 0.3 * rng.normal(size=leaves.shape)
    start = native_sampler.sample_posterior(
        case.parent, case.time, leaves, num_moves=100_000, seed=1
    )
    # Microseconds a proposal: TMC.md gives millions a second.
    targets = {
        "spr": {200: 1 / 1.5, 1000: 1 / 0.9},
        "local": {200: 1 / 2, 1000: 1 / 1.5},
        "slide": {200: 1 / 2.5, 1000: 1 / 1.8},
        "gibbs": {200: 1e6 / 20e3, 1000: 1e6 / 4e3},
    }

    # Three leaves at random, as the tree of the start has them.
    given = np.array([rng.choice(case.num_leaves, 3, replace=False) for _ in range(1000)])
    given = given[satisfies(start.parent, given)][: _TRIPLETS.value]

    def row(kind, triplets=None):
        def chain(num_moves):
            return native_sampler.sample_posterior(
                start.parent,
                start.time,
                leaves,
                num_moves=num_moves,
                seed=2,
                mixture={kind: 1.0},
                triplets=triplets,
            ).log_joint

        made = Row(f"{kind} proposal", lambda: chain(made.calls))
        made.calls = 500 if kind == "gibbs" else 50_000
        if triplets is None:
            made.targets = targets[kind]
        else:
            made.name += f", {len(triplets)} triplets"
        return made

    return [row(kind, triplets) for triplets in (None, given) for kind in targets]


def reference_lca_times(case):
    """t_lca of all pairs of leaves, by the leaves below each node."""
    below = [np.array([n]) for n in range(case.num_leaves)] + [None] * (case.num_leaves - 1)
    times = np.eye(case.num_leaves)
    for v in range(case.num_leaves, len(case.parent)):
        a, b = (below[child] for child in case.children[v])
        times[np.ix_(a, b)] = times[np.ix_(b, a)] = case.time[v]
        below[v] = np.concatenate([a, b])
    return times


def summary_rows(case):
    """What a summary does with each draw, and all of it (at N = 200 and 1,000: seconds)."""
    draws = 20
    parents = np.repeat(case.parent[None], draws, axis=0)
    times = np.repeat(case.time[None], draws, axis=0)
    rows = [
        Row(
            "mean t_lca of all pairs, a draw",
            lambda: lca_moments(parents, times, squares=False)[0],
            lambda: reference_lca_times(case),
            {1000: 2000},
            calls=draws,
        ),
        Row(
            "transfer support, a draw",
            lambda: transfer_distances(case.parent, parents),
            calls=draws,
        ),
    ]
    if case.num_leaves <= 1000:
        rows.append(
            Row(
                "summary of a posterior",
                lambda: summarize(case.leaves, num_chains=2, warn=False),
                None,
                {200: 4e6, 1000: 20e6},
            )
        )
    return rows


GROUPS = [numeric_rows, sampler_rows, summary_rows]


def deviation(ours, theirs):
    """Largest difference, relative to the largest entry above 1."""
    if not isinstance(ours, tuple):
        ours, theirs = (ours,), (theirs,)
    return max(
        float(np.max(np.abs(a - b)) / max(1.0, np.max(np.abs(b))))
        for a, b in zip(ours, theirs, strict=True)
    )


def microseconds(function, windows, window=2e-3):
    """CPU time of one call: the best mean over windows of about `window` seconds."""

    def timed(count):
        start = time.process_time()
        for _ in range(count):
            function()
        return (time.process_time() - start) / count

    function()
    once = max(timed(1), 1e-7)
    count = max(1, int(window / once))
    if once > 0.5:
        return 1e6 * once
    return 1e6 * min(timed(count) for _ in range(windows))


def measure(case):
    print(f"\nN = {case.num_leaves}, d = {case.dim}, B = {len(case.z)}")
    print(f"{'item':<44}{'us':>10}{'target':>9}{'reference us':>14}{'ratio':>8}{'difference':>12}")
    results = {}
    for row in (row for group in GROUPS for row in group(case)):
        ours = microseconds(row.run, _WINDOWS.value) / row.calls
        results[row.name] = ours
        target = row.targets.get(case.num_leaves)
        bound = f"{target:.3g}" if target else "-"
        line = f"{row.name:<44}{ours:>10.3g}{bound:>9}"
        if row.reference is not None and _REFERENCE.value:
            slow = microseconds(row.reference, 1) / row.reference_calls
            difference = (row.compare or deviation)(row.run(), row.reference())
            line += f"{slow:>14.0f}{slow / ours:>8.0f}{difference:>12.1e}"
        print(line, flush=True)
    return results


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    sizes = [int(n) for n in _SIZES.value]
    results = [measure(Case(n, _DIM.value, _BATCH.value)) for n in sizes]
    if len(sizes) > 1:
        print(f"\nexponent of N over {sizes}")
        for name in results[0]:
            times = [math.log(r[name]) for r in results]
            print(f"{name:<44}{np.polyfit(np.log(sizes), times, 1)[0]:>10.2f}")


if __name__ == "__main__":
    app.run(main)
