"""Draws from a model, with or without the noise of its likelihood."""

import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.likelihoods.location_scale import LocationScale
from tfsp.random import fold_in

KINDS = ("means", "draws")
_CHUNK = 1000


def draw(model, count, seed=0, kind="draws"):
    """`count` examples from a model's prior.

    Args:
      model: a `StructuredVAE` whose prior can be sampled.
      count: how many.
      seed: int; the same seed gives the same examples.
      kind: "means", the means of p(x|z), or "draws", examples of p(x|z) itself: like is then
        compared with like, noise with noise, binary images with binary images.

    Returns:
      float32 `[count, *data_shape]`.

    Raises:
      ValueError: for another `kind`, and a prior that cannot be sampled.
    """
    arguments.integer("count", count)
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: {kind!r}.")
    if not model.prior.is_density:
        raise ValueError(
            f"The prior {type(model.prior).__name__} is not a distribution, so the model cannot "
            "be sampled. Train it with another prior, such as 'normal'."
        )
    chunks = []
    for index, start in enumerate(range(0, count, _CHUNK)):
        size = min(_CHUNK, count - start)
        seeds = fold_in(seed, 2 * index), fold_in(seed, 2 * index + 1)
        if kind == "draws" and not _mean_tells_all(model.likelihood):
            z = model.representation(model.generate(size, seeds[0]))
            found = model.decode(z).sample(seed=seeds[1])
        else:
            found = tf.convert_to_tensor(model.sample(size, seed=seeds[0]))
            if kind == "draws":
                found = _with_noise(model.likelihood, found, seeds[1])
        chunks.append(np.asarray(found, np.float32))
    return np.concatenate(chunks)


def can_add_noise(likelihood):
    """Whether draws, and not means, are what is set beside data in tasks and pictures.

    Where p(x|z) follows from its mean alone, and of columns of several kinds, whose means of
    categories are none.
    """
    return likelihood.kind == "mixed" or _mean_tells_all(likelihood)


def _mean_tells_all(likelihood):
    """Whether p(x|z) follows from its mean alone."""
    if isinstance(likelihood, LocationScale):
        return likelihood.scale != "pixel"
    if likelihood.kind == "counts":
        return likelihood.num_parameters == 1
    return likelihood.kind == "discrete" and likelihood.num_levels == 2


def _with_noise(likelihood, means, seed):
    if likelihood.kind == "counts":
        return likelihood.pixel_distribution(tf.math.log(means)).sample(seed=seed)
    if not isinstance(likelihood, LocationScale):
        uniform = tf.random.stateless_uniform(means.shape, seed, dtype=means.dtype)
        return tf.cast(uniform < means, means.dtype)
    around = likelihood.pixel_distribution(tf.zeros_like(means))  # the same shape at every place
    return means + around.sample(seed=seed) - around.mean()
