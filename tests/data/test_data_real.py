"""Real copies, where they are at hand: $TFSP_DATA_DIR or shared/data beside the repository."""

import numpy as np
import pytest

from tfsp import data as tfsp_data


@pytest.mark.slow
def test_mnist_from_both_forms(need):
    folder = need("tfds/mnist", "mnist.npz")
    data = tfsp_data.load("mnist", data_dir=folder / "tfds", labels=True)
    info = data.info
    assert (info.num_train, info.num_validation, info.num_test) == (50_000, 10_000, 10_000)
    assert info.source == "TFDS mnist 3.0.1"
    images, labels = data.arrays("test")
    assert labels[:10].tolist() == [2, 0, 4, 8, 7, 6, 0, 6, 3, 1]
    np.testing.assert_allclose(images.mean(dtype=np.float64) * 255, 33.7912, atol=1e-4)
    other = tfsp_data.load("mnist", data_dir=folder)
    assert other.info.source == "mnist.npz"
    assert _as_set(*data.arrays("test")) == _as_set(*other.arrays("test"))


def test_mnist_01(need):
    folder = need("mnist.npz")
    data = tfsp_data.load(
        "mnist",
        data_dir=folder,
        classes=(0, 1),
        binarization="dynamic",
        train_size=10_000,
        validation_size=1_000,
        test_size=2_000,
    )
    info = data.info
    assert (info.num_train, info.num_validation, info.num_test) == (10_000, 1_000, 2_000)
    assert set(data.arrays("train")[1]) == {0, 1}


@pytest.mark.slow
def test_omniglot_from_both_forms(need):
    folder = need("tfds/omniglot", "omniglot_28.npz")
    for split, sizes in (("standard", (17_352, 1_928, 13_180)), ("burda", (23_000, 1_345, 8_070))):
        data = tfsp_data.load("omniglot", data_dir=folder / "tfds", split=split)
        other = tfsp_data.load("omniglot", data_dir=folder, split=split)
        info = data.info
        assert (info.num_train, info.num_validation, info.num_test) == sizes
        assert info.source.startswith("TFDS omniglot")
        assert other.info.source.startswith("omniglot_28.npz")
        for part in ("train", "validation", "test"):  # the same images in the same order
            images, labels = data.arrays(part)
            other_images, other_labels = other.arrays(part)
            np.testing.assert_array_equal(images, other_images)
            np.testing.assert_array_equal(labels, other_labels)
        if split == "standard":
            with np.load(folder / "omniglot_28.npz") as file:
                evaluation = file["split"] == 1
                x, y = file["x"][evaluation], file["label"][evaluation]
            assert _as_set(*data.arrays("test")) == _as_set(x[..., None] / np.float32(255), y)


def test_cifar10_subset_says_that_it_is_one(need):
    data = tfsp_data.load("cifar10", data_dir=need("tfds/cifar10") / "tfds", labels=True)
    assert data.info.image_shape == (32, 32, 3)
    assert data.info.num_classes == 10
    if data.info.num_test != 10_000:
        assert "not the full 50,000 + 10,000" in data.info.source


def _as_set(images, labels):
    pixels = np.rint(images * 255).astype(np.uint8)
    return sorted((int(y), x.tobytes()) for x, y in zip(pixels, labels, strict=True))
