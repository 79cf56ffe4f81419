"""The field's own files, written small or blank by the tests in their published layouts."""

import numpy as np
import pytest
import scipy.io

from tfsp import data as tfsp_data
from tfsp.data import field_files


def _glyph(i):
    """An image [28, 28] of zeros and ones that has no symmetry and names its number."""
    image = np.zeros((28, 28))
    image[0, 1:17] = [(i >> bit) & 1 for bit in range(16)]
    image[5:20, 3] = 1
    return image


def _glyph_number(image):
    assert (image[5:20, 3, 0] == 1).all(), "the image does not stand upright"
    assert image.sum() - image[0].sum() == 15
    return int(sum(int(image[0, 1 + bit, 0]) << bit for bit in range(16)))


def _columns(numbers):
    """[n, 784], every image stored column by column."""
    return np.stack([_glyph(i).T.reshape(-1) for i in numbers])


def test_mnist_npz_and_its_splits(tmp_path):
    x = np.zeros((70_000, 28, 28), np.uint8)
    x[:, 0, 0], x[:, 0, 1], x[:, 0, 2] = (np.arange(70_000) // 200**k % 200 for k in range(3))
    y = (np.arange(70_000) % 10).astype(np.uint8)
    np.savez_compressed(
        tmp_path / "mnist.npz",
        x_train=x[:60_000],
        y_train=y[:60_000],
        x_test=x[60_000:],
        y_test=y[60_000:],
    )

    def numbers(data, part):
        pixels = np.rint(data.arrays(part)[0][:, 0, :3, 0] * 255).astype(int)
        return pixels @ [1, 200, 40_000]

    for split, train in (("standard", 50_000), ("intel_vae", 55_000)):
        data = tfsp_data.load("mnist", data_dir=tmp_path, split=split)
        assert data.info.source == "mnist.npz"
        np.testing.assert_array_equal(numbers(data, "train"), np.arange(train))
        np.testing.assert_array_equal(numbers(data, "validation"), np.arange(train, 60_000))
        np.testing.assert_array_equal(numbers(data, "test"), np.arange(60_000, 70_000))
    data = tfsp_data.load(
        "mnist",
        data_dir=tmp_path,
        classes=(0, 1),
        train_size=10_000,
        validation_size=1_000,
        test_size=2_000,
        labels=True,
    )
    info = data.info
    assert (info.num_train, info.num_validation, info.num_test) == (10_000, 1_000, 2_000)
    for part, low, high in (("train", 0, 50_000), ("validation", 50_000, 60_000)):
        chosen = numbers(data, part)
        assert low <= chosen.min() < chosen.max() < high
        assert len(set(chosen)) == len(chosen)
        assert set(chosen % 10) == {0, 1}
        np.testing.assert_array_equal(data.arrays(part)[1], chosen % 10)


def test_a_small_mnist_npz_says_so(tmp_path):
    x, y = np.zeros((12, 28, 28), np.uint8), np.arange(12)
    np.savez(tmp_path / "mnist.npz", x_train=x, y_train=y, x_test=x[:5], y_test=y[:5])
    info = tfsp_data.load("mnist", data_dir=tmp_path).info
    assert (info.num_train, info.num_validation, info.num_test) == (10, 2, 5)
    assert "12 + 5 images, not the full 60,000 + 10,000" in info.source
    with pytest.raises(ValueError, match="Unknown split 'intel_vae'"):
        tfsp_data.load("mnist", data_dir=tmp_path, split="intel_vae")
    np.savez(tmp_path / "mnist.npz", x=x)
    with pytest.raises(tfsp_data.DataFormatError, match=r"lacks x_train.*Found: x"):
        tfsp_data.load("mnist", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mnist", "mnist.npz"),
        ("omniglot", "chardata.mat"),
        ("caltech101_silhouettes", field_files.CALTECH_FILE),
        ("binarized_mnist", "binarized_mnist_train.amat"),
        ("celeb_a", "celeb_a"),
    ],
)
def test_absent_data_says_what_was_sought_and_where(tmp_path, monkeypatch, name, file):
    with pytest.raises(tfsp_data.DataNotFoundError) as error:
        tfsp_data.load(name, data_dir=tmp_path)
    assert isinstance(error.value, FileNotFoundError)
    for part in (file, str(tmp_path), "--data_dir"):
        assert part in str(error.value)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "elsewhere"))
    with pytest.raises(tfsp_data.DataNotFoundError, match="elsewhere"):
        tfsp_data.load(name)


