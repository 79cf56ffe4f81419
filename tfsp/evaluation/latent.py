"""Codes and draws of the latents, for whole data sets."""

import weakref

import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.evaluation.batches import iterate, limited, padded
from tfsp.random import fold_in

_VIEWED = 1000  # examples of an array that are augmented at once


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
    encode_batch = _compiled(model, _ENCODERS, _encode)
    codes, labels = [], []
    for x, y in iterate(limited(data, limit, model), model=model):
        codes.append(encode_batch(tf.constant(x)).numpy())
        labels.append(y)
    return np.concatenate(codes), None if labels[0] is None else np.concatenate(labels)


def encode_views(model, data, num_views=8, seed=0):
    """Codes of all examples, the mean over augmentations of each: see `encode` for the rest.

    A model that was trained with `consistency` gives an example and its augmentations nearly the
    same code. What is left of their difference is noise to clusters and trees, which the mean
    takes out. The augmentations are those of the training.

    Args:
      model: a `StructuredVAE` with `consistency`.
      data: as in `encode`.
      num_views: augmentations of each example.
      seed: an int or a pair of ints; the same seed gives the same codes to the same array.

    Returns:
      (codes `[n, D]`, labels `[n]` or None).

    Raises:
      ValueError: for a model without `consistency`, and as `encode`.
    """
    num_views = arguments.integer("num_views", num_views)
    if getattr(model, "consistency", None) is None:
        raise ValueError(
            f"This {type(model).__name__} was made without `consistency`, whose augmentations are "
            "the views. Take `encode`."
        )

    view_of_batch = _compiled(model, _VIEWERS, _view)
    codes, labels = [], []
    for index, (x, y) in enumerate(iterate(data, _VIEWED, model)):
        x, own = tf.constant(x), fold_in(seed, index)
        views = [view_of_batch(x, fold_in(own, view)) for view in range(num_views)]
        codes.append(tf.add_n(views).numpy() / num_views)
        labels.append(y)
    return np.concatenate(codes), None if labels[0] is None else np.concatenate(labels)


_ENCODERS, _VIEWERS = weakref.WeakKeyDictionary(), weakref.WeakKeyDictionary()


def _encode(model, x):
    return model.encode(x)


def _view(model, x, seed):
    x = tf.cast(x, model.variable_dtype)  # of counts, which may be integers
    return model.encode(model.consistency.augmented(x, seed))


def _compiled(model, cache, function):
    """`function` of a model, traced once for a model."""
    if model not in cache:
        owner = weakref.ref(model)  # the cache must not keep the model alive
        cache[model] = tf.function(lambda *args: function(owner(), *args), reduce_retracing=True)
    return cache[model]


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
