"""A VAE whose posterior is a Sylvester normalising flow."""

from typing import ClassVar

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments
from tfsp.bijectors.sylvester import Sylvester, householder, orthogonalise
from tfsp.models.core.assembly import EncoderDecoder
from tfsp.models.core.contract import register
from tfsp.models.core.draw import Draw
from tfsp.models.core.posteriors import normal_from
from tfsp.random import as_seed

tfb = tfp.bijectors
tfd = tfp.distributions

FLOWS = ("orthogonal", "householder", "triangular")

# Diagonals are this times tanh: their products stay above -1, so that no step loses its inverse
# where tanh rounds to 1.
_DIAGONAL = 0.999


@register("sylvester_vae")
class SylvesterVAE(EncoderDecoder):
    """q(z|x): a diagonal normal followed by `num_flows` Sylvester steps, their parameters from x.

        z_t = z_{t-1} + Q R tanh(R~ Q' z_{t-1} + b)          (see `tfsp.bijectors.Sylvester`)

    The encoder's last layer outputs, for each example, the normal's means and log-variances and
    Q, R, R~ and b of each step. Its last hidden layer is hence the feature vector from which the
    paper's linear layers predict them. Q is

    - "orthogonal": the orthonormal matrix nearest to a predicted `[D, M]` one, by iteration, made
      for M < D (see `tfsp.bijectors.orthogonalise`: for M = D "householder" is exact and cheaper);
    - "householder": M = D, the product of H predicted reflections;
    - "triangular": M = D, the identity in turn with the reversal of all dimensions, not predicted.

    There is no closed form for KL(q || p): it is estimated by log q(z|x) - log p(z). `encode` is
    the posterior normal's mean sent through the flow.

    Args:
      flow: "orthogonal", "householder" or "triangular".
      num_flows: steps, at least 1. The paper has 4, 8 and 16.
      num_columns: M of "orthogonal", at most latent_dim; None takes latent_dim // 2, at least 1.
      num_reflections: H of "householder". The paper has 4 and 8.
      num_iterations: of the orthogonalisation; None takes what `tfsp.bijectors.orthogonalise`
        does for M and D. With fewer, Q and densities may be wrong unseen where M is next to D.
      prior: see `VAE`, but for those that are made of the model's own normal posteriors
        ("vamp", "loracs", "tmc").
      **kwargs: see `VAE`.

    Raises:
      ValueError: for settings outside their ranges and for the priors named.

    Source: van den Berg et al. 2018, arXiv:1803.05649.
    """

    example_settings: ClassVar = {**EncoderDecoder.example_settings, "num_flows": 2}
    example_cases: ClassVar = {
        "orthogonal": {"num_iterations": 16},
        "householder": {"flow": "householder", "num_reflections": 2},
        "triangular": {"flow": "triangular", "num_flows": 3},
        "iwae": {"flow": "householder", "objective": "iwae", "num_samples": 7},
    }

    def __init__(
        self,
        encoder="mlp",
        decoder=None,
        prior="normal",
        likelihood="bernoulli",
        latent_dim=None,
        flow="orthogonal",
        num_flows=4,
        num_columns=None,
        num_reflections=8,
        num_iterations=None,
        **kwargs,
    ):
        super().__init__(encoder, decoder, prior, likelihood, latent_dim, **kwargs)
        if self.prior.needs_posterior:
            raise ValueError(
                f"The prior {type(self.prior).__name__} is made of posteriors that are normal, "
                "which those of a flow are not. Take another prior ('normal', 'mixture', 'flow'), "
                "or the model 'vae'."
            )
        if flow not in FLOWS:
            raise ValueError(f"`flow` must be one of {', '.join(FLOWS)}. Received: {flow!r}.")
        self.flow = flow
        self.num_flows = arguments.integer("num_flows", num_flows)
        self.num_reflections = arguments.integer("num_reflections", num_reflections)
        if num_iterations is not None:
            num_iterations = arguments.integer("num_iterations", num_iterations)
        self.num_iterations = num_iterations
        columns = max(1, self.latent_dim // 2)
        if num_columns is not None:
            columns = num_columns = arguments.integer(
                "num_columns", num_columns, 1, self.latent_dim, "at most latent_dim"
            )
        self.num_columns = columns if flow == "orthogonal" else self.latent_dim
        number = 2 * self.latent_dim + self.num_flows * self._step_size()
        self.encoder_outputs = (
            number,
            f"a mean and a log-variance for each of latent_dim={self.latent_dim} dimensions, and "
            f"{self._step_size()} parameters for each of num_flows={self.num_flows} {flow} "
            "Sylvester steps",
        )
        self._config = dict(
            flow=flow,
            num_columns=num_columns,
            num_flows=self.num_flows,
            num_reflections=self.num_reflections,
            num_iterations=num_iterations,
        )

    def posterior(self, x, training=False):
        """q(z|x): `tfd.TransformedDistribution`, batch `[B]`, event `[D]`."""
        base, steps = self._parts(x, training)
        return tfd.TransformedDistribution(base, tfb.Chain(steps[::-1]))

    def infer(self, x, num_samples, seed=None, training=False):
        if not self.prior.is_density:  # a plain autoencoder adds no noise
            z = self.posterior_mean(x)[tf.newaxis]
            kl = tf.zeros(tf.shape(z)[1:2], z.dtype)
            return Draw(z, {"kl": kl}, lambda: self.prior.log_prob(z))
        z, log_q = self._draw(x, num_samples, as_seed(seed), training)
        kl = log_q - self.prior.log_prob(z, training)
        return Draw(z, {"kl": kl}, lambda: -kl)

    def posterior_mean(self, x):
        """The normal's means sent through the flow: `[B, ...]` -> `[B, D]`."""
        base, steps = self._parts(self._check_data(x))
        z = base.mean()
        for step in steps:
            z = step.forward(z)
        return z

    def _draw(self, x, num_samples, seed, training):
        """Draws `[S, B, D]` and their log q(z|x) `[S, B]`, by the forward direction alone."""
        base, steps = self._parts(x, training)
        z = base.sample(num_samples, seed=seed)
        log_q = base.log_prob(z)
        for step in steps:
            log_q -= step.forward_log_det_jacobian(z, event_ndims=1)
            z = step.forward(z)
        return z, log_q

    def _parts(self, x, training=False):
        """The normal, batch `[B]`, and the steps in the order in which z passes through them."""
        outputs = self._encode(x, training)
        d, m, t = self.latent_dim, self.num_columns, self.num_flows
        # Last axis: as the sizes say; second last: the steps.
        normal, steps = tf.split(outputs, [2 * d, t * self._step_size()], axis=-1)
        sizes = [self._orthogonal_size(), m * m, m, m]
        steps = tf.split(tf.reshape(steps, [-1, t, sum(sizes)]), sizes, axis=-1)
        raw, triangles, diagonal, shift = steps
        q = self._orthogonal(raw)
        # One square matrix holds both triangles; its diagonal is that of R.
        triangles = tf.reshape(triangles, [-1, t, m, m])
        r = _with_diagonal(triangles, tf.reduce_sum(triangles * np.eye(m), axis=-1))
        r_tilde = _with_diagonal(tf.linalg.matrix_transpose(triangles), diagonal)
        flows = []
        for i in range(t):
            here = q[i] if self.flow == "triangular" else q[:, i]
            flows.append(Sylvester(here, r[:, i], r_tilde[:, i], shift[:, i]))
        return normal_from(normal), flows

    def _orthogonal(self, raw):
        """Q of all steps: `[B, T, D, M]`, or `[T, D, D]` where it is not predicted."""
        d, m, t = self.latent_dim, self.num_columns, self.num_flows
        if self.flow == "orthogonal":
            # Predicted as a deviation from the identity, so that it starts well-conditioned.
            matrix = tf.reshape(raw, [-1, t, d, m]) + np.eye(d, m)
            return orthogonalise(matrix, self.num_iterations)
        if self.flow == "householder":
            return householder(tf.reshape(raw, [-1, t, self.num_reflections, d]))
        eye = tf.eye(d, dtype=raw.dtype)
        return tf.stack([tf.reverse(eye, [0]) if i % 2 else eye for i in range(t)])

    def _orthogonal_size(self):
        sizes = {
            "orthogonal": self.latent_dim * self.num_columns,
            "householder": self.num_reflections * self.latent_dim,
            "triangular": 0,
        }
        return sizes[self.flow]

    def _step_size(self):
        return self._orthogonal_size() + self.num_columns * (self.num_columns + 2)


def _with_diagonal(matrix, diagonal):
    # By masks: few runtimes of served models have TensorFlow's operations on diagonals.
    size = matrix.shape[-1]
    strict = matrix * np.triu(np.ones([size, size]), 1)
    return strict + np.eye(size) * (_DIAGONAL * tf.tanh(diagonal))[..., tf.newaxis]
