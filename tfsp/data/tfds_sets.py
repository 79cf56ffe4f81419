"""Any image set of TensorFlow Datasets by its name: what it holds is found in its features."""

import re
import string
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfsp.data import area, part_names, splits, tfds_source
from tfsp.data.errors import DataFormatError
from tfsp.data.left_out import listed
from tfsp.data.memory import MEMORY_LIMIT
from tfsp.data.sources import ImageSet, Request

# name, name/config, and either with a version: emnist/letters:3.1.0
NAME = re.compile(r"[a-z][a-z0-9_]*(/[A-Za-z0-9_+-]+)?(:\d+\.\d+\.\d+)?")
_NAMED = 10  # features in a message


def from_tfds(request: Request, image: str | None = None, label: str | None = None) -> ImageSet:
    """ImageSet of a prepared set of TensorFlow Datasets, held in memory.

    Splits whose names say so (`part_names`) train, validate and test, others are left out; a lone
    split trains, and parts that are absent are held out of it. Images stay as they come but for
    those of "emnist", which lie transposed and are made to stand upright ("emnist/letters" counts
    from 1, here from 0), and for zeros and ones in bytes, which become 0 and 255; `source` says so.

    Args:
      request: sources.Request. With `image_size` images of several sizes are brought to one.
      image: name of the feature that is the image; None takes the only one.
      label: of the feature that is the class; None takes the one that the set names for supervised
        learning, or else the only one of classes, if there is any.

    Raises:
      DataNotFoundError: if the set is not there.
      DataFormatError: for a set without images, without a training part, or damaged.
      ValueError: if there are several images and `image` names none, for names that no feature has,
        images of several sizes without `image_size`, and sets too large for memory.
    """
    folder: Any = tfds_source.locate(request)[0]
    builder = tfds_source.open_builder(folder)
    what = f"TFDS {'/'.join(filter(None, (builder.name, _config(builder))))} {builder.info.version}"
    image = _image_feature(builder, image, what)
    label = _label_feature(builder, label, what)
    named, unused = _parts(builder, what)
    shape, size = _shape(builder, image, request.image_size, [*named.values()], what)

    def resized(pixels):
        mean = tf.ensure_shape(area.mean(pixels, *size), [*size, shape[2]])
        return tf.cast(tf.round(mean), tf.uint8)

    read = [
        tfds_source.read(builder, split, shape[2], None, image, label, resized if size else None)
        for split in named.values()
    ]
    images = np.concatenate([x for x, _ in read])
    labels = None if label is None else np.concatenate([y for _, y in read])
    said = [what]
    if size:
        said.append(f"area-averaged to {size[0]}x{size[1]}")
    class_names = _class_names(builder, label)
    if builder.name == "emnist":
        images = images.transpose(0, 2, 1, 3)
        said.append("transposed to stand upright")
        if _config(builder) == "letters" and labels is not None:
            labels, class_names = labels - 1, tuple(string.ascii_uppercase)
            said.append("labels 1..26 counted from 0")
    binary = None
    if images.max(initial=0) == 1:
        images = images * np.uint8(255)
        said.append("zeros and ones")
        binary = "by nature"
    if unused:
        said.append(f"without its splits {listed(unused, _NAMED)}")
    counts = dict(zip(named, (len(x) for x, _ in read), strict=True))
    split = splits.consecutive(*(counts.get(part) for part in splits.PARTS))
    source = ", ".join(said)
    return ImageSet(images, labels, {"standard": split}, source, binary, class_names)


def _config(builder):
    return builder.builder_config.name if builder.builder_config else None


def _features(builder, kind):
    """Names of the top-level features of exactly one kind, sorted."""
    return sorted(k for k, feature in builder.info.features.items() if type(feature) is kind)


def _image_feature(builder, wanted, what):
    import tensorflow_datasets as tfds

    found = _features(builder, tfds.features.Image)
    if not found:
        raise DataFormatError(
            f"{what} has no image among its features: "
            f"{listed(sorted(builder.info.features), _NAMED)}."
        )
    if wanted is None and len(found) > 1:
        raise ValueError(
            f"{what} has {len(found)} images: {listed(found, _NAMED)}. Name one of them, for "
            f"example image={found[0]!r} (in a config data.image)."
        )
    return _known(found, wanted, "image", what) or found[0]


def _label_feature(builder, wanted, what):
    import tensorflow_datasets as tfds

    classes = _features(builder, tfds.features.ClassLabel)
    numbers = [
        name
        for name, feature in builder.info.features.items()
        if isinstance(feature, tfds.features.Tensor)
        and feature.shape == ()
        and np.dtype(feature.np_dtype).kind in "iu"
    ]
    if wanted is not None:
        return _known(list(dict.fromkeys([*classes, *numbers])), wanted, "label", what)
    supervised = builder.info.supervised_keys
    if supervised and supervised[1] in classes:
        return supervised[1]
    return classes[0] if len(classes) == 1 else None


def _known(found, wanted, option, what):
    if wanted is not None and wanted not in found:
        raise ValueError(
            f"`{option}` must name one of the features of {what}: "
            f"{listed(found, _NAMED) or 'it has none that fits'}. Received: {wanted!r}."
        )
    return wanted


def _class_names(builder, label):
    """Names of the classes; None where they are numbers."""
    names = getattr(builder.info.features[label], "names", None) if label is not None else None
    if not names or all(name.isdecimal() for name in names):
        return None
    return tuple(names)


def _parts(builder, what):
    """(dict part -> its split, in the order of the parts; names of splits that are not used)."""
    available = [name for name, split in builder.info.splits.items() if split.num_examples]
    found = {}
    for name in available:
        part = part_names.part_of(name)
        if part is not None:
            found.setdefault(part, name)
    if not found and len(available) == 1:
        found = {"train": available[0]}
    if "train" not in found:
        raise DataFormatError(
            f"{what} has no training part. Its splits: {listed(available, _NAMED) or 'none'}. Pass "
            "one as a tf.data.Dataset: tfds.load(name, split=..., as_supervised=True)."
        )
    named = {part: found[part] for part in splits.PARTS if part in found}
    return named, [name for name in available if name not in named.values()]


def _shape(
    builder: Any,
    image: str,
    wanted: tuple[int, int] | None,
    used: Sequence[str],
    what: str,
) -> tuple[tuple[int, ...], tuple[int, int] | None]:
    """(shape of an image [H, W, C], the size it is brought to while it is read, or None)."""
    feature = builder.info.features[image]
    if np.dtype(feature.np_dtype) != np.uint8:
        raise DataFormatError(
            f"{what}: images must be uint8. Received {np.dtype(feature.np_dtype).name}. Pass them "
            "as a tf.data.Dataset of floats in [0, 1]."
        )
    height, width, channels = feature.shape
    channels = channels or 3
    if (height is None or width is None) and wanted is None:
        raise ValueError(
            f"{what} has images of several sizes. Give the size that they are to have: "
            "image_size=64, or (height, width)."
        )
    number = sum(builder.info.splits[split].num_examples for split in used)
    fits = None not in (height, width) and number * height * width * channels <= MEMORY_LIMIT
    size = None if fits else wanted
    height, width = size or (height, width)
    if number * height * width * channels > MEMORY_LIMIT:
        raise ValueError(
            f"{what} has {number:,} images, which as {height}x{width} do not fit into "
            f"{MEMORY_LIMIT / 2**30:g} GiB of memory. Give a smaller `image_size`, or stream it: "
            "load(tfds.load(name, split=..., as_supervised=True), cache='none')."
        )
    return (height, width, channels), size
