"""How sparse codes are: the extrinsic Hoyer metric."""

import numpy as np

from tfsp.evaluation.checks import check_codes

_CONSTANT = 1e-7  # a deviation below this share of the largest |z_d| is rounding


def hoyer_scores(codes):
    """Hoyer's sparsity of each row, 1 for a single entry that is not zero, 0 for equal sizes.

        Hoyer(z) = (sqrt(D) - |z|_1 / |z|_2) / (sqrt(D) - 1)

    Args: codes: `[n, D]`, taken as they are; see `sparsity` for their scale.

    Returns: float64 `[n]` in [0, 1], NaN for rows of zeros, which have no sparsity.

    Raises: ValueError unless `codes` is finite, `[n, D]`, D >= 2.

    Source: Hurley & Rickard 2009, "Comparing measures of sparsity".
    """
    codes = check_codes(codes)
    root = np.sqrt(codes.shape[1])
    if root <= 1:
        raise ValueError(
            "Sparsity needs two dimensions at least: of one dimension every code is as sparse as "
            f"another. Received: codes of shape {codes.shape}."
        )
    # In units of the largest entry: squares of tiny codes would vanish.
    largest = np.abs(codes).max(axis=1, keepdims=True)
    codes = np.abs(codes) / np.where(largest > 0, largest, 1.0)
    norms = np.sqrt(np.sum(codes**2, axis=1))
    ratio = codes.sum(axis=1) / np.where(norms > 0, norms, 1.0)
    scores = np.clip((root - ratio) / (root - 1), 0.0, 1.0)
    return np.where(norms > 0, scores, np.nan)


def sparsity(codes):
    """Mean Hoyer score of codes whose dimensions are first scaled to unit standard deviation.

    The scaling is over the data set, z_d / sigma_d, without centring. Dimensions that do not
    vary are left out, so that switching a dimension off for all examples does not count as
    sparsity; nor do examples whose code is zero throughout.

    Args: codes: `[n, D]`, of a whole data set: posterior means g(mu(x)).

    Returns: dict: sparsity in [0, 1], standard_error of that mean over the examples,
      num_dimensions (that vary), num_constant (left out), num_zero (examples left out),
      num_examples.

    Raises: ValueError for codes that are not finite or not `[n, D]`, with fewer than two examples,
      or fewer than two dimensions that vary.

    Source: Miao et al. 2022, eq. (C.3); Mathieu et al. 2019, arXiv:1812.02833 (the scaling).
    """
    codes = check_codes(codes)
    if len(codes) < 2:
        raise ValueError("Sparsity needs two codes at least, for their scale. Received: one.")
    deviation = codes.std(axis=0)
    varies = deviation > _CONSTANT * np.abs(codes).max(axis=0)
    if varies.sum() < 2:
        raise ValueError(
            f"Sparsity needs two dimensions that vary over the data. Of {codes.shape[1]} "
            f"{int(varies.sum())} does: has the posterior collapsed?"
        )
    scores = hoyer_scores(codes[:, varies] / deviation[varies])
    zero = np.isnan(scores)
    scores = scores[~zero]
    if not len(scores):
        raise ValueError("Every code is zero throughout.")
    many = len(scores) > 1
    return {
        "sparsity": float(scores.mean()),
        "standard_error": float(scores.std(ddof=1) / np.sqrt(len(scores))) if many else np.nan,
        "num_dimensions": int(varies.sum()),
        "num_constant": int((~varies).sum()),
        "num_zero": int(zero.sum()),
        "num_examples": len(codes),
    }
