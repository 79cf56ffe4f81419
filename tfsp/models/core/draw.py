"""What every model answers: draws of the latents for a batch, and what they cost."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import tensorflow as tf

from tfsp.distributions.gumbel import one_hot_draws


class Draw(NamedTuple):
    """S draws of the latents for a batch of B examples, all numbers in nats.

    A discrete latent of K values can be enumerated in place of drawn: `latents` and `log_ratio`
    then have a leading axis of K, the expectation over the values is exact, and importance weights
    have them summed out.

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
      probabilities: `[K, 1, B]`, q(value | x) where the values of a latent are enumerated:
        `latents` are `[K, S, B, D]`, and `log_ratio` gives `[K, S, B]`, log p(latents) less log q
        of the latents that were drawn. None for draws alone.
      given: keywords that `log_likelihood` takes for these draws: `likelihood`, where a latent of
        the likelihood's own was drawn along, whose cost is in `kl` and `log_ratio` (`joined`).
      posteriors: what q(latents | x) is the product of, `tfd.Distribution` with batch `[B]`, where
        they do not depend on draws and KLs between them are known; else empty.
    """

    latents: tf.Tensor
    kl: Mapping[str, tf.Tensor]
    log_ratio: Callable[[], tf.Tensor]
    batch_terms: Mapping[str, Callable[[], tf.Tensor]] = MappingProxyType({})
    training_log_ratio: Callable[[], tf.Tensor] | None = None
    probabilities: tf.Tensor | None = None
    posteriors: tuple = ()
    given: Mapping[str, Any] = MappingProxyType({})

    def joined(self, own):
        """The same with an `OwnDraw` of the likelihood's, `kl` being that of both; None: as it is.

        What was `kl` alone is the part `kl_latents` then.
        """
        if own is None:
            return self

        def with_ratio(of_latents):
            return None if of_latents is None else lambda: of_latents() + own.log_ratio

        kl = {("kl_latents" if name == "kl" else name): part for name, part in self.kl.items()}
        return self._replace(
            kl={**kl, own.name: own.kl},
            log_ratio=with_ratio(self.log_ratio),
            training_log_ratio=with_ratio(self.training_log_ratio),
            given={"likelihood": own.likelihood},
        )

    def expected(self, log_likelihood):
        """The mean of log p(x | latents) over enumerated values: `[S, B]`."""
        if self.probabilities is None:
            return log_likelihood
        return tf.reduce_sum(self.probabilities * log_likelihood, axis=0)

    def log_weights(self, log_likelihood):
        """log p(x, latents) - log q(latents | x), enumerated values summed out: `[S, B]`."""
        joint = log_likelihood + self.log_ratio()
        return joint if self.probabilities is None else tf.reduce_logsumexp(joint, axis=0)

    def drawn(self, seed):
        """The latents with one of the enumerated values, drawn for each: `[S, B, D]`."""
        if self.probabilities is None:
            return self.latents
        log_probs = tf.transpose(tf.math.log(self.probabilities[:, 0]))  # [B, K]
        chosen = one_hot_draws(log_probs, tf.shape(self.latents)[1], seed)  # [S, B, K]
        return tf.einsum("sbk,ksbd->sbd", chosen, self.latents)

    def mean_kl(self):
        """name -> `[B]`: each part averaged over the draws, and `kl`, the sum of all."""
        parts = {
            name: tf.reduce_mean(part, axis=0) if part.shape.rank == 2 else part
            for name, part in self.kl.items()
        }
        return parts if "kl" in parts else {"kl": tf.add_n(list(parts.values())), **parts}
