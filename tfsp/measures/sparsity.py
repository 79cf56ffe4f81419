"""How sparse codes are: the extrinsic Hoyer metric."""

import numpy as np

from tfsp.measures.checks import check_codes
from tfsp.measures.examples import points
from tfsp.measures.registry import register

_CONSTANT = 1e-7  # a deviation below this share of the largest |z_d| is rounding
_ACTIVE = 0.05  # least share of variance between examples: of normals, 0.026 nats about x


def hoyer_scores(codes):
    """Hoyer's sparsity of each row, 1 for a single entry that is not zero, 0 for equal sizes.

        Hoyer(z) = (sqrt(D) - |z|_1 / |z|_2) / (sqrt(D) - 1)

    Args:
      codes: `[n, D]`, not scaled here; see `sparsity`.

    Returns:
      float64 `[n]` in [0, 1], NaN for rows of zeros, which have no sparsity.

    Raises:
      ValueError: unless `codes` is finite, `[n, D]`, D >= 2.

    Source: Hurley & Rickard 2009, "Comparing measures of sparsity".
    """
    codes = check_codes(codes)
    root = np.sqrt(codes.shape[1])
    if root <= 1:
        raise ValueError(
            "Sparsity needs at least two dimensions: in one dimension every code is as sparse as "
            f"any other. Received: codes of shape {codes.shape}."
        )
    # In units of the largest entry: squares of tiny codes would vanish.
    largest = np.abs(codes).max(axis=1, keepdims=True)
    codes = np.abs(codes) / np.where(largest > 0, largest, 1.0)
    norms = np.sqrt(np.sum(codes**2, axis=1))
    ratio = codes.sum(axis=1) / np.where(norms > 0, norms, 1.0)
    scores = np.clip((root - ratio) / (root - 1), 0.0, 1.0)
    return np.where(norms > 0, scores, np.nan)


@register("sparsity", example=lambda rng: points(rng, 9))
def sparsity(codes, draws=None):
    """Mean Hoyer score of codes whose dimensions are first scaled to unit standard deviation.

    The scaling is over the data set, z_d / sigma_d, without centring. Dimensions that do not
    vary are left out, so that switching a dimension off for all examples does not count as
    sparsity; nor do examples whose code is zero throughout.

    The scaling amplifies inactive dimensions: their tiny codes count as much as those that the
    decoder uses. They can make up most of the score, in particular with a selector, which may
    satisfy its regulariser by switching such dimensions on and off. `active` is the score without
    them. A dimension is active if the variance of its code is more than 5% of that of its draws
    over the data; unlike Burda's criterion this does not depend on the scale of z.

    Args:
      codes: `[n, D]`, of a whole data set: posterior means g(mu(x)).
      draws: `[n, D]`, one draw of the posterior for each example (`posterior_draws`), which
        determine the active dimensions; None leaves `active` out.

    Returns:
      dict: sparsity in [0, 1], standard_error of that mean over the examples, num_dimensions (that
      vary), num_constant (left out), num_zero (examples left out), num_examples; with `draws` also
      active, the score over the active dimensions only (NaN where there are fewer than two), and
      num_active.

    Raises:
      ValueError: for codes that are not finite or not `[n, D]`, with fewer than two examples, or
        fewer than two dimensions that vary; for draws of another shape.

    Source: Miao et al. 2022, eq. (C.3); Mathieu et al. 2019, arXiv:1812.02833 (the scaling).
    """
    codes = check_codes(codes)
    if len(codes) < 2:
        raise ValueError("Sparsity needs at least two codes, for their scale. Received: one.")
    deviation = codes.std(axis=0)
    varies = deviation > _CONSTANT * np.abs(codes).max(axis=0)
    if varies.sum() < 2:
        raise ValueError(
            f"Sparsity needs at least two dimensions that vary over the data. Received: "
            f"{int(varies.sum())} of {codes.shape[1]}. Has the posterior collapsed?"
        )
    scores = hoyer_scores(codes[:, varies] / deviation[varies])
    zero = np.isnan(scores)
    scores = scores[~zero]
    if not len(scores):
        raise ValueError("`codes` must not all be zero.")
    many = len(scores) > 1
    result = {
        "sparsity": float(scores.mean()),
        "standard_error": float(scores.std(ddof=1) / np.sqrt(len(scores))) if many else np.nan,
        "num_dimensions": int(varies.sum()),
        "num_constant": int((~varies).sum()),
        "num_zero": int(zero.sum()),
        "num_examples": len(codes),
    }
    return result if draws is None else {**result, **_of_active(codes, draws, deviation, varies)}


def _of_active(codes, draws, deviation, varies):
    draws = check_codes(draws, "draws")
    if draws.shape != codes.shape:
        raise ValueError(
            f"`draws` must have the shape of `codes`, {codes.shape}. Received: {draws.shape}."
        )
    active = varies & (deviation**2 > _ACTIVE * draws.var(axis=0))
    scores = [np.nan]
    if active.sum() > 1:
        scores = hoyer_scores(codes[:, active] / deviation[active])
    of_active = np.nan if np.all(np.isnan(scores)) else float(np.nanmean(scores))
    return {"active": of_active, "num_active": int(active.sum())}
