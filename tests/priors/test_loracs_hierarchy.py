"""A small VAE with LORACs finds the hierarchy of clusters that made the data."""

import keras
import numpy as np
import pytest

from tfsp import models, networks
from tfsp.tmc import dendrogram_purity

LEVELS, NOISE = (10.0, 4.5, 2.5), 0.3


def clusters(seed, num_examples=1600, dim=20):
    """Eight clusters as the leaves of a tree 2 x 2 x 2: x, cluster of each row, centres."""
    rng = np.random.default_rng(seed)
    kinds, centres = np.arange(8), np.zeros((8, dim))
    for level, length in enumerate(LEVELS):
        split = rng.normal(size=(2**level, dim))
        split /= np.linalg.norm(split, axis=1, keepdims=True)
        branch = kinds // 2 ** (3 - level)
        side = 2 * (kinds // 2 ** (2 - level) % 2) - 1
        centres += length * side[:, None] * split[branch]
    kind = np.arange(num_examples) % 8
    x = centres[kind] + NOISE * rng.normal(size=(num_examples, dim))
    return x.astype("float32"), kind, centres


@pytest.mark.parametrize("seed", [0, 3])
def test_the_tree_of_the_clusters_is_recovered(seed):
    """Dendrogram purity of 8 clusters, of 4 pairs and of 2 halves; new points; subtrees."""
    x, kind, centres = clusters(seed)
    keras.utils.set_random_seed(seed)
    model = models.VAE(
        networks.MLP(hidden=(32,), activation="tanh"),
        prior={
            "name": "loracs",
            "num_inducing": 40,
            "start_epoch": 6,
            "burn_in": 20_000,
            "moves_per_step": 500,
        },
        likelihood={"name": "gaussian", "initial_scale": 0.5},
        latent_dim=5,
        seed=seed,
    )
    model.compile(keras.optimizers.Adam(5e-3), jit_compile=False)
    history = model.fit(x, batch_size=100, epochs=24, verbose=0).history
    assert history["predictive_variance"][-1] < 0.1  # of the normal prior it would be 1

    prior, codes = model.prior, model.encode(x).numpy()
    nearest = np.argmin(((prior.inducing.numpy()[:, None] - codes) ** 2).sum(-1), axis=1)
    label = kind[nearest]
    assert set(label) == set(range(8))
    purities, shuffled = [], []
    for _ in range(10):
        prior.update()
        tree = prior.phylogeny()
        purities.append([dendrogram_purity(tree, label // group) for group in (1, 2, 4)])
        mixed = np.random.default_rng(0).permutation(label)
        shuffled.append([dendrogram_purity(tree, mixed // group) for group in (1, 2, 4)])
    assert np.all(np.mean(purities, axis=0) > 0.95), np.mean(purities, axis=0)
    assert np.all(np.mean(shuffled, axis=0) < [0.35, 0.5, 0.7])

    # Points that the model has not seen hang among the leaves of their own cluster.
    new, new_kind, _ = clusters(seed, num_examples=1840)
    new, new_kind = new[1600:], new_kind[1600:]
    edges = prior.attachment().edge_log_prob(model.encode(new)).numpy().argmax(axis=1)
    below = [np.unique(label[tree.leaves_below(v)]) for v in range(tree.num_nodes)]
    alike = [len(below[v]) == 1 and below[v][0] == k for v, k in zip(edges, new_kind, strict=True)]
    assert np.mean(alike) > 0.9

    # Samples from the largest subtree of each cluster look like it.
    sizes = np.array([len(tree.leaves_below(v)) for v in range(tree.num_nodes)])
    for k in range(8):
        own = [v for v in range(tree.num_nodes) if set(below[v]) == {k}]
        node = max(own, key=lambda v: sizes[v])
        images = model.sample(50, seed=k, subtree=node).numpy()
        found = np.argmin(((images[:, None] - centres) ** 2).sum(-1), axis=1)
        assert np.mean(found == k) > 0.8, k
