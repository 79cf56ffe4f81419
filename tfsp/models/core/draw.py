"""What every model answers: draws of the latents for a batch, and what they cost."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import tensorflow as tf


class Draw(NamedTuple):
    """S draws of the latents for a batch of B examples, all numbers in nats.

    Attributes:
      latents: `[S, B, D]`, what `log_likelihood` takes.
      kl: name -> `[B]` or `[S, B]`, the parts of the KL; in closed form where there is one.
      log_ratio: () -> `[S, B]`, log p(latents) - log q(latents | x). Computed when it is called,
        by objectives of importance weights and by evaluation alone: an estimate of its own, not
        minus the sum of `kl`.
      batch_terms: name -> () -> `[]`, once for a batch (a regulariser, a divergence); computed for
        the loss alone.
      training_log_ratio: () -> `[S, B]`, what objectives differentiate in place of `log_ratio`,
        where a model has another for them; None where it has not.
    """

    latents: tf.Tensor
    kl: Mapping[str, tf.Tensor]
    log_ratio: Callable[[], tf.Tensor]
    batch_terms: Mapping[str, Callable[[], tf.Tensor]] = MappingProxyType({})
    training_log_ratio: Callable[[], tf.Tensor] | None = None

    def mean_kl(self):
        """name -> `[B]`: each part averaged over the draws, and `kl`, the sum of all."""
        parts = {
            name: tf.reduce_mean(part, axis=0) if part.shape.rank == 2 else part
            for name, part in self.kl.items()
        }
        return parts if "kl" in parts else {"kl": tf.add_n(list(parts.values())), **parts}
