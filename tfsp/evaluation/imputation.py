"""Missing entries, as a model expects them from those that are there."""

import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.evaluation import compiled
from tfsp.evaluation.batches import padded
from tfsp.random import fold_in, int32_seed

# Decoder rows in flight, as for log p(x).
_ROWS = 2_000


def impute(model, data, num_samples=1000, seed=0):
    """`data` with what the model expects in place of each missing entry (NaN).

        E[x_missing | x_observed] ~= sum_s w_s E[x_missing | z_s] / sum_s w_s,
        z_s ~ q(z | x_observed),  log w_s = log p(x_observed | z_s) + log p(z_s) - log q(z_s | ...)

    The mean of the decoder, averaged by self-normalised importance weights over S codes; of a
    categorical column the most likely class under the averaged probabilities. Where q is the exact
    posterior all weights are equal. Bias and variance fall as 1 / S.

    Args:
      model: a `StructuredVAE` whose likelihood has `missing=True` and whose prior has a density.
      data: an array `[n, *data_shape]`, or a batched dataset of x or (x, y).
      num_samples: S.
      seed: int; the same seed gives the same result.

    Returns:
      `[n, *data_shape]` in the model's dtype, entries that are there as they are.

    Raises:
      ValueError: for a likelihood that takes no missing entries, a prior without a density, and
        data as in `iterate`.

    Source: Mattei & Frellsen 2019, "MIWAE", arXiv:1812.02633, section 2.3.
    """
    num_samples = arguments.integer("num_samples", num_samples)
    seed = int32_seed(seed)
    if not model.likelihood.missing:
        raise ValueError(
            f"The likelihood {type(model.likelihood).__name__} was not made for missing entries. "
            "Train the model with missing=True of the likelihood, such as {'name': 'gaussian', "
            "'standardize': True, 'missing': True}."
        )
    if not model.prior.is_density:
        model.prior.log_prob(None)  # raises an error that says what to do

    weighted = compiled.once(model, "impute", _weighted)
    parts = []
    for i, (x, real) in enumerate(padded(data, model=model)):
        x = np.asarray(x, model.variable_dtype)
        chunk = max(1, min(num_samples, _ROWS // len(x)))
        sizes = [chunk] * (num_samples // chunk)
        sizes += [num_samples % chunk] if num_samples % chunk else []
        tops, totals, sums = [], [], []
        for j, size in enumerate(sizes):
            top, total, weighed = weighted(x, size, fold_in(tf.constant([seed, i]), j))
            tops.append(top)
            totals.append(total)
            sums.append(weighed)
        share = np.exp(np.array(tops) - np.max(tops, axis=0))  # [chunks, B], largest weight 1
        total = np.sum(share * np.array(totals), axis=0)
        mean = np.einsum("cb,cb...->b...", share, np.array(sums))
        mean /= total.reshape(-1, *[1] * (mean.ndim - 1))
        found = np.asarray(model.likelihood.expected(tf.constant(mean, model.variable_dtype)))
        parts.append(np.where(np.isnan(x), found, x)[:real])
    return np.concatenate(parts)


def _weighted(owner):
    @tf.function(reduce_retracing=True)
    def weighted(x, size, seed):
        """Of `size` draws: the largest log weight `[B]`, the sums of w and of w statistics."""
        model = owner()
        draw = model.inferred(x, size, seed)
        likelihood = draw.given.get("likelihood", model.likelihood)
        parameters = model.likelihood_parameters(model.representation(draw.latents))
        given = likelihood.distribution_given(x, parameters, len(model.data_shape))
        statistics = _rows(model.likelihood.statistics(given), len(x.shape))
        # Of values that are enumerated each has a weight of its own: [K, S, B].
        log_weights = likelihood.log_prob(x, parameters, len(model.data_shape))
        log_weights = _rows(log_weights + draw.log_ratio(), 1)
        top = tf.reduce_max(log_weights, axis=0)
        weights = tf.exp(log_weights - top)
        return top, tf.reduce_sum(weights, axis=0), tf.einsum("sb,sb...->b...", weights, statistics)

    return weighted


def _rows(values, rank):
    """`[..., S, B, ...]` as `[S', B, ...]`, where the last `rank` axes stay."""
    shape = tf.shape(values)
    return tf.reshape(values, tf.concat([[-1], shape[len(values.shape) - rank :]], axis=0))
