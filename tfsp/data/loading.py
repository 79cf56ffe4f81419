"""The front door: `load` turns a source into train, validation and test data."""

import os
from collections.abc import Iterable
from typing import Any, SupportsIndex

import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.data import (
    area,
    class_labels,
    pipeline,
    splits,
    table_parts,
    tables,
    tfds_sets,
    tfds_source,
    user_data,
    user_dataset,
)
from tfsp.data.binarization import check_mode, fixed_draws, threshold
from tfsp.data.dataset import Data
from tfsp.data.errors import DataNotFoundError
from tfsp.data.generated import GeneratedPart
from tfsp.data.info import DataInfo
from tfsp.data.lazy import LazyStore
from tfsp.data.memory import ImageStore
from tfsp.data.rows import RowsPart
from tfsp.data.sources import (
    GeneratedSet,
    Request,
    StreamSet,
    default_data_dir,
    find,
    names,
    with_options,
)
from tfsp.data.stream import StreamPart
from tfsp.random import check_seed


def load(
    source: Any,
    data_dir: str | os.PathLike[str] | None = None,
    download: bool = False,
    batch_size: int = 100,
    binarization: str = "none",
    labels: bool = False,
    classes: Iterable[int | str] | None = None,
    split: str = "standard",
    train_size: int | None = None,
    validation_size: int | None = None,
    test_size: int | None = None,
    image_size: int | tuple[int, int] | None = None,
    seed: SupportsIndex = 0,
    shuffle: bool = True,
    cache: str | bool | None = None,
    **options: Any,
) -> Data:
    """Loads images or tables for training and evaluation.

    `seed` governs training alone: the order, the draws and the choice of `train_size` images.
    Which images validate and test, and the fixed binary draws of evaluation and of
    `binarization="static"`, are the same for every seed, so that results under different seeds
    are comparable and no test image is ever trained on under another seed.

    Args:
      source: a registered name (`tfsp.data.names()`); that of any image set of TensorFlow Datasets
        ("kmnist", "emnist/letters", see `tfsp.data.tfds_sets`); a path of a folder of images, or of
        a file .npz, .npy, .mat or .amat; an array of images; a pair (images, labels); a dict of
        arrays x_train, y_train, ...; or a finite tf.data.Dataset of x or (x, y). Arrays of images
        are uint8 (0..255), bool or floats in [0, 1], of shape [n, H, W], [n, H, W, C] or [n, D].
        A table [n, D] of any real numbers may stand wherever an array does: a pandas DataFrame, a
        SciPy sparse matrix, an AnnData object, or an array of integers (but uint8) or of floats of
        which some lie outside [0, 1]; or the path of a file .csv, .tsv, .parquet, .h5ad, or .npz
        of a sparse matrix. Its numbers become float32 and are not scaled.
      data_dir: folder of data sets, both prepared by TensorFlow Datasets and single files;
        default $TFDS_DATA_DIR, else ~/tensorflow_datasets.
      download: whether TensorFlow Datasets may fetch a named set that is absent.
      batch_size: images in a batch.
      binarization: "none"; "dynamic" (fresh Bernoulli draws at each training visit, fixed draws
        in validation and test); "static" (one fixed draw of every image); "threshold" (x > 0.5).
      labels: whether elements are (x, y) instead of x. Labels that are text become the numbers
        0, 1, ... of `info.class_names`, which are sorted.
      classes: labels to keep, such as (0, 1), or their names; they keep their values. None keeps
        all.
      split: a split that the source names. Where a source gives no validation or test part, a
        fixed random tenth each is held out.
      train_size, validation_size, test_size: use only so many images of the part (a fixed random
        choice; of "celeb_a" the first, which TFDS has written in random order), or hold out so
        many where the source gives no such part. 0 is allowed for validation and test. Data that
        are drawn without end take `train_size` draws for an epoch (None: the set's own number),
        every epoch others.
      image_size: side, or (height, width), to which images are area-averaged; None leaves them.
      seed: any integer.
      shuffle: whether training images are shuffled.
      cache: of a folder of images and of a tf.data.Dataset: "memory" (or True) reads all of it at
        once; "none" (or False) reads what is needed when it is needed, so that the size does not
        matter; "disk", of a folder alone, decodes it once into a file (`cache_dir`). None chooses:
        a folder is held in memory up to 512 MiB of decoded images, a tf.data.Dataset always. Of a
        folder the batches are the same whichever it is; `info.source` says it.
      **options: of the named set: `proportion` of the second class ("mnist_01",
        "two_gaussians", "two_modes"), `noise` of the sets of points; of TensorFlow Datasets `image`
        and `label`, the features that are meant. Of a folder of images:
        `background`, the colour behind transparent pixels ("white"); `errors`, "raise" or "skip"
        for files that cannot be read; `bit_depth` of files of 16 bits (None: found from the
        largest value); `fit`, what `image_size` does to pictures of another shape ("squash",
        "crop", "pad"); `cache_dir`, the folder for cache="disk" (None: a temporary file). How
        folders are read: `tfsp.data.folder.from_folder`.
        Of a table: `label`, the name of the column that is the class (of AnnData, of `obs`), and
        `index`, of the one that names the rows (None: the index of the DataFrame or of `obs`);
        `missing`, "error", "drop" (rows with a missing value or label are left out), "mean" (the
        mean of the column over the training part, or its most frequent code) or "model" (NaN stays,
        for a likelihood with `missing`); `categorical`, "error" or "code" (columns of text and
        categories of a DataFrame become codes, see `info.categories`); `layer` of AnnData, in place
        of X; `table`, True for an array [n, D] whose values tell nothing, such as counts in uint8,
        and False to read flat images only.

    Returns:
      Data.

    Raises:
      ValueError: an unknown name, split, class, option or binarisation; sizes that do not fit;
        labels asked of a source without labels.
      DataNotFoundError: a FileNotFoundError, the data is not there; the message says where it
        was sought and how to get it.
      DataFormatError: a ValueError, for a damaged file, or values or shapes out of range.
      ImportError: for a file whose library (pandas, pyarrow) is not installed.
    """
    _check_numbers(batch_size, seed)
    sizes = dict(zip(splits.PARTS, (train_size, validation_size, test_size), strict=True))
    for part, wanted in sizes.items():
        splits.check_size(wanted, f"{part}_size", least=1 if part == "train" else 0)
    size = area.parse_size(image_size)
    mode = binarization
    check_mode(mode)
    cache = _cache(cache)
    name, found = _find(source, data_dir, download, split, size, cache, sizes, options)
    plan = pipeline.Plan(int(batch_size), bool(labels), int(seed), bool(shuffle), mode == "dynamic")
    if isinstance(found, GeneratedSet):
        parts, facts = _generated_parts(name, found, mode, split, classes, sizes, size)
    elif isinstance(found, StreamSet):
        parts, facts = _stream_parts(name, found, mode, split, classes, sizes)
    elif isinstance(found, tables.TableSet):
        parts, facts = _table_parts(name, found, mode, split, classes, sizes, size, seed)
    else:
        parts, facts = _rows_parts(name, found, mode, split, classes, sizes, size, seed)
    if labels and facts["num_classes"] is None:
        raise ValueError(f"The data set {name!r} ({found.source}) has no labels. Use labels=False.")
    counts = {f"num_{part}": parts[part].size for part in splits.PARTS}
    shape = tuple(int(side) for side in parts["train"].image_shape)
    index = facts.pop("index", None)
    info = DataInfo(
        name=name, image_shape=shape, split=split, source=found.source, **counts, **facts
    )
    return Data(parts, plan, info, index)


