"""Checks of the arguments of measures of codes."""

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
