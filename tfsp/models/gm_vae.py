"""GM-VAE: latents from a mixture of Gaussians whose components a second latent shapes."""

import math
from typing import ClassVar

import tensorflow as tf

from tfsp import arguments
from tfsp.distributions.normal import Normal
from tfsp.latent_layer import LATENT_DIM
from tfsp.models.core.assembly import EncoderDecoder
from tfsp.models.core.contract import register
from tfsp.models.core.draw import Draw
from tfsp.models.core.posteriors import normal_from
from tfsp.models.gm_prior import GMPrior, normal_kl
from tfsp.precision import variable_dtype
from tfsp.random import as_seed, split_seed


@register("gm_vae")
class GMVAE(EncoderDecoder):
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
    `model.prior` is that of z, a `GMPrior`.

    Args:
      num_components: K, at least 1.
      style_dim: size of w; None takes latent_dim.
      prior_units: width of the one hidden layer (tanh) that maps w to all m_k and s_k.
      min_information: lambda in nats, the minimum information constraint: where kl_z is below it,
        the training loss takes lambda in its place, for each example, so that components are not
        merged at the start. 0 for none. Bounds never contain it.
      **kwargs: see `VAE`. A Keras model as encoder outputs means and log-variances of z, then
        of w.

    Raises:
      ValueError: for settings outside their ranges, and for `min_information` with
        objective="iwae", which has no term kl_z.

    Source: Dilokthanakul et al. 2016, arXiv:1611.02648; the constraint is that of Kingma et al.
      2016, arXiv:1606.04934.
    """

    fixed_arguments = ("prior",)
    capabilities = EncoderDecoder.capabilities | {"categories"}
    term_names = ("log_likelihood", "kl", "kl_conditional", "kl_w", "kl_z")
    example_settings: ClassVar = {
        **EncoderDecoder.example_settings,
        "num_components": 3,
        "style_dim": 2,
        "prior_units": 8,
    }
    example_cases: ClassVar = {
        "plain": {},
        "constraint": {"num_components": 2, "min_information": 0.5},
        "iwae": {"objective": "iwae", "num_samples": 7},
    }

    def __init__(
        self,
        encoder="mlp",
        decoder=None,
        likelihood="bernoulli",
        latent_dim=None,
        num_components=10,
        style_dim=None,
        prior_units=128,
        min_information=0.0,
        **kwargs,
    ):
        self.refuse_fixed(kwargs)
        latent_dim = LATENT_DIM if latent_dim is None else latent_dim
        dtype = variable_dtype(kwargs.get("dtype"))
        mixture = GMPrior(
            latent_dim,
            num_components,
            latent_dim if style_dim is None else style_dim,
            prior_units,
            dtype=dtype,
        )
        min_information = arguments.number("min_information", min_information, "[0, inf)", "nats")
        super().__init__(encoder, decoder, mixture, likelihood, latent_dim, **kwargs)
        if min_information and self.bound.uses_weights:
            raise ValueError(
                "`min_information` belongs to the objective 'elbo', whose term kl_z it bounds. "
                f"Received: objective={self.objective!r}, min_information={min_information}."
            )
        self._config = dict(
            num_components=mixture.num_components,
            style_dim=None if style_dim is None else mixture.style_dim,
            prior_units=mixture.units,
            min_information=min_information,
        )
        self.style_dim = mixture.style_dim
        self.encoder_outputs = (
            2 * (latent_dim + self.style_dim),
            (
                f"a mean and a log-variance for each of latent_dim={latent_dim} dimensions of z, "
                f"then of style_dim={self.style_dim} dimensions of w"
            ),
        )
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

    def infer(self, x, num_samples, seed=None, training=False):
        """See `EncoderDecoder`: latents are draws of z, w is drawn along; k is summed out."""
        q_z, q_w = self.posteriors(x, training)
        seeds = split_seed(as_seed(seed))
        z = q_z.sample(num_samples, seed=seeds[0])
        w = q_w.sample(num_samples, seed=seeds[1])
        log_joint = self.prior.joint_log_prob(z, w)  # [S, B, K]
        log_r = tf.nn.log_softmax(log_joint)
        r = tf.exp(log_r)
        kl_z = tf.reduce_sum(r * log_r, axis=-1) + math.log(self.prior.num_components)

        def log_ratio():
            log_prior = tf.reduce_logsumexp(log_joint, axis=-1) + _standard_log_prob(w)
            return log_prior - q_z.log_prob(z) - q_w.log_prob(w)

        kl = {
            "kl_conditional": tf.reduce_sum(r * self.prior.component_kl(q_z, w), axis=-1),
            "kl_w": normal_kl(q_w.distribution, Normal(0.0, tf.ones([], w.dtype))),
            "kl_z": kl_z,
        }
        return Draw(z, kl, log_ratio, posteriors=(q_z, q_w))

    def extra_losses(self, terms, training):
        """The minimum information constraint, in training."""
        if not training or not self.min_information:
            return None
        return self.kl_weight * tf.nn.relu(self.min_information - terms["kl_z"])


def _standard_log_prob(w):
    return -0.5 * tf.reduce_sum(w**2 + math.log(2 * math.pi), axis=-1)
