"""Sets of TensorFlow Datasets that nobody has registered, written by TFDS's own builders."""

import numpy as np
import pytest

from tfsp import data as tfsp_data
from tfsp.data import DataFormatError, DataNotFoundError, tfds_sets

RNG = np.random.default_rng(0)


def build(folder, name, features, parts, config=None, supervised=None, version="1.2.3"):
    """Writes dict split -> list of examples by a `GeneratorBasedBuilder` of this name."""
    import tensorflow_datasets as tfds

    with tfds.core.registered.skip_registration():

        class Adhoc(tfds.core.GeneratorBasedBuilder):
            VERSION = tfds.core.Version(version)
            BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=config)] if config else []

            def _info(self):
                return tfds.core.DatasetInfo(
                    builder=self,
                    features=tfds.features.FeaturesDict(features),
                    supervised_keys=supervised,
                    disable_shuffling=True,
                )

            def _split_generators(self, dl_manager):
                return {split: self._generate_examples(split) for split in parts}

            def _generate_examples(self, split):
                yield from enumerate(parts[split])

        Adhoc.name = name
        Adhoc(data_dir=folder).download_and_prepare()


def picture(number, shape=(6, 6, 1)):
    """Of noise, which its number begins."""
    image = RNG.integers(0, 256, shape).astype(np.uint8)
    image[0, 0, 0] = number
    return image


def examples(count, start=0, labels=10, first=0, shape=(6, 6, 1)):
    return [
        {"image": picture(i, shape), "label": first + i % labels}
        for i in range(start, start + count)
    ]


def features(classes=10, shape=(6, 6, 1), names=None):
    import tensorflow_datasets as tfds

    label = tfds.features.ClassLabel(names=names) if names else None
    return {
        "image": tfds.features.Image(shape=shape, encoding_format="png"),
        "label": label or tfds.features.ClassLabel(num_classes=classes),
    }


def loaded(data, written, turned=lambda image: image):
    """Asserts that the parts hold these examples: dict part -> list."""
    for part, wanted in written.items():
        images, labels = data.arrays(part)
        numbers = np.rint(images[:, 0, 0, 0] * 255).astype(int)
        by_number = {int(e["image"][0, 0, 0]): e for e in wanted}
        assert sorted(numbers) == sorted(by_number)
        for image, number, label in zip(images, numbers, labels, strict=True):
            expected = turned(by_number[number]["image"])
            np.testing.assert_array_equal(np.rint(image * 255).astype(np.uint8), expected)
            assert label == by_number[number]["label"]


@pytest.mark.parametrize("config", ["letters", "balanced"])
def test_emnist_stands_upright_and_letters_count_from_zero(tmp_path, config):
    first = 1 if config == "letters" else 0
    parts = {"train": examples(52, 0, 26, first), "test": examples(30, 60, 26, first)}
    build(tmp_path, "emnist", features(37 if first else 47), parts, config, ("image", "label"))
    data = tfsp_data.load(
        f"emnist/{config}", data_dir=tmp_path, labels=True, validation_size=0, shuffle=False
    )
    for each in [*parts["train"], *parts["test"]]:
        each["label"] -= first
    loaded(data, parts, turned=lambda image: image.transpose(1, 0, 2))
    assert data.info.num_classes == 26
    upright = f"TFDS emnist/{config} 1.2.3, transposed to stand upright"
    if first:
        assert data.info.source == f"{upright}, labels 1..26 counted from 0"
        assert data.info.class_names == tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        kept = tfsp_data.load("emnist/letters", data_dir=tmp_path, labels=True, classes=("C",))
        assert set(kept.arrays("train")[1]) == {2}
    else:
        assert data.info.source == upright
        assert data.info.class_names is None


@pytest.mark.parametrize(
    ("name", "shape"),
    [("kmnist", (6, 6, 1)), ("svhn_cropped", (4, 4, 3)), ("cifar100", (4, 4, 3))],
)
def test_others_come_as_they_are(tmp_path, name, shape):
    parts = {"train": examples(40, shape=shape), "test": examples(20, 50, shape=shape)}
    extra = {"extra": examples(5, 90, shape=shape)} if name == "svhn_cropped" else {}
    words = [f"class {i}" for i in range(10)] if name == "cifar100" else None
    build(tmp_path, name, features(shape=shape, names=words), parts | extra)
    data = tfsp_data.load(name, data_dir=tmp_path, labels=True, validation_size=0)
    loaded(data, parts)
    left_out = ", without its splits extra" if extra else ""
    assert data.info.source == f"TFDS {name} 1.2.3{left_out}"
    assert data.info.class_names == (words and tuple(words))
    held = tfsp_data.load(name, data_dir=tmp_path).info
    assert (held.num_train, held.num_validation, held.num_test) == (36, 4, 20)


def test_the_image_is_found_by_its_kind(tmp_path):
    """Whatever it is called; classes are optional, and a lone split trains."""
    import tensorflow_datasets as tfds

    image = tfds.features.Image(shape=(6, 6, 1))
    pictures = [{"scan": picture(i), "age": i, "who": f"p{i}"} for i in range(20)]
    build(
        tmp_path,
        "scans",
        {"scan": image, "age": np.int64, "who": tfds.features.Text()},
        {"full": pictures},
    )
    data = tfsp_data.load("scans", data_dir=tmp_path, validation_size=0, test_size=0)
    images = np.rint(data.arrays("train")[0] * 255).astype(int)
    expected = {each["scan"].tobytes() for each in pictures}
    assert {each.astype(np.uint8).tobytes() for each in images} == expected
    assert data.info.num_classes is None
    with pytest.raises(ValueError, match="has no labels"):
        tfsp_data.load("scans", data_dir=tmp_path, labels=True)
    aged = tfsp_data.load("scans", data_dir=tmp_path, labels=True, label="age")
    assert aged.info.num_classes == 20
    with pytest.raises(
        ValueError, match="`label` must name one of the features .* age. Rec.*'who'"
    ):
        tfsp_data.load("scans", data_dir=tmp_path, labels=True, label="who")


