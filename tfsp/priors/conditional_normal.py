"""A Gaussian for each category: the learned conditional priors of CP-VAE."""

import math

import keras
import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.distributions import DiagonalGaussianMixture
from tfsp.distributions.gaussian_mixture import component_log_prob
from tfsp.distributions.normal import stateless_normal
from tfsp.priors import conditional_start
from tfsp.priors.base import Prior
from tfsp.priors.temperature import Temperature
from tfsp.random import as_seed, check_seed, generator, short_seed, split_seed

_STARTS = ("mixture", "neighbours", "random")
_WEIGHTS = ("aggregated", "uniform")
_HOLD = 100.0  # kl_discrete is so heavy that categories stay alike


@keras.saving.register_keras_serializable("tfsp")
class ConditionalNormalPrior(Prior):
    """p(z, c) = 1/K N(z; loc_c, diag(scale_c^2)), with learned loc and scale.

    Not in the registry: it is over pairs of z and a one-hot c, and belongs to `CPVAE`. (The
    marginal of z is what the prior "mixture" is with fixed weights.)

    Categories that compete from the first step on become one, from which they come apart late and
    in part: while codes are far from all components, the nearest takes all of the data, by tens
    of nats against the log K that `kl_discrete` can cost. So they are held for `start_epoch`
    epochs: the loss counts kl_discrete 100 times, q(c|x) stays uniform and the model is a VAE whose
    normal prior is learned. Then they begin at groups of codes: the components of a mixture of
    Gaussians (start="mixture"), or the clusters of the tree of nearest neighbours ("neighbours";
    see `conditional_start`). With start="random" all are free at once, as in the paper, and the
    components start wide and overlapping around random places.

    Generation may draw c by the aggregated posterior q(c) = E_p(x) q(c|x) (eq. 14) in place of
    1/K, so that categories without data are not drawn. It is kept in `category_weights`: a running
    average over the batches of training, until `CPVAE.adapt` sets it from all of the data.

    Args:
      latent_dim: D.
      num_categories: K.
      temperature, temperature_decay, min_temperature: the temperature of the relaxed categories in
        epoch e is max(min_temperature, temperature * temperature_decay^e).
      start: "mixture", "neighbours" or "random".
      start_epoch: the epoch of `fit`, from 0, at whose beginning categories start from codes.
      momentum: of the running average, the share of the old.
      seed: int, for the random places and the mixture.

    `start_epoch` and `wants_data` are those of `Prior`: 0 and False where nothing is held, with
    start="random" and for one category.

    Attributes (weights):
      loc, log_variance: `[K, D]`.
      category_weights: q(c), `[K]`, sums to 1; not trained by gradients. temperature: `[]`.
      kl_weight: `[]`, how many times the loss counts kl_discrete.

    Raises:
      ValueError: for settings out of range.

    Source: cp_vae.txt, eqs. (4), (5) and (14).
    """

    has_health = True
    health_needs_codes = False

    def __init__(
        self,
        latent_dim,
        num_categories=10,
        temperature=0.5,
        temperature_decay=1.0,
        min_temperature=0.1,
        start="mixture",
        start_epoch=5,
        momentum=0.99,
        seed=0,
        **kwargs,
    ):
        super().__init__(latent_dim, **kwargs)
        num_categories = arguments.integer("num_categories", num_categories)
        self._schedule = Temperature(temperature, temperature_decay, min_temperature)
        if start not in _STARTS:
            raise ValueError(
                f"`start` must be one of {', '.join(map(repr, _STARTS))}. Received: {start!r}."
            )
        start_epoch = arguments.integer("start_epoch", start_epoch, 0)
        self.num_categories = num_categories
        self.momentum = arguments.number("momentum", momentum, "[0, 1)")
        self._config = dict(
            num_categories=num_categories,
            **self._schedule.config,
            start=start,
            start_epoch=start_epoch,
            momentum=self.momentum,
            seed=check_seed(seed),
        )
        shape = (num_categories, self.latent_dim)
        places = 0.5 * generator(short_seed(seed)).standard_normal(shape)
        self.loc = self._constant("loc", places if num_categories > 1 else np.zeros(shape))
        variance = 0.75 if num_categories > 1 else 1.0
        self.log_variance = self._constant("log_variance", np.full(shape, math.log(variance)))
        uniform = np.full(num_categories, 1.0 / num_categories)
        self.category_weights = self._constant(
            "category_weights", uniform, trainable=False, aggregation="mean"
        )
        once = dict(trainable=False, aggregation="only_first_replica")
        self.temperature = self._constant("temperature", self._schedule.at(0), **once)
        held = start != "random" and num_categories > 1
        self.start_epoch = start_epoch if held else 0
        # The more are seen, the fewer runs join two classes (docs/hierarchies.md).
        self.most_examples = 60_000 if start == "neighbours" else type(self).most_examples
        self.kl_weight = self._constant("kl_weight", _HOLD if held else 1.0, **once)

    @property
    def wants_data(self):
        return float(self.kl_weight.numpy()) > 1.0

    @property
    def min_examples(self):
        return self.num_categories

    def start_from(self, loc, log_variance):
        """Starts the categories from codes: means and log-variances `[n, D]` of q(z|x).

        Raises:
          ValueError: for fewer than K codes.
        """
        found = conditional_start.components(
            loc,
            log_variance,
            self.num_categories,
            short_seed(self._config["seed"]),
            self._config["start"],
        )
        self.loc.assign(found[0])
        self.log_variance.assign(np.log(found[1]))
        self.kl_weight.assign(1.0)

    def component_log_prob(self, z, training=False):
        """log p(z | c) for every category: `[..., D]` -> `[..., K]`, nats.

        In training in the dtype of the weights, else in float64 (see `DiagonalGaussianMixture`).
        """
        z, loc, log_variance = self._at_precision(training, z, self.loc, self.log_variance)
        return tf.cast(component_log_prob(z, loc, log_variance), self.variable_dtype)

    def component_kl(self, loc, log_variance, training=False):
        """KL(N(loc, exp(log_variance)) || p(z | c)) for every category, in closed form.

        One matrix product for all categories. Precision as in `component_log_prob`.

        Args:
          loc, log_variance: `[B, D]`.

        Returns:
          `[B, K]`, nats.
        """
        loc, log_variance, prior_loc, prior_log_variance = self._at_precision(
            training, loc, log_variance, self.loc, self.log_variance
        )
        # E_q log p(z | c) is log p at the mean of q, less half the traces of variance ratios.
        at_mean = component_log_prob(loc, prior_loc, prior_log_variance)
        ratios = tf.matmul(tf.exp(log_variance), tf.exp(-prior_log_variance), transpose_b=True)
        entropy = 0.5 * tf.reduce_sum(log_variance + math.log(2 * math.pi) + 1.0, -1, keepdims=True)
        return tf.cast(0.5 * ratios - entropy - at_mean, self.variable_dtype)

    def log_prob(self, z, training=False):
        """log p(z, c) of pairs, z before the one-hot c: `[..., D + K]` -> `[...]`, nats.

        Of relaxed c the mean over it.
        """
        z = tf.cast(z, self.variable_dtype)
        z, c = tf.split(z, [self.latent_dim, self.num_categories], axis=-1)
        components = self.component_log_prob(z, training)
        return tf.reduce_sum(c * components, axis=-1) - math.log(self.num_categories)

    def marginal(self, weights="uniform"):
        """p(z), a `DiagonalGaussianMixture`; weights "uniform" (the prior) or "aggregated"."""
        loc, log_variance = self._at_precision(True, self.loc, self.log_variance)
        return DiagonalGaussianMixture(self._logits(weights), loc, log_variance)

    def sample(self, n, seed=None, category=None, weights="aggregated"):
        """`n` draws of (z, c), c one-hot: `[n, D + K]`.

        Args:
          seed: None, an int, an int32 pair or a `SeedStream`.
          category: the one to draw from, from 0 on, an integer or an integer tensor of shape `[]`
            or `[n]` (not checked within a `tf.function`); None draws it by `weights`.
          weights: "aggregated" (eq. 14) or "uniform".

        Raises:
          ValueError: unless 0 <= category < K, for another number of them than n, and for other
            weights.
        """
        n = arguments.count("n", n)
        if category is not None:
            category = self._check_category(category, n)
        seeds = split_seed(as_seed(seed))
        if category is None:
            logits = self._logits(weights)[tf.newaxis]
            k = tf.random.stateless_categorical(logits, n, seeds[0], tf.int32)[0]
        else:
            k = tf.broadcast_to(category, [n])
        noise = stateless_normal([n, self.latent_dim], seeds[1], self.variable_dtype)
        scale = tf.exp(0.5 * tf.gather(tf.convert_to_tensor(self.log_variance), k))
        z = tf.gather(tf.convert_to_tensor(self.loc), k) + scale * noise
        return tf.concat([z, tf.one_hot(k, self.num_categories, dtype=z.dtype)], axis=-1)

    def kl(self, q, z, training=False):
        raise ValueError(
            "The posterior of CP-VAE is over z and c. Take the model's terms `kl_discrete` and "
            "`kl_continuous`, or `component_kl`."
        )

    def observe(self, probabilities):
        """Moves the running average of q(c) on by a batch of q(c|x), `[B, K]`."""
        old = tf.convert_to_tensor(self.category_weights)
        # A replica whose data have ended has no rows, and leaves the average where it is.
        empty = tf.equal(tf.shape(probabilities)[0], 0)
        new = tf.where(empty, old, tf.stop_gradient(tf.reduce_mean(probabilities, axis=0)))
        self.category_weights.assign(self.momentum * old + (1.0 - self.momentum) * new)

    def begin_epoch(self, epoch):
        self.temperature.assign(self._schedule.at(epoch))

    def health(self, codes):
        """Perplexity of q(c): how many categories are in use, from 1 to K."""
        q = np.asarray(self.category_weights, np.float64)
        return {"categories_perplexity": float(np.exp(-np.sum(q * np.log(q + 1e-300))))}

    def signatures(self, model):
        """`categories` and `sample_category` of a SavedModel.

        | signature | arguments | results |
        | --- | --- | --- |
        | categories | images `[B, *data_shape]` | probabilities `[B, K]` |
        | sample_category | category int32, num_samples int32, seed int32 | mean |
        """
        data = tf.TensorSpec([None, *model.data_shape], tf.float32, name="images")
        whole = [
            tf.TensorSpec([], tf.int32, name=name) for name in ("category", "num_samples", "seed")
        ]

        def categories(images):
            return {"probabilities": model.responsibilities(images)}

        def sample_category(category, num_samples, seed):
            return {"mean": model.sample(num_samples, seed=seed, category=category)}

        return {
            "categories": (categories, [data]),
            "sample_category": (sample_category, whole),
        }

    def _logits(self, weights):
        if weights not in _WEIGHTS:
            raise ValueError(
                f"`weights` must be one of {', '.join(_WEIGHTS)}. Received: {weights!r}."
            )
        if weights == "uniform":
            return tf.zeros([self.num_categories], self.variable_dtype)
        # log 0 = -inf is a category that is never drawn.
        return tf.math.log(tf.convert_to_tensor(self.category_weights))

    def _check_category(self, category, n):
        if tf.is_tensor(category) and tf.executing_eagerly():
            category = category.numpy()
        given = tf.is_tensor(category)  # in a graph: what it holds is not known yet
        values = category if given else np.asarray(category)
        integer = category.dtype.is_integer if given else values.dtype.kind in "iu"
        shape = tuple(values.shape)
        if not integer or len(shape) > 1 or (shape and n != shape[0] and isinstance(n, int)):
            raise ValueError(
                f"`category` must be an integer, or one for each of the {n} draws. "
                f"Received: {category!r}."
            )
        if given:
            return tf.cast(category, tf.int32)
        if values.size and (values.min() < 0 or values.max() >= self.num_categories):
            raise ValueError(
                f"`category` must lie between 0 and {self.num_categories - 1}. "
                f"Received: {category!r}."
            )
        return values.astype(np.int32)

    @staticmethod
    def _at_precision(training, *arrays):
        arrays = [tf.convert_to_tensor(a) for a in arrays]
        return arrays if training else [tf.cast(a, tf.float64) for a in arrays]

    @classmethod
    def example(cls):
        return cls(latent_dim=2, num_categories=3)

    def get_config(self):
        return {**super().get_config(), **self._config}
