"""GM-VAE: latents from a mixture of Gaussians whose components a second latent shapes."""

import math

import keras
import tensorflow as tf

from tfsp import arguments, shapes
from tfsp.distributions.normal import Normal, stateless_normal
from tfsp.models import own_prior
from tfsp.models.core.contract import register
from tfsp.models.core.posteriors import LOG_VARIANCE_RANGE, normal_from
from tfsp.models.vae import VAE
from tfsp.priors import Prior
from tfsp.random import as_seed, split_seed


@register("gm_vae")
class GMVAE(VAE):
    """x from z, z from component k of a mixture whose means and variances depend on w.

        w ~ N(0, I),  k ~ uniform on 1..K,  z | w, k ~ N(m_k(w), diag(s_k^2(w))),  x | z ~ p(x|z)

    The paper calls these (y, x, w, z) what is here (x, z, w, k). The posterior is
    q(z|x) q(w|x) p(k|z, w), two diagonal normals and the exact responsibilities
    r_k = p(k|z, w). The bound has the paper's four terms, in nats; `kl` is the sum of three:

        log_likelihood   E_q(z)[log p(x|z)]
        kl_conditional   E_q(z) q(w)[sum_k r_k KL(q(z|x) || p(z|w, k))]
        kl_w             KL(q(w|x) || N(0, I))
        kl_z             E_q(z) q(w)[KL(r || uniform)]         (of k: named as in the paper)

    In the conditional term r_k comes from one draw of z and the KL averages over all z, as if they
    were independent. By Jensen's inequality this is a bound below the one with k summed out,
    E_q[log p(x|z) + log p(z|w) + log p(w) - log q(z|x) - log q(w|x)], to which `log_weights` and
    objective="iwae" belong.

    `encode` gives the means of q(z|x), `sample(n, component=k)` draws from one component.

    Args:
      num_components: K, at least 1.
      style_dim: size of w; None takes latent_dim.
      prior_units: width of the one hidden layer (tanh) that maps w to all m_k and s_k.
      min_information: lambda in nats, the minimum information constraint: where kl_z is below it,
        the training loss takes lambda in its place, for each example, so that components are not
        merged at the start. 0 for none. Bounds never contain it.
      prior: "normal", the prior of w. `model.prior` is that of z, a `GMPrior`.
      **kwargs: as of `VAE`. A Keras model as encoder puts out means and log-variances of z, then
        of w.

    Raises: ValueError for settings outside their ranges, for another prior, and for
      `min_information` with objective="iwae", which has no term kl_z.

    Source: Dilokthanakul et al. 2016, arXiv:1611.02648; the constraint is that of Kingma et al.
      2016, arXiv:1606.04934.
    """

    posterior_covariances = ("diagonal",)
    term_names = ("log_likelihood", "kl", "kl_conditional", "kl_w", "kl_z")

    def __init__(
        self,
        encoder="mlp",
        decoder=None,
        prior="normal",
        likelihood="bernoulli",
        latent_dim=None,
        num_components=10,
        style_dim=None,
        prior_units=128,
        min_information=0.0,
        **kwargs,
    ):
        latent_dim, dtype = own_prior.settings(
            "gm_vae", "w", prior, latent_dim, kwargs.get("dtype")
        )
        mixture = GMPrior(
            latent_dim,
            num_components,
            latent_dim if style_dim is None else style_dim,
            prior_units,
            dtype=dtype,
        )
        min_information = arguments.number("min_information", min_information, "[0, inf)", "nats")
        super().__init__(encoder, decoder, mixture, likelihood, latent_dim, **kwargs)
        if min_information and self.objective != "elbo":
            raise ValueError(
                "`min_information` belongs to the objective 'elbo', whose term kl_z it bounds. "
                f"Received: objective={self.objective!r}, min_information={min_information}."
            )
        self._config = dict(
            prior="normal",
            num_components=mixture.num_components,
            style_dim=None if style_dim is None else mixture.style_dim,
            prior_units=mixture.units,
            min_information=min_information,
        )
        self.style_dim = mixture.style_dim
        self.min_information = min_information

    def posteriors(self, x, training=False):
        """(q(z|x), q(w|x)): independent normals, batch `[B]`."""
        outputs = self._encode(x, training)
        z, w = tf.split(outputs, [2 * self.latent_dim, 2 * self.style_dim], axis=-1)
        return normal_from(z), normal_from(w)

    def posterior(self, x, training=False):
        """q(z|x): `tfd.Independent(tfd.Normal)`, batch `[B]`, event `[D]`."""
        return self.posteriors(x, training)[0]

    def responsibilities(self, x):
        """p(k|z, w) at the means of q(z|x) and q(w|x), for clustering: `[B, ...]` -> `[B, K]`."""
        q_z, q_w = self.posteriors(self._check_data(x))
        return tf.nn.softmax(self.prior.joint_log_prob(q_z.mean(), q_w.mean()))

    def call(self, x, training=False):
        x = self._check_data(x)
        q_z, q_w = self.posteriors(x, training)
        z, w = self._draw(q_z, q_w, self.num_samples, self.seeds.next())
        log_likelihood = self.log_likelihood(x, z, training)
        log_joint = self.prior.joint_log_prob(z, w)  # [S, B, K]
        log_r = tf.nn.log_softmax(log_joint)
        r = tf.exp(log_r)
        conditional = tf.reduce_sum(r * self.prior.component_kl(q_z, w), axis=-1)
        log_num_components = math.log(self.prior.num_components)
        parts = {
            "kl_conditional": tf.reduce_mean(conditional, axis=0),
            "kl_w": _normal_kl(q_w.distribution, Normal(0.0, tf.ones([], w.dtype))),
            "kl_z": tf.reduce_mean(tf.reduce_sum(r * log_r, axis=-1) + log_num_components, axis=0),
        }
        terms = {
            "log_likelihood": tf.reduce_mean(log_likelihood, axis=0),
            "kl": tf.add_n(list(parts.values())),
            **parts,
        }
        if self.objective == "iwae":
            log_ratio = self._log_ratio(log_joint, q_z, q_w, z, w)
            terms["iwae"] = self._log_mean_weight(log_likelihood + self.kl_weight * log_ratio)
        return terms

    def log_weights(self, x, num_samples, seed=None, training=False):
        """log p(x, z, w) - log q(z, w | x), k summed out: `[S, B]`, nats."""
        x = self._check_data(x)
        q_z, q_w = self.posteriors(x, training)
        num_samples = arguments.count("num_samples", num_samples, 1)
        z, w = self._draw(q_z, q_w, num_samples, as_seed(seed))
        log_joint = self.prior.joint_log_prob(z, w)
        return self.log_likelihood(x, z, training) + self._log_ratio(log_joint, q_z, q_w, z, w)

    def extra_losses(self, terms, training):
        """The minimum information constraint, in training."""
        if not training or not self.min_information:
            return None
        return self.kl_weight * tf.nn.relu(self.min_information - terms["kl_z"])

    @staticmethod
    def _draw(q_z, q_w, num_samples, seed):
        seeds = split_seed(seed)
        return q_z.sample(num_samples, seed=seeds[0]), q_w.sample(num_samples, seed=seeds[1])

    @staticmethod
    def _log_ratio(log_joint, q_z, q_w, z, w):
        log_prior = tf.reduce_logsumexp(log_joint, axis=-1) + _standard_log_prob(w)
        return log_prior - q_z.log_prob(z) - q_w.log_prob(w)

    def _encoder_outputs(self):
        return 2 * (self.latent_dim + self.style_dim), (
            f"a mean and a log-variance for each of latent_dim={self.latent_dim} dimensions of z, "
            f"then of style_dim={self.style_dim} dimensions of w"
        )

    def get_config(self):
        return {**super().get_config(), **self._config}


