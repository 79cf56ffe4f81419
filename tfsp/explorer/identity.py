"""What tells one data set, and one tree over it, from another."""

import hashlib
import json

import numpy as np

from tfsp.data.splits import PARTS


def all_rows(data):
    """(numbers in the source `[n]`, names `[n]` or None) of all rows of a `tfsp.data.Data`."""
    numbers = np.concatenate([data.rows(part) for part in PARTS])
    names = np.concatenate([data.names(part) for part in PARTS])
    return numbers, None if names.dtype.kind in "iu" else names


def of_rows(numbers, names):
    """A fingerprint of rows: 16 hexadecimal digits of SHA-256 over their numbers and names.

    Args:
      numbers: ints `[n]`, of the rows in the source, in any order.
      names: strings `[n]`, or None where rows are known by their numbers.
    """
    named = [None] * len(numbers) if names is None else [str(name) for name in names]
    return _digest(sorted(zip(map(int, numbers), named, strict=True), key=lambda row: row[0]))


def fingerprint(data):
    """`of_rows` of a `tfsp.data.Data`."""
    return of_rows(*all_rows(data))


def of_tree(parent, numbers, rows):
    """A fingerprint of a tree over rows.

    Args:
      parent: ints `[V]`.
      numbers: ints `[n]`, of the rows on it, in the order of the tree.
      rows: the fingerprint of all rows of the data.
    """
    return _digest([[int(v) for v in parent], [int(i) for i in numbers], rows])


def _digest(content):
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
