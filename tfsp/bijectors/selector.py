"""Selection of the dimensions that count for each point, and how sparse it is."""

from collections.abc import Callable

import tensorflow as tf

from tfsp.bijectors import checks
from tfsp.bijectors.forward_only import ForwardOnly


class DimensionSelector(ForwardOnly):
    """g(y) = y * DS(y), entry by entry: DS says how far each dimension is switched on.

    Args:
      selector: function y `[..., D]` -> DS(y) `[..., D]`, in [0, 1].

    Raises:
      TypeError: if `selector` cannot be called.
      NotImplementedError: by `inverse` and the log-determinants.

    Source: Miao et al. 2022 (InteL-VAE), section 6.3.
    """

    reason = (
        "dimensions that are switched off all go to 0, and where others are is decided by a "
        "network, so several y may share one z"
    )

    def __init__(
        self, selector: Callable[[tf.Tensor], tf.Tensor], name: str = "dimension_selector"
    ) -> None:
        parameters = dict(locals())
        if not callable(selector):
            raise TypeError(
                "`selector` must be a function from y to numbers in [0, 1] of the same shape. "
                f"Received: {selector!r}."
            )
        self.selector = selector
        super().__init__(parameters, name)

    def _forward(self, y):
        y = checks.floating(y)
        return y * self.selector(y)


def normalised_entropy(log_values: tf.Tensor) -> tf.Tensor:
    """H(v) = -sum_i p_i log p_i with p = v / ||v||_1, for v = exp(log_values) > 0.

    From logarithms, since v itself may underflow. Between 0 (one entry counts) and log D (all
    count alike).

    Args:
      log_values: `[..., D]`.

    Returns:
      `[...]`, nats.

    Source: Miao et al. 2022 (InteL-VAE), below eq. (7).
    """
    log_probs = tf.nn.log_softmax(log_values, axis=-1)
    return -tf.reduce_sum(tf.exp(log_probs) * log_probs, axis=-1)


def selection_penalty(log_selection: tf.Tensor) -> tf.Tensor:
    """mean_i H(DS(y_i)) - H(mean_i DS(y_i)) over a batch of M points.

    Small where each point switches on few dimensions, and different points different ones. At
    most 0 for values that sum alike, at least -log D. To be made small: a training objective to be
    maximised contains it with a minus (the paper prints a plus).

    Args:
      log_selection: log DS(y_i), `[..., M, D]`.

    Returns:
      a scalar, nats: the mean over the leading axes.

    Raises:
      ValueError: for fewer than two axes.

    Source: Miao et al. 2022 (InteL-VAE), eq. (7).
    """
    log_selection = checks.floating(log_selection)
    if log_selection.shape.rank is not None and log_selection.shape.rank < 2:
        raise ValueError(
            "`log_selection` must hold a batch of points, `[..., M, D]`. Received shape "
            f"{log_selection.shape}."
        )
    each = tf.reduce_mean(normalised_entropy(log_selection), axis=-1)
    # The number of points cancels in the normalised entropy.
    together = normalised_entropy(tf.reduce_logsumexp(log_selection, axis=-2))
    return tf.reduce_mean(each - together)
