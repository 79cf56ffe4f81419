"""Codes and draws of the latents, for whole data sets."""

import weakref

import numpy as np
import tensorflow as tf

from tfsp.evaluation.batches import iterate, limited, padded
from tfsp.random import fold_in


def encode(model, data, limit=None):
    """Codes of all examples: (codes `[n, D]`, labels `[n]` or None).

    Args:
      model: anything with `encode(x)`.
      data: a batched dataset of x or (x, y), an array, or a pair (x, y).
      limit: the most examples that are encoded; of more a random subset, the same in every call
        (see `tfsp.subset`).

    Raises:
      ValueError: for no examples, and examples that are not finite or out of range.
    """
    encode_batch = _compiled(model)
    codes, labels = [], []
    for x, y in iterate(limited(data, limit), model=model):
        codes.append(encode_batch(tf.constant(x)).numpy())
        labels.append(y)
    return np.concatenate(codes), None if labels[0] is None else np.concatenate(labels)


_ENCODERS = weakref.WeakKeyDictionary()


def _compiled(model):
    """`model.encode` as a function, traced once for a model."""
    if model not in _ENCODERS:
        owner = weakref.ref(model)  # the cache must not keep the model alive
        _ENCODERS[model] = tf.function(lambda x: owner().encode(x), reduce_retracing=True)
    return _ENCODERS[model]


def posterior_draws(model, data, seed=0):
    """One draw of the latents for each example, `[n, D]`, ordered as `encode` orders their means.

    Args:
      model: a `StructuredVAE`; of an InteL-VAE the draws of y have gone through the map.
      data: as in `encode`.
      seed: int; the same seed gives the same draws.

    Raises:
      ValueError: as in `encode`.
    """

    @tf.function(reduce_retracing=True)
    def draw(x, seed):
        return model.sample_posterior(x, seed)

    return np.concatenate(
        [
            draw(tf.constant(x), fold_in(seed, index)).numpy()[:real]
            for index, (x, real) in enumerate(padded(data, model=model))
        ]
    )
