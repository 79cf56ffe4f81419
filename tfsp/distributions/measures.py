"""Which measure a density refers to, as `tfd.TransformedDistribution` needs to know.

A density with respect to Lebesgue measure is divided by the slope of the map; the probability of a
single value is not. TFP assumes the former unless a distribution says otherwise.
"""

import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability.python.distributions import distribution  # no public name

spaces = tfp.experimental.tangent_spaces

Discrete = distribution.DiscreteDistributionMixin
"""Mark of distributions whose `log_prob` is the log of a probability."""


class AtomAtZero:
    """Mark of scalar distributions with a density off 0 and the log of a probability at 0."""

    def _experimental_tangent_space(self, x):
        return _OffAtom(tf.equal(x, 0.0))


class _OffAtom(spaces.TangentSpace):
    """The line where `is_atom` `[...]` is false, a single point where it is true."""

    def __init__(self, is_atom):
        self._is_atom = is_atom

    def _transform_dimension_preserving(self, x, f, **kwargs):
        slope = f.forward_log_det_jacobian(x, **kwargs)
        return tf.where(self._is_atom, tf.zeros_like(slope), slope), self
