"""The named image sets: digits, MNIST and its kin, Omniglot, CIFAR-10, CelebA."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfsp.data import area, field_files, splits, tfds_source
from tfsp.data.errors import DataFormatError
from tfsp.data.sources import ImageSet, Request, StreamSet, register

_OMNIGLOT_SIZE = 28
_OMNIGLOT_COUNT = 32_460
_BURDA = (23_000, 1_345, 8_070)
_CELEB_A_CROP = 148  # the usual square around the face


@register("digits")
def digits(request: Request) -> ImageSet:
    """scikit-learn's 8x8 digits (1,797 images, 17 grey levels); needs no file.

    "standard": one fixed shuffle into 1,297 / 200 / 300.
    """
    del request
    from sklearn import datasets

    bunch = datasets.load_digits()
    images = (bunch.images / 16.0).astype(np.float32)[..., None]
    standard = splits.shuffled(len(images), 1297, 200, 300)
    labels = bunch.target.astype(np.int32)
    return ImageSet(images, labels, {"standard": standard}, "scikit-learn load_digits")


@register("mnist")
def mnist(request: Request) -> ImageSet:
    """MNIST: TFDS form or `mnist.npz` (Keras layout).

    "standard": 50,000 / 10,000 / 10,000, the validation part being the last images of the
    training set in the order of the file. "intel_vae": 55,000 / 5,000 / 10,000 (Miao et al.
    2022, table C.1). The TFDS form has another order than `mnist.npz`, so their validation
    parts differ; their test parts are the same images.
    """
    return _train_and_test(request, 1, (60_000, 10_000), ("mnist.npz",), 6, {"intel_vae": 5_000})


@register("fashion_mnist")
def fashion_mnist(request: Request) -> ImageSet:
    """Fashion-MNIST: TFDS form or `fashion_mnist.npz` (Keras layout); splits as for MNIST."""
    files = ("fashion_mnist.npz",)
    return _train_and_test(request, 1, (60_000, 10_000), files, 6, {"intel_vae": 5_000})


@register("cifar10")
def cifar10(request: Request) -> ImageSet:
    """CIFAR-10: TFDS form or `cifar10.npz` (Keras layout).

    "standard": the last tenth of the training images (5,000) validates, 45,000 train.
    """
    return _train_and_test(request, 3, (50_000, 10_000), ("cifar10.npz",), 10, {})


def _train_and_test(request, channels, official, files, share, more_splits):
    """A set that is published in a training and a test part.

    Args:
      channels: of the images.
      official: numbers of images published; other numbers are read, but named in `source`.
      files: names of .npz files in Keras layout.
      share: "standard" validates on the last 1 / share of the training images.
      more_splits: dict name -> number of validation images, for the official numbers only.
    """
    folder, file = tfds_source.locate(request, files)
    if folder is not None:
        builder = tfds_source.open_builder(folder)
        parts = [tfds_source.read(builder, part, channels) for part in ("train", "test")]
        source = f"TFDS {request.name} {builder.info.version}"
    else:
        parts = field_files.keras_npz(file)
        source = file.name
    (train, _), (test, _) = parts
    if train.shape[1:] != test.shape[1:] or train.shape[3:] != (channels,):
        raise DataFormatError(
            f"{folder or file}: expected images of {channels} channel(s), of one size. Received "
            f"train {train.shape}, test {test.shape}."
        )
    counts = len(train), len(test)
    held = {"standard": counts[0] // share}
    if counts == official:
        held.update(more_splits)
    else:
        source += " ({:,} + {:,} images, not the full {:,} + {:,})".format(*counts, *official)
    return ImageSet(
        *(np.concatenate(column) for column in zip(*parts, strict=True)),
        {k: splits.consecutive(counts[0] - v, v, counts[1]) for k, v in held.items()},
        source,
    )


@register("omniglot")
def omniglot(request: Request) -> ImageSet:
    """Omniglot at 28x28, ink high: TFDS form, `chardata.mat` (Burda) or `omniglot_28.npz`.

    The TFDS form (105x105) is area-averaged to 28x28 and rounded to 1/255; `omniglot_28.npz`
    holds the same images, and both give the same splits.

    "standard": evaluation alphabets test, a fixed tenth of the background drawings validates.
    "burda": 23,000 / 1,345 / 8,070. Only `chardata.mat` has the drawings and the reduction to
    28x28 of Burda et al. 2016 and is preferred for this split; from the other forms "burda" is
    a fixed shuffle of all 32,460 drawings into parts of these sizes (45 stay unused), and
    log-likelihoods are not directly comparable with published ones.
    """
    files = ["chardata.mat", "omniglot_28.npz"]
    if request.split != "burda":
        files.reverse()
    elif (request.data_dir / "chardata.mat").exists():
        return field_files.chardata(request.data_dir / "chardata.mat")
    folder, file = tfds_source.locate(request, tuple(files))
    if file is not None and file.name == "chardata.mat":
        return field_files.chardata(file)
    if file is None:
        background, evaluation, source = _omniglot_from_tfds(folder)
    else:
        background, evaluation = field_files.omniglot_28(file)
        source = file.name
    # Sorted by character and pixels, so that every form has the same order and splits.
    parts = [_canonical(*background), _canonical(*evaluation)]
    counts = [len(y) for _, y in parts]
    images, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    named = {"standard": splits.consecutive(counts[0], None, counts[1])}
    if len(images) == _OMNIGLOT_COUNT:
        named["burda"] = splits.shuffled(len(images), *_BURDA)
    if request.split == "burda":
        source += ", shuffled into parts of Burda's sizes (not his drawings)"
    return ImageSet(images, labels, named, source)


def _omniglot_from_tfds(folder):
    builder = tfds_source.open_builder(folder)
    source_size = builder.info.features["image"].shape[0]
    cover = tf.constant(area.coverage(source_size, _OMNIGLOT_SIZE), tf.float32)

    def reduce(x):  # [n, H, H, 1] with ink 0 -> [n, 28, 28, 1] with ink 255
        ink = 255.0 - tf.cast(x[..., 0], tf.float32)
        mean = tf.matmul(tf.matmul(cover, ink), cover, transpose_b=True)
        return tf.cast(tf.round(mean), tf.uint8)[..., None]

    background = tfds_source.read(builder, "train", 1, reduce)
    evaluation = tfds_source.read(builder, "test", 1, reduce)
    return background, evaluation, f"TFDS omniglot {builder.info.version}, area-averaged to 28x28"


def _canonical(images, labels):
    order = sorted(range(len(labels)), key=lambda i: (labels[i], images[i].tobytes()))
    return images[order], labels[order]


@register("celeb_a")
def celeb_a(request: Request) -> StreamSet:
    """CelebA: TFDS form, streamed; centre crop 148x148, area-averaged to 64x64 (or image_size).

    "standard": its own 162,770 / 19,867 / 19,962. Labels are the 40 attributes (0 or 1) in
    alphabetical order, so that y is [B, 40].
    """
    folder: Any = tfds_source.locate(request)[0]  # no files are named that could hold it
    builder = tfds_source.open_builder(folder)
    size = request.image_size or (64, 64)
    rows, columns = (tf.constant(area.coverage(_CELEB_A_CROP, s), tf.float32) for s in size)

    def decode(example):
        image = tf.io.decode_image(example["image"], channels=3, expand_animations=False)
        top = (tf.shape(image)[0] - _CELEB_A_CROP) // 2
        left = (tf.shape(image)[1] - _CELEB_A_CROP) // 2
        crop = image[top : top + _CELEB_A_CROP, left : left + _CELEB_A_CROP]
        crop = tf.ensure_shape(crop, [_CELEB_A_CROP, _CELEB_A_CROP, 3])
        channels = tf.transpose(tf.cast(crop, tf.float32), [2, 0, 1])
        mean = tf.matmul(tf.matmul(rows, channels), columns, transpose_b=True)
        image = tf.cast(tf.round(tf.transpose(mean, [1, 2, 0])), tf.uint8)
        attributes = example["attributes"]
        label = tf.stack([tf.cast(attributes[key], tf.int32) for key in sorted(attributes)])
        return image, label

    parts = {
        part: (
            tfds_source.raw_elements(builder, part).map(
                decode, num_parallel_calls=tfds_source.PARALLEL, deterministic=True
            ),
            builder.info.splits[part].num_examples,
        )
        for part in splits.PARTS
    }
    source = f"TFDS celeb_a {builder.info.version}, centre crop 148x148, area-averaged"
    return StreamSet(parts, (*size, 3), 2, source)
