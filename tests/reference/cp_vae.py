"""CP-VAE by hand: its encoder, its bound and its evidence, by enumeration and quadrature."""

import numpy as np
from reference.baselines import normal_kl, normal_nodes
from scipy import special, stats


def encoder(outputs, num_categories, gate, gate_bias, kernel, bias):
    """(pi, loc, log_variance) of one example.

    Args:
      outputs: of the encoding network: logits of the categories, then features.
      gate, gate_bias: of the gated layer, `[F + K, 2 F']`: values, then gates.
      kernel, bias: of the linear layer after it, `[F', 2 D]`.
    """
    logits, features = outputs[:num_categories], outputs[num_categories:]
    pi = np.exp(logits) / np.exp(logits).sum()
    both = np.append(features, pi) @ gate + gate_bias
    value, opening = np.split(both, 2)
    numbers = (value / (1 + np.exp(-opening))) @ kernel + bias
    return pi, *np.split(numbers, 2)


def terms(log_likelihood, pi, q, prior_loc, prior_scale):
    """The bound and the evidence of one x with a one-dimensional z.

    Args:
      log_likelihood: (z `[n]`, c) -> log p(x | z, c) `[n]`, c a number from 0 on.
      pi: `[K]`.
      q: (mean, scale) of q(z|x).
      prior_loc, prior_scale: `[K]`.

    Returns: dict: `log_likelihood`, `kl_discrete`, `kl_continuous`, `elbo`; `elbo_summed`, the
      bound with c summed out of p and q; `log_evidence`.
    """
    categories = range(len(pi))
    z, weights = normal_nodes(*q)
    likelihoods = np.array([log_likelihood(z, c) for c in categories])  # [K, n]
    spread = np.full(len(pi), 1.0)
    out = {
        "log_likelihood": pi @ likelihoods @ weights,
        "kl_discrete": special.xlogy(pi, pi).sum() + np.log(len(pi)),
        "kl_continuous": pi @ normal_kl(q[0] * spread, q[1] * spread, prior_loc, prior_scale),
    }
    out["elbo"] = out["log_likelihood"] - out["kl_discrete"] - out["kl_continuous"]
    log_priors = stats.norm.logpdf(z[:, None], prior_loc, prior_scale).T - np.log(len(pi))
    log_joint = special.logsumexp(likelihoods + log_priors, axis=0)
    out["elbo_summed"] = weights @ (log_joint - stats.norm.logpdf(z, *q))

    evidence = []
    for c in categories:
        z, weights = normal_nodes(prior_loc[c], prior_scale[c], 150)
        evidence.append(weights @ np.exp(log_likelihood(z, c)))
    out["log_evidence"] = np.log(np.mean(evidence))
    return out


def joint_kl_draws(pi, q, prior_loc, prior_scale, n, seed):
    """log q(z, c | x) - log p(z, c) at n draws from q, whose mean is the KL: `[n]`.

    Args: pi `[K]`; q: (mean `[D]`, scale `[D]`); prior_loc, prior_scale: `[K, D]`.
    """
    rng = np.random.default_rng(seed)
    c = rng.choice(len(pi), size=n, p=pi)
    z = q[0] + q[1] * rng.standard_normal((n, len(q[0])))
    log_q = np.log(pi)[c] + stats.norm.logpdf(z, *q).sum(-1)
    return log_q + np.log(len(pi)) - stats.norm.logpdf(z, prior_loc[c], prior_scale[c]).sum(-1)


def relaxed_pair_cdf(t, log_ratio, temperature):
    """P(c_1 <= t) of a relaxed category of two, log_ratio = log pi_1 - log pi_2.

    The difference of two Gumbel draws g_1 - g_2 is logistic, and c_1 is the logistic function of
    (log_ratio + g_1 - g_2) / temperature.
    """
    return special.expit(temperature * special.logit(t) - log_ratio)