def test_of_several_images_one_must_be_named(tmp_path):
    import tensorflow_datasets as tfds

    image = tfds.features.Image(shape=(6, 6, 1))
    pairs = [{"left": picture(i), "right": picture(100 + i), "label": i % 2} for i in range(30)]
    kinds = {"left": image, "right": image, "label": tfds.features.ClassLabel(num_classes=2)}
    build(tmp_path, "pairs", kinds, {"train": pairs})
    with pytest.raises(ValueError, match="has 2 images: left, right. .* image='left' .*data.image"):
        tfsp_data.load("pairs", data_dir=tmp_path)
    with pytest.raises(ValueError, match="`image` must name .* left, right. Received: 'label'"):
        tfsp_data.load("pairs", data_dir=tmp_path, image="label")
    with pytest.raises(ValueError, match="does not take 'noise'. It takes: image, label"):
        tfsp_data.load("pairs", data_dir=tmp_path, noise=1.0)
    settings = dict(data_dir=tmp_path, image="right", labels=True, validation_size=0, test_size=0)
    images, labels = tfsp_data.load("pairs", **settings).arrays("train")
    numbers = np.rint(images[:, 0, 0, 0] * 255).astype(int)
    assert sorted(numbers) == list(range(100, 130))
    np.testing.assert_array_equal(labels, numbers % 2)


def test_zeros_and_ones_become_black_and_white(tmp_path):
    binary = [{"image": (picture(i) > 99).astype(np.uint8)} for i in range(30)]
    import tensorflow_datasets as tfds

    kinds = {"image": tfds.features.Image(shape=(6, 6, 1))}
    build(
        tmp_path,
        "binary_alpha_digits",
        kinds,
        {"train": binary, "validation": binary[:9], "test": binary[:5]},
    )
    data = tfsp_data.load("binary_alpha_digits", data_dir=tmp_path)
    assert data.info.source == "TFDS binary_alpha_digits 1.2.3, zeros and ones"
    assert (data.info.num_train, data.info.num_validation, data.info.num_test) == (30, 9, 5)
    np.testing.assert_array_equal(np.unique(data.arrays("train")[0]), [0.0, 1.0])
    with pytest.raises(ValueError, match="is binary already"):
        tfsp_data.load("binary_alpha_digits", data_dir=tmp_path, binarization="dynamic")


def test_pictures_of_several_sizes_need_one(tmp_path, area_reference):
    pictures = [{"image": picture(i, (5 + i % 3, 8, 3)), "label": 0} for i in range(12)]
    build(tmp_path, "flowers", features(1, (None, None, 3)), {"train": pictures})
    with pytest.raises(ValueError, match="images of several sizes. .* image_size=64"):
        tfsp_data.load("flowers", data_dir=tmp_path)
    settings = dict(image_size=4, validation_size=0, test_size=0)
    data = tfsp_data.load("flowers", data_dir=tmp_path, **settings)
    assert data.info.source == "TFDS flowers 1.2.3, area-averaged to 4x4"
    expected = [
        np.stack([area_reference.area_average(e["image"][..., c], 4, 4) for c in range(3)], -1)
        for e in pictures
    ]
    found = data.arrays("train")[0] * 255
    assert found.shape == (12, 4, 4, 3)
    for image in found:  # each is one of those that were written
        assert min(np.abs(image - other).max() for other in expected) < 0.501


def test_names_versions_and_what_is_not_there(tmp_path, monkeypatch):
    for config in ("letters", "digits"):
        build(tmp_path, "emnist", features(37), {"train": examples(20, 0, 9, 1)}, config)
    with pytest.raises(ValueError, match="2 configs .*: digits, letters. .*: emnist/digits"):
        tfsp_data.load("emnist", data_dir=tmp_path)
    assert tfsp_data.load("emnist/digits:1.2.3", data_dir=tmp_path).info.num_classes == 9
    build(tmp_path, "mnist_corrupted", features(), {"train": examples(20)}, "identity")
    assert (
        "mnist_corrupted/identity"
        in tfsp_data.load("mnist_corrupted", data_dir=tmp_path).info.source
    )
    with pytest.raises(ValueError, match="Unknown data set: 'kmnits'.* download=True"):
        tfsp_data.load("kmnits", data_dir=tmp_path)
    with pytest.raises(DataNotFoundError, match="'emnist/byclass'.* no file or folder"):
        tfsp_data.load("emnist/byclass", data_dir=tmp_path)
    build(tmp_path, "odd", features(), {"extra": examples(3), "more": examples(3)})
    with pytest.raises(DataFormatError, match="no training part. Its splits: extra, more"):
        tfsp_data.load("odd", data_dir=tmp_path)
    build(tmp_path, "words", {"text": np.str_}, {"train": [{"text": "a"}]})
    with pytest.raises(DataFormatError, match="has no image among its features: text"):
        tfsp_data.load("words", data_dir=tmp_path)
    monkeypatch.setattr(tfds_sets, "MEMORY_LIMIT", 500)
    with pytest.raises(ValueError, match="20 images, which as 6x6 do not fit .* `image_size`"):
        tfsp_data.load("emnist/digits", data_dir=tmp_path)
    small = tfsp_data.load("emnist/digits", data_dir=tmp_path, image_size=3)
    assert small.info.image_shape == (3, 3, 1)
