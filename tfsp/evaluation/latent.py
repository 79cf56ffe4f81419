"""Codes and draws of the latents, for whole data sets."""

import weakref

import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.evaluation import frames, shares
from tfsp.evaluation.batches import iterate, padded
from tfsp.random import fold_in

_VIEWED = 1000  # examples of an array that are augmented at once


def encode(model, data, limit=None, part=None, as_frame=False, share=None, folder=None):
    """Codes of all examples: (codes `[n, D]`, labels `[n]` or None).

    Args:
      model: anything with `encode(x)`.
      data: a batched dataset of x or (x, y), an array, a pair (x, y), or a `tfsp.data.Data`.
      limit: the most examples that are encoded; of more a random subset, the same in every call
        (see `tfsp.subset`).
      part: of a `Data`, "train", "validation" or "test"; None takes "test".
      as_frame: whether to return a pandas DataFrame: columns z0, z1, ..., and label (by the names
        of classes that a `Data` knows) where there is one for each row; the index holds what a
        `Data` knows its rows by (`Data.names`).
      share: (index, count), index from 0: encode this share of the batches alone, into a file,
        whose path is returned.
      folder: of the files of shares. Without `share` what they hold is taken from them, and the
        rest encoded: the codes are the same bit for bit. None uses none.

    Raises:
      ValueError: for no examples, examples that are not finite or out of range, an unknown part,
        and a bad `share`.
      ImportError: for `as_frame` if pandas is not installed.
    """
    rows = frames.given(data, part, limit, model)
    name = "encode" if part is None else f"encode-{part}"
    found = codes_of(model, model, rows.examples, name, share, folder)
    if share is not None:
        return found
    return _frame(*found, rows) if as_frame else found


def codes_of(model, view, examples, name, share=None, folder=None):
    """`encode` by a view of the model, with a name for the files of shares."""
    encode_batch = _compiled(view, _ENCODERS, _encode)
    settings = {"in_prior": view is not model}
    return shares.collect_labelled(
        lambda _, x: encode_batch(tf.constant(x)).numpy(),
        iterate(examples, model=view),
        name,
        model,
        settings,
        share,
        folder,
    )


def _frame(codes, labels, rows):
    pandas = frames.pandas()
    names = None if rows.names is None else pandas.Index(rows.names, name="row")
    frame = pandas.DataFrame(codes, names, [f"z{i}" for i in range(codes.shape[1])])
    label = frames.named(labels, rows.class_names)
    return frame if label is None else frame.assign(label=label)


def encode_views(model, data, num_views=8, seed=0, name="encode_views", share=None, folder=None):
    """Codes of all examples, the mean over augmentations of each: see `encode` for the rest.

    A model that was trained with `consistency` gives an example and its augmentations nearly the
    same code. What is left of their difference is noise to clusters and trees, which the mean
    takes out. The augmentations are those of the training.

    Args:
      model: a `StructuredVAE` with `consistency`.
      data: as in `encode`.
      num_views: augmentations of each example.
      seed: an int or a pair of ints; the same seed gives the same codes to the same array.
      name: of the files of shares.
      share, folder: as in `encode`.

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

    def of_batch(number, x):
        x, own = tf.constant(x), fold_in(seed, number)
        views = [view_of_batch(x, fold_in(own, view)) for view in range(num_views)]
        return tf.add_n(views).numpy() / num_views

    settings = {"num_views": num_views, "seed": np.asarray(seed).tolist()}
    batches = iterate(data, _VIEWED, model)
    return shares.collect_labelled(of_batch, batches, name, model, settings, share, folder)


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
