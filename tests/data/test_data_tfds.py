"""Data sets in the form of TensorFlow Datasets: small ones written by the tests."""

import numpy as np
import pytest
import tensorflow as tf

from tfsp import data as tfsp_data


def _store(folder, name, version, features, parts, file_format=None):
    """Writes dict part -> list of examples as a prepared data set."""
    import tensorflow_datasets as tfds

    feature = tfds.features.FeaturesDict(features)
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version=version,
        features=feature,
        data_dir=folder,
        file_format=file_format,
        disable_shuffling=True,
        split_datasets={part: _dataset(examples) for part, examples in parts.items()},
    )


def _dataset(examples):
    columns = {
        key: np.stack([e[key] for e in examples]) for key in examples[0] if key != "attributes"
    }
    if "attributes" in examples[0]:
        names = examples[0]["attributes"]
        columns["attributes"] = {k: np.array([e["attributes"][k] for e in examples]) for k in names}
    return tf.data.Dataset.from_tensor_slices(columns)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A data folder with tiny mnist, omniglot and celeb_a, and the examples of omniglot."""
    folder = tmp_path_factory.mktemp("tfds")
    return folder, _fill(folder)


@pytest.fixture(scope="module")
def array_records(tmp_path_factory):
    """The same in the format array_record."""
    folder = tmp_path_factory.mktemp("array_record")
    _fill(folder, "array_record")
    return folder


def _fill(folder, file_format=None):
    """Writes the three; returns the examples of omniglot."""
    import tensorflow_datasets as tfds

    rng = np.random.default_rng(0)

    def digit(i):
        image = np.zeros((28, 28, 1), np.uint8)
        image[0, 0], image[9, 9] = i, 255
        return {"image": image, "label": i % 10}

    shape = tfds.features.Image(shape=(28, 28, 1))
    features = {"image": shape, "label": tfds.features.ClassLabel(num_classes=10)}
    parts = {"train": [digit(i) for i in range(60)], "test": [digit(i) for i in range(60, 80)]}
    _store(folder, "mnist", "3.0.1", features, parts, file_format)

    def drawing(label):
        paper = np.where(rng.random((105, 105, 1)) < 0.1, 0, 255).astype(np.uint8)
        return {"image": np.repeat(paper, 3, axis=2), "label": label}

    features = {
        "image": tfds.features.Image(shape=(105, 105, 3)),
        "label": tfds.features.ClassLabel(num_classes=1623),
    }
    drawings = {"train": [drawing(i % 4) for i in range(20)], "test": [drawing(1000)] * 1}
    drawings["test"] += [drawing(1001) for _ in range(4)]
    _store(folder, "omniglot", "3.0.0", features, drawings, file_format)

    def face(i):
        image = np.full((218, 178, 3), 255, np.uint8)  # only the crop is dark
        image[35:183, 15:163] = [10 * i, 5, 100]
        return {"image": image, "attributes": {"Young": i % 2 == 0, "Bald": i == 3}}

    features = {
        "image": tfds.features.Image(shape=(218, 178, 3), encoding_format="png"),
        "attributes": {"Young": np.bool_, "Bald": np.bool_},
    }
    parts = {
        "train": [face(i) for i in range(8)],
        "validation": [face(i) for i in range(3)],
        "test": [face(i) for i in range(4)],
    }
    _store(folder, "celeb_a", "2.1.0", features, parts, file_format)
    return drawings


def _damage(store, tmp_path, name, pattern, change):
    """A copy of one data set with one file changed; returns (data_dir, file)."""
    import shutil

    shutil.copytree(store[0] / name, tmp_path / name)
    (file,) = (tmp_path / name).glob(f"*/{pattern}")
    file.write_bytes(change(file.read_bytes()))
    return tmp_path, file


def test_mnist(store):
    data = tfsp_data.load("mnist", data_dir=store[0], labels=True)
    assert data.info.source.startswith("TFDS mnist 3.0.1 (60 + 20 images")
    start = 0
    for part, count in (("train", 50), ("validation", 10), ("test", 20)):
        images, labels = data.arrays(part)
        numbers = np.rint(images[:, 0, 0, 0] * 255).astype(int)
        np.testing.assert_array_equal(numbers, np.arange(start, start + count))
        np.testing.assert_array_equal(labels, numbers % 10)
        start += count


def test_tfds_form_comes_before_the_file(store, tmp_path):
    import shutil

    shutil.copytree(store[0] / "mnist", tmp_path / "mnist")
    (tmp_path / "mnist.npz").write_text("never read")
    assert tfsp_data.load("mnist", data_dir=tmp_path).info.num_test == 20


def test_the_environment_names_the_folder(store, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(store[0]))
    assert tfsp_data.load("mnist").info.num_test == 20


def test_omniglot_is_inverted_and_averaged(store, area_reference):
    folder, drawings = store
    data = tfsp_data.load("omniglot", data_dir=folder, labels=True)
    assert (data.info.num_train, data.info.num_validation, data.info.num_test) == (18, 2, 5)
    for parts, written in ((("train", "validation"), "train"), (("test",), "test")):
        expected = []
        for example in drawings[written]:
            ink = 255 - example["image"][..., 0].astype(int)
            exact = np.rint(area_reference.area_average(ink, 28, 28)).astype(int)
            expected.append((example["label"], exact.tolist()))
        found = []
        for part in parts:
            for image, label in zip(*data.arrays(part), strict=True):
                found.append((int(label), np.rint(image[..., 0] * 255).astype(int).tolist()))
        assert sorted(found) == sorted(expected)


def test_celeb_a_is_cropped_and_streamed(store):
    data = tfsp_data.load("celeb_a", data_dir=store[0], labels=True, batch_size=3)
    info = data.info
    assert (info.num_train, info.num_validation, info.num_test) == (8, 3, 4)
    assert info.image_shape == (64, 64, 3)
    images, attributes = data.arrays("test")
    expected = np.array([[10 * i, 5, 100] for i in range(4)]) / np.float32(255)
    np.testing.assert_allclose(images, np.broadcast_to(expected[:, None, None], images.shape))
    np.testing.assert_array_equal(attributes, [[0, 1], [0, 0], [0, 1], [1, 0]])  # Bald, Young
    batches = list(data.train)
    assert len(batches) == 2
    assert all(x.shape == (3, 64, 64, 3) and y.shape == (3, 2) for x, y in batches)
    for x, y in batches:
        number = np.rint(x.numpy()[:, 0, 0, 0] * 25.5).astype(int)
        np.testing.assert_array_equal(y.numpy()[:, 1], number % 2 == 0)
    small = tfsp_data.load("celeb_a", data_dir=store[0], image_size=32, train_size=2)
    assert small.arrays("train")[0].shape == (2, 32, 32, 3)
    with pytest.raises(ValueError, match="classes"):
        tfsp_data.load("celeb_a", data_dir=store[0], classes=(0,))


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:1000] + b"#" + content[1001:],
        lambda content: b"This is not a TFRecord file, it is text." * 9,
        lambda content: b"",
    ],
    ids=["cut", "changed", "text", "empty"],
)
def test_damaged_tfrecord_is_named(store, tmp_path, change):
    data_dir, file = _damage(store, tmp_path, "mnist", "mnist-train.tfrecord*", change)
    with pytest.raises(tfsp_data.DataFormatError, match=file.name):
        tfsp_data.load("mnist", data_dir=data_dir)


def test_tfrecord_cut_between_records_is_noticed(store, tmp_path):
    def drop_first(content):
        length = int.from_bytes(content[:8], "little")
        return content[8 + 4 + length + 4 :]

    data_dir, file = _damage(store, tmp_path, "mnist", "mnist-test.tfrecord*", drop_first)
    with pytest.raises(tfsp_data.DataFormatError, match=f"{file.name} .19 images.*promises 20"):
        tfsp_data.load("mnist", data_dir=data_dir)


def test_absent_tfrecord_is_named(store, tmp_path):
    data_dir, file = _damage(store, tmp_path, "mnist", "mnist-test.tfrecord*", lambda c: c)
    file.unlink()
    with pytest.raises(tfsp_data.DataFormatError, match=file.name):
        tfsp_data.load("mnist", data_dir=data_dir)


@pytest.mark.parametrize("pattern", ["dataset_info.json", "features.json"])
def test_damaged_metadata_is_named(store, tmp_path, pattern):
    data_dir, file = _damage(store, tmp_path, "mnist", pattern, lambda content: content[:40])
    with pytest.raises(tfsp_data.DataFormatError, match=str(file.parent)):
        tfsp_data.load("mnist", data_dir=data_dir)


def test_newest_version_is_read(store, tmp_path):
    import shutil

    for version in ("3.0.1", "2.10.0"):
        shutil.copytree(store[0] / "mnist" / "3.0.1", tmp_path / "mnist" / version)
    from tfsp.data import tfds_source

    assert tfds_source.find("mnist", tmp_path).name == "3.0.1"
    (tmp_path / "mnist" / "3.0.1").rename(tmp_path / "mnist" / "2.9.0")
    assert tfds_source.find("mnist", tmp_path).name == "2.10.0"


@pytest.mark.parametrize("name", ["mnist", "omniglot", "celeb_a"])
def test_array_record_holds_the_same(store, array_records, name):
    """TFDS cannot read this format as a tf.data.Dataset."""
    assert list((array_records / name).glob("*/*.array_record*"))
    expected = tfsp_data.load(name, data_dir=store[0], labels=True, batch_size=3)
    found = tfsp_data.load(name, data_dir=array_records, labels=True, batch_size=3)
    assert found.info == expected.info
    for part in ("train", "validation", "test"):
        for ours, theirs in zip(found.arrays(part), expected.arrays(part), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(found.train, expected.train, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])


def test_damaged_array_record_is_named(array_records, tmp_path):
    def cut(content):
        return content[: len(content) // 2]

    data_dir, file = _damage((array_records,), tmp_path, "mnist", "mnist-test.array_record*", cut)
    with pytest.raises(tfsp_data.DataFormatError, match=file.name):
        tfsp_data.load("mnist", data_dir=data_dir)
    file.unlink()
    with pytest.raises(tfsp_data.DataFormatError, match=file.name):
        tfsp_data.load("mnist", data_dir=data_dir)
