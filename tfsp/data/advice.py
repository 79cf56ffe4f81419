"""How to mend data that cannot be read: the last sentences of errors."""

from collections.abc import Sequence
from typing import Any

import numpy as np

_TABLE = (
    "A table [n, D] may hold any numbers: pass it as an array, with table=True. Or scale each "
    "column by itself: sklearn.preprocessing.MinMaxScaler(clip=True).fit(x_train)."
)


def for_range(images: np.ndarray, low: float, high: float) -> str:
    """For numbers outside [0, 1].  low, high: their smallest and largest value."""
    low, high = float(low), float(high)
    if low >= 0 and high <= 255 and _whole(images):
        scaled = "If they are intensities of 0..255, pass x / 255 or x.astype('uint8')."
        return f"{scaled} {_TABLE}" if images.ndim == 2 else scaled
    if images.ndim == 2:
        return _TABLE
    if low >= -1.001 and high <= 1.001:
        scaled = "If they are scaled to [-1, 1], pass (x + 1) / 2."
        return scaled if low < 0 else "If no more than noise is outside, pass np.clip(x, 0, 1)."
    if low >= 0 and high <= 65535 and _whole(images):
        return (
            "Divide by the largest value that they can have: 65535 for 16-bit images, 4095 for "
            "12-bit, 1023 for 10-bit ones."
        )
    if low == high:
        return "Divide by the largest value that they can have."
    return f"Scale them, for example (x - {low:g}) / {high - low:g}."


def for_dtype(images: np.ndarray) -> str:
    """For an array whose dtype is none of images."""
    kind = images.dtype.kind
    if kind in "iu" and images.size:
        low, high = int(images.min()), int(images.max())
        if low >= 0 and high <= 1:
            return "For binary images pass x.astype(bool); for 0..255 pass x.astype('uint8')."
        if low >= 0 and high <= 255 and images.ndim != 2:
            return "They lie in 0..255: pass x.astype('uint8')."
        return f"They lie in {low}..{high}. {for_range(images, low, high)}"
    if kind == "c":
        return (
            "An intensity is a real number: pass np.abs(x) scaled to [0, 1], or real and imaginary "
            "parts as two channels, each scaled to [0, 1]."
        )
    if kind in "US" or (kind == "O" and images.size and isinstance(images.flat[0], (str, bytes))):
        return (
            "Text is no image. If these are paths, pass the folder that holds the files; if they "
            "are numbers in text, pass x.astype('float32')."
        )
    if kind == "O":
        reason = for_ragged(images.reshape(-1)[:1000].tolist())
        return reason[0].upper() + reason[1:]
    return "Convert it to floats in [0, 1]."


def for_ragged(entries: Sequence[Any]) -> str:
    """For a list whose entries make no array of numbers."""
    shapes = sorted({np.shape(entry) for entry in entries if hasattr(entry, "shape")})
    if len(shapes) > 1:
        named = ", ".join(map(str, shapes[:3])) + (", ..." if len(shapes) > 3 else "")
        pair = " For images and labels pass a tuple (images, labels)." if len(entries) == 2 else ""
        return (
            f"expected images of one shape. Received shapes {named}. Bring them to one size first, "
            f"or put the files into a folder and load that with image_size.{pair}"
        )
    kinds = sorted({type(entry).__name__ for entry in entries})[:3]
    return (
        f"expected numbers. Received Python objects ({', '.join(kinds)}). Convert them, for "
        "example x.astype('float32'), which also finds the ones that are no numbers."
    )


def for_no_array(value: Any) -> str:
    """For what is no array at all."""
    kind = type(value).__name__
    if callable(value) and not hasattr(value, "__len__") and not hasattr(value, "__next__"):
        return (
            f"expected an array of images. Received the function or class {kind!r}. If it makes a "
            "generator, pass tf.data.Dataset.from_generator(it, output_signature=...).take(n)."
        )
    if hasattr(value, "__next__"):
        return (
            f"expected an array of images. Received a {kind}, which may have no end. Take a number "
            "of examples: np.stack(list(itertools.islice(generator, n))), or a tf.data.Dataset of "
            "them, tf.data.Dataset.from_generator(...).take(n)."
        )
    if hasattr(value, "toarray"):
        return f"expected a dense array. Received a sparse {kind}: pass x.toarray()."
    iterable = hasattr(value, "__iter__") or hasattr(value, "__getitem__")
    if iterable and not isinstance(value, (str, bytes)):
        return (
            f"expected an array of images. Received a {kind}. Collect its examples in one array, "
            "for example np.concatenate([x for x, y in batches]), or pass a tf.data.Dataset."
        )
    return (
        "expected an array of images, a pair (images, labels), a dict of arrays, a path, the name "
        f"of a data set or a tf.data.Dataset. Received a {kind}."
    )


def for_labels(labels: np.ndarray) -> str:
    """For labels of a kind that is no number."""
    if labels.dtype.kind in "OUS" and labels.size:
        if all(isinstance(label, (int, np.integer)) for label in labels.flat):
            return "Pass y.astype('int32')."
        if any(label is None or label != label for label in labels.flat):
            return "Leave the examples without a label out, and number the labels of the others."
        return "Number them: names, y = np.unique(y, return_inverse=True)."
    return "Pass integers."


def first(values: np.ndarray) -> str:
    """The first three values, for a message; long ones are cut."""
    shown = [str(value)[:40] for value in values.reshape(-1)[:3].tolist()]
    return f"[{', '.join(shown)}{', ...' if values.size > 3 else ''}]"


def _whole(values):
    return np.array_equal(values, np.rint(values))
