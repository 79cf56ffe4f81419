"""The contract of a model: one training step, one evaluation, one way to serve."""

import functools

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.config import is_op_determinism_enabled

from tfsp import arguments, distribute, precision
from tfsp.callbacks import PriorSchedule, StopOnNonFinite
from tfsp.models.core import quantisation, serving
from tfsp.models.core.step_order import update_last
from tfsp.models.inputs import data_checks, fit_inputs
from tfsp.models.inputs.examples import ADAPT_LIMIT, count_examples, take_examples
from tfsp.random import SeedStream
from tfsp.registry import Registry

_REGISTRY = Registry("model")
register = _REGISTRY.register
get = _REGISTRY.get
names = _REGISTRY.names
build = _REGISTRY.build


class StructuredVAE(keras.Model):
    """Maximises a bound on log p(x), in nats per example.

        elbo:  E_q[log p(x|z)] - kl_weight * KL(q(z|x) || p(z))      (sum over pixels and
        iwae:  E[log 1/S sum_s w_s],  log w = log p(x,z) - log q(z|x)  latents, mean over batch)

    A subclass defines `build`, `call`, `log_weights`, `encode`, `decode`, `sample` and
    `reconstruct`; training, evaluation, saving and export follow. x is `[B, *data_shape]`,
    floating, on [0, 1].

    Args:
      objective: "elbo" or "iwae" (Burda et al. 2016, arXiv:1509.00519).
      num_samples: S, draws of the latents for each example: averaged ("elbo") or under the
        logarithm ("iwae").
      seed: int, where the model's stream of random draws starts; None takes one from Keras. The
        networks' starting weights come from Keras: `keras.utils.set_random_seed` fixes both.

    Attributes:
      kl_weight: weight (not trained) that scales the KL in the training loss only; 1 unless a
        warm-up moves it. The metrics `elbo`, `log_likelihood` and `kl` never contain it.
      term_names: names of the terms that `call` returns and that are tracked as metrics.
      nonfinite_step: int64 per term, the first training step at which the term was not finite,
        or -1.

    Raises: ValueError for an unknown objective, `num_samples` < 1 and a dtype of half precision
      (of which "mixed_bfloat16" and "mixed_float16" are allowed).
    """

    term_names = ("log_likelihood", "kl")

    def __init__(self, objective="elbo", num_samples=1, seed=None, **kwargs):
        # No casting of inputs: x stays exact, and log-densities stay in float32 or better.
        kwargs.setdefault("autocast", False)
        precision.require_whole(kwargs.get("dtype"), type(self).__name__)
        super().__init__(**kwargs)
        if objective not in ("elbo", "iwae"):
            raise ValueError(f"`objective` must be 'elbo' or 'iwae'. Received: {objective!r}.")
        self.objective = objective
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
        self.data_shape = None
        self._compile_optimizer = False

    # What a subclass defines.

    def call(self, x, training=False):
        """One draw of the latents: dict of `[B]`, nats, with at least `term_names`.

        With objective="iwae" also `iwae`, the importance-weighted bound.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `call`.")

    def log_weights(self, x, num_samples, seed=None, training=False):
        """log p(x, latents) - log q(latents | x) for S draws: `[S, B]`, nats."""
        raise NotImplementedError(f"{type(self).__name__} must define `log_weights`.")

    def prior_view(self):
        """`encode` and `decode` in the space of the prior: the model itself, if no map follows."""
        return self

    @property
    def representation_dim(self):
        """Size of what `encode` gives and `decode` takes."""
        return self.latent_dim

    def encode(self, x):
        """The deterministic representation used downstream: `[B, ...]` -> `[B, D]`."""
        raise NotImplementedError(f"{type(self).__name__} must define `encode`.")

    def decode(self, z):
        """Distribution over x: `[B, D]` -> `tfd.Distribution`, batch `[B]`."""
        raise NotImplementedError(f"{type(self).__name__} must define `decode`.")

    def sample(self, n, seed=None):
        """Means of x for `n` draws of the latents from the prior: `[n, *data_shape]`."""
        raise NotImplementedError(f"{type(self).__name__} must define `sample`.")

    def reconstruct(self, x):
        """Means of x given the encoded x: `[B, ...]` -> `[B, ...]`."""
        return self.decode(self.encode(x)).mean()

    def adapt(self, x):
        """Statistics and starting values that come from data (an array or a dataset)."""

    def update(self):
        """Called inside each training step before the gradient (tree samplers, Gibbs chains)."""

    def signatures(self):
        """Name -> (function, input specs) of what an exported SavedModel answers."""
        return serving.signatures(self)

    # Training and evaluation, the same for all.

    def compile(self, optimizer="adam", **kwargs):
        """As `keras.Model.compile`; loss and metrics are the model's own, so none are to be given.

        Args:
          optimizer: Keras optimizer or name. "adam" is Adam with learning rate 1e-3.
          **kwargs: `jit_compile`, `steps_per_execution`, `run_eagerly`, ... With a prior whose
            native ops XLA does not know, `jit_compile` compiles the optimizer alone.

        Raises: ValueError if a loss or metrics are given.
        """
        if kwargs.get("loss") is not None:
            raise ValueError(
                "A tfsp model brings its own loss (the negative bound on log p(x)). Leave `loss` "
                "out of `compile`; choose the bound by `objective` and the reconstruction by "
                f"`likelihood` in the constructor. Received: loss={kwargs['loss']!r}."
            )
        for name in ("metrics", "weighted_metrics", "loss_weights"):
            if kwargs.get(name):
                raise ValueError(
                    "A tfsp model measures the terms of its bound by itself: loss, "
                    f"{', '.join(self._metric_names())}. Metrics that compare labels with outputs "
                    f"have nothing to compare: leave `{name}` out of `compile`. Other measures are "
                    f"in `tfsp.evaluation`, or in a callback. Received: {kwargs[name]!r}."
                )
        self._jit_compile_given = kwargs.get("jit_compile", "auto")
        whole = self._jit_compile_given and self.prior.supports_jit
        # A native op inside the step keeps XLA from compiling all of it. What gains most is the
        # optimizer, a dozen small operations for each weight (1.8 -> 0.8 ms of a step of 9);
        # networks compiled by themselves are slower than TensorFlow's own kernels on a CPU.
        self._compile_optimizer = bool(self._jit_compile_given) and not (
            self.prior.supports_jit
            or kwargs.get("run_eagerly")
            or tf.distribute.has_strategy()
            or is_op_determinism_enabled()
        )
        kwargs["jit_compile"] = self._jit_compile_given if whole else False
        super().compile(optimizer=optimizer, **kwargs)

    def get_compile_config(self):
        config = super().get_compile_config()
        if config is not None and "jit_compile" in config:
            config["jit_compile"] = self._jit_compile_given
        return config

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def quantize(self, mode=None, config=None, filters=None, **kwargs):
        """As `keras.Model.quantize`: dense layers in "int8" or "int4", also when loaded again.

        What is quantised is no longer trained: a compiled model gets a fresh optimiser for the
        rest.

        Args:
          filters: which layers; None takes all that Keras can quantise.
        """
        if filters is None:
            filters = quantisation.can_be_quantised
        super().quantize(mode, config=config, filters=filters, **kwargs)
        if self.compiled:
            self.compile_from_config(self.get_compile_config())

    def get_build_config(self):
        config = super().get_build_config()
        quantised = quantisation.quantised_layers(self)
        return {**config, "quantised": quantised} if config and quantised else config

    def build_from_config(self, config):
        config = dict(config)
        quantised = config.pop("quantised", ())
        super().build_from_config(config)
        quantisation.restore(self, quantised)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """mean(-bound) over the batch plus regularisers; updates the metrics.  Labels are ignored.

        Args:
          y_pred: what `call` returned.
          sample_weight: optional `[B]`, weights of the examples. As ever in Keras the loss is the
            sum of weighted losses over the number of examples; metrics are weighted means.

        Raises: ValueError for weights of another rank.
        """
        if sample_weight is not None:
            sample_weight = tf.convert_to_tensor(sample_weight)
            if sample_weight.shape.rank not in (None, 1):
                raise ValueError(
                    "`sample_weight` must hold one number for each example, shape [B]. Received: "
                    f"shape {tuple(sample_weight.shape)}."
                )
        terms = dict(y_pred)
        terms["elbo"] = terms["log_likelihood"] - terms["kl"]
        for tracker in self._trackers:
            tracker.update_state(terms[tracker.name], sample_weight=sample_weight)
        if training:
            self._note_nonfinite(terms)
        if self.objective == "iwae":
            losses = -terms["iwae"]
        else:
            losses = self.kl_weight * terms["kl"] - terms["log_likelihood"]
        if sample_weight is not None:
            losses *= tf.cast(sample_weight, losses.dtype)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        # Keras sums gradients over replicas, so each brings its share of the mean.
        regularisers = [tf.cast(tf.reduce_sum(extra), losses.dtype) for extra in self.losses]
        parts = [distribute.mean(losses, training), *regularisers]
        extra = self.extra_losses(y_pred, training)
        if extra is not None:
            if sample_weight is not None:
                extra *= tf.cast(sample_weight, extra.dtype)
            parts.append(distribute.mean(extra, training))
        return tf.add_n(parts) / replicas

    def extra_losses(self, terms, training):
        """What a model adds to the loss of each example, `[B]` nats, or None for nothing.

        Args:
          terms: what `call` returned.
        """
        return

    def fit(self, x=None, y=None, *, callbacks=None, shuffle=None, **kwargs):
        """As `keras.Model.fit`, with four things looked after.

        Data are checked first (arrays whole, datasets by their first batch): what is no batch of
        examples, not finite, or outside [0, 1] where the likelihood needs that, is an error.
        `sample_weight` counts with labels and without: as an argument, in a dataset of
        (x, None, w), and in `validation_data` = (x, None, w). A prior that is to start from
        data does so when its epoch has come (`PriorSchedule`, which also logs the prior's health).
        Training stops with `NonFiniteError` when a term turns NaN or infinite. Generators yield
        (x,), (x, y) or (x, y, w); a prior that starts from data needs an array or a dataset, or
        `model.adapt(x)` beforehand. Of generators no health is logged that is told from codes.
        """
        x, y, kwargs["sample_weight"], kwargs["class_weight"] = fit_inputs.prepare(
            self,
            x,
            y,
            kwargs.get("sample_weight"),
            kwargs.get("class_weight"),
            kwargs.get("steps_per_epoch"),
        )
        kwargs["validation_data"] = fit_inputs.prepare_validation(
            self, kwargs.get("validation_data"), kwargs.get("validation_steps")
        )
        if shuffle is None:
            shuffle = not isinstance(x, tf.data.Dataset)  # Keras warns: a dataset shuffles itself
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
            callbacks = [callback for callback in callbacks if callback is not None]
            if not any(isinstance(callback, StopOnNonFinite) for callback in callbacks):
                callbacks.insert(0, StopOnNonFinite())
            if not any(isinstance(callback, PriorSchedule) for callback in callbacks):
                examples = count = None
                if isinstance(x, (np.ndarray, tf.Tensor, tf.data.Dataset)):
                    steps = kwargs.get("steps_per_epoch")
                    examples = functools.partial(take_examples, x, steps=steps)
                    count = functools.partial(count_examples, x)
                elif self.prior.wants_data:
                    self._refuse_generator(x)
                callbacks.insert(0, PriorSchedule(examples, ADAPT_LIMIT, count))
        return super().fit(x, y, callbacks=callbacks, shuffle=shuffle, **kwargs)

    def evaluate(self, x=None, y=None, *, sample_weight=None, **kwargs):
        """As `keras.Model.evaluate`; data and weights are checked as in `fit`."""
        if not kwargs.get("_use_cached_eval_dataset"):  # of `fit`, which has checked them
            x, y, sample_weight, _ = fit_inputs.prepare(
                self, x, y, sample_weight, None, kwargs.get("steps"), "steps"
            )
        return super().evaluate(x, y, sample_weight=sample_weight, **kwargs)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """`latent`, what `encode` gives, and `reconstruction` of all examples, NumPy.

        Data are checked as in `fit`. Examples in later batches of a dataset that are not finite
        give NaN.
        """
        x, *_ = fit_inputs.prepare(self, x, steps=steps, steps_name="steps")
        return super().predict(x, batch_size, verbose, steps, callbacks)

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, **kwargs):
        """As `keras.Model.train_on_batch`; data and weights are checked as in `fit`."""
        batch = fit_inputs.prepare(self, x, y, sample_weight, class_weight)
        return super().train_on_batch(*batch, **kwargs)

    def test_on_batch(self, x, y=None, sample_weight=None, **kwargs):
        """As `keras.Model.test_on_batch`; data and weights are checked as in `fit`."""
        x, y, sample_weight, _ = fit_inputs.prepare(self, x, y, sample_weight)
        return super().test_on_batch(x, y, sample_weight, **kwargs)

    def predict_on_batch(self, x):
        """As `keras.Model.predict_on_batch`; data are checked as in `fit`."""
        return super().predict_on_batch(fit_inputs.prepare(self, x)[0])

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        optimizer = self.optimizer
        if optimizer is not None and not optimizer.built and self.built:
            # Made while a step is traced, its variables would have the step traced twice.
            with self.distribute_strategy.scope(), keras.name_scope(optimizer.name):
                optimizer.build(self.trainable_variables)
        if iterator is None or self.distribute_strategy.num_replicas_in_sync == 1:
            super()._maybe_symbolic_build(iterator, data_batch)
            return
        with self.distribute_strategy.scope():
            batch = distribute.symbolic_batch(iterator._distributed_dataset)
            self._symbolic_build(data_batch=batch)

    def train_step(self, data):
        self.update()
        with update_last(self.optimizer, self._compile_optimizer):
            return super().train_step(data)

    def predict_step(self, data):
        x = self._check_data(keras.utils.unpack_x_y_sample_weight(data)[0])
        results = {"latent": self.encode(x), "reconstruction": self.reconstruct(x)}
        # Some kernels turn NaN into 0, and a code of 0 looks like any other.
        finite = tf.reduce_all(tf.math.is_finite(x), axis=list(range(1, x.shape.rank)))
        return {
            name: tf.where(_aligned(finite, value), value, float("nan"))
            for name, value in results.items()
        }

    def export(self, filepath, format="tf_saved_model"):
        """Writes named signatures that need no tfsp where they are served; returns their names.

        Args:
          format: "tf_saved_model", "onnx", "openvino" or "litert"; see `tfsp.models.core.serving`.

        Raises: FileExistsError if `filepath` exists and is not an empty folder; ImportError and
          ValueError where the format cannot be written.
        """
        return serving.export(self, filepath, format)

    @staticmethod
    def _log_mean_weight(log_weights):
        """The importance-weighted bound: `[S, B]` -> log of the mean over S, `[B]`."""
        num_samples = tf.cast(tf.shape(log_weights)[0], log_weights.dtype)
        return tf.reduce_logsumexp(log_weights, axis=0) - tf.math.log(num_samples)

    def _metric_names(self):
        extra = ["iwae"] if self.objective == "iwae" else []
        return ["elbo", *extra, *self.term_names]

    def _note_nonfinite(self, terms):
        sums = tf.stack([tf.reduce_sum(terms[name]) for name in self.term_names])
        first = tf.convert_to_tensor(self.nonfinite_step)
        step = tf.cast(self.optimizer.iterations, tf.int64)
        found = (first < 0) & ~tf.math.is_finite(sums)
        self.nonfinite_step.assign(tf.where(found, step, first))

    def _refuse_generator(self, x):
        raise ValueError(
            f"The prior {type(self.prior).__name__} starts from data in the course of training and "
            "needs an array or a `tf.data.Dataset`, or the callback "
            "`tfsp.callbacks.PriorSchedule(examples)` with an array of examples. "
            f"Received: {type(x).__name__}."
        )

    def _require_built(self):
        if not self.built:
            raise ValueError(
                "The model has not been built, so the shape of its data is unknown. Call `fit`, or "
                "`model.build((None, *data_shape))`, first."
            )

    def _check_data(self, x):
        """x as a tensor; raises ValueError where it cannot be what the model was built for."""
        if isinstance(x, (tf.data.Dataset, tuple, dict)):
            raise ValueError(
                "Here x is one array or tensor of examples, [B, ...], without labels. Received: "
                f"{type(x).__name__}. For datasets and pairs (x, y) take the functions of "
                "`tfsp.evaluation`, such as `encode(model, data)`, or `model.predict`."
            )
        x = tf.convert_to_tensor(x)
        if x.dtype.is_integer or x.dtype.is_bool:
            raise ValueError(
                "Data must be floating, on [0, 1]. Received dtype "
                f"{x.dtype.name}: convert it, for example by `x.astype('float32') / 255`."
            )
        if self.data_shape is not None and tuple(x.shape[1:]) != self.data_shape:
            raise ValueError(
                f"This model was built for examples of shape {self.data_shape}. Received a batch "
                f"of shape {tuple(x.shape)}, examples of shape {tuple(x.shape[1:])}."
            )
        if tf.executing_eagerly():
            data_checks.require_finite(x.numpy())
        return tf.cast(x, self.variable_dtype)

    def _static_data_shape(self, input_shape):
        shape = tuple(input_shape)[1:]
        if not shape or any(size is None for size in shape):
            raise ValueError(
                "A model is built from the shape of a batch, (batch, *data_shape), with every "
                f"size but the first known. Received: {tuple(input_shape)}."
            )
        return tuple(int(size) for size in shape)

    def get_config(self):
        return {
            **super().get_config(),
            "objective": self.objective,
            "num_samples": self.num_samples,
            "seed": self.seeds.seed,
        }


def _aligned(rows, value):
    """`[B]` as `[B, 1, ...]`, of the rank of `value`."""
    return tf.reshape(rows, [-1] + [1] * (value.shape.rank - 1))
