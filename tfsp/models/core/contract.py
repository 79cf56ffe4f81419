"""The contract of a model: draws of the latents and what they cost, from which all else follows."""

from typing import ClassVar

import keras
import tensorflow as tf

from tfsp import arguments, precision
from tfsp.models.core import consistency as consistencies
from tfsp.models.core import objectives, overview, serving
from tfsp.models.core.fitting import Fitting
from tfsp.models.inputs import data_checks
from tfsp.random import SeedStream, as_seed, fold_in
from tfsp.registry import Registry, deserialized, serialized

_REGISTRY = Registry("model")
register = _REGISTRY.register
get = _REGISTRY.get
names = _REGISTRY.names
build = _REGISTRY.build


class StructuredVAE(Fitting):
    """Maximises a bound on log p(x), in nats per example.

        elbo:  E_q[log p(x|z)] - kl_weight * KL(q(z|x) || p(z))      (sum over pixels and
        iwae:  E[log 1/S sum_s w_s],  log w = log p(x,z) - log q(z|x)  latents, mean over batch)

    A subclass defines `build`, three methods about latents,

        infer(x, num_samples, seed, training)   a `Draw`: S draws of q(latents | x), what they cost
        likelihood_parameters(z, training)      of p(x | latents), by the decoder
        generate(n, seed, **condition)          draws of p(latents)

    and `encode`; likelihood, bounds, importance weights, samples, training, evaluation, saving and
    export follow. x is `[B, *data_shape]`, floating, on [0, 1]; counts may be integers.

    Args:
      objective: "elbo", "iwae" (Burda et al. 2016, arXiv:1509.00519), "renyi", a dict
        `{"name": "renyi", "alpha": 0.3}` or an `Objective`: see `tfsp.models.core.objectives`.
      num_samples: S, draws of the latents for each example: averaged ("elbo") or under the
        logarithm (the others).
      consistency: None, or what keeps codes from changing with an augmentation of x: a weight, a
        dict of the arguments of `tfsp.models.core.consistency.Consistency`, or one. Adds the terms
        `consistency`, the KL, and `consistency_loss`, both in nats.
      seed: int, where the model's stream of random draws starts; None takes one from Keras. The
        networks' starting weights come from Keras: `keras.utils.set_random_seed` fixes both.

    Attributes:
      objective: what was given, its settings included; `bound` is the object.
      kl_weight: weight (not trained) that scales the KL in the training loss only; 1 unless a
        warm-up moves it. The metrics `elbo`, `log_likelihood` and `kl` never contain it.
      term_names: names of the terms that `call` returns and that are tracked as metrics.
      capabilities: what can be asked of the model beyond the above, a set: "posterior"
        (`posterior(x)`, a `tfd.Distribution`), "categories" (`responsibilities(x)`),
        "category_priors" (`posterior_parts(x)`, `sample_categories`, and a prior of each category),
        "gibbs_chains" (`sample_chains`), "graph" (`graph()`, `node_kl(x)`), "mapping" (`mapping`).
      fixed_arguments: arguments of a base's constructor that a subclass gives itself (see
        `Registry.build`).
      parts: attributes that are arguments of the constructor too, and Keras objects.
      file_defaults: arguments as they stand for a file of an earlier version that does not hold
        them, where the constructor's default is another by now.
      batch_weights: name -> weight in the loss, of the terms that belong to a batch as a whole.
      nonfinite_step: int64 per term, the first training step at which the term was not finite,
        or -1.

    Raises:
      ValueError: for an unknown objective, `num_samples` < 1 and a dtype of half precision (of
        which "mixed_bfloat16" and "mixed_float16" are allowed).
    """

    term_names = ("log_likelihood", "kl")
    capabilities = frozenset()
    fixed_arguments = ()
    parts = ("likelihood",)
    file_defaults: ClassVar = {}
    # Of tiny instances for the contract tests, all and case by case.
    example_settings: ClassVar = {"seed": 0}
    example_cases: ClassVar = {"plain": {}}

    def __init__(self, objective="elbo", num_samples=1, seed=None, consistency=None, **kwargs):
        # No casting of inputs: x stays exact, and log-densities stay in float32 or better.
        kwargs.setdefault("autocast", False)
        precision.require_whole(kwargs.get("dtype"), type(self).__name__)
        super().__init__(**kwargs)
        self.bound = objectives.build(objective)
        self.objective = objectives.spec(self.bound)
        self.consistency = consistencies.build(consistency)
        self.num_samples = arguments.integer("num_samples", num_samples)
        self.seeds = SeedStream(seed)
        once = {"trainable": False, "aggregation": "only_first_replica", "autocast": False}
        self.kl_weight = self.add_weight(name="kl_weight", shape=(), initializer="ones", **once)
        self.nonfinite_step = self.add_weight(
            name="nonfinite_step",
            shape=(len(self.term_names),),
            dtype="int64",
            initializer=lambda shape, dtype: -tf.ones(shape, dtype),
            **once,
        )
        self._trackers = [keras.metrics.Mean(name=n) for n in self._metric_names()]
        self._config = {}  # of a subclass: its arguments, for `get_config`
        self.batch_weights = {}
        self.data_shape = None

    @classmethod
    def example(cls, case=None, **kwargs):
        """A tiny instance, not built, for the contract tests.

        Args:
          case: one of `example_cases`; None for the first.
          **kwargs: arguments that take precedence.
        """
        case = next(iter(cls.example_cases)) if case is None else case
        return cls(**{**cls.example_settings, **cls.example_cases[case], **kwargs})

    @classmethod
    def refuse_fixed(cls, given):
        """Raises ValueError if a model that gives its base an argument is given it as well."""
        for name in cls.fixed_arguments:
            if name in given:
                raise ValueError(
                    f"{cls.__name__} has a {name} of its own and does not take {name!r}. "
                    f"Received: {name}={given[name]!r}."
                )

    # What a subclass defines.

    def infer(self, x, num_samples, seed=None, training=False):
        """S draws of the latents given x `[B, *data_shape]`: a `Draw`.

        Args:
          seed: see `tfsp.random.as_seed`.
          training: whether draws and costs are those of a training step (relaxed, say).
        """
        raise NotImplementedError(f"{type(self).__name__} must define `infer`.")

    def likelihood_parameters(self, z, training=False):
        """The decoder's outputs, `[..., D]` -> `[..., *likelihood.output_shape(data_shape)]`."""
        raise NotImplementedError(f"{type(self).__name__} must define `likelihood_parameters`.")

    def generate(self, n, seed=None, **condition):
        """`n` draws of the latents from the prior, `[n, D]`.

        Args:
          condition: what to draw from, where the prior has parts.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `generate`.")

    def encode(self, x):
        """The deterministic representation used downstream: `[B, ...]` -> `[B, D]`."""
        raise NotImplementedError(f"{type(self).__name__} must define `encode`.")

    def log_likelihood(self, x, latents, training=False, likelihood=None):
        """log p(x | latents) in nats: x `[B, ...]`, latents `[..., B, D]` -> `[..., B]`.

        Args:
          likelihood: of `Draw.given`, where a latent of the likelihood's own was drawn along.
        """
        parameters = self.likelihood_parameters(self.representation(latents), training)
        return (likelihood or self.likelihood).log_prob(x, parameters, len(self.data_shape))

    def decode(self, z):
        """p(x | z): `[..., D]` -> `tfd.Distribution`, event `data_shape`."""
        parameters = self.likelihood_parameters(tf.cast(z, self.variable_dtype))
        return self.likelihood.distribution(parameters, data_rank=len(self.data_shape))

    def representation(self, latents):
        """Latents as `encode` and `decode` have them: the same, if no map follows."""
        return latents

    def prior_view(self):
        """`encode` and `decode` in the space of the prior: the model itself, if no map follows."""
        return self

    def extra_losses(self, terms, training):
        """What a model adds to the loss of each example, `[B]` nats, or None for nothing.

        Args:
          terms: what `call` returned.
        """
        return

    def adapt(self, x):
        """Statistics and starting values that come from data (an array or a dataset)."""

    def update(self):
        """Called inside each training step before the gradient (tree samplers, Gibbs chains)."""
        self.prior.update()

    # What follows.

    def inferred(self, x, num_samples, seed=None, training=False):
        """`infer`, with draws of a latent that is the likelihood's own, where it has one."""
        return self.joined(x, self.infer(x, num_samples, seed, training), seed)

    def joined(self, x, draw, seed):
        """A draw of the model's latents with one of the likelihood's own."""
        return draw.joined(self.likelihood.infer(x, tf.shape(draw.latents)[-3], seed))

    def call(self, x, training=False):
        """The terms of the bound: dict of `[B]`, nats, with at least `term_names`.

        With an objective of importance weights also its bound, such as `iwae`.
        """
        x = self._check_data(x)
        draw = self.inferred(x, self.num_samples, self.seeds, training)
        terms = self.terms(x, draw, training)
        if self.consistency is None:
            return terms
        return self.consistency.add(self, x, draw, terms, training)

    def terms(self, x, draw, training=False):
        """What `call` returns for a draw of the latents, but for `consistency`."""
        each = self.log_likelihood(x, draw.latents, training, **draw.given)
        log_likelihood = draw.expected(each)
        terms = {"log_likelihood": tf.reduce_mean(log_likelihood, axis=0), **draw.mean_kl()}
        if self.bound.uses_weights:
            log_ratio = (draw.training_log_ratio or draw.log_ratio)()
            log_weights = log_likelihood + self.kl_weight * log_ratio
            terms[self.bound.name] = self.bound.bound(log_weights)
        rows = tf.shape(log_likelihood)[-1:]
        return {**terms, **{name: tf.fill(rows, term()) for name, term in draw.batch_terms.items()}}

    def log_weights(self, x, num_samples, seed=None, training=False):
        """log p(x, latents) - log q(latents | x) for S draws: `[S, B]`, nats.

        With training=True the draws are those of a training step, where it has others.
        """
        x = self._check_data(x)
        num_samples = arguments.count("num_samples", num_samples, 1)
        draw = self.inferred(x, num_samples, as_seed(seed), training)
        return draw.log_weights(self.log_likelihood(x, draw.latents, training, **draw.given))

    def sample_posterior(self, x, seed=None):
        """A draw of the latents for each x, ordered as by `encode`: `[B, representation_dim]`."""
        seed = as_seed(seed)
        draw = self.infer(self._check_data(x), 1, seed)
        return self.representation(draw.drawn(fold_in(seed, 1))[0])

    def sample(self, n, seed=None, **condition):
        """Means of x for `n` draws of the latents from the prior: `[n, *data_shape]`.

        Args:
          seed: None, an int, an int32 pair or a `SeedStream`.
          condition: of `generate`.
        """
        self._require_built()
        return self.decode(self.representation(self.generate(n, seed, **condition))).mean()

    def reconstruct(self, x):
        """Means of x given the encoded x: `[B, ...]` -> `[B, ...]`."""
        x = self._check_data(x)
        parameters = self.likelihood_parameters(tf.cast(self.encode(x), self.variable_dtype))
        return self.likelihood.distribution_given(x, parameters, len(self.data_shape)).mean()

    def signatures(self):
        """Name -> (function, input specs) of what an exported SavedModel answers."""
        return serving.signatures(self)

    def export(self, filepath, format="tf_saved_model"):
        """Writes named signatures that need no tfsp where they are served; returns their names.

        Args:
          format: "tf_saved_model", "onnx", "openvino" or "litert"; see `tfsp.models.core.serving`.

        Raises:
          FileExistsError: if `filepath` exists and is not an empty folder.
          ImportError: if the format needs a package that is not installed.
          ValueError: where the format cannot be written.
        """
        return serving.export(self, filepath, format)

    def get_config(self):
        return {
            **super().get_config(),
            "objective": objectives.spec(self.bound),
            "num_samples": self.num_samples,
            "seed": self.seeds.seed,
            **({"consistency": self.consistency.get_config()} if self.consistency else {}),
            **{
                name: serialized(getattr(self, name))
                for name in self.parts
                if name not in self.fixed_arguments
            },
            **self._config,
        }

    @classmethod
    def from_config(cls, config):
        return cls(
            **{
                name: deserialized(value)
                for name, value in {**cls.file_defaults, **config}.items()
                if name not in cls.fixed_arguments  # files of version 0.1.0 may hold them
            }
        )

    _repr_html_ = overview.as_html

    def _require_built(self):
        if self.data_shape is None:  # set by `build` before the prior asks for the posterior
            raise ValueError(
                "The model has not been built, so the shape of its data is unknown. Call `fit`, or "
                "`model.build((None, *data_shape))`, first."
            )

    def _check_data(self, x):
        """See `data_checks.examples`."""
        return data_checks.examples(x, self.data_shape, self.variable_dtype, self.likelihood)

    def _static_data_shape(self, input_shape):
        shape = tuple(input_shape)[1:]
        if not shape or any(size is None for size in shape):
            raise ValueError(
                "A model is built from the shape of a batch, (batch, *data_shape), with every "
                f"size but the first known. Received: {tuple(input_shape)}."
            )
        return tuple(int(size) for size in shape)
