"""How models are compiled, quantised and trained, the same for all."""

import keras
import tensorflow as tf
from tensorflow.python.framework.config import is_op_determinism_enabled

from tfsp import distribute
from tfsp.models.core import quantisation
from tfsp.models.core.step_order import update_last


class Training(distribute.Trainer):
    """Loss, metrics and step of a model whose `call` returns the terms of a bound.

    Uses of what `StructuredVAE` sets: `bound`, `consistency`, `kl_weight`, `batch_weights`,
    `term_names`, `nonfinite_step`, `prior`, `update`, `extra_losses`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._compile_optimizer = False

    def compile(self, optimizer="adam", **kwargs):
        """As `keras.Model.compile`; loss and metrics are the model's own, so none are to be given.

        Args:
          optimizer: Keras optimizer or name. "adam" is Adam with learning rate 1e-3.
          **kwargs: `jit_compile`, `steps_per_execution`, `run_eagerly`, ... With a prior whose
            native ops XLA does not know, `jit_compile` compiles the optimizer alone.

        Raises:
          ValueError: if a loss or metrics are given.
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
        """mean(-bound) over the batch plus regularisers; updates the metrics. Labels are ignored.

        Args:
          y_pred: what `call` returned.
          sample_weight: optional `[B]`, weights of the examples. As ever in Keras the loss is the
            sum of weighted losses over the number of examples; metrics are weighted means.

        Raises:
          ValueError: for weights of another rank.
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
        losses = self.bound.losses(terms, self.kl_weight)
        if self.consistency is not None:
            losses += terms["consistency_loss"]
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
        loss = tf.add_n(parts) / replicas
        for name, weight in self.batch_weights.items():
            # One number for the whole batch: weights of examples are not for it.
            loss += weight * distribute.mean(y_pred[name], training) / replicas
        return loss

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

    def _metric_names(self):
        extra = [self.bound.name] if self.bound.uses_weights else []
        if self.consistency is not None:
            extra.append("consistency")
        return ["elbo", *extra, *self.term_names]

    def _note_nonfinite(self, terms):
        sums = tf.stack([tf.reduce_sum(terms[name]) for name in self.term_names])
        first = tf.convert_to_tensor(self.nonfinite_step)
        step = tf.cast(self.optimizer.iterations, tf.int64)
        found = (first < 0) & ~tf.math.is_finite(sums)
        self.nonfinite_step.assign(tf.where(found, step, first))
