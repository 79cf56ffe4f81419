"""The sets of the discrete VAE's configs load from the field's files: binary, complete, in order.

The files are written small, in their published layouts.
"""

import importlib.util
import pathlib

import numpy as np
import pytest
import scipy.io

from tfsp import experiment
from tfsp.config import to_dict
from tfsp.data import field_files

CONFIGS = pathlib.Path(__file__).parents[2] / "configs" / "discrete_vae"


def load(file, folder, row=None, **data):
    spec = importlib.util.spec_from_file_location(file, CONFIGS / f"{file}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config = module.get_config(row) if row else module.get_config()
    config.data.update(data)
    return experiment.load_data(to_dict(config), folder)


@pytest.fixture(scope="module")
def images():
    """[60, 784] of 0 and 1, column by column as the .mat files have them."""
    return np.random.default_rng(0).integers(0, 2, (60, 784)).astype(np.uint8)


def upright(columns):
    return columns.reshape(-1, 28, 28, 1).transpose(0, 2, 1, 3).astype(np.float32)


def test_caltech101(images, tmp_path, monkeypatch):
    monkeypatch.setattr(field_files, "CALTECH_COUNTS", (40, 8, 12))
    parts = dict(zip(("train", "val", "test"), np.split(images, [40, 48]), strict=True))
    arrays = {f"{part}_data": 1 - x for part, x in parts.items()}  # ink is 0 in the file
    arrays |= {f"{part}_labels": np.ones((len(x), 1)) for part, x in parts.items()}
    scipy.io.savemat(tmp_path / field_files.CALTECH_FILE, arrays)
    data = load("paper", tmp_path, "caltech101")
    np.testing.assert_array_equal(data.arrays("train")[0], upright(parts["train"]))
    np.testing.assert_array_equal(data.arrays("validation")[0], upright(parts["val"]))
    np.testing.assert_array_equal(data.arrays("test")[0], upright(parts["test"]))
    batch = next(iter(data.train))
    assert set(np.unique(batch)) == {0, 1}


def test_omniglot(images, tmp_path, monkeypatch):
    monkeypatch.setattr(field_files, "CHARDATA_COUNTS", (45, 15))
    train, test = 0.9 * images[:45], images[45:].astype(float)
    arrays = {"data": train.T, "testdata": test.T}
    for name, x in (("", train), ("test", test)):
        arrays[f"{name}target"] = np.eye(50)[:, : len(x)]
        arrays[f"{name}targetchar"] = np.ones((1, len(x)))
    scipy.io.savemat(tmp_path / "chardata.mat", arrays)
    data = load("paper", tmp_path, "omniglot")
    assert data.info.binarization == "dynamic"
    np.testing.assert_array_equal(data.arrays("test")[0], upright(images[45:]))
    first, second = (next(iter(data.train)) for _ in range(2))
    assert set(np.unique(first)) == {0, 1}
    assert np.any(np.asarray(first).sum(0) != np.asarray(second).sum(0))  # fresh draws
    assert len(first) == 45
    # Ink of intensity 0.9 stays ink nine times in ten: 45 * 392 draws, 5 standard deviations.
    assert np.mean(first) == pytest.approx(0.9 * images[:45].mean(), abs=0.006)


@pytest.fixture
def mnist(tmp_path):
    x = np.random.default_rng(1).integers(0, 256, (60, 28, 28)).astype(np.uint8)
    y = np.arange(60) % 10
    np.savez(tmp_path / "mnist.npz", x_train=x, y_train=y, x_test=x[:15], y_test=y[:15])
    return tmp_path


@pytest.mark.parametrize(
    ("name", "row"), [("paper", "mnist_static"), ("ladder", "rbm"), ("ladder", "continuous,small")]
)
def test_static_mnist_is_drawn_once(mnist, name, row):
    data = load(name, mnist, row)
    assert data.info.binarization == "static"
    ordered = data.arrays("train")[0]
    assert set(np.unique(ordered)) == {0, 1}
    totals = [np.sort(np.asarray(next(iter(data.train))).sum((1, 2, 3))) for _ in range(2)]
    np.testing.assert_array_equal(totals[0], totals[1])
    np.testing.assert_array_equal(totals[0], np.sort(ordered.sum((1, 2, 3))))


@pytest.mark.parametrize(("name", "row"), [("paper", "mnist"), ("variants", "dvae_sharp")])
def test_dynamic_mnist_is_drawn_afresh(mnist, name, row):
    data = load(name, mnist, row)
    assert data.info.binarization == "dynamic"
    totals = [np.sort(np.asarray(next(iter(data.train))).sum((1, 2, 3))) for _ in range(2)]
    assert np.any(totals[0] != totals[1])
    np.testing.assert_array_equal(data.arrays("test")[0], data.arrays("test")[0])


def test_larochelles_draws_in_place_of_our_own(images, tmp_path, monkeypatch):
    counts = {"train": 40, "valid": 8, "test": 12}
    monkeypatch.setattr(field_files, "LAROCHELLE_COUNTS", counts)
    for part, x in zip(counts, np.split(images, [40, 48]), strict=True):
        np.savetxt(tmp_path / f"binarized_mnist_{part}.amat", x, fmt="%d", delimiter=" ")
    data = load("paper", tmp_path, "mnist_static", name="binarized_mnist", binarization="none")
    assert data.info.binarization == "static (Larochelle)"
    expected = images[48:].reshape(-1, 28, 28, 1)  # row by row in this file
    np.testing.assert_array_equal(data.arrays("test")[0], expected)
    assert data.info.num_train == 40
