"""Evidence and bounds of tiny latent-variable models, by quadrature and enumeration."""

import itertools

import numpy as np
from scipy import special, stats


def bernoulli_log_prob(x, logits):
    """log p(x | logits), summed over the last axis: x `[P]`, logits `[..., P]`."""
    return -np.logaddexp(0, np.where(x > 0.5, -logits, logits)).sum(-1)


def normal_nodes(loc, scale, count=80):
    """Nodes and weights with sum(weights f(nodes)) = E[f] under N(loc, scale^2)."""
    nodes, weights = special.roots_hermitenorm(count)
    return loc + scale * nodes, weights / weights.sum()


def log_evidence(log_likelihood, log_prior, area):
    """log of the integral of p(x|z) p(z) from both logs at points that stand for `area` each."""
    return special.logsumexp(log_likelihood + log_prior) + np.log(area)


def normal_kl(loc, scale, prior_loc, prior_scale):
    """KL between two normals by quadrature, elementwise over arrays of one shape."""
    out = np.empty(np.shape(loc))
    for index in np.ndindex(out.shape):
        z, weights = normal_nodes(loc[index], scale[index], 40)
        q = stats.norm.logpdf(z, loc[index], scale[index])
        out[index] = weights @ (q - stats.norm.logpdf(z, prior_loc[index], prior_scale[index]))
    return out


def gm_vae(log_likelihood, components, q_z, q_w):
    """The GM-VAE with one-dimensional z and w.

    Args:
      log_likelihood: z `[n]` -> log p(x|z) `[n]`.
      components: w `[n]` -> means and scales `[n, K]`.
      q_z, q_w: (mean, scale) of the posteriors.

    Returns: dict: `log_evidence`; the four terms of the paper's bound; `elbo`, their sum;
      `elbo_summed`, the bound with the component summed out.
    """
    z, w = np.linspace(-15, 15, 3001), np.linspace(-7, 7, 561)
    loc, scale = components(w)
    density = stats.norm.pdf(z[:, None, None], loc, scale).mean(-1)  # p(z|w), [nz, nw]
    p_z = density @ stats.norm.pdf(w) * (w[1] - w[0])
    out = {"log_evidence": log_evidence(log_likelihood(z), np.log(p_z), z[1] - z[0])}

    (z, z_weights), (w, w_weights) = normal_nodes(*q_z), normal_nodes(*q_w)
    loc, scale = components(w)
    num_components = loc.shape[1]
    log_joint = stats.norm.logpdf(z[:, None, None], loc, scale) - np.log(num_components)
    log_mixture = special.logsumexp(log_joint, axis=-1)
    r = np.exp(log_joint - log_mixture[..., None])
    kl = normal_kl(np.full(loc.shape, q_z[0]), np.full(loc.shape, q_z[1]), loc, scale)

    def expect(values):  # [nz, nw]
        return z_weights @ values @ w_weights

    out["log_likelihood"] = z_weights @ log_likelihood(z)
    out["kl_conditional"] = expect((r * kl).sum(-1))
    out["kl_w"] = w_weights @ (stats.norm.logpdf(w, *q_w) - stats.norm.logpdf(w))
    out["kl_z"] = expect(special.xlogy(r, r * num_components).sum(-1))
    out["elbo"] = out["log_likelihood"] - sum(
        out[name] for name in ("kl_conditional", "kl_w", "kl_z")
    )
    log_q_z = z_weights @ stats.norm.logpdf(z, *q_z)
    out["elbo_summed"] = out["log_likelihood"] + expect(log_mixture + 0 * w) - log_q_z - out["kl_w"]
    return out


def spike_and_slab_vae(log_likelihood, alpha, gamma, loc, scale, count=60):
    """A model with spike-and-slab latents: sums over all patterns, quadrature over the slabs.

    Args:
      log_likelihood: z `[n, D]` -> `[n]`.
      alpha: prior probability of a slab.
      gamma, loc, scale: `[D]`, of the posterior.

    Returns: dict: `log_evidence`, `log_likelihood`, `kl`.
    """
    size = len(gamma)
    evidence, expected = [], 0.0
    for pattern in itertools.product([0, 1], repeat=size):
        pattern = np.array(pattern, bool)

        def mean(center, spread, transform, pattern=pattern):
            axes = [
                normal_nodes(center[d], spread[d], count)
                if pattern[d]
                else (np.zeros(1), np.ones(1))
                for d in range(size)
            ]
            points = np.stack(np.meshgrid(*(a[0] for a in axes), indexing="ij"), -1)
            weights = np.ones(())
            for _, axis in axes:
                weights = weights[..., None] * axis
            return weights.ravel() @ transform(log_likelihood(points.reshape(-1, size)))

        prior = np.prod(np.where(pattern, alpha, 1 - alpha))
        evidence.append(prior * mean(np.zeros(size), np.ones(size), np.exp))
        expected += np.prod(np.where(pattern, gamma, 1 - gamma)) * mean(loc, scale, lambda v: v)
    slabs = normal_kl(loc, scale, np.zeros(size), np.ones(size))
    spikes = gamma * np.log(gamma / alpha) + (1 - gamma) * np.log((1 - gamma) / (1 - alpha))
    return {
        "log_evidence": np.log(sum(evidence)),
        "log_likelihood": expected,
        "kl": np.sum(gamma * slabs + spikes),
    }


def mmd_squared(x, y, scales):
    """Unbiased MMD^2 with the kernels c / (c + |a - b|^2), pair by pair."""

    def kernel(a, b):
        return sum(c / (c + np.sum((a - b) ** 2)) for c in scales)

    def within(a):
        pairs = list(itertools.permutations(range(len(a)), 2))
        return np.mean([kernel(a[i], a[j]) for i, j in pairs])

    return within(x) + within(y) - 2 * np.mean([kernel(a, b) for a in x for b in y])
