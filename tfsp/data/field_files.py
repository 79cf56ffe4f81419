"""The files in which the field passes its data sets around."""

import pathlib

import numpy as np

from tfsp.data import splits
from tfsp.data.array_files import NpzFile, need_keys, read_amat, read_mat
from tfsp.data.arrays import as_images, as_labels
from tfsp.data.errors import DataFormatError
from tfsp.data.sources import ImageSet, Request, register

CALTECH_FILE = "caltech101_silhouettes_28_split1.mat"
CHARDATA_COUNTS = (24_345, 8_070)
CALTECH_COUNTS = (4_100, 2_264, 2_307)
LAROCHELLE_COUNTS = {"train": 50_000, "valid": 10_000, "test": 10_000}
_PIXELS = 784

Pair = tuple[np.ndarray, np.ndarray]  # images, labels


def keras_npz(path: pathlib.Path) -> tuple[Pair, Pair]:
    """((images, labels) of train, the same of test) of an .npz file in the layout of Keras."""
    arrays = NpzFile(path)
    need_keys(path, arrays, ("x_train", "y_train", "x_test", "y_test"))
    parts: list[Pair] = []
    for part in ("train", "test"):
        images = as_images(arrays[f"x_{part}"], f"x_{part} of {path}")
        parts.append((images, as_labels(arrays[f"y_{part}"], len(images), f"y_{part} of {path}")))
    return parts[0], parts[1]


def omniglot_28(path: pathlib.Path) -> tuple[Pair, Pair]:
    """((images, labels) of the background set, the same of the evaluation set).

    The file has x uint8 [n, 28, 28] with ink high, label [n], and split [n]: 0 background,
    1 evaluation.
    """
    arrays = NpzFile(path)
    need_keys(path, arrays, ("x", "label", "split"))
    images = as_images(arrays["x"], f"x of {path}")
    labels = as_labels(arrays["label"], len(images), f"label of {path}")
    split = as_labels(arrays["split"], len(images), f"split of {path}")
    background, evaluation = split == 0, split == 1
    return (images[background], labels[background]), (images[evaluation], labels[evaluation])


def chardata(path: pathlib.Path) -> ImageSet:
    """Burda's Omniglot, `chardata.mat`.

    Images are columns of `data` [784, 24345] and `testdata` [784, 8070], each stored column by
    column, intensities in [0, 1] with ink high. "burda" trains on 23,000 of the first and
    validates on 1,345 (a fixed shuffle). Labels are characters, numbered by (alphabet,
    character within it); where the file lacks the character they are alphabets, and without
    `target` there are none.
    Source: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519.
    """
    arrays = read_mat(path)
    need_keys(path, arrays, ("data", "testdata"))
    parts = [
        _column_major(arrays[key].T.astype(np.float32), count, f"{key} of {path} (transposed)")
        for key, count in zip(("data", "testdata"), CHARDATA_COUNTS, strict=True)
    ]
    development = splits.shuffled(CHARDATA_COUNTS[0], 23_000, 1_345, 0)
    test = np.arange(CHARDATA_COUNTS[0], sum(CHARDATA_COUNTS))
    burda = splits.Split(development.train, development.validation, test)
    labels = _chardata_labels(path, arrays)
    return ImageSet(np.concatenate(parts), labels, {"burda": burda}, "chardata.mat (Burda)")


def _chardata_labels(path, arrays):
    if "target" not in arrays or "testtarget" not in arrays:
        return None
    alphabets = _join(path, arrays, "target", "testtarget")
    if "targetchar" not in arrays or "testtargetchar" not in arrays:
        return alphabets
    within = _join(path, arrays, "targetchar", "testtargetchar")
    pairs = np.stack([alphabets, within], axis=1)
    return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int32)


def _join(path, arrays, *keys):
    """Labels of train and test; a [K, n] matrix is one-hot in its columns."""
    joined = []
    for key, count in zip(keys, CHARDATA_COUNTS, strict=True):
        value = arrays[key]
        if value.ndim == 2 and value.shape[1] == count and value.shape[0] > 1:
            value = value.argmax(axis=0)
        joined.append(as_labels(value, count, f"{key} of {path}"))
    return np.concatenate(joined)


@register("caltech101_silhouettes")
def caltech101_silhouettes(request: Request) -> ImageSet:
    """Caltech-101 silhouettes, 28x28, from `caltech101_silhouettes_28_split1.mat`.

    "standard": the file's own 4,100 / 2,264 / 2,307. Images are stored column by column with
    silhouette 0 on background 1; both are turned: silhouettes are 1, and images stand upright.
    Labels are 0..100 (the file counts from 1). The images are binary by nature.
    Source: Marlin, Swersky, Chen & de Freitas 2010.
    """
    return caltech_file(request.data_dir / CALTECH_FILE)


def caltech_file(path: pathlib.Path) -> ImageSet:
    """`caltech101_silhouettes` from a file of any name."""
    arrays = read_mat(path)
    names = ("train", "val", "test")
    need_keys(path, arrays, [f"{n}_{kind}" for n in names for kind in ("data", "labels")])
    images, labels = [], []
    for name, count in zip(names, CALTECH_COUNTS, strict=True):
        stored = arrays[f"{name}_data"]
        if not np.isin(stored, (0, 1)).all():
            raise DataFormatError(f"{path}: {name}_data must hold zeros and ones only.")
        what = f"{name}_data of {path}"
        images.append(_column_major(1.0 - stored.astype(np.float32), count, what))
        one_based = as_labels(arrays[f"{name}_labels"], count, f"{name}_labels of {path}")
        labels.append(one_based - 1)
    return ImageSet(
        np.concatenate(images),
        np.concatenate(labels),
        {"standard": splits.consecutive(*CALTECH_COUNTS)},
        "caltech101_silhouettes_28_split1.mat (inverted: silhouette is 1)",
        native_binarization="binary (as published)",
    )


@register("binarized_mnist")
def binarized_mnist(request: Request) -> ImageSet:
    """MNIST in Larochelle's static binarisation: `binarized_mnist_{train,valid,test}.amat`.

    "standard": the files' own 50,000 / 10,000 / 10,000. There are no labels.
    Source: Salakhutdinov & Murray 2008; Larochelle & Murray 2011.
    """
    return larochelle_folder(request.data_dir)


def larochelle_folder(folder: pathlib.Path) -> ImageSet:
    """`binarized_mnist` from the folder that holds the three files."""
    images = []
    for part, count in LAROCHELLE_COUNTS.items():
        path = folder / f"binarized_mnist_{part}.amat"
        x = read_amat(path)
        if len(x) != count:
            raise DataFormatError(
                f"{path}: expected {count:,} images, received {len(x):,}. The file is cut "
                "short or holds another data set."
            )
        images.append(x)
    return ImageSet(
        np.concatenate(images),
        None,
        {"standard": splits.consecutive(*LAROCHELLE_COUNTS.values())},
        "binarized_mnist_{train,valid,test}.amat",
        native_binarization="static (Larochelle)",
    )


def _column_major(rows, count, what):
    """Upright images [n, 28, 28, 1] from float [n, 784] whose images are stored by columns."""
    if rows.shape != (count, _PIXELS):
        raise DataFormatError(
            f"{what}: expected shape ({count}, {_PIXELS}), received {rows.shape}."
        )
    images = as_images(rows.reshape(count, 28, 28).transpose(0, 2, 1), what)
    grey = np.rint(images * 255)
    # uint8 takes a quarter of the memory, where nothing is lost by it, as in binary images.
    exact = np.array_equal((grey / np.float32(255)).astype(np.float32), images)
    return grey.astype(np.uint8) if exact else images
