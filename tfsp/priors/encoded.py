"""Examples as a prior is initialised from them: with what the model's encoder makes of each."""

import functools

import numpy as np
import tensorflow as tf

_BATCH = 1000


class Encoded:
    """Examples, and the means and variances of their posteriors, computed when first asked for.

    Args:
      x: array `[n, *data_shape]`.
      posterior: x -> q(z|x), a `tfd.Distribution`: batch `[n]`, event `[D]`.

    Attributes:
      x: `[n, *data_shape]`, NumPy.
      mean, variance: `[n, D]`, NumPy.
    """

    def __init__(self, x, posterior):
        self.x, self._posterior = np.asarray(x), posterior

    def __len__(self):
        return len(self.x)

    def rows(self, rows):
        """The examples at these places, an `Encoded`."""
        return Encoded(self.x[rows], self._posterior)

    @property
    def mean(self):
        return self._moments[0]

    @property
    def variance(self):
        return self._moments[1]

    @functools.cached_property
    def _moments(self):
        parts = []
        for start in range(0, len(self.x), _BATCH):
            q = self._posterior(tf.convert_to_tensor(self.x[start : start + _BATCH]))
            parts.append((q.mean().numpy(), q.variance().numpy()))
        return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def require(prior, examples):
    """Raises ValueError where `adapt` of a prior is given something else."""
    if not isinstance(examples, Encoded):
        name = type(prior).__name__
        raise ValueError(
            f"`{name}.adapt` takes `tfsp.priors.Encoded`, examples together with the posterior of "
            f"a model. Call `model.adapt(x)` of the model that holds the prior, or `{name}.adapt("
            f"Encoded(x, model.posterior))`. Received: {type(examples).__name__}."
        )
