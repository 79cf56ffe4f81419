"""Which images train, validate and test.

A split never depends on the seed of a run: two runs with different seeds share their test set,
and a model evaluated under another seed has not been trained on what it is tested on.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfsp import arguments

PARTS = ("train", "validation", "test")
_HOLD_OUT_SEED = 20180420


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of the three parts, int64 [n].

    `validation` or `test` may be None: it is then held out of the rows of `train`.
    """

    train: np.ndarray
    validation: np.ndarray | None
    test: np.ndarray | None


def consecutive(num_train: int | None, num_validation: int | None, num_test: int | None) -> Split:
    """Train, validation and test in the order of the source; a number may be None (hold out)."""
    parts: list[Any] = []
    start = 0
    for size in (num_train, num_validation, num_test):
        parts.append(None if size is None else np.arange(start, start + size))
        start += size or 0
    return Split(*parts)


def shuffled(num_images: int, num_train: int, num_validation: int, num_test: int) -> Split:
    """Three disjoint parts of one fixed permutation; what is left over stays unused."""
    order = np.random.default_rng(_HOLD_OUT_SEED).permutation(num_images)
    parts = np.split(order, np.cumsum([num_train, num_validation, num_test]))
    return Split(*(np.sort(part) for part in parts[:3]))


def check_size(value: Any, name: str, least: int = 0) -> None:
    """Raises ValueError unless `value` is None or an integer not below `least`."""
    if value is not None:
        arguments.integer(name, value, least, meaning="a number of images, or None")


def resolve(
    split: Split, keep: np.ndarray, sizes: Mapping[str, int | None], seed: int
) -> dict[str, np.ndarray]:
    """Row numbers of each part: rows kept, missing parts held out, sizes cut.

    Args:
      split: Split.
      keep: bool [n], rows that may be used at all.
      sizes: dict part -> number of images, or None for all (for a part to be held out: for a
        tenth of the rows).
      seed: chooses which `sizes["train"]` training images are used. Validation and test images
        do not depend on it.

    Returns:
      dict part -> int64 [m], sorted.

    Raises:
      ValueError: if a part has fewer images than asked for.
    """
    rows = {name: getattr(split, name) for name in PARTS}
    rows = {name: part if part is None else part[keep[part]] for name, part in rows.items()}
    missing = [name for name in ("test", "validation") if rows[name] is None]
    if missing:
        _hold_out(rows, missing, sizes)
    chosen = {}
    for name in PARTS:
        size, part = sizes[name], rows[name]
        if size is not None and size > len(part):
            raise ValueError(
                f"`{name}_size` is {size}, but the {name} part has {len(part)} images."
            )
        if size is not None and size < len(part):
            rng_seed = seed % 2**63 if name == "train" else _HOLD_OUT_SEED
            part = np.random.default_rng(rng_seed).permutation(part)[:size]
        chosen[name] = np.sort(part)
    if not len(chosen["train"]):
        raise ValueError("The training part is empty. Keep more classes or hold out less.")
    return chosen


def _hold_out(rows, missing, sizes):
    """Moves rows from `rows["train"]` to the missing parts, in place."""
    order = np.random.default_rng(_HOLD_OUT_SEED).permutation(rows["train"])
    tenth = max(1, len(order) // 10)
    wanted = [tenth if sizes[name] is None else sizes[name] for name in missing]
    if sum(wanted) >= len(order):
        raise ValueError(
            f"Cannot hold out {' + '.join(map(str, wanted))} images for "
            f"{' and '.join(missing)}: there are only {len(order)}, and training needs some. "
            "Set `validation_size` and `test_size`, which may be 0."
        )
    *held, rest = np.split(order, np.cumsum(wanted))
    rows.update(zip(missing, held, strict=True))
    rows["train"] = rest
