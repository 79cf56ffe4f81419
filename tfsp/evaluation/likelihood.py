"""log p(x) by importance sampling over a whole data set."""

import keras
import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.evaluation import compiled, shares
from tfsp.evaluation.batches import padded
from tfsp.models import importance_log_prob
from tfsp.models.inputs import data_checks
from tfsp.random import int32_seed

# Decoder rows in flight: enough to keep the matrix products busy, few enough to stay in cache.
_ROWS = 2_000


def log_likelihood(
    model,
    data,
    num_samples=1000,
    chunk_size=None,
    seed=0,
    progress=False,
    jit_compile=False,
    per_example=False,
    share=None,
    folder=None,
):
    """Estimates the mean log p(x) over `data` with S importance samples for each example.

    A prior with a log Z takes the stored one, whose error comes on top of those below: see
    `tfsp.priors.log_partition.refresh_log_partition`.

    Args:
      model: a `StructuredVAE` whose prior has a density.
      data: a batched dataset of x or (x, y), or an array.
      num_samples: S. The estimate is a lower bound on average, tighter for larger S.
      chunk_size: samples drawn at once for each example of a batch; memory grows with it and
        not with S. None takes about 2,000 decoder rows at a time.
      seed: int; the same seed gives the same estimate.
      progress: show a progress bar.
      jit_compile: compile by XLA. On a CPU this is no faster: TensorFlow's own kernels make
        better use of vector units and threads here.
      per_example: also return the array `[n]` of estimates.
      share: (index, count), index from 0: estimate this share of the batches alone, into a file.
      folder: of the files of shares. Without `share` what they hold is taken from them, and the
        rest computed: the result is the same bit for bit. None uses none.

    Returns:
      dict:
        log_p: mean of log p(x) over the examples, nats.
        standard_error: of that mean over the examples, for comparing with other data.
        monte_carlo_error: of that mean for this data, from the finite number of samples.
        bits_per_dimension: -log2 p(x) per entry of x; for a density on [0, 1] plus the 8 bits of
          256 levels (see `Likelihood.bits_per_dimension`).
        mean_effective_sample_size: over the examples, out of `num_samples`.
        num_samples, num_examples: as used.
        log_p_per_example: with `per_example`, the array `[n]`.
      with `share` the path of its file, and nothing else.

    Raises:
      ValueError: for a prior without a density, no data, numbers below 1, or a bad `share`.

    Source: Burda et al. 2016, arXiv:1509.00519, section 5.
    """
    if not model.prior.is_density:
        model.prior.log_prob(None)  # raises an error that says what to do

    data_checks.check(data[0] if isinstance(data, tuple) and data else data, model.likelihood)
    num_samples = arguments.integer("num_samples", num_samples)
    if chunk_size is not None:
        chunk_size = arguments.integer("chunk_size", chunk_size)
    seed = int32_seed(seed)
    estimate = _estimator(model, num_samples, chunk_size, jit_compile)
    bar = None
    done = []
    total = _num_batches(data)

    def of_batch(i, x, real):
        nonlocal bar
        result = estimate(tf.constant(x), tf.constant([seed, i], tf.int32))
        found = {name: value.numpy()[:real] for name, value in result.items()}
        if progress:
            bar = bar or keras.utils.Progbar(total, unit_name="batch")
            done.append(found["log_prob"])
            mean = np.concatenate(done).mean()
            bar.update(i + 1, [("log p(x)", mean)], finalize=False)
        return found

    settings = {
        "num_samples": num_samples,
        "seed": seed,
        "chunk_size": chunk_size,
        "jit_compile": jit_compile,
    }
    batches = padded(data, model=model)
    collected = shares.collect(of_batch, batches, "log_likelihood", model, settings, share, folder)
    if bar is not None and total:
        bar.update(total, finalize=True)
    if share is not None:
        return collected
    collected = {name: values.astype(float) for name, values in collected.items()}
    values = collected["log_prob"]
    n = len(values)
    mean = float(values.mean())
    output = {
        "log_p": mean,
        "standard_error": float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan"),
        "monte_carlo_error": float(np.sqrt(collected["variance"].sum()) / n),
        "bits_per_dimension": float(model.likelihood.bits_per_dimension(mean, model.data_shape)),
        "mean_effective_sample_size": float(collected["effective_sample_size"].mean()),
        "num_samples": num_samples,
        "num_examples": n,
    }
    if per_example:
        output["log_p_per_example"] = values
    return output


def _estimator(model, num_samples, chunk_size, jit_compile):
    """The compiled estimate of a batch."""

    def make(owner):
        @tf.function(jit_compile=jit_compile)
        def estimate(x, seed):
            size = chunk_size or max(1, _ROWS // x.shape[0])
            return importance_log_prob(owner(), x, num_samples, size, seed)

        return estimate

    return compiled.once(model, ("log_likelihood", num_samples, chunk_size, jit_compile), make)


def _num_batches(data, batch_size=100):
    if isinstance(data, tf.data.Dataset):
        count = int(data.cardinality())
        return count if count > 0 else None
    x = data[0] if isinstance(data, tuple) else data
    return -(-len(x) // batch_size) if hasattr(x, "__len__") else None
