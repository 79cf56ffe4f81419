"""Labels that may be names: strings become codes, in the order of the alphabet."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tfsp.data import arrays
from tfsp.data.errors import DataFormatError
from tfsp.data.left_out import listed


def read(array: Any, num_examples: int, what: str) -> np.ndarray:
    """Checks labels, which are whole numbers or strings.

    Args:
      array: [n], [n, 1] or [1, n]; bytes are read as UTF-8.
      num_examples: n.
      what: name of the array in messages.

    Returns:
      [n], int32 or of strings.

    Raises:
      DataFormatError: as `arrays.as_labels`, for strings beside missing ones too.
    """
    labels = arrays.label_vector(array, num_examples, what)
    kind = labels.dtype.kind
    if kind == "O" and labels.size and all(isinstance(label, str) for label in labels):
        kind = "U"
    if kind == "S":
        return np.char.decode(labels, "utf-8")
    return labels.astype(str) if kind in "UT" else arrays.whole_labels(labels, what)


def joined(parts: Sequence[np.ndarray], source: str) -> np.ndarray:
    """The labels of some parts behind each other.

    Raises:
      DataFormatError: if some are numbers and others strings.
    """
    if len({labels.dtype.kind for labels in parts}) > 1:
        raise DataFormatError(
            f"{source}: the labels of some parts are numbers, and those of others are text. Give "
            "all as numbers or all as text."
        )
    return np.concatenate(parts)


def coded(labels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """(int32 [n], names of the codes or None): strings are numbered in sorted order."""
    if labels.dtype.kind != "U":
        return labels, None
    names, codes = np.unique(labels, return_inverse=True)
    return codes.astype(np.int32), tuple(names.tolist())


def codes_of(classes: Iterable[Any], class_names: Sequence[str] | None) -> list[Any]:
    """`classes` as labels: names among `class_names` become their codes, others stay.

    Raises:
      ValueError: for a name that is none of them.
    """
    numbers = {name: code for code, name in enumerate(class_names or ())}
    wanted = list(classes)
    unknown = [label for label in wanted if isinstance(label, str) and label not in numbers]
    if unknown:
        raise ValueError(
            f"`classes` has names that no label has: {', '.join(map(repr, unknown))}. Known: "
            f"{listed([repr(name) for name in numbers], 20) or 'none, labels are numbers'}."
        )
    return [numbers[label] if isinstance(label, str) else label for label in wanted]