def _cache(cache):
    """One of `user_data.CACHES`, or None."""
    if isinstance(cache, (bool, np.bool_)):
        return "memory" if cache else "none"
    if cache is not None and cache not in user_data.CACHES:
        raise ValueError(
            f"`cache` must be one of {', '.join(map(repr, user_data.CACHES))}, or None. "
            f"Received: {cache!r}."
        )
    return cache


def _check_numbers(batch_size, seed):
    arguments.integer("batch_size", batch_size)
    check_seed(seed)


def _find(source, data_dir, download, split, image_size, cache, sizes, options):
    """(name, ImageSet, TableSet, StreamSet or GeneratedSet) of whatever the user gave."""
    if isinstance(source, str) and source in names():
        folder = default_data_dir(data_dir)
        request = Request(source, folder, bool(download), split, image_size)
        return source, find(request, options)
    if isinstance(source, (str, os.PathLike)):
        path = user_data.as_path(source)
        if not path.exists():
            name, folder = str(source), default_data_dir(data_dir)
            is_name = tfds_sets.NAME.fullmatch(name) is not None
            if is_name and (download or tfds_source.find(name, folder) is not None):
                request = Request(name, folder, bool(download), split, image_size)
                what = f"The data set {name!r} of TensorFlow Datasets"
                return name, with_options(tfds_sets.from_tfds, (request,), options, what)
            if is_name or (path.name == name and not path.suffix):
                kind = DataNotFoundError if "/" in name else ValueError
                raise kind(
                    f"Unknown data set: {name!r}. Known: {', '.join(names())}, and those image "
                    f"sets of TensorFlow Datasets that lie in {folder} (data_dir) or that "
                    "download=True may fetch. There is no file or folder of this name either."
                )
        return path.stem, user_data.from_path(path, image_size, cache, options)
    if isinstance(source, tf.data.Dataset):
        if options:
            raise ValueError(
                f"Only a named data set ({', '.join(names())}), a folder of images and a table "
                f"have options. Received: {', '.join(sorted(options))}."
            )
        held = cache in (None, "memory")
        if cache == "disk":
            raise ValueError(
                "Only a folder of images can be cached on disk. For a tf.data.Dataset use "
                "cache='memory', or cache='none' and dataset.cache(filename)."
            )
        return "tf.data", user_dataset.from_dataset(source, held, sizes, image_size)
    if kind := tables.kind_of(source):
        return "table", user_data.from_arrays(source, None, kind, options)
    if hasattr(source, "keys"):
        return "arrays", user_data.from_mapping(source, "dict of arrays", options)
    if isinstance(source, tuple):
        if len(source) != 2:
            raise ValueError(
                "A tuple must be a pair (images, labels); for given parts pass a dict of x_train, "
                f"y_train, x_test, ... Received {len(source)} entries."
            )
        return "arrays", user_data.from_arrays(*source, "pair of arrays", options)
    return "array", user_data.from_arrays(source, None, "array", options)


