"""Reading data sets that TensorFlow Datasets (TFDS) has prepared, without a network."""

import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfsp.data.errors import DataFormatError, DataNotFoundError
from tfsp.data.sources import Request

PARALLEL = max(2, os.cpu_count() or 1)
_BATCH = 1000
_INFO = "dataset_info.json"


def find(name: str, data_dir: pathlib.Path) -> pathlib.Path | None:
    """Folder of a prepared set under `data_dir`, or None.

    Args:
      name: of the set; "name/config", and ":version" after either. Without a version the newest,
        without a config the only one that is there.
      data_dir: pathlib.Path.

    Raises:
      ValueError: if several configs are there and the name tells none.
    """
    folder = data_dir / name.replace(":", "/")
    if (folder / _INFO).exists():
        return folder
    found = [info.parent for info in folder.glob(f"*/{_INFO}")]
    if not found:
        found = [info.parent for info in folder.glob(f"*/*/{_INFO}")]
        configs = sorted({version.parent.name for version in found})
        if len(configs) > 1:
            raise ValueError(
                f"{folder} holds {len(configs)} configs of the data set {name!r}: "
                f"{', '.join(configs)}. Name one of them: {name}/{configs[0]}."
            )
    return max(found, key=_version, default=None)


def _version(folder):
    return [int(part) if part.isdigit() else -1 for part in folder.name.split(".")]


def locate(
    request: Request, files: Sequence[str] = ()
) -> tuple[pathlib.Path | None, pathlib.Path | None]:
    """Folder of the TFDS form of `request.name`, else the first of `files` in the data folder.

    Args:
      request: sources.Request; with `download` absent data is fetched and prepared by TFDS.
      files: names of files that hold the same data set.

    Returns:
      (folder or None, file or None), one of them a path.

    Raises:
      DataNotFoundError: says what was sought, where, and how to get it.
    """
    folder = find(request.name, request.data_dir)
    if folder is not None:
        return folder, None
    for file in files:
        if (request.data_dir / file).exists():
            return None, request.data_dir / file
    if request.download:
        return _download(request), None
    sought = [str(request.data_dir / request.name / "<version>" / "dataset_info.json")]
    sought += [str(request.data_dir / file) for file in files]
    raise DataNotFoundError(
        f"The data set {request.name!r} is not in {request.data_dir}. Looked for: "
        f"{', '.join(sought)}. Give the folder that holds it by data_dir (flag --data_dir, or "
        "the environment variable TFDS_DATA_DIR)"
        + (f", put one of the files there ({', '.join(files)})" if files else "")
        + ", or fetch it through TensorFlow Datasets by download=True (flag --download)."
    )


def _download(request):
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(request.name, data_dir=request.data_dir)
        builder.download_and_prepare()
    except Exception as error:  # TFDS raises many kinds; all mean that the data is not here
        raise DataNotFoundError(
            f"The data set {request.name!r} is not in {request.data_dir}, and TensorFlow Datasets "
            f"could not fetch it: {type(error).__name__}: {error}"
        ) from error
    return find(request.name, request.data_dir)


def open_builder(folder: pathlib.Path) -> Any:
    """Read-only TFDS builder of a prepared folder. Raises DataFormatError if it is damaged."""
    import tensorflow_datasets as tfds

    try:
        return tfds.builder_from_directory(folder)
    except Exception as error:  # damaged JSON shows as many kinds of error
        raise DataFormatError(
            f"{folder} is not a data set prepared by TensorFlow Datasets, or its metadata "
            f"(dataset_info.json, features.json) is damaged: {error}"
        ) from error


def raw_elements(builder: Any, split: str, image: str = "image") -> tf.data.Dataset:
    """tf.data.Dataset of the examples of `split` in order of the files, `image` still encoded."""
    import tensorflow_datasets as tfds

    if split not in builder.info.splits:
        raise DataFormatError(
            f"{builder.data_dir} has no split {split!r}. It has: {', '.join(builder.info.splits)}."
        )
    encoded = {image: tfds.decode.SkipDecoding()}
    if builder.info.file_format not in builder.info.file_format.with_tf_data():
        features = builder.info.features
        return _records(builder, split).map(
            lambda record: features.deserialize_example(record, decoders=encoded)
        )
    return builder.as_dataset(
        split=split,
        shuffle_files=False,
        decoders=encoded,
        # One file after the other: an order that does not depend on the number of shards.
        read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
    )


def _records(builder, split):
    """tf.data.Dataset of serialised examples of a format without tf.data, such as array_record."""
    import tensorflow_datasets as tfds

    raw = tfds.decode.DeserializeMethod.RAW_BYTES
    try:
        source = builder.as_data_source(split, deserialize_method=raw)
    except Exception as error:  # the reader of each format has errors of its own
        raise _damaged(builder, split, error) from error

    def batches():
        for start in range(0, len(source), _BATCH):
            yield source.__getitems__(range(start, min(start + _BATCH, len(source))))

    spec = tf.TensorSpec([None], tf.string)
    count = tf.data.experimental.assert_cardinality(len(source))
    return tf.data.Dataset.from_generator(batches, output_signature=spec).unbatch().apply(count)


def read(
    builder: Any,
    split: str,
    channels: int,
    transform: Callable[[tf.Tensor], tf.Tensor] | None = None,
    image: str = "image",
    label: str | None = "label",
    each: Callable[[tf.Tensor], tf.Tensor] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """All images and labels of a split.

    Args:
      builder: from `open_builder`.
      split: name of the TFDS split.
      channels: 1, 3 or 4.
      transform: function of a uint8 batch [n, H, W, C] applied in the tf.data map, or None.
      image, label: names of the features; of a set without labels None, whose labels are all 0.
      each: function of one uint8 image [H, W, C], applied before images are put together, or None.

    Returns:
      NumPy images [n, H, W, C] (uint8 without transform), labels int32 [n].

    Raises:
      DataFormatError: names the file that is damaged or cut short.
    """

    def decode(example):
        pixels = tf.io.decode_image(example[image], channels=channels, expand_animations=False)
        number = 0 if label is None else tf.cast(example[label], tf.int32)
        return pixels if each is None else each(pixels), number

    options = tf.data.Options()
    options.deterministic = True
    elements = raw_elements(builder, split, image)
    batches = elements.map(decode, num_parallel_calls=PARALLEL).batch(_BATCH)
    if transform is not None:
        batches = batches.map(lambda x, y: (transform(x), y))
    try:
        pairs = list(batches.with_options(options).as_numpy_iterator())
    except (tf.errors.OpError, OSError) as error:
        raise _damaged(builder, split, error) from error
    if not pairs:
        raise DataFormatError(f"{builder.data_dir}: the split {split!r} is empty.")
    images, labels = (np.concatenate(column) for column in zip(*pairs, strict=True))
    return images, labels


def _damaged(builder, split, error):
    """DataFormatError that names the files of `split` which do not hold what they should."""
    from tensorflow_datasets.core import file_adapters

    info = builder.info.splits[split]
    count_examples = file_adapters.ADAPTER_FOR_FORMAT[builder.info.file_format].num_examples
    bad = []
    for path, promised in zip(info.filepaths, info.shard_lengths, strict=True):
        try:
            found = count_examples(path)
        except Exception:  # each format has errors of its own
            found = "an unreadable number of"
        if found != promised:
            bad.append(f"{path} ({found} images where dataset_info.json promises {promised})")
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    where = "; ".join(bad) or f"{builder.data_dir}, split {split!r} ({reason})"
    return DataFormatError(f"Damaged, absent or cut short: {where}. Get the data anew.")