@keras.saving.register_keras_serializable("tfsp")
class GMPrior(Prior):
    """p(z) = E_w~N(0,I)[1/K sum_k N(z; m_k(w), diag(s_k^2(w)))], m and s by a network.

    Not in the registry: p(z) itself has no closed form. Samples, and densities given w, have.

    Args:
      latent_dim: D.
      num_components: K.
      style_dim: size of w.
      units: width of the hidden layer.

    Raises: ValueError unless all are positive integers.
    """

    def __init__(self, latent_dim, num_components, style_dim, units, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.num_components = arguments.integer("num_components", num_components)
        self.style_dim = arguments.integer("style_dim", style_dim)
        self.units = arguments.integer("prior_units", units)
        self.hidden = keras.layers.Dense(self.units, activation="tanh", dtype=self.variable_dtype)
        self.outputs = keras.layers.Dense(
            self.num_components * 2 * self.latent_dim,
            # Each component starts around a place of its own.
            bias_initializer=keras.initializers.RandomNormal(stddev=0.5),
            dtype=self.variable_dtype,
        )

    def build(self, input_shape=None):
        for layer, width in ((self.hidden, self.style_dim), (self.outputs, self.units)):
            if not layer.built:  # by a draw from the prior, before the model was
                layer.build((None, width))
        super().build(input_shape)

    def components(self, w):
        """Means and scales of all components: `[..., style_dim]` -> two of `[..., K, D]`."""
        w = tf.cast(w, self.variable_dtype)
        outputs = self.outputs(self.hidden(tf.reshape(w, [-1, self.style_dim])))
        shape = tf.concat([tf.shape(w)[:-1], [self.num_components, 2 * self.latent_dim]], axis=0)
        static = [*w.shape[:-1], self.num_components, 2 * self.latent_dim]
        outputs = shapes.known(tf.reshape(outputs, shape), static)
        loc, log_variance = tf.split(outputs, 2, axis=-1)
        return loc, tf.exp(0.5 * tf.clip_by_value(log_variance, *LOG_VARIANCE_RANGE))

    def joint_log_prob(self, z, w):
        """log p(k, z | w) for every k: `[..., D]`, `[..., style_dim]` -> `[..., K]`, nats."""
        normal = Normal(*self.components(w))
        log_prob = tf.reduce_sum(normal.log_prob(z[..., tf.newaxis, :]), axis=-1)
        return log_prob - math.log(self.num_components)

    def component_kl(self, q, w):
        """KL(q || p(z | w, k)) for every k: w `[..., B, style_dim]` -> `[..., B, K]`, nats."""
        q = q.distribution
        q = Normal(q.loc[..., tf.newaxis, :], q.scale[..., tf.newaxis, :])
        return _normal_kl(q, Normal(*self.components(w)))

    def sample(self, n, seed=None, component=None):
        """`n` draws of z, `[n, D]`.

        Args:
          component: k, of which alone to draw, an integer or an integer tensor (whose value is
            not checked); None takes all alike.

        Raises: ValueError unless 0 <= component < K.
        """
        n = arguments.count("n", n)
        if component is not None and not tf.is_tensor(component):
            component = arguments.integer("component", component, 0, self.num_components - 1)
        seeds = split_seed(as_seed(seed), 3)
        w = stateless_normal([n, self.style_dim], seeds[0], self.variable_dtype)
        loc, scale = self.components(w)
        if component is None:
            k = tf.random.stateless_uniform([n], seeds[1], 0, self.num_components, tf.int32)
        else:
            k = tf.fill([n], component)
        loc, scale = (tf.gather(a, k, axis=1, batch_dims=1) for a in (loc, scale))
        return loc + scale * stateless_normal([n, self.latent_dim], seeds[2], self.variable_dtype)

    def log_prob(self, z, training=False):
        raise ValueError(
            "The density p(z) of the GM-VAE has no closed form, since w is integrated out. Take "
            "`joint_log_prob(z, w)`, or the model's `log_weights`, which hold w."
        )

    def kl(self, q, z, training=False):
        return self.log_prob(z)  # raises

    @classmethod
    def example(cls):
        return cls(latent_dim=2, num_components=3, style_dim=2, units=4)

    def get_config(self):
        return {
            **super().get_config(),
            "num_components": self.num_components,
            "style_dim": self.style_dim,
            "units": self.units,
        }


def _normal_kl(q, p):
    """KL(q || p) of independent normals, summed over the last axis."""
    ratio = tf.math.log(p.scale) - tf.math.log(q.scale)
    square = (q.scale**2 + (q.loc - p.loc) ** 2) / p.scale**2
    return tf.reduce_sum(ratio + 0.5 * (square - 1.0), axis=-1)


def _standard_log_prob(w):
    return -0.5 * tf.reduce_sum(w**2 + math.log(2 * math.pi), axis=-1)