def _known_split(name, split, known):
    if split not in known:
        raise ValueError(
            f"Unknown split {split!r} of the data set {name!r}. Known: {', '.join(sorted(known))}."
        )


def _rows_parts(name, found, mode, split, classes, sizes, image_size, seed):
    _known_split(name, split, found.splits)
    if found.native_binarization is not None and mode != "none":
        raise ValueError(
            f"The data set {name!r} is binary already ({found.native_binarization}). Use "
            f"binarization='none'. Received: {mode!r}."
        )
    keep, num_classes = _kept(name, found, found.images.shape[0], classes)
    rows = splits.resolve(found.splits[split], keep, sizes, seed)
    store = _store(name, found, image_size)
    if mode in ("static", "threshold"):
        change = fixed_draws if mode == "static" else _threshold
        store = store.part(np.arange(len(keep)), change)
    parts = {part: RowsPart(store, rows[part], mode == "dynamic") for part in splits.PARTS}
    facts = {"num_classes": num_classes, "binarization": found.native_binarization or mode}
    if found.files is not None:
        facts["files"] = {part: found.files.at(rows[part]) for part in splits.PARTS}
    return parts, {**facts, "class_names": found.class_names}


def _store(name, found, image_size):
    images = found.images
    if not isinstance(images, np.ndarray):  # at their size already
        return LazyStore(images, found.labels)
    if image_size is not None:
        if images.ndim != 4:
            raise ValueError(
                f"`image_size` needs images [H, W, C]. The data set {name!r} has flat data of "
                f"shape {images.shape[1:]}."
            )
        images = area.area_average(images, image_size)
    return ImageStore(images, found.labels)


def _threshold(images, rows):
    del rows
    return threshold(images)


def _table_parts(name, found, mode, split, classes, sizes, image_size, seed):
    _known_split(name, split, found.splits)
    table_parts.refuse_image_options(name, found.source, mode, image_size)
    keep, num_classes = _kept(name, found, found.values.shape[0], classes)
    rows = splits.resolve(found.splits[split], keep, sizes, seed)
    parts, facts = table_parts.parts_of(found, rows)
    return parts, {**facts, "num_classes": num_classes, "binarization": mode}


def _kept(name, found, count, classes):
    """(bool [n] of the rows kept, number of distinct labels among them or None)."""
    labels = found.labels
    if labels is None:
        if classes is not None:
            raise ValueError(f"The data set {name!r} has no labels, so `classes` cannot be used.")
        return np.ones(count, bool), None
    present = np.unique(labels)
    if classes is None:
        return np.ones(len(labels), bool), len(present)
    wanted = np.unique(np.asarray(class_labels.codes_of(classes, found.class_names)))
    absent = [label for label in wanted.tolist() if label not in present]
    if absent or not len(wanted):
        raise ValueError(
            f"`classes` must be labels of the data set {name!r}, which has {len(present)} from "
            f"{present[0]} to {present[-1]}. Received: {classes!r}"
            + (f", of which it lacks {absent}." if absent else ".")
        )
    return np.isin(labels, wanted), len(wanted)


def _stream_parts(name, found, mode, split, classes, sizes):
    _known_split(name, split, ("standard",))
    if classes is not None:
        raise ValueError(
            f"`classes` cannot be used with streamed data ({name!r}). Filter the data set first, "
            "or load it with cache=True."
        )
    parts = {}
    for part in splits.PARTS:
        elements, available = found.parts[part]
        size = available if sizes[part] is None else sizes[part]
        if size > available:
            raise ValueError(
                f"`{part}_size` is {size}, but the {part} part has {available} images."
            )
        elements = elements.take(size)
        has_labels = found.num_classes is not None
        parts[part] = StreamPart(elements, size, found.image_shape, mode, has_labels)
    return parts, {"num_classes": found.num_classes, "binarization": mode}


def _generated_parts(name, found, mode, split, classes, sizes, image_size):
    _known_split(name, split, ("standard",))
    refused = {
        "binarization": (mode != "none", mode, "'none': its values are no intensities"),
        "classes": (classes is not None, classes, "None: it is drawn as a whole"),
        "image_size": (image_size is not None, image_size, "None: it has no images"),
    }
    for setting, (wrong, value, wanted) in refused.items():
        if wrong:
            raise ValueError(
                f"The data set {name!r} ({found.source}) needs {setting}={wanted}. "
                f"Received: {value!r}."
            )
    has_labels = found.num_classes is not None
    parts = {}
    for number, part in enumerate(splits.PARTS):
        size = found.sizes[part] if sizes[part] is None else sizes[part]
        parts[part] = GeneratedPart(found.draw, size, found.image_shape, number, has_labels)
    return parts, {"num_classes": found.num_classes, "binarization": mode}
