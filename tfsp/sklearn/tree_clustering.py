"""Clusters that are cut from a tree over the codes of a VAE."""

import numpy as np
from sklearn.base import ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tfsp import arguments
from tfsp.neighbours import nearest_labels
from tfsp.sklearn.encoder import Encoder
from tfsp.tmc import expected_hierarchy, lasting_clusters, neighbour_tree

_DISTANCES = ("decoded", "codes")
_VOTES = 5
_TINY = np.finfo(np.float32).tiny


class TreeClustering(ClusterMixin, Encoder):
    """A hierarchy over the data by a VAE's codes, and clusters cut from it.

    With a tree as the prior (`prior="loracs"`) it is the expected tree of its posterior with the
    data attached, otherwise the tree of nearest neighbours. These are by default the ones whose
    codes are decoded alike: a normal prior makes all columns of the codes that are used equally
    wide, however little of the data one explains, and distances of codes count them alike.

    Args:
      n_clusters: K, or None for as many clusters as last (`tfsp.tmc.lasting_clusters`).
      n_neighbors: links of each example in the graph of nearest neighbours; None takes
        `tfsp.tmc.neighbour_tree`'s.
      distance: of neighbours: "decoded", between the means of p(x | z), each column in units of its
        mean standard deviation under p(x | z); or "codes", between the means of q(z | x). A tree as
        the prior goes by codes in any case.
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
      ValueError: as `Encoder`, for a K that is more than the examples, and another `distance`.
    """

    def __init__(
        self,
        n_clusters=None,
        latent_dim=8,
        hidden=(128, 128),
        prior="normal",
        likelihood=None,
        n_neighbors=None,
        distance="decoded",
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
        self.distance = distance

    def fit(self, X, y=None):
        """Trains on X `[n, d]`, makes the tree and the clusters; y is not looked at."""
        if self.distance not in _DISTANCES:
            raise ValueError(
                f"`distance` must be one of {_DISTANCES}. Received: {self.distance!r}."
            )
        least = 2
        if self.n_clusters is not None:
            least = max(2, arguments.integer("n_clusters", self.n_clusters))
        X, seed = self._fit(X, least)
        self.embedding_ = self._codes(X)
        self._units = self._units_of(self.embedding_)
        self._places = self._places_of(self.embedding_)
        self.tree_ = self._tree(seed)
        merges = self.tree_.to_linkage()
        self.children_, self.distances_ = merges[:, :2].astype(int), merges[:, 2]
        self.labels_ = self._clusters()
        self.n_clusters_ = len(np.unique(self.labels_))
        return self

    def predict(self, X):
        """The cluster of each row of X `[n, d]`: that of most of the five nearest examples."""
        check_is_fitted(self, "labels_")
        codes = self._codes(validate_data(self, X, reset=False, dtype=np.float32))
        votes = min(_VOTES, len(self._places))
        return nearest_labels(self._places_of(codes), self._places, self.labels_, votes)

    def _units_of(self, codes):
        """`[d]`, what the decoded columns are divided by; None where codes are not decoded."""
        if self._has_tree() or self.distance == "codes":
            return None
        return np.maximum(self._decoded(codes)[1].mean(axis=0), _TINY)

    def _places_of(self, codes):
        """Points whose distances say who are neighbours."""
        return codes if self._units is None else self._decoded(codes)[0] / self._units

    def _tree(self, seed):
        prior = self.model_.prior
        if not self._has_tree():
            return neighbour_tree(self._places, self.n_neighbors)
        summary = prior.summary_tree(seed=seed, warn=False)
        leaves = np.asarray(prior.leaf_locations(), np.float64)
        options = prior.options()
        return expected_hierarchy(self.embedding_, summary, leaves, seed=seed, **options).tree

    def _has_tree(self):
        return "tree" in self.model_.prior.capabilities

    def _clusters(self):
        if self.n_clusters is None or self._has_tree():
            return lasting_clusters(self.tree_, self.n_clusters)
        return self.tree_.cut(self.n_clusters, "spread")  # by time, stray examples are clusters
