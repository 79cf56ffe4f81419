"""Codes of a VAE as a transformer, and what the estimators share."""

import contextlib
import random

import keras
import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from tfsp import data, models
from tfsp.callbacks import PriorSchedule
from tfsp.evaluation import encode
from tfsp.priors.loracs_start import settings_for

BATCH = 500  # rows that a network sees at once
_HELD_OUT_FROM = 100  # examples
_LEAST_STEPS = 50  # of an epoch, whose end costs as much as some steps
_LIKELIHOOD = {"name": "gaussian", "scale": "feature", "standardize": True}


class Encoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Codes of a VAE: the means of q(z | x).

    By default every column has a Gaussian likelihood with a scale of its own, about data that the
    model standardises itself, so that columns may be in any units.

    scikit-learn's `check_estimator` passes, of the other estimators too, but for
    `check_methods_subset_invariance` and `check_methods_sample_order_invariance`: they ask for the
    same answers to 1e-7 whatever other rows are beside one, and networks compute in float32.

    Args:
      latent_dim: D, the number of columns of the codes.
      hidden: widths of the layers of encoder and decoder.
      prior: of `tfsp.models.VAE`: a name, a dict or a prior. "loracs" has half as many inducing
        points as there are rows, 100 at most, and starts after a sixth of the epochs, the tenth at
        the latest; give a dict for other settings.
      likelihood: of `tfsp.models.VAE`; None takes the one above. Counts: "negative_binomial".
      epochs: passes over the data, of at least 50 steps each, however few the data.
      patience: epochs without a better bound on a tenth of the data, which is held out of 100 and
        more, until training stops and goes back to the best; 0 takes all data and never stops.
      batch_size: examples in a batch, at most all of them.
      learning_rate: of Adam.
      random_state: an int, a `numpy.random.RandomState` or None, as everywhere in scikit-learn.
      verbose: 0 trains silently, 1 prints a line each epoch.

    Attributes (of what is fitted):
      model_: the model. n_features_in_, feature_names_in_: see scikit-learn.

    Raises (in `fit`):
      ValueError: for data that are not finite numbers `[n, d]`, and settings out of range.
    """

    def __init__(
        self,
        latent_dim=8,
        hidden=(128, 128),
        prior="normal",
        likelihood=None,
        epochs=60,
        patience=5,
        batch_size=100,
        learning_rate=1e-3,
        random_state=None,
        verbose=0,
    ):
        self.latent_dim = latent_dim
        self.hidden = hidden
        self.prior = prior
        self.likelihood = likelihood
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None):
        """Trains on X `[n, d]`; y is not looked at."""
        self._fit(X)
        return self

    def transform(self, X):
        """Codes `[n, latent_dim]` of X `[n, d]`."""
        check_is_fitted(self, "model_")
        return self._codes(validate_data(self, X, reset=False, dtype=np.float32))

    @property
    def _n_features_out(self):
        return self.latent_dim

    def _fit(self, X, least=2):
        """X as float32 `[n, d]`, after the model has been trained on it; and the seed."""
        X = validate_data(self, X, dtype=np.float32, ensure_min_samples=least)
        seed = int(check_random_state(self.random_state).randint(2**31))
        held_out = len(X) // 10 if self.patience and len(X) >= _HELD_OUT_FROM else 0
        examples = data.load(
            X,
            batch_size=min(self.batch_size, len(X)),
            validation_size=held_out,
            test_size=0,
            seed=seed,
            table=True,
        )
        with _global_seed(seed):  # of the networks' first weights
            model = self._model(seed, len(X) - held_out)
            model.build((None, X.shape[1]))
        model.compile(keras.optimizers.Adam(self.learning_rate))
        # Each example once: of a stream of few, the nearest of each are its own repeats.
        seen, _ = examples.arrays("train")
        if model.likelihood.wants_data:
            model.likelihood.adapt(seen)
        start = PriorSchedule(seen)
        stopping = keras.callbacks.EarlyStopping(
            "val_elbo",
            mode="max",
            patience=self.patience,
            restore_best_weights=True,
            start_from_epoch=model.prior.start_epoch,
        )
        model.fit(
            examples.train_stream(),
            epochs=self.epochs,
            steps_per_epoch=max(_LEAST_STEPS, examples.steps_per_epoch),
            verbose=2 if self.verbose else 0,
            validation_data=examples.validation if held_out else None,
            callbacks=[start, stopping] if held_out else [start],
        )
        self.model_ = model
        return X, seed

    def _model(self, seed, num_rows):
        prior = self.prior
        if isinstance(prior, str) and prior == "loracs":
            prior = settings_for(num_rows, self.epochs)
        return models.VAE(prior=prior, **self._settings(seed))

    def _settings(self, seed):
        return dict(
            encoder={"name": "mlp", "hidden": tuple(self.hidden)},
            likelihood=_LIKELIHOOD if self.likelihood is None else self.likelihood,
            latent_dim=self.latent_dim,
            seed=seed,
        )

    def _codes(self, X):
        return np.asarray(encode(self.model_.prior_view(), X)[0], np.float64)

    def _decoded(self, codes):
        """Mean and standard deviation of each column of x under p(x | z): two `[n, d]`."""
        means, scales = [], []
        for start in range(0, len(codes), BATCH):
            given = self.model_.decode(codes[start : start + BATCH].astype(np.float32))
            means.append(np.asarray(given.mean(), np.float64))
            scales.append(np.asarray(given.stddev(), np.float64))
        return np.concatenate(means), np.concatenate(scales)


@contextlib.contextmanager
def _global_seed(seed):
    """Keras's seed is `seed`; those of NumPy and Python go on afterwards as if nothing were."""
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002, it is the global one that Keras sets
        random.setstate(python_state)
