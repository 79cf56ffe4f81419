"""A two-layer VAE with one-dimensional latents, by quadrature; and its networks by hand."""

import numpy as np
from reference.baselines import normal_nodes
from scipy import special, stats


def bounds(log_likelihood, bottom_prior, log_prior, q_top, bottom_posterior):
    """Evidence and terms of the bound.

    Args:
      log_likelihood: z1 `[n]`, z2 `[n]` -> log p(x | z1, z2) `[n]`.
      bottom_prior, bottom_posterior: z2 `[n]` -> mean and scale `[n]` of p(z1 | z2), q(z1 | x, z2).
      log_prior: z2 `[n]` -> log p(z2) `[n]`.
      q_top: (mean, scale) of q(z2 | x).

    Returns: dict: log_evidence, log_likelihood, kl_top, kl_bottom, elbo.
    """
    z2 = np.linspace(-12, 12, 401)
    loc, scale = bottom_prior(z2)
    log_inner = []
    for b, m, s in zip(z2, loc, scale, strict=True):  # log p(x | z2)
        z1, weights = normal_nodes(m, s)
        log_inner.append(special.logsumexp(log_likelihood(z1, b + 0 * z1), b=weights))
    log_evidence = special.logsumexp(np.array(log_inner) + log_prior(z2)) + np.log(z2[1] - z2[0])

    z2, weights = normal_nodes(*q_top)
    kl_top = weights @ (stats.norm.logpdf(z2, *q_top) - log_prior(z2))
    expected, kl_bottom = 0.0, 0.0
    for b, w, m, s, prior_m, prior_s in zip(
        z2, weights, *bottom_posterior(z2), *bottom_prior(z2), strict=True
    ):
        z1, inner = normal_nodes(m, s)
        expected += w * inner @ log_likelihood(z1, b + 0 * z1)
        ratio = stats.norm.logpdf(z1, m, s) - stats.norm.logpdf(z1, prior_m, prior_s)
        kl_bottom += w * inner @ ratio
    return dict(
        log_evidence=log_evidence,
        log_likelihood=expected,
        kl_top=kl_top,
        kl_bottom=kl_bottom,
        elbo=expected - kl_top - kl_bottom,
    )


def two_input_network(weights, first, second, gated, activation=np.tanh):
    """Outputs `[n, out]` of inputs `[n, F]` and `[n, K]`.

    Args: weights: list of (kernel, bias): of the first input's layer, the second's, then the rest.
    """

    def hidden(h, kernel, bias):
        h = h @ kernel + bias
        if not gated:
            return activation(h)
        value, gate = np.split(h, 2, axis=-1)
        return value / (1 + np.exp(-gate))

    (of_first, of_second, *joint, last) = weights
    h = np.concatenate([hidden(first, *of_first), hidden(second, *of_second)], axis=-1)
    for layer in joint:
        h = hidden(h, *layer)
    return h @ last[0] + last[1]
