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
      ValueError: for another `kind`, a prior that cannot be sampled, or draws of a likelihood that
        its mean does not determine (a scale for each pixel, mixtures, categories).
    """
    arguments.integer("count", count)
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: {kind!r}.")
    if not model.prior.is_density:
        raise ValueError(
            f"The prior {type(model.prior).__name__} is not a distribution, so the model cannot "
            "be sampled. Train it with another prior, such as 'normal'."
        )
    if kind == "draws":
        check_noise(model.likelihood)
    chunks = []
    for index, start in enumerate(range(0, count, _CHUNK)):
        size = min(_CHUNK, count - start)
        means = tf.convert_to_tensor(model.sample(size, seed=fold_in(seed, 2 * index)))
        if kind == "draws":
            means = _with_noise(model.likelihood, means, fold_in(seed, 2 * index + 1))
        chunks.append(np.asarray(means, np.float32))
    return np.concatenate(chunks)


def can_add_noise(likelihood):
    """Whether p(x|z) follows from its mean alone."""
    if isinstance(likelihood, LocationScale):
        return likelihood.scale != "pixel"
    if likelihood.kind == "counts":
        return likelihood.num_parameters == 1
    return likelihood.kind == "discrete" and likelihood.num_levels == 2


def check_noise(likelihood):
    """Raises ValueError unless `can_add_noise`."""
    if not can_add_noise(likelihood):
        raise ValueError(
            f"The noise of the likelihood {type(likelihood).__name__} cannot be recovered from its "
            "mean. Use kind='means'."
        )


def _with_noise(likelihood, means, seed):
    if likelihood.kind == "counts":
        return likelihood.pixel_distribution(tf.math.log(means)).sample(seed=seed)
    if not isinstance(likelihood, LocationScale):
        uniform = tf.random.stateless_uniform(means.shape, seed, dtype=means.dtype)
        return tf.cast(uniform < means, means.dtype)
    around = likelihood.pixel_distribution(tf.zeros_like(means))  # the same shape at every place
    return means + around.sample(seed=seed) - around.mean()
