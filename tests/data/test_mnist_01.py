"""Zeros and ones in chosen proportions, from a small file in the layout of MNIST."""

import numpy as np
import pytest

from tfsp import data
from tfsp.data import mnist_01


@pytest.fixture
def folder(tmp_path):
    """mnist.npz of 600 + 200 images 4x4, a tenth of each digit; an image names its own number."""
    numbers, labels = np.arange(800), np.arange(800) % 10
    images = np.zeros((800, 4, 4), np.uint8)
    images[:, 0, 0], images[:, 0, 1], images[:, 3, 3] = numbers % 200, numbers // 200, 255
    np.savez(
        tmp_path / "mnist.npz",
        x_train=images[:600],
        y_train=labels[:600],
        x_test=images[600:],
        y_test=labels[600:],
    )
    return tmp_path


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(mnist_01, "_SIZES", (80, 8, 16))


@pytest.mark.parametrize(
    ("proportion", "sizes"),
    [  # of 60 zeros and 60 ones to train and validate on, 20 and 20 to test
        (0.5, (80, 8, 16)),
        (0.25, (72, 7, 16)),  # 60 / .75 = 80 zeros' worth, in parts 10 : 1
        (0.75, (72, 7, 16)),
        (0.0, (54, 5, 16)),
        (1.0, (54, 5, 16)),
    ],
)
def test_proportions(folder, small, number_of, proportion, sizes):
    loaded = data.load("mnist_01", data_dir=folder, proportion=proportion, labels=True)
    info = loaded.info
    assert (info.num_train, info.num_validation, info.num_test) == sizes
    assert info.num_classes == (2 if 0 < proportion < 1 else 1)
    assert f"share of ones {proportion:g}" in info.source
    seen = []
    for part, size in zip(("train", "validation", "test"), sizes, strict=True):
        images, labels = loaded.arrays(part)
        assert abs(labels.sum() - size * proportion) <= 0.5
        numbers = number_of(images)
        np.testing.assert_array_equal(numbers % 10, labels)
        assert np.all((numbers >= 600) == (part == "test"))
        seen += numbers.tolist()
    assert len(set(seen)) == len(seen)
    again = data.load("mnist_01", data_dir=folder, proportion=proportion, seed=5)
    np.testing.assert_array_equal(again.arrays("test")[0], loaded.arrays("test")[0])


def test_equal_shares_by_default_and_binary_as_asked(folder, small):
    loaded = data.load("mnist_01", data_dir=folder, binarization="dynamic")
    assert loaded.info.binarization == "dynamic"
    assert loaded.arrays("train")[1].mean() == 0.5
    assert set(np.unique(next(iter(loaded.train)))) <= {0.0, 1.0}


def test_errors(folder, tmp_path):
    for wrong in (-0.1, 1.5, "half", True):
        with pytest.raises(
            ValueError, match=r"`proportion` must be .* in \[0, 1\]: the share of ones"
        ):
            data.load("mnist_01", data_dir=folder, proportion=wrong)
    with pytest.raises(data.DataNotFoundError, match="'mnist' is not in"):
        data.load("mnist_01", data_dir=tmp_path / "nowhere")
    empty = dict(np.load(folder / "mnist.npz"))
    kept = {"train": empty["y_train"] != 1, "test": empty["y_test"] != 1}
    parts = {f"{k}_{p}": empty[f"{k}_{p}"][kept[p]] for p in kept for k in ("x", "y")}
    np.savez(tmp_path / "mnist.npz", **parts)
    with pytest.raises(data.DataFormatError, match="share of ones of 0.5 is empty.*0 ones"):
        data.load("mnist_01", data_dir=tmp_path)


def test_published_sizes(need):
    loaded = data.load("mnist_01", data_dir=need("mnist.npz"))
    info = loaded.info
    # Table C.1 has 2k test images; of equal shares MNIST has 2 x 980.
    assert (info.num_train, info.num_validation, info.num_test) == (10_000, 1_000, 1_960)
    assert all(loaded.arrays(part)[1].mean() == 0.5 for part in ("train", "validation", "test"))