@pytest.fixture(scope="module")
def chardata(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chardata")
    train, test = field_files.CHARDATA_COUNTS
    numbers = np.arange(train + test)
    data = _columns(numbers).T
    alphabet = np.eye(50)[:, numbers % 50]  # one-hot in columns
    character = (numbers // 50 % 3 + 1)[None, :].astype(np.float64)
    scipy.io.savemat(
        folder / "chardata.mat",
        {
            "data": data[:, :train],
            "testdata": data[:, train:],
            "target": alphabet[:, :train],
            "testtarget": alphabet[:, train:],
            "targetchar": character[:, :train],
            "testtargetchar": character[:, train:],
        },
        do_compression=True,
    )
    return folder


def test_chardata(chardata):
    data = tfsp_data.load("omniglot", data_dir=chardata, split="burda")
    info = data.info
    assert (info.num_train, info.num_validation, info.num_test) == (23_000, 1_345, 8_070)
    assert info.image_shape == (28, 28, 1)
    assert info.num_classes == 150
    found, labels = [], []
    for part in ("train", "validation", "test"):
        images, y = data.arrays(part)
        found.append([_glyph_number(image) for image in images])
        labels.append(y)
    np.testing.assert_array_equal(found[2], np.arange(24_345, 32_415))
    assert sorted(found[0] + found[1]) == list(range(24_345))
    # Characters are numbered by (alphabet, character).
    numbers, labels = np.concatenate(found), np.concatenate(labels)
    np.testing.assert_array_equal(labels, numbers % 50 * 3 + numbers // 50 % 3)


def test_chardata_knows_one_split_only(chardata):
    with pytest.raises(ValueError, match=r"Unknown split 'standard'.*burda"):
        tfsp_data.load("omniglot", data_dir=chardata)
    assert tfsp_data.load(chardata / "chardata.mat", split="burda").info.num_test == 8_070


def test_chardata_of_another_size(tmp_path):
    scipy.io.savemat(tmp_path / "chardata.mat", {"data": np.zeros((784, 9)), "testdata": 0})
    with pytest.raises(tfsp_data.DataFormatError, match=r"\(24345, 784\), received \(9, 784\)"):
        tfsp_data.load("omniglot", data_dir=tmp_path, split="burda")


def test_omniglot_28_npz(tmp_path):
    n = 60
    images = np.stack([_glyph(i) * 255 for i in range(n)]).astype(np.uint8)
    split = (np.arange(n) >= 40).astype(np.uint8)
    np.savez(tmp_path / "omniglot_28.npz", x=images, label=np.arange(n) // 4, split=split)
    data = tfsp_data.load("omniglot", data_dir=tmp_path, labels=True)
    assert (data.info.num_train, data.info.num_validation, data.info.num_test) == (36, 4, 20)
    for part in ("train", "validation", "test"):
        x, y = data.arrays(part)
        numbers = np.array([_glyph_number(image) for image in x])
        assert ((numbers >= 40) == (part == "test")).all()
        np.testing.assert_array_equal(y, numbers // 4)
    with pytest.raises(ValueError, match="Unknown split 'burda'"):
        tfsp_data.load("omniglot", data_dir=tmp_path, split="burda")


@pytest.fixture(scope="module")
def caltech(tmp_path_factory):
    folder = tmp_path_factory.mktemp("caltech")
    arrays, start = {}, 0
    for name, count in zip(("train", "val", "test"), field_files.CALTECH_COUNTS, strict=True):
        numbers = np.arange(start, start + count)
        arrays[f"{name}_data"] = (1 - _columns(numbers)).astype(np.uint8)
        arrays[f"{name}_labels"] = (numbers % 101 + 1)[:, None].astype(np.uint8)
        start += count
    scipy.io.savemat(folder / field_files.CALTECH_FILE, arrays, do_compression=True)
    return folder


def test_caltech(caltech):
    data = tfsp_data.load("caltech101_silhouettes", data_dir=caltech, labels=True)
    info = data.info
    assert (info.num_train, info.num_validation, info.num_test) == (4_100, 2_264, 2_307)
    assert (info.num_classes, info.binarization) == (101, "binary (as published)")
    start = 0
    for part in ("train", "validation", "test"):
        images, labels = data.arrays(part)
        numbers = [_glyph_number(image) for image in images]
        np.testing.assert_array_equal(numbers, np.arange(start, start + len(images)))
        np.testing.assert_array_equal(labels, np.array(numbers) % 101)
        start += len(images)
    with pytest.raises(ValueError, match="binary already"):
        tfsp_data.load("caltech101_silhouettes", data_dir=caltech, binarization="dynamic")


def test_cut_mat_is_named(caltech, tmp_path):
    content = (caltech / field_files.CALTECH_FILE).read_bytes()
    (tmp_path / field_files.CALTECH_FILE).write_bytes(content[: len(content) // 2])
    with pytest.raises(tfsp_data.DataFormatError, match=field_files.CALTECH_FILE):
        tfsp_data.load("caltech101_silhouettes", data_dir=tmp_path)


@pytest.fixture
def larochelle(tmp_path, monkeypatch):
    """A folder with the three .amat files, cut down, and the counts to match."""
    counts = {"train": 50, "valid": 10, "test": 12}
    monkeypatch.setattr(field_files, "LAROCHELLE_COUNTS", counts)
    start = 0
    for part, count in counts.items():
        lines = [_glyph(i).reshape(-1).astype(int) for i in range(start, start + count)]
        np.savetxt(tmp_path / f"binarized_mnist_{part}.amat", lines, fmt="%d", delimiter=" ")
        start += count
    return tmp_path


def test_published_counts_of_larochelle():
    assert field_files.LAROCHELLE_COUNTS == {"train": 50_000, "valid": 10_000, "test": 10_000}


def test_binarized_mnist(larochelle):
    sources = (("binarized_mnist", larochelle), (larochelle, None))
    sources += ((larochelle / "binarized_mnist_test.amat", None),)
    for source, data_dir in sources:
        data = tfsp_data.load(source, data_dir=data_dir)
        assert data.info.binarization == "static (Larochelle)"
        assert data.info.num_classes is None
        start = 0
        for part, count in (("train", 50), ("validation", 10), ("test", 12)):
            images, _ = data.arrays(part)
            assert [_glyph_number(image) for image in images] == list(range(start, start + count))
            start += count
    with pytest.raises(ValueError, match=r"binary already.*Larochelle"):
        tfsp_data.load("binarized_mnist", data_dir=larochelle, binarization="static")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2 - 101], "line 6: expected 784"),
        (lambda text: text.replace("1", "2", 1), "line 1: expected 784 values 0 or 1"),
        (lambda text: text.split("\n", 1)[1], "expected 12 images, received 11"),
        (lambda text: "", "is empty"),
        (lambda text: "0.5 " * 784, "values 0 or 1"),
    ],
)
def test_damaged_amat_is_named(larochelle, damage, message):
    path = larochelle / "binarized_mnist_test.amat"
    path.write_text(damage(path.read_text()[: 784 * 2 * 12]))
    with pytest.raises(tfsp_data.DataFormatError, match=f"binarized_mnist_test.amat.*{message}"):
        tfsp_data.load("binarized_mnist", data_dir=larochelle)


def test_one_absent_amat_is_named(larochelle):
    (larochelle / "binarized_mnist_valid.amat").unlink()
    with pytest.raises(tfsp_data.DataNotFoundError, match=r"binarized_mnist_valid.amat"):
        tfsp_data.load("binarized_mnist", data_dir=larochelle)
