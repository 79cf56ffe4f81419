"""The elements of a user's tf.data.Dataset: what they are, and one example at a time."""

import tensorflow as tf

from tfsp.data.errors import DataFormatError

_CHANNELS = 4  # the most that the last axis of a lone image may have unasked
_IMAGE_KEYS = ("image", "images", "x", "data", "input", "pixels")
_LABEL_KEYS = ("label", "labels", "y", "target", "class")


def single_examples(dataset: tf.data.Dataset) -> tuple[tf.data.Dataset, bool]:
    """(data set of (x, y) for single examples, whether y means anything).

    Args:
      dataset: of x or (x, y). An element x is an image [H, W, C] or [H, W], flat data [D], or a
        batch of these. With labels their rank tells: a scalar label belongs to one image.
        Without, rank 4, or a leading axis of unknown length before known ones, means a batch.

    Raises:
      ValueError: for another structure, and for elements of which one cannot tell whether they are
        batches.
      DataFormatError: for dtypes that are none of images or labels.
    """
    image, label = _specs(dataset)
    batched = _is_batch(image, label)
    if label is None:
        dataset = dataset.map(lambda x: (x, tf.zeros(tf.shape(x)[:1] if batched else [])))
    examples = dataset.unbatch() if batched else dataset
    if examples.element_spec[0].shape.rank == 2:  # [H, W]
        examples = examples.map(lambda x, y: (x[..., None], y))
    return examples, label is not None


def _specs(dataset):
    """(TensorSpec of x, TensorSpec of y or None)."""
    spec = dataset.element_spec
    pair = spec if isinstance(spec, tuple) else (spec,)
    if len(pair) not in (1, 2) or not all(isinstance(s, tf.TensorSpec) for s in pair):
        raise ValueError(
            f"The tf.data.Dataset must yield x or (x, y), tensors both. Received elements "
            f"{_short(spec)}. {_to_pair(spec)}"
        )
    image, label = pair[0], pair[1] if len(pair) == 2 else None
    if image.dtype == tf.string:
        raise DataFormatError(
            "The tf.data.Dataset yields text where images should be. If these are paths or the "
            "content of files, decode them first: dataset.map(lambda path: tf.io.decode_image("
            "tf.io.read_file(path), channels=3, expand_animations=False)). A folder can be loaded "
            "by its path."
        )
    if label is not None and label.dtype in (tf.string, tf.complex64, tf.complex128):
        raise DataFormatError(
            f"Labels must be whole numbers. Received dtype {label.dtype.name}. Number them, "
            "for example with keras.layers.StringLookup, or leave them out: "
            "dataset.map(lambda x, y: x)."
        )
    return image, label


def _is_batch(image, label):
    shape = image.shape
    if shape.rank is None or not 1 <= shape.rank <= 4:
        raise ValueError(
            "The images of the tf.data.Dataset must have a known rank, from 1 (flat data) to 4 "
            f"(a batch of images). Received shape {shape}."
        )
    if label is None:
        if shape.rank > 1 and shape[0] is None and None not in shape[1:]:
            return True
        _refuse_ambiguous(shape)
        return shape.rank == 4
    if label.shape.rank == 0 and shape.rank < 4:
        return False
    if label.shape.rank == 1 and shape.rank > 1 and shape[:1].is_compatible_with(label.shape):
        return True
    lone = label.shape.rank and label.shape[-1] == 1
    mend = "tf.squeeze(y, -1)" if lone else "tf.argmax(y, -1)"
    raise ValueError(
        "Labels must be whole numbers, one for each image. Received images of shape "
        f"{shape} with labels of shape {label.shape}. Pass dataset.map(lambda x, y: (x, {mend}))"
        + ("." if lone else " if they are one-hot.")
    )


def _refuse_ambiguous(shape):
    """Refuses [B, H, W] and [B, D] of static size, which look like one image.

    A lone image may be square or have up to four channels; `batch(n, drop_remainder=True)` makes
    such shapes, too.
    """
    if shape.rank == 3 and shape[2] is not None and shape[2] > _CHANNELS:
        lone = "dataset.batch(100) if an element is one image of so many channels"
    elif shape.rank == 2 and shape.is_fully_defined() and shape[0] != shape[1]:
        lone = "dataset.map(lambda x: x[..., None]) if an element is one image [H, W]"
    else:
        return
    raise ValueError(
        f"The tf.data.Dataset yields elements of shape {shape}: one image, or a batch of "
        f"{shape[0]} examples of shape {shape[1:]}? Pass dataset.unbatch() if it is a batch, or "
        f"{lone}."
    )


def _to_pair(spec):
    """How elements of another structure become x or (x, y)."""
    if isinstance(spec, tuple) and len(spec) > 2:
        return "Pass dataset.map(lambda x, y, *rest: (x, y))."
    rest = ""
    if isinstance(spec, tuple) and len(spec) == 2 and isinstance(spec[0], dict):
        spec, rest = spec[0], ", y"
    if isinstance(spec, dict):
        image = _key(spec, _IMAGE_KEYS)
        label = "y" if rest else _key(spec, _LABEL_KEYS, other_than=image)
        label = label if rest or label is None else f"x[{label!r}]"
        value = f"x[{image!r}]" if label is None else f"(x[{image!r}], {label})"
        return f"Pass dataset.map(lambda x{rest}: {value})."
    if any(
        isinstance(s, (tf.RaggedTensorSpec, tf.SparseTensorSpec)) for s in tf.nest.flatten(spec)
    ):
        return "Make ragged tensors dense by x.to_tensor(), sparse ones by tf.sparse.to_dense(x)."
    return "Pass dataset.map(lambda ...: (x, y))."


def _key(spec, known, other_than=None):
    """The key of a dict that is meant: a known one, else of images that of highest rank."""
    if found := next((key for key in known if key in spec), None):
        return found
    tensors = {key: s for key, s in spec.items() if isinstance(s, tf.TensorSpec)}
    if other_than is None:
        ranks = {key: s.shape.rank or 0 for key, s in tensors.items()}
        return max(ranks, key=ranks.get, default=next(iter(spec), "image"))
    rest = [key for key, s in tensors.items() if key != other_than and s.dtype.is_integer]
    return rest[0] if rest else None


def _short(spec):
    text = str(spec)
    return text if len(text) <= 300 else f"{text[:300]}..."
