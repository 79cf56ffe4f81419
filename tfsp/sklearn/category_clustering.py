"""Clusters that are the categories of a CP-VAE."""

import numpy as np
from sklearn.base import ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tfsp import arguments, models
from tfsp.sklearn.encoder import BATCH, Encoder


class CategoryClustering(ClusterMixin, Encoder):
    """The categories of `tfsp.models.CPVAE`, a mixture that is learned with the codes.

    Args:
      n_clusters: K, the number of categories.
      start: of the categories: "neighbours", "mixture" or "random", see `CPVAE`.
      start_epoch: epochs before categories start; None takes a fifth of them.
      latent_dim, hidden, likelihood: of `Encoder`. The prior is the model's own.
      epochs, patience, batch_size, learning_rate, random_state, verbose: of `Encoder`.

    Attributes (of what is fitted):
      labels_: int `[n]`, the most probable category of each example of `fit`. Categories are
        numbered by how many examples they have, so that those without any come last.
      categories_: int `[K]`, the number that each has in the model.
      model_: the `CPVAE`. embedding_: codes `[n, latent_dim]`.

    Raises (in `fit`):
      ValueError: as `Encoder`, and for fewer examples than categories.
    """

    def __init__(
        self,
        n_clusters=8,
        latent_dim=8,
        hidden=(128, 128),
        likelihood=None,
        start="neighbours",
        start_epoch=None,
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
            likelihood=likelihood,
            epochs=epochs,
            patience=patience,
            batch_size=batch_size,
            learning_rate=learning_rate,
            random_state=random_state,
            verbose=verbose,
        )
        self.n_clusters = n_clusters
        self.start = start
        self.start_epoch = start_epoch

    def fit(self, X, y=None):
        """Trains on X `[n, d]`; y is not looked at."""
        X, _ = self._fit(X, least=max(2, arguments.integer("n_clusters", self.n_clusters)))
        self.embedding_ = self._codes(X)
        shares = self._probabilities(X)
        counts = np.bincount(shares.argmax(axis=1), minlength=shares.shape[1])
        self.categories_ = np.argsort(-counts, kind="stable")
        self.labels_ = shares[:, self.categories_].argmax(axis=1)
        return self

    def predict(self, X):
        """The most probable category of each row of X `[n, d]`: int `[n]`."""
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X):
        """q(c | x) `[n, K]`, in the order of `categories_`."""
        check_is_fitted(self, "labels_")
        shares = self._probabilities(validate_data(self, X, reset=False, dtype=np.float32))
        return shares[:, self.categories_]

    def _model(self, seed, num_rows):
        settings = dict(num_categories=self.n_clusters, gate_units=self.hidden[-1])
        start_epoch = self.epochs // 5 if self.start_epoch is None else self.start_epoch
        return models.CPVAE(
            start=self.start, start_epoch=start_epoch, **settings, **self._settings(seed)
        )

    def _codes(self, X):
        return super()._codes(X)[:, : self.latent_dim]

    def _probabilities(self, X):
        parts = [X[start : start + BATCH] for start in range(0, len(X), BATCH)]
        return np.concatenate([np.asarray(self.model_.responsibilities(part)) for part in parts])
