"""A user's tf.data.Dataset: taken into memory, or streamed."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfsp import subset
from tfsp.data import area, arrays, splits, stream, user_data
from tfsp.data.dataset_elements import single_examples
from tfsp.data.errors import DataFormatError
from tfsp.data.memory import MEMORY_LIMIT
from tfsp.data.sources import ImageSet, StreamSet

_OVERHEAD = 200  # bytes that an image costs beside its pixels
# Elements read of a data set that does not tell its length, which may have no end.
_LENGTH_LIMIT = 300_000
_SOURCE = "tf.data.Dataset"


def from_dataset(
    dataset: tf.data.Dataset,
    cache: bool,
    sizes: Mapping[str, int | None],
    image_size: tuple[int, int] | None,
) -> ImageSet | StreamSet:
    """ImageSet (`cache=True`: read once into memory) or StreamSet of a finite data set.

    Args:
      dataset: of x or (x, y), single examples or batches; see `dataset_elements`. If it does not
        know its length, as one made of a generator, 300,000 examples are the most.
      cache: whether to hold the images in memory. If not, every epoch reads `dataset` anew; it
        must then give the same elements in the same order each time, or resumed training will
        not see what it would have seen. Of every ten elements the ninth validates and the tenth
        tests.
      sizes: dict part -> number or None. Of more, streamed parts use a random subset (see
        `tfsp.subset`), for which every epoch reads as far as the last of them.
      image_size: (height, width) or None.

    Raises:
      ValueError: if the data set is infinite, empty, of another structure, or of unknown length and
        too long.
    """
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "The tf.data.Dataset is infinite, so that it has no epochs. Pass one that ends: "
            "leave out repeat(), or use take(n)."
        )
    elements, has_labels = single_examples(dataset)
    if cache:
        return _in_memory(elements, has_labels)
    return _streamed(elements, has_labels, sizes, image_size)


def _in_memory(elements, has_labels):
    images, labels, used = [], [], 0
    for image, label in _bounded(elements).as_numpy_iterator():
        used += image.nbytes + _OVERHEAD
        if used > MEMORY_LIMIT:
            raise ValueError(
                f"The tf.data.Dataset does not fit into {MEMORY_LIMIT / 2**30:g} GiB of memory. "
                "Pass cache=False to stream it, or uint8 images instead of floats. If it has no "
                "end, as a generator may, use take(n)."
            )
        images.append(image)
        labels.append(label)
    if not images:
        raise _no_examples()
    _check_length(elements, len(images))
    if len({image.shape for image in images}) != 1:
        shapes = sorted({image.shape for image in images})
        named = ", ".join(map(str, shapes[:5])) + (", ..." if len(shapes) > 5 else "")
        raise DataFormatError(
            f"The images of the tf.data.Dataset must be of one shape. Received {named}."
        )
    return user_data.from_arrays(
        np.stack(images),
        np.array(labels) if has_labels else None,
        f"{_SOURCE}, held in memory",
        {"table": False},  # as where it is streamed: values must lie in [0, 1]
    )


def _bounded(elements):
    """The elements; of unknown length no more than one above the limit."""
    known = int(elements.cardinality()) >= 0
    return elements if known else elements.take(_LENGTH_LIMIT + 1)


def _check_length(elements, count):
    if int(elements.cardinality()) < 0 and count > _LENGTH_LIMIT:
        raise ValueError(
            f"The tf.data.Dataset does not tell its length and gave more than {_LENGTH_LIMIT:,} "
            "examples, so that it may have no end. Pass dataset.take(n), or, if it has exactly n "
            "elements, dataset.apply(tf.data.experimental.assert_cardinality(n)); of one that ends "
            "n is sum(1 for _ in dataset)."
        )


def _no_examples():
    return ValueError(
        f"The {_SOURCE} holds no examples. Expected at least one element. Is a filter too strict, "
        "or a generator used up?"
    )


def _streamed(elements, has_labels, sizes, image_size):
    image = elements.element_spec[0]
    if not image.shape.is_fully_defined():
        raise ValueError(
            f"To be streamed, images must have a static shape. Received {image.shape}. Use "
            "tf.ensure_shape in a map, or cache=True."
        )
    if image_size is not None and image.shape.rank != 3:
        raise ValueError(f"`image_size` needs images [H, W, C]. Received shape {image.shape}.")
    if image.dtype not in (tf.uint8, tf.bool) and not image.dtype.is_floating:
        raise DataFormatError(
            f"Images must be uint8 (0..255), bool, or floats in [0, 1]. Received "
            f"{image.dtype.name}. Convert them, for example dataset.map(lambda x, y: "
            "(tf.cast(x, tf.uint8), y)) if they lie in 0..255."
        )
    total, num_classes = _count(elements, has_labels)
    elements = elements.map(_checked)
    if image_size is not None:
        elements = elements.map(lambda x, y: (_resized(x, image_size), y))
    return StreamSet(
        _tenths(elements, total, sizes),
        tuple(elements.element_spec[0].shape),
        num_classes,
        f"{_SOURCE}, streamed",
    )


def _count(elements, has_labels):
    """(number of elements, number of classes or None); one pass over the data set if needed."""
    total, classes = int(elements.cardinality()), set()
    if total < 0 or has_labels:
        total = 0
        labels = _bounded(elements).map(lambda x, y: y).batch(1000)
        for batch in labels.as_numpy_iterator():
            total += len(batch)
            classes.update(arrays.whole_labels(batch, "The labels of the tf.data.Dataset").tolist())
    if not total:
        raise _no_examples()
    _check_length(elements, total)
    return total, len(classes) if has_labels else None


def _checked(image, label):
    label = tf.cast(label, tf.int32)
    if image.dtype == tf.bool:
        return tf.cast(image, tf.uint8) * tf.constant(255, tf.uint8), label
    if image.dtype == tf.uint8:
        return image, label
    beyond = arrays.rounding(np.dtype(image.dtype.as_numpy_dtype))
    image = tf.cast(image, tf.float32)
    message = "Images of the tf.data.Dataset must lie in [0, 1]; scale them, or pass uint8."
    # Written so that NaN fails as well.
    inside = tf.reduce_all((image >= -beyond) & (image <= 1.0 + beyond))
    with tf.control_dependencies([tf.debugging.Assert(inside, [message])]):
        return tf.clip_by_value(image, 0.0, 1.0), label


def _resized(image, size):
    mean = tf.ensure_shape(area.mean(image, *size), [*size, image.shape[2]])
    if image.dtype == tf.uint8:
        return tf.cast(tf.round(mean), tf.uint8)
    return tf.clip_by_value(mean, 0.0, 1.0)


def _tenths(elements, total, sizes):
    """dict part -> (elements, size): element i validates if i % 10 = 8 and tests if it is 9."""
    held = {8: "validation", 9: "test"}
    held = {digit: part for digit, part in held.items() if sizes[part] != 0}
    parts = {}
    for part in splits.PARTS:
        digits = [d for d in range(10) if held.get(d, "train") == part]
        available = sum(total // 10 + (d < total % 10) for d in digits)
        wanted = available if sizes[part] is None else sizes[part]
        if wanted > available or (part == "train" and not wanted):
            raise ValueError(
                f"The {part} part of the tf.data.Dataset has {available} of its {total} elements. "
                f"Asked for: {wanted}."
            )
        member = tf.constant([d in digits for d in range(10)])
        own = elements.enumerate().filter(lambda i, pair, member=member: member[i % 10])
        own = own.map(lambda i, pair: pair)
        if wanted < available:
            own = stream.choose(own.enumerate(), subset.rows(available, wanted))
            own = own.map(lambda i, pair: pair)
        parts[part] = (own, wanted)
    return parts
