"""The evidence lower bound and its parts on held-out data."""

import numpy as np
import tensorflow as tf

from tfsp.evaluation.batches import padded
from tfsp.random import int32_seed


def bounds(model, data, seed=0):
    """Mean bound and terms over `data`, with standard errors.

    One draw of the latents for each example; the KL weight of training plays no part.

    Args:
      model: a `StructuredVAE`.
      data: a batched dataset of x or (x, y), or an array.
      seed: int; the same seed gives the same draws. The model's own stream is left untouched.

    Returns:
      dict of floats, nats per example: `elbo`, the model's terms (`log_likelihood`, `kl`, ...), for
      each the standard error of the mean over examples (`elbo_standard_error`, ...), and
      `num_examples`.
    """

    @tf.function(reduce_retracing=True)
    def terms_of(x):
        terms = {name: model(x, training=False)[name] for name in model.term_names}
        return {"elbo": terms["log_likelihood"] - terms["kl"], **terms}

    collected = []
    with model.seeds.at(int32_seed(seed)):
        for x, real in padded(data, model=model):
            collected.append({k: v.numpy()[:real] for k, v in terms_of(x).items()})
    result = {}
    for name in collected[0]:
        values = np.concatenate([part[name] for part in collected]).astype(float)
        result[name] = float(values.mean())
        result[f"{name}_standard_error"] = _standard_error(values)
    result["num_examples"] = len(values)
    return result


def _standard_error(values):
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
