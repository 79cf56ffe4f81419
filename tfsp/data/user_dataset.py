"""A user's tf.data.Dataset: taken into memory, or streamed."""

import numpy as np
import tensorflow as tf

from tfsp import subset
from tfsp.data import area, splits, stream, user_data
from tfsp.data.errors import DataFormatError
from tfsp.data.sources import StreamSet

_MEMORY_LIMIT = 4 * 2**30  # bytes
_SOURCE = "tf.data.Dataset"


def from_dataset(dataset, cache, sizes, image_size):
    """ImageSet (`cache=True`: read once into memory) or StreamSet of a finite data set.

    Args:
      dataset: of x or (x, y). An element x is an image [H, W, C] or [H, W], flat data [D], or a
        batch of these: with labels their rank tells (a scalar label belongs to one image), else
        rank 4, or a leading axis of unknown length before known ones, means a batch.
      cache: whether to hold the images in memory. If not, every epoch reads `dataset` anew; it
        must then give the same elements in the same order each time, or resumed training will
        not see what it would have seen. Of every ten elements the ninth validates and the tenth
        tests.
      sizes: dict part -> number or None. Of more, streamed parts use a random subset (see
        `tfsp.subset`), for which every epoch reads as far as the last of them.
      image_size: (height, width) or None.
    Raises: ValueError if the data set is infinite, empty, or of another structure.
    """
    elements, has_labels = _unbatched(dataset)
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "The tf.data.Dataset is infinite, so that it has no epochs. Pass one that ends: "
            "leave out repeat(), or use take(n)."
        )
    if cache:
        return _in_memory(elements, has_labels)
    return _streamed(elements, has_labels, sizes, image_size)


def _unbatched(dataset):
    """(data set of (x, y) for single images, whether y means anything)."""
    spec = dataset.element_spec
    pair = spec if isinstance(spec, tuple) else (spec,)
    if len(pair) not in (1, 2) or not all(isinstance(s, tf.TensorSpec) for s in pair):
        raise ValueError(
            f"The tf.data.Dataset must yield x or (x, y), tensors both. Received {spec}."
        )
    shape = pair[0].shape
    if shape.rank is None or not 1 <= shape.rank <= 4:
        raise ValueError(
            "The images of the tf.data.Dataset must have a known rank, from 1 (flat data) to 4 "
            f"(a batch of images). Received shape {shape}."
        )
    has_labels = len(pair) == 2
    if has_labels and pair[1].shape.rank == 0:
        batched = False
    elif has_labels and pair[1].shape.rank == 1:
        batched = True
    elif has_labels:
        raise ValueError(
            f"Labels must be whole numbers, one for each image. Received shape {pair[1].shape}."
        )
    else:
        leading_unknown = shape.rank > 1 and shape[0] is None
        batched = shape.rank == 4 or (leading_unknown and None not in shape[1:])
    if not has_labels:
        dataset = dataset.map(lambda x: (x, tf.zeros(tf.shape(x)[:1] if batched else [])))
    elements = dataset.unbatch() if batched else dataset
    if elements.element_spec[0].shape.rank == 2:  # [H, W]
        elements = elements.map(lambda x, y: (x[..., None], y))
    return elements, has_labels


def _in_memory(elements, has_labels):
    images, labels, used = [], [], 0
    for image, label in elements.as_numpy_iterator():
        used += image.nbytes
        if used > _MEMORY_LIMIT:
            raise ValueError(
                f"The tf.data.Dataset does not fit into {_MEMORY_LIMIT / 2**30:g} GiB of memory. "
                "Pass cache=False to stream it, or uint8 images instead of floats."
            )
        images.append(image)
        labels.append(label)
    if len({image.shape for image in images}) != 1:
        shapes = sorted({image.shape for image in images})
        raise DataFormatError(
            f"The images of the tf.data.Dataset must be of one shape. Received {shapes or 'none'}."
        )
    return user_data.from_arrays(
        np.stack(images), np.array(labels) if has_labels else None, f"{_SOURCE}, held in memory"
    )


def _streamed(elements, has_labels, sizes, image_size):
    shape = elements.element_spec[0].shape
    if not shape.is_fully_defined():
        raise ValueError(
            f"To be streamed, images must have a static shape. Received {shape}. Use "
            "tf.ensure_shape in a map, or cache=True."
        )
    if image_size is not None and shape.rank != 3:
        raise ValueError(f"`image_size` needs images [H, W, C]. Received shape {shape}.")
    total, classes = _count(elements, has_labels)
    elements = elements.map(_checked)
    if image_size is not None:
        elements = elements.map(lambda x, y: (_resized(x, image_size), y))
        shape = elements.element_spec[0].shape
    return StreamSet(
        _tenths(elements, total, sizes),
        tuple(shape),
        len(classes) if has_labels else None,
        f"{_SOURCE}, streamed",
    )


def _count(elements, has_labels):
    """(number of elements, set of labels); one pass over the data set if it must be."""
    known = elements.cardinality().numpy()
    if known >= 0 and not has_labels:
        return int(known), set()
    total, classes = 0, set()
    for label in elements.map(lambda x, y: y).batch(1000).as_numpy_iterator():
        total += len(label)
        classes.update(label.tolist())
    return total, classes


def _checked(image, label):
    if image.dtype == tf.uint8:
        return image, tf.cast(label, tf.int32)
    if not image.dtype.is_floating:
        raise DataFormatError(f"Images must be uint8 or floats. Received {image.dtype}.")
    image = tf.cast(image, tf.float32)
    message = "Images of the tf.data.Dataset must lie in [0, 1]; scale them, or pass uint8."
    # Written so that NaN fails as well.
    inside = tf.reduce_all((image >= 0.0) & (image <= 1.0))
    with tf.control_dependencies([tf.debugging.Assert(inside, [message])]):
        return tf.identity(image), tf.cast(label, tf.int32)


def _resized(image, size):
    rows, columns = (
        tf.constant(area.coverage(image.shape[axis], size[axis]), tf.float32) for axis in (0, 1)
    )
    channels = tf.transpose(tf.cast(image, tf.float32), [2, 0, 1])
    mean = tf.matmul(tf.matmul(rows, channels), columns, transpose_b=True)
    mean = tf.transpose(mean, [1, 2, 0])
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
