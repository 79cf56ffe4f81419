"""What training maximises: objects that turn a model's draws into the loss of each example."""

import tensorflow as tf

from tfsp import arguments
from tfsp.registry import Registry

_REGISTRY = Registry("objective")
get = _REGISTRY.get
names = _REGISTRY.names


def register(name):
    """Class decorator: adds an objective under `name`, by which models and configs choose it."""

    def add(cls):
        cls.name = name
        return _REGISTRY.register(name)(cls)

    return add


def build(spec):
    """An objective from a name, a dict `{"name": ..., **keywords}` or an `Objective`.

    Raises:
      ValueError: for an unknown name or keyword, and for anything else.
    """
    objective = _REGISTRY.build(spec)
    if not isinstance(objective, Objective):
        raise ValueError(
            f"`objective` must be a name ({', '.join(names())}), a dict or an `Objective`. "
            f"Received: {type(objective).__name__}."
        )
    return objective


def spec(objective):
    """What `build` makes the same objective of: its name, or a dict with its settings."""
    settings = objective.get_config()
    return {"name": objective.name, **settings} if settings else objective.name


class Objective:
    """A bound on log p(x), nats per example.

    Attributes:
      name: what it is registered by.
      uses_weights: whether it is a function of importance weights, `bound(log_weights)`. Such a
        bound is a term of its own in what a model's `call` returns, under the objective's name.
    """

    name = None
    uses_weights = False

    def bound(self, log_weights):
        """The bound from log w = log p(x, latents) - log q(latents | x): `[S, B]` -> `[B]`."""
        raise NotImplementedError(f"{type(self).__name__} must define `bound`.")

    def losses(self, terms, kl_weight):
        """What is minimised for each example, `[B]`.

        Args:
          terms: what a model's `call` returned.
          kl_weight: weight of the KL, of which weights know already.
        """
        return -terms[self.name]

    def get_config(self):
        """The constructor's arguments."""
        return {}


@register("elbo")
class ELBO(Objective):
    """E_q[log p(x | latents)] - KL, the KL by whatever parts of it have a closed form.

    Source: Kingma & Welling 2014, arXiv:1312.6114.
    """

    def losses(self, terms, kl_weight):
        return kl_weight * terms["kl"] - terms["log_likelihood"]


@register("iwae")
class ImportanceWeighted(Objective):
    """E[log 1/S sum_s w_s].

    Source: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519.
    """

    uses_weights = True

    def bound(self, log_weights):
        num_samples = tf.cast(tf.shape(log_weights)[0], log_weights.dtype)
        return tf.reduce_logsumexp(log_weights, axis=0) - tf.math.log(num_samples)


@register("renyi")
class Renyi(Objective):
    """Renyi's bound, 1 / (1 - alpha) log E_q[w^(1 - alpha)], by the mean of S draws.

    The expectation itself falls as alpha rises, from log p(x) at 0, where it is estimated by
    `ImportanceWeighted`, to the ELBO at 1, in which the logarithms of weights are averaged; below
    0 it lies above log p(x).

    Args:
      alpha: a finite number.

    Raises:
      ValueError: for anything else.

    Source: Li & Turner 2016, "Renyi divergence variational inference", arXiv:1602.02311.
    """

    uses_weights = True

    def __init__(self, alpha=0.5):
        self.alpha = arguments.number("alpha", alpha)

    def bound(self, log_weights):
        power = 1.0 - self.alpha
        if power == 0.0:
            return tf.reduce_mean(log_weights, axis=0)
        # From the draw that counts most no power of a weight overflows; expm1 and log1p keep what
        # a small `power` leaves of the differences.
        extreme = tf.reduce_max if power > 0.0 else tf.reduce_min
        most = tf.stop_gradient(extreme(log_weights, axis=0))
        others = tf.reduce_mean(tf.math.expm1(power * (log_weights - most)), axis=0)
        return most + tf.math.log1p(others) / power

    def get_config(self):
        return {"alpha": self.alpha}
