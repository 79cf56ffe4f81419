"""The KL term of the bound, averaged over data, decomposed by the aggregated posterior."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments
from tfsp.distributions.gaussian_mixture import component_log_prob
from tfsp.evaluation.batches import iterate, limited
from tfsp.random import generator

tfd = tfp.distributions

_ROWS = 500  # draws whose densities under all posteriors are held at once
_LEAST_LOG = -700.0  # for the logarithm of 0


def kl_decomposition(model, data, num_examples=5000, num_draws=2, seed=0):
    """What the KL of the bound is made of, over n given examples, in nats per example.

        1/n sum_i KL(q(z,c|x_i) || p(z,c)) =   I_q((z,c); x)                    mutual_information
                                             + E_q(c) KL(q(z|c) || p(z|c))      marginal_kl
                                             + log K - H(q(c))                  category_kl

    with q(z,c) = 1/n sum_i q(z,c|x_i) and p(c) = 1/K. The first is the information of the latents
    about x, the other two are how far the aggregated posterior is from the prior that new data are
    drawn from. For a model without categories (any prior with a density) K = 1: then the second is
    KL(q(z) || p(z)), the third 0. For a hierarchical VAE this is about the top latent, for an
    InteL-VAE about y.

    All terms are of these n examples. Their mutual information is log n at most; near that
    bound it would be larger with more examples, and the marginal KL smaller.

    z is drawn from each posterior, c is summed out. Densities are computed in float64 between all
    draws and all posteriors: time grows with n^2.

    Args:
      model: one with `posterior_parts` and a normal for each category (CPVAE), or a VAE whose
        posterior is normal and whose prior has a density.
      data: a batched dataset of x or (x, y), an array, or a pair (x, y).
      num_examples: n, a random subset of `data` (see `tfsp.subset`); None takes all.
      num_draws: draws of z for each example, at least 2.
      seed: int; the same seed gives the same draws.

    Returns:
      dict of floats (and ints):
        mutual_information, marginal_kl: estimates from draws of z.
        mutual_information_standard_error, marginal_kl_standard_error: over the draws of z for these
          n examples.
        category_kl: exact.
        category_information: I_q(c; x), the part of the mutual information that is in c, exact.
        total: the left side, in closed form or, where the prior has none, estimated by the sum.
        total_is_exact: whether `total` is in closed form.
        sum, sum_standard_error: of the three terms.
        num_categories, num_examples, num_draws.

    Raises:
      ValueError: for a model whose posterior is not normal or whose prior has no density, and for
        counts that are too small.

    Source: Lavda et al. 2020, eq. (13); with K = 1 Hoffman & Johnson 2016, "ELBO surgery".
    """
    num_draws = arguments.integer("num_draws", num_draws, 2)
    if num_examples is not None:
        num_examples = arguments.integer("num_examples", num_examples)
    posterior = _collect(model, data, num_examples)
    log_pi, loc = posterior["log_pi"], posterior["loc"]
    n, num_categories = log_pi.shape
    pi = np.exp(log_pi)
    log_q_c = _log(pi.mean(axis=0))
    log_densities = _densities(loc, posterior["spread"])
    log_prior = _log_prior(model)
    owner = np.tile(np.arange(n), num_draws)  # of each draw
    noise = generator(seed).standard_normal((len(owner), loc.shape[1]))
    z = loc[owner] + _scaled(noise, posterior["spread"][owner])
    information, marginal = np.zeros((2, len(owner)))
    for start in range(0, len(owner), _ROWS):
        rows = slice(start, start + _ROWS)
        own = owner[rows]
        log_each = log_densities(z[rows])  # log q(z | x_j), [rows, n]
        most = log_each.max(axis=1, keepdims=True)
        # log q(z, c), from 1/n sum_j q(c | x_j) q(z | x_j): [rows, K].
        log_joint = most + _log(np.exp(log_each - most) @ pi) - math.log(n)
        log_own = np.take_along_axis(log_each, own[:, np.newaxis], axis=1)
        information[rows] = _mean(pi[own], log_pi[own] + log_own - log_joint)
        marginal[rows] = _mean(pi[own], log_joint - log_q_c - log_prior(z[rows]))
    information, marginal = (v.reshape(num_draws, n) for v in (information, marginal))
    category_kl = float(_mean(np.exp(log_q_c), log_q_c) + math.log(num_categories))
    entropy = -_mean(pi, log_pi).mean()
    terms = {
        "mutual_information": float(information.mean()),
        "marginal_kl": float(marginal.mean()),
        "category_kl": category_kl,
    }
    total = posterior["kl"]
    return {
        **terms,
        "mutual_information_standard_error": _standard_error(information),
        "marginal_kl_standard_error": _standard_error(marginal),
        "category_information": float(math.log(num_categories) - category_kl - entropy),
        "total": sum(terms.values()) if total is None else float(total.mean()),
        "total_is_exact": total is not None,
        "sum": sum(terms.values()),
        "sum_standard_error": _standard_error(information + marginal),
        "num_categories": num_categories,
        "num_examples": n,
        "num_draws": num_draws,
    }


def check_decomposition(model, x):
    """Checks that `kl_decomposition` is defined for the model.

    Args:
      model: as in `kl_decomposition`.
      x: at least one example, `[n, *data_shape]`.

    Raises:
      ValueError: unless it is.
    """
    parts = _parts(model)(tf.constant(x))
    _log_prior(model)(parts["loc"].numpy().astype(np.float64))


def _collect(model, data, limit):
    """The posteriors of the examples as float64 arrays: log_pi, loc, spread; kl or None."""
    compiled = tf.function(_parts(model), reduce_retracing=True)
    batches = [
        {k: v.numpy() for k, v in compiled(tf.constant(x)).items()}
        for x, _ in iterate(limited(data, limit, model), model=model)
    ]
    parts = {k: np.concatenate([b[k] for b in batches]) for k in batches[0]}
    parts = {name: value.astype(np.float64) for name, value in parts.items()}
    return {"kl": None, **parts}


def _parts(model):
    """Function x -> dict of tensors: log_pi `[n, K]`, loc `[n, D]`, spread, and kl `[n]` if known.

    `spread` is what `_scaled` multiplies noise by: scales `[n, D]` or triangles `[n, D, D]`.
    """
    name = type(model).__name__
    if "category_priors" in model.capabilities:

        def of_categories(x):
            logits, loc, log_variance = model.posterior_parts(x)
            # 0 log 0 = 0 of a category that is ruled out.
            log_pi = tf.maximum(tf.nn.log_softmax(logits), tf.cast(_LEAST_LOG, logits.dtype))
            log_k = tf.math.log(tf.cast(tf.shape(logits)[1], logits.dtype))
            kl = log_pi + log_k + model.prior.component_kl(loc, log_variance)
            kl = tf.reduce_sum(tf.exp(log_pi) * kl, axis=-1)
            return dict(log_pi=log_pi, loc=loc, spread=tf.exp(0.5 * log_variance), kl=kl)

        return of_categories

    if "posterior" not in model.capabilities or not model.prior.is_density:
        raise ValueError(
            f"The KL of the model {name} with the prior {type(model.prior).__name__} cannot be "
            "decomposed: that needs a normal posterior and a prior with a density."
        )

    def of_normal(x):
        q = model.posterior(x)
        if isinstance(q, tfd.MultivariateNormalTriL):
            parts = dict(loc=q.loc, spread=q.scale.to_dense())
        elif isinstance(q, tfd.Independent) and isinstance(q.distribution, tfd.Normal):
            loc = q.distribution.loc
            parts = dict(loc=loc, spread=q.distribution.scale + tf.zeros_like(loc))
        else:
            raise ValueError(
                f"The model {name} has the posterior {type(q).__name__}, and only the KL of normal "
                "posteriors can be decomposed."
            )
        kl = model.prior.kl(q, q.mean()[tf.newaxis])
        if kl.shape.rank == 1:  # in closed form: no axis of draws
            parts["kl"] = kl
        return dict(parts, log_pi=tf.zeros_like(parts["loc"][:, :1]))

    return of_normal


def _log_prior(model):
    """Function z `[m, D]` -> log p(z | c) `[m, K]`, float64."""
    prior = model.prior
    categories = "category_priors" in model.capabilities

    def log_prob(z):
        z = tf.constant(z, prior.variable_dtype)
        if categories:
            return prior.component_log_prob(z).numpy().astype(np.float64)
        return prior.log_prob(z).numpy().astype(np.float64)[:, np.newaxis]

    return log_prob


def _densities(loc, spread):
    """Function z `[m, D]` -> log N(z; loc_j, ...) `[m, n]` of all posteriors, float64."""
    if spread.ndim == 2:
        loc, log_variance = tf.constant(loc), tf.constant(2 * np.log(spread))
        return lambda z: component_log_prob(tf.constant(z), loc, log_variance).numpy()
    # (z - m)' P (z - m) = z z' . P - 2 z' P m + m' P m: one product of matrices for all pairs.
    n, dim = loc.shape
    centre = loc.mean(axis=0)
    shifted = loc - centre
    inverse = np.linalg.inv(spread)
    precision = np.swapaxes(inverse, 1, 2) @ inverse
    along = np.einsum("nij,nj->ni", precision, shifted)
    log_det = np.log(np.diagonal(spread, axis1=1, axis2=2)).sum(axis=1)
    constant = -0.5 * (np.sum(along * shifted, axis=1) + dim * math.log(2 * math.pi)) - log_det
    weights = np.concatenate([-0.5 * precision.reshape(n, -1), along], axis=1).T

    def log_prob(z):
        z = z - centre
        squares = (z[:, :, np.newaxis] * z[:, np.newaxis]).reshape(len(z), -1)
        return np.concatenate([squares, z], axis=1) @ weights + constant

    return log_prob


def _scaled(noise, spread):
    return noise * spread if spread.ndim == 2 else np.einsum("nij,nj->ni", spread, noise)


def _mean(weights, values):
    return np.sum(weights * values, axis=-1)


def _log(values):
    """log, finite also at 0: what has probability 0 then counts for nothing in a mean."""
    return np.log(np.maximum(values, math.exp(_LEAST_LOG)))


def _standard_error(values):
    """Standard error of the mean of `[S, n]`, S independent draws for each of n given examples."""
    num_draws, n = values.shape
    return float(np.sqrt(values.var(axis=0, ddof=1).sum() / num_draws) / n)
