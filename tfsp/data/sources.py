"""The registry of named data sets, and what a source returns.

A data set is added by one function in one file:

    @sources.register("my_digits")
    def my_digits(request):
        images, labels = read_them_from(request.data_dir)
        splits = {"standard": splits.consecutive(50_000, 10_000, 10_000)}
        return sources.ImageSet(images, labels, splits, source="where they came from")

Further parameters of the function are options of the data set: `load("my_digits", thick=True)`.
"""

import dataclasses
import inspect
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfsp.data.file_names import FileNames
from tfsp.data.lazy import LazyImages
from tfsp.data.splits import Split
from tfsp.registry import Registry

SOURCES = Registry("data set")
register = SOURCES.register


@dataclasses.dataclass(frozen=True)
class Request:
    """What `load` asks of a source.

    Attributes:
      name: registered name.
      data_dir: folder of data sets.
      download: whether absent data may be fetched.
      split: name of the split wanted, for sources whose files differ by split.
      image_size: (height, width) or None; only sources that cannot be resized afterwards
        (streams, folders of images of several sizes) heed it.
    """

    name: str
    data_dir: pathlib.Path
    download: bool = False
    split: str = "standard"
    image_size: tuple[int, int] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSet:
    """A source whose images have their rows: held in memory, or read when needed.

    Attributes:
      images: NumPy [n, H, W, C] or [n, D], uint8 or float32 in [0, 1]; or LazyImages.
      labels: NumPy int32 [n], or None.
      splits: dict name -> splits.Split.
      source: where the images came from, in words.
      native_binarization: what the source itself did, where its images are binary by nature;
        only `binarization="none"` is then accepted.
      class_names: names of the labels 0, 1, ..., or None.
      files: FileNames of the images, or None where they are no files.
    """

    images: np.ndarray | LazyImages
    labels: np.ndarray | None
    splits: dict[str, Split]
    source: str
    native_binarization: str | None = None
    class_names: tuple[str, ...] | None = None
    files: FileNames | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class StreamSet:
    """A source too large for memory.

    Attributes:
      parts: dict "train"/"validation"/"test" -> (tf.data.Dataset of (image, int32 label), size).
        Images are uint8 or float32 in [0, 1]; the order is the same in every iteration.
      image_shape: static shape of an image.
      num_classes: number of distinct labels, or None if the labels mean nothing.
      source: where the images came from, in words.
    """

    parts: dict[str, tuple[tf.data.Dataset, int]]
    image_shape: tuple[int, ...]
    num_classes: int | None
    source: str


@dataclasses.dataclass(frozen=True, eq=False)
class GeneratedSet:
    """A source that draws examples as they are needed and has no end.

    Attributes:
      draw: function (seed [2] int64, count) -> (examples [count, ...] float32, labels [count]
        int32), of TensorFlow ops, a function of the seed alone. Examples need not lie in [0, 1].
      image_shape: shape of an example.
      num_classes: number of distinct labels, or None if the labels mean nothing.
      source: what is drawn, in words.
      sizes: dict part -> number: for "train" the examples that make an epoch.
    """

    draw: Callable[..., tuple[tf.Tensor, tf.Tensor]]
    image_shape: tuple[int, ...]
    num_classes: int | None
    source: str
    sizes: dict[str, int]


def find(request: Request, options: Mapping[str, Any]) -> ImageSet | StreamSet | GeneratedSet:
    """What the source of `request.name` returns, given its options (a dict).

    Raises:
      ValueError: for an option that the source does not take.
    """
    function = SOURCES.get(request.name)
    return with_options(function, (request,), options, f"The data set {request.name!r}")


def with_options(
    function: Callable[..., Any], arguments: Sequence[Any], options: Mapping[str, Any], what: str
) -> Any:
    """`function(*arguments, **options)`, once its signature takes these options.

    Raises:
      ValueError: for one that it does not take, with those that it does.
    """
    known = list(inspect.signature(function).parameters)[len(arguments) :]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(
            f"{what} does not take {', '.join(map(repr, unknown))}. It takes: "
            f"{', '.join(known) or 'no options'}."
        )
    return function(*arguments, **options)


def default_data_dir(data_dir: str | os.PathLike[str] | None) -> pathlib.Path:
    """`data_dir` as a path, else $TFDS_DATA_DIR, else TensorFlow Datasets' own default."""
    if data_dir is None:
        data_dir = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return pathlib.Path(data_dir).expanduser()


def names() -> list[str]:
    """Registered names, sorted."""
    return SOURCES.names()
