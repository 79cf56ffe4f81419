"""What the measures of codes ask of their arguments."""

import numbers

import numpy as np


def check_codes(codes, name="codes"):
    """`codes` as float64 `[n, D]`; raises ValueError if another shape, empty or not finite."""
    codes = np.asarray(codes, np.float64)
    if codes.ndim != 2 or not codes.size:
        raise ValueError(
            f"`{name}` must be [n, D], one row for each example. Received: shape {codes.shape}."
        )
    if not np.isfinite(codes).all():
        row = int(np.flatnonzero(~np.isfinite(codes).all(axis=1))[0])
        raise ValueError(f"`{name}` must be finite. Row {row} is not: {codes[row]}.")
    return codes


def check_labels(labels, codes, name="labels"):
    """`labels` as integers `[n]`, one for each row of `codes`; raises ValueError otherwise."""
    labels = np.asarray(labels)
    if labels.shape != codes.shape[:1]:
        raise ValueError(
            f"`{name}` must hold one class for each of the {len(codes)} codes, shape "
            f"({len(codes)},). Received: shape {labels.shape}."
        )
    if labels.dtype.kind not in "iub":
        raise ValueError(f"`{name}` must be integers. Received: dtype {labels.dtype}.")
    return labels.astype(np.int64)


def generator(seed, *stream):
    """A NumPy generator from any integer seed; other numbers in `stream` give other draws."""
    return np.random.default_rng([_integer_seed(seed) % 2**64, *stream])


def int32_seed(seed):
    """Any integer seed as one of 32 bits: itself if it fits, else another number.

    Raises: ValueError for what is no integer.
    """
    seed = _integer_seed(seed)
    if -(2**31) <= seed < 2**31:
        return seed
    return int(np.random.SeedSequence([seed % 2**128]).generate_state(1)[0] >> 1)


def _integer_seed(seed):
    if not isinstance(seed, numbers.Integral) or isinstance(seed, bool):
        raise ValueError(f"`seed` must be an integer. Received: {seed!r}.")
    return int(seed)
