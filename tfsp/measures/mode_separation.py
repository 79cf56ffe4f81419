"""Whether the class of a chain's samples persists."""

import numpy as np

from tfsp.measures.registry import register


@register("mode_separation", example=lambda rng: (rng.integers(3, size=(6, 4, 2)),))
def mode_separation(classes):
    """Whether the class of a chain's samples persists, against what chance would give.

    Args:
      classes: integers `[R, C]`, R consecutive samples of C independent chains; or `[R, C, M]`, M
        samples for each state of the units, of which the first counts for what follows the chain.

    Returns:
      dict:
        same_class: share of consecutive pairs of rows with the same class, in [0, 1].
        standard_error: of that, from the spread of the chains.
        same_class_chance: sum_k f_k^2 with f_k the share of class k among all samples: what
          same_class would be if rows were independent.
        run_length: mean length of runs of one class, in rows; runs are cut off at both ends of the
          chains, so that R is the most it can be.
        run_length_chance: R / (1 + (R - 1)(1 - sum_k f_k^2)), what it would be approximately if
          rows were independent.
        same_state: with M > 1, share of pairs of samples of one state with the same class: how far
          the units determine the class.
        frequencies: dict class -> f_k.

    Raises:
      ValueError: for another shape, or fewer than two rows or chains.
    """
    classes = np.asarray(classes)
    if classes.ndim not in (2, 3) or classes.shape[0] < 2 or classes.shape[1] < 2:
        raise ValueError(
            "`classes` must be [rows, chains] or [rows, chains, draws], with at least two "
            f"rows and two chains. Received: shape {classes.shape}."
        )
    first = classes[..., 0] if classes.ndim == 3 else classes
    num_rows, num_chains = first.shape
    same = first[1:] == first[:-1]
    by_chain = same.mean(axis=0)
    values, counts = np.unique(first, return_counts=True)
    shares = counts / first.size
    chance = float(np.sum(shares**2))
    num_runs = num_chains + np.sum(~same)
    result = {
        "same_class": float(same.mean()),
        "standard_error": float(by_chain.std(ddof=1) / np.sqrt(num_chains)),
        "same_class_chance": chance,
        "run_length": float(first.size / num_runs),
        "run_length_chance": num_rows / (1.0 + (num_rows - 1) * (1.0 - chance)),
        "frequencies": {int(k): float(f) for k, f in zip(values, shares, strict=True)},
    }
    if classes.ndim == 3 and classes.shape[2] > 1:
        pairs = classes[..., :, None] == classes[..., None, :]
        m = classes.shape[2]
        # Each sample agrees with itself, which carries no information.
        result["same_state"] = float((pairs.sum(axis=(2, 3)) - m).mean() / (m * (m - 1)))
    return result
