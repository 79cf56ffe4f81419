"""The TMC-VAE: a tree whose leaves are all the training points."""

from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from tfsp import priors
from tfsp.callbacks import PriorSchedule
from tfsp.models.core.assembly import EncoderDecoder
from tfsp.models.core.contract import register
from tfsp.models.core.draw import Draw
from tfsp.models.inputs import data_checks


@register("tmc_vae")
class TMCVAE(EncoderDecoder):
    """A VAE whose latents z_1, ..., z_N of all training points hang on one tree.

        tree ~ TMC_N(a, b),  z_1..z_N | tree ~ r(z_1..z_N | tree),  x_n | z_n ~ p(x_n | z_n)

    Training maximises, per example (mean over the batch; the tree is the chain's present one),

        E_q[log p(x_n | z_n)] + H[q(z_n | x_n)] + 1/N E_q[log r(z_1, ..., z_N | tree)]

    which is 1/N of the bound of eq. (8) without the tree's own terms log p(tree) - log q(tree).
    `kl` is minus the last two terms, so `elbo` = `log_likelihood` - `kl` is that bound. The joint
    term needs every point: those outside the batch stand at their stored encodings. How the
    gradient is scaled is described at `TMCPrior.joint_kl`. The cost of a step grows as O(N D).

    Validation, test, `log_weights` and `sample` are about new points, which attach to the tree of
    the training points (`TMCPrior.log_prob`). Bounds in training and in validation are hence not
    of the same quantity, and training examples given to `evaluate` score too well.

    The tree shows structure where the latents say much about x: as pure as Ward's clustering on
    1,000 MNIST images (`kl` 20 nats), at chance on 8x8 digits (6 nats), where the uncertainty of
    the leaves is as large as the distances between them.

    Data. `fit` takes an array, as other models do, and numbers its rows by itself. A dataset must
    say which training point each example is: elements {"x": x, "index": i} (or with labels, (that,
    y)), such as `data.train_stream(index=True)` yields; `points`, all N examples in the order of
    their indices, must then be given too.

    Args:
      prior: "tmc", a dict with its settings (`TMCPrior`) or a `TMCPrior`. Its N is the number of
        training examples, known when `fit` or `adapt` sees them.
      **kwargs: see `VAE`.

    Raises:
      ValueError: for another prior or for objective="iwae" (the training points are not independent
        given the parameters, so there is no bound for each alone).

    Source: Vikram, Hoffman & Johnson 2018, arXiv:1810.06891, section 3, eqs. (6)-(9).
    """

    needs_index = True
    example_settings: ClassVar = {
        **EncoderDecoder.example_settings,
        "prior": {"name": "tmc", "start_epoch": 0, "burn_in": 20, "moves_per_step": 5},
    }

    def __init__(
        self,
        encoder="mlp",
        decoder=None,
        prior="tmc",
        likelihood="bernoulli",
        latent_dim=None,
        **kwargs,
    ):
        super().__init__(encoder, decoder, prior, likelihood, latent_dim, **kwargs)
        if not isinstance(self.prior, priors.TMCPrior):
            raise ValueError(
                "The prior of the model 'tmc_vae' is the tree over its training points, 'tmc'. "
                f"Received: {type(self.prior).__name__}. For other priors take the model 'vae'."
            )
        if self.bound.uses_weights:
            raise ValueError(
                "The model 'tmc_vae' has the objective 'elbo' alone: its training points are tied "
                f"together by the tree. Received: {self.objective!r}."
            )
        if self.consistency is not None:
            raise ValueError(
                "The TMC-VAE does not take `consistency`: training points are on its tree, their "
                f"augmentations are not. Received: {self.consistency.get_config()}."
            )
        self.prior.waits_for_data = True

    def call(self, x, training=False):
        """As `VAE.call`; with training=True x is a dict {"x": `[B, ...]`, "index": `[B]`}."""
        if not training:
            return super().call(x)
        if not _is_indexed(x):
            raise ValueError(
                "In training the TMC-VAE must know which training points it is given: a dict "
                f'{{"x": examples, "index": integers}}. Received: {type(x).__name__}. `fit` with '
                "an array sees to it; see also `data.train_stream(index=True)`."
            )
        index, x = x["index"], self._check_data(x)
        if not tf.as_dtype(index.dtype).is_integer or index.shape.rank != 1:
            raise ValueError(
                "`index` must hold one integer for each example, shape [B]. Received: "
                f"{tf.as_dtype(index.dtype).name} of shape {tuple(index.shape)}."
            )
        draw = self.joined(x, self._infer_points(x, index), self.seeds)
        return self.terms(x, draw, training)

    def _infer_points(self, x, index):
        """The `Draw` of training points: the tree ties them to those outside the batch."""
        q = self.posterior(x, training=True)
        z = q.sample(self.num_samples, seed=self.seeds.next())
        return Draw(z, {"kl": self.prior.joint_kl(q, index)}, _no_weights)

    def fit(self, x=None, y=None, *, points=None, callbacks=None, validation_split=0.0, **kwargs):
        """As `VAE.fit`, with the rows of an array numbered.

        Args:
          points: where x is a dataset, all N training examples `[N, *data_shape]` in the order of
            their indices (or a `PriorSchedule` of them among the callbacks). They start the tree
            and refresh the stored encodings.

        Raises:
          ValueError: for a dataset without indices or points, for a generator, and for another
            number of points than before.
        """
        callbacks = _as_list(callbacks)
        scheduled = any(isinstance(callback, PriorSchedule) for callback in callbacks)
        if isinstance(x, (np.ndarray, tf.Tensor)):
            data_checks.check(x, self.likelihood)
            # As Keras splits: validation takes the last rows.
            points = x[: int(np.floor(len(x) * (1.0 - validation_split)))]
            x = {"x": x, "index": np.arange(len(x), dtype=np.int32)}
        elif not isinstance(x, tf.data.Dataset) or not _yields_indices(x):
            raise ValueError(
                "The TMC-VAE trains on an array, or on a dataset that says which training points "
                'its examples are: elements {"x": x, "index": i}, as '
                "`data.train_stream(index=True)` yields. Received: "
                f"{getattr(x, 'element_spec', type(x).__name__)}."
            )
        elif points is None and not scheduled:
            raise ValueError(
                "With a dataset the TMC-VAE needs `points`, all training examples in the order "
                "of their indices, such as `data.arrays('train')[0]`."
            )
        if points is not None:
            self._prepare(points)
            if not scheduled:
                callbacks.insert(0, PriorSchedule(points))
        return super().fit(x, y, callbacks=callbacks, validation_split=validation_split, **kwargs)

    def adapt(self, x):
        """Starts the tree from all training points, or stores their present encodings.

        Args:
          x: array `[N, *data_shape]`, in the order of their indices.

        Raises:
          ValueError: for a dataset, or another number of points than before.
        """
        if isinstance(x, tf.data.Dataset):
            raise ValueError(
                "The TMC-VAE adapts to an array of all training points in the order of their "
                "indices. Received: a dataset."
            )
        self._prepare(x)
        self.prior.adapt(priors.Encoded(x, self.posterior))

    def refresh(self, x):
        """Stores the present encodings of all training points `[N, *data_shape]`.

        Raises:
          ValueError: if the tree has not started.
        """
        self.prior.phylogeny()  # raises before the start
        self.adapt(x)

    def set_num_points(self, num_points):
        """Fixes N, the number of training points, before the data are seen.

        Raises:
          ValueError: if it was another before.
        """
        with self.distribute_strategy.scope():
            self.prior.set_num_points(num_points)

    def build(self, input_shape):
        """As `VAE.build`; also of the shapes of an indexed batch."""
        super().build(input_shape["x"] if _is_indexed(input_shape) else input_shape)

    def _prepare(self, points):
        with self.distribute_strategy.scope():
            self.build((None, *points.shape[1:]))
        self.set_num_points(len(points))

    def _check_data(self, x):
        return super()._check_data(x["x"] if _is_indexed(x) else x)


def _no_weights():
    raise ValueError("Training points are tied together: each alone has no importance weight.")


def _is_indexed(x):
    return hasattr(x, "keys") and set(x.keys()) == {"x", "index"}


def _yields_indices(dataset):
    spec = dataset.element_spec
    return _is_indexed(spec[0] if isinstance(spec, tuple) else spec)


def _as_list(callbacks):
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks.callbacks
    callbacks = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
    return [callback for callback in callbacks if callback is not None]
