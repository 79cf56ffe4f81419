"""The contract of a prior, and the registry."""

import contextlib

import tensorflow as tf

from tfsp import arguments
from tfsp.latent_layer import LatentLayer
from tfsp.random import as_seed
from tfsp.registry import Registry

_REGISTRY = Registry("prior")
register = _REGISTRY.register
get = _REGISTRY.get
names = _REGISTRY.names
build = _REGISTRY.build


class Prior(LatentLayer):
    """A distribution over the latent z, `[..., D]`, possibly with weights of its own.

    A subclass defines `distribution(self, training=False)`; one that has no `tfd.Distribution` to
    show for itself defines `log_prob(self, z, training=False)` and `sample(self, n, seed=None)`
    instead. Numbers live in weights, TFP objects are made in the method that uses them: one made
    in the constructor would keep a snapshot of the weights.

        @tfsp.priors.register("laplace")
        class LaplacePrior(tfsp.priors.Prior):
            def __init__(self, latent_dim, scale=1.0, **kwargs):
                super().__init__(latent_dim, **kwargs)
                self.scale = scale

            def distribution(self, training=False):
                loc = tf.zeros([self.latent_dim])
                return tfd.Independent(tfd.Laplace(loc, self.scale), 1)

            def get_config(self):
                return {**super().get_config(), "scale": self.scale}

    Args:
      latent_dim: D, a positive integer.

    Attributes:
      is_density: whether `log_prob` and `sample` exist. False only for the plain autoencoder.
      capabilities: what can be asked of the prior beyond the above, a set: "tree"
        (`phylogeny()`, `leaf_locations()`, `is_started()`), "inducing_points" (`inducing`).
      needs_posterior: whether the model's posterior must be normal, with means and variances in
        closed form: `connect` and `adapt` are given it.
      wants_data: whether `adapt` is still to be called (`fit` does so, see `start_epoch`).
      start_epoch: the epoch of `fit`, from 0, at whose beginning a prior that wants data gets them.
      min_examples: how many examples `adapt` needs at least.
      most_examples: how many it has a use for; of more a random subset is taken.
      has_health: whether `health` has something to tell.
      health_needs_codes: whether `health` looks at the codes; otherwise it may be given None.

    Raises:
      ValueError: if `latent_dim` is not a positive integer.
    """

    is_density = True
    capabilities = frozenset()
    needs_posterior = False
    wants_data = False
    start_epoch = 0
    min_examples = 1
    most_examples = 20_000
    has_health = False
    health_needs_codes = True

    def distribution(self, training=False):
        """The prior as a `tfd.Distribution` with event shape `[D]`, a new object.

        In training a density may be computed faster and less exactly.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `distribution`.")

    def log_prob(self, z, training=False):
        """log p(z), normalised, in nats: `[..., D]` -> `[...]`."""
        z = tf.cast(z, self.variable_dtype)
        return self.distribution(training).log_prob(z)

    def sample(self, n, seed=None):
        """`n` draws, `[n, D]`. `seed`: None, an int, an int32 pair or a `SeedStream`.

        A prior with parts takes further keywords that name one (`subtree`).
        """
        n = arguments.count("n", n)
        return self.distribution().sample(n, seed=as_seed(seed))

    def kl(self, q, z, training=False):
        """KL(q || p) in nats: in closed form where there is one, else log q(z) - log p(z).

        Args:
          q: posterior, a `tfd.Distribution` with batch shape `[B]` and event shape `[D]`.
          z: draws from it, `[..., B, D]`.

        Returns:
          `[B]` (closed form) or `[..., B]` (one estimate for each draw).
        """
        return q.log_prob(z) - self.log_prob(z, training)

    def update(self):
        """Called inside each training step before the gradient. Tree samplers move here."""

    def begin_epoch(self, epoch):
        """Called by `fit` at the beginning of each epoch (from 0), after `adapt` if that is due."""

    def health(self, codes):
        """Signs of how the prior does, for the log of each epoch: dict of floats.

        Only asked for where `has_health`.

        Args:
          codes: `[n, D]`, encodings of some training examples; None where `health_needs_codes`
            is False.
        """
        return {}

    def warnings(self, health, epoch):
        """(kind, message) of each problem found in `health`; `fit` shows each kind once."""
        return ()

    @contextlib.contextmanager
    def portable(self):
        """Within this context `log_prob`, `sample` and `signatures` need nothing but TensorFlow.

        For SavedModels, which load where no native op of tfsp is.
        """
        yield self

    def signatures(self, model):
        """What a SavedModel of `model` answers besides the usual: name -> (function, input specs).

        The functions return dicts of tensors; see `tfsp.models.core.serving.signatures`.
        """
        return {}

    def connect(self, posterior, data_shape):
        """Receives the model's posterior function when the model is built.

        Args:
          posterior: x `[n, *data_shape]`, training -> `tfd.Distribution` over z.
          data_shape: shape of one example.
        """

    def adapt(self, examples):
        """Initialises the prior from data, where it has a use for them.

        Args:
          examples: `Encoded`, examples and their posterior means and variances.
        """

    def begin_evaluation(self):
        """Called by `model.evaluate`: computes what the density needs and training outdates."""

    def build(self, input_shape=None):
        self.built = True

    def check(self):
        """Raises ValueError where a subclass breaks the contract: event shape, config."""
        name = type(self).__name__
        if self.is_density and type(self).distribution is not Prior.distribution:
            shape = self.distribution().event_shape
            if shape != [self.latent_dim]:
                raise ValueError(
                    f"`{name}.distribution()` must have event shape [{self.latent_dim}], one "
                    f"vector z. Received: {shape}. Is a `tfd.Independent(..., 1)` missing?"
                )
        try:
            type(self).from_config(self.get_config())
        except Exception as error:
            raise ValueError(
                f"`{name}` could not be made again from its own `get_config()`, so a model saved "
                "with it would not load. `get_config` must return every argument of the "
                f"constructor, which must pass **kwargs on. The failure: {error}"
            ) from error
