"""MNIST-01: the zeros and ones of MNIST in chosen proportions."""

import dataclasses
import math

import numpy as np

from tfsp import arguments
from tfsp.data.errors import DataFormatError
from tfsp.data.image_sets import mnist
from tfsp.data.sources import ImageSet, Request, register
from tfsp.data.splits import Split

_SIZES = (10_000, 1_000, 2_000)
_SEED = 20220412


@register("mnist_01")
def mnist_01(request: Request, proportion: float = 0.5) -> ImageSet:
    """The digits 0 and 1 of MNIST, `proportion` of them ones; files as for "mnist".

    "standard": 10,000 / 1,000 / 2,000 images (Miao et al. 2022, Table C.1), one fixed choice,
    training and validation from MNIST's training set. Where MNIST has too few of a digit all
    parts from that set shrink alike and the proportion holds: it has 5,923 zeros and 6,742 ones,
    980 and 1,135 to test, so with equal shares 1,960 images test. Table 3 of the paper names the
    proportion of zeros, which is 1 - `proportion`. The paper's input is binary; see `load`.

    Args:
      proportion: in [0, 1], 0 for zeros alone and 1 for ones alone.
    """
    proportion = arguments.number("proportion", proportion, "[0, 1]", "the share of ones")
    whole = mnist(dataclasses.replace(request, name="mnist", split="standard"))
    split, rng = whole.splits["standard"], np.random.default_rng(_SEED)
    train, validation = _choose(
        np.concatenate([split.train, split.validation]), whole.labels, proportion, _SIZES[:2], rng
    )
    (test,) = _choose(split.test, whole.labels, proportion, _SIZES[2:], rng)
    sizes = [len(part) for part in (train, validation, test)]
    rows = np.concatenate([train, validation, test])
    order = np.argsort(rows)  # rows in the order of the file, and where each of them has gone
    place = np.empty(len(rows), np.int64)
    place[order] = np.arange(len(rows))
    parts = [np.sort(part) for part in np.split(place, np.cumsum(sizes)[:-1])]
    rows = rows[order]
    source = f"{whole.source}, digits 0 and 1, share of ones {proportion:g}"
    return ImageSet(whole.images[rows], whole.labels[rows], {"standard": Split(*parts)}, source)


def _choose(rows, labels, proportion, sizes, rng):
    """Disjoint parts of `rows` of at most these `sizes`, shrunk alike where a digit runs out."""
    zeros, ones = (rng.permutation(rows[labels[rows] == digit]) for digit in (0, 1))
    limits = [
        len(found) / share
        for found, share in ((zeros, 1 - proportion), (ones, proportion))
        if share > 0
    ]
    scale = min(1.0, min(limits) / sum(sizes))
    parts = []
    for size in sizes:
        total = math.floor(size * scale + 1e-9)
        num_ones = min(round(total * proportion), len(ones))
        num_zeros = min(total - num_ones, len(zeros))
        if num_ones + num_zeros == 0:
            raise DataFormatError(
                f"MNIST-01 with a share of ones of {proportion:g} is empty: the data at hand have "
                f"{len(zeros)} zeros and {len(ones)} ones left."
            )
        parts.append(np.concatenate([zeros[:num_zeros], ones[:num_ones]]))
        zeros, ones = zeros[num_zeros:], ones[num_ones:]
    return parts
