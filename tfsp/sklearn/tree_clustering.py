"""Clusters that are cut from a tree over the codes of a VAE."""

import numpy as np
from sklearn.base import ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tfsp import arguments
from tfsp.neighbours import nearest_labels
from tfsp.sklearn.encoder import Encoder
from tfsp.tmc import expected_hierarchy, lasting_clusters, neighbour_tree

_VOTES = 5


class TreeClustering(ClusterMixin, Encoder):
    """A hierarchy over the data by a VAE's codes, and clusters cut from it.

    With a tree as the prior (`prior="loracs"`) it is the expected tree of its posterior with the
    data attached, otherwise the tree of the codes' nearest neighbours.

    Args:
      n_clusters: K, or None for as many clusters as last (`tfsp.tmc.lasting_clusters`).
      n_neighbors: links of each example in the graph of nearest neighbours; None takes
        `tfsp.tmc.neighbour_tree`'s.
      latent_dim, hidden, prior, likelihood: of `Encoder`.
      epochs, patience, batch_size, learning_rate, random_state, verbose: of `Encoder`.

    Attributes (of what is fitted):
      labels_: int `[n]`, the cluster of each example of `fit`. n_clusters_: how many.
      tree_: `tfsp.tmc.Phylogeny` over the examples.
      children_: `[n - 1, 2]`, the two nodes that each merge joins; distances_: `[n - 1]`, the
        heights of the merges, 1 - time; both in the form of scikit-learn's
        `AgglomerativeClustering`.
      model_: the VAE. embedding_: its codes `[n, latent_dim]`.

    Raises (in `fit`):
      ValueError: as `Encoder`, and for a K that is more than the examples.
    """

    def __init__(
        self,
        n_clusters=None,
        latent_dim=8,
        hidden=(128, 128),
        prior="normal",
        likelihood=None,
        n_neighbors=None,
        epochs=60,
        patience=5,
        batch_size=100,
        learning_rate=1e-3,
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            latent_dim=latent_dim,
            hidden=hidden,
            prior=prior,
            likelihood=likelihood,
            epochs=epochs,
            patience=patience,
            batch_size=batch_size,
            learning_rate=learning_rate,
            random_state=random_state,
            verbose=verbose,
        )
        self.n_clusters = n_clusters
        self.n_neighbors = n_neighbors

    def fit(self, X, y=None):
        """Trains on X `[n, d]`, makes the tree and the clusters; y is not looked at."""
        least = 2
        if self.n_clusters is not None:
            least = max(2, arguments.integer("n_clusters", self.n_clusters))
        X, seed = self._fit(X, least)
        self.embedding_ = self._codes(X)
        self.tree_ = self._tree(seed)
        merges = self.tree_.to_linkage()
        self.children_, self.distances_ = merges[:, :2].astype(int), merges[:, 2]
        self.labels_ = self._clusters()
        self.n_clusters_ = len(np.unique(self.labels_))
        return self

    def predict(self, X):
        """The cluster of each row of X `[n, d]`: that of most of the five nearest codes."""
        check_is_fitted(self, "labels_")
        codes = self._codes(validate_data(self, X, reset=False, dtype=np.float32))
        votes = min(_VOTES, len(self.embedding_))
        return nearest_labels(codes, self.embedding_, self.labels_, votes)

    def _tree(self, seed):
        prior = self.model_.prior
        if not self._has_tree():
            return neighbour_tree(self.embedding_, self.n_neighbors)
        summary = prior.summary_tree(seed=seed, warn=False)
        leaves = np.asarray(prior.leaf_locations(), np.float64)
        options = prior.options()
        return expected_hierarchy(self.embedding_, summary, leaves, seed=seed, **options).tree

    def _has_tree(self):
        return "tree" in self.model_.prior.capabilities

    def _clusters(self):
        if self.n_clusters is None:
            return lasting_clusters(self.tree_)
        return self.tree_.cut(self.n_clusters, "spread" if self._has_tree() else "time")
