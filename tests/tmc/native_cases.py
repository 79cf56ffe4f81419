"""Trees, leaves and points that the tests of `tfsp.tmc.native` share."""

import numpy as np
from reference import tmc

CAP = 1e-6  # the sampler keeps 1 - t above this


def random_case(seed, num_leaves, dim, num_points=6):
    """Tree, leaves drawn on it, and points z: some near leaves, some far."""
    rng = np.random.default_rng(seed)
    parent, time = tmc.random_tree(rng, num_leaves)
    leaves = tmc.sample_leaves(rng, parent, time, dim)[:num_leaves]
    z = leaves[rng.integers(num_leaves, size=num_points)]
    z = z + rng.normal(size=z.shape) * np.geomspace(0.01, 2.0, num_points)[:, None]
    return parent, time, leaves, z


def relabel(rng, parent, time):
    """The same tree under a random numbering of its internal nodes."""
    num_leaves = (len(parent) + 1) // 2
    new = np.concatenate(
        [np.arange(num_leaves), num_leaves + rng.permutation(len(parent) - num_leaves)]
    )
    out, out_time = np.empty_like(parent), np.empty_like(time)
    out[new] = np.where(parent < 0, -1, new[parent])
    out_time[new] = time
    return out, out_time


def caterpillar(num_leaves, gap=CAP):
    """Leaf k hangs from internal node k; the last internal node sits at 1 - gap."""
    parent = np.full(2 * num_leaves - 1, -1, np.int32)
    time = np.ones(2 * num_leaves - 1)
    internal = num_leaves + np.arange(num_leaves - 1)
    time[internal] = np.linspace(0.0, 1.0 - gap, num_leaves - 1) if num_leaves > 2 else 0.0
    parent[: num_leaves - 1] = internal
    parent[num_leaves - 1] = internal[-1]
    parent[internal[1:]] = internal[:-1]
    return parent, time


def posterior_like_case(seed, num_leaves=200, dim=40, num_points=50):
    """Clustered leaves and a tree fitted to them by agglomeration, as a sampler would end up with.

    Merges by smallest distance between cluster means; heights become times that fall with the
    distance, down to the cap.
    """
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(10, dim))
    leaves = centres[rng.integers(10, size=num_leaves)] + 0.1 * rng.normal(size=(num_leaves, dim))
    means, sizes = list(leaves), [1] * num_leaves
    parent = np.full(2 * num_leaves - 1, -1, np.int32)
    height = np.zeros(2 * num_leaves - 1)
    alive = list(range(num_leaves))
    while len(alive) > 1:
        points = np.array([means[v] for v in alive])
        distance = np.sum((points[:, None] - points) ** 2, -1)
        np.fill_diagonal(distance, np.inf)
        i, j = np.unravel_index(np.argmin(distance), distance.shape)
        u, v, new = alive[i], alive[j], len(means)
        parent[u] = parent[v] = new
        total = sizes[u] + sizes[v]
        means.append((sizes[u] * means[u] + sizes[v] * means[v]) / total)
        sizes.append(total)
        height[new] = max(distance[i, j] / dim, 1.01 * height[u], 1.01 * height[v])
        alive = [w for w in alive if w not in (u, v)] + [new]
    time = 1.0 - np.maximum(height / height[-1], 0.0)
    time[num_leaves:-1] = np.minimum(time[num_leaves:-1], 1 - CAP)
    z = leaves[rng.integers(num_leaves, size=num_points)]
    z = z + rng.normal(size=z.shape) * rng.choice([0.03, 0.1, 0.5], size=(num_points, 1))
    return parent, time, leaves, z


def central_gradient(function, x, step=1e-5):
    """Gradient of a scalar function by central differences of fourth order."""
    out = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        values = []
        for k in (-2, -1, 1, 2):
            moved = x.copy()
            moved[index] += k * step
            values.append(function(moved))
        out[index] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
    return out
