"""Coded images, and the places where real data may lie."""

import importlib.util
import os
import pathlib

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def area_reference():
    """The slow reference of area averaging, loaded by path."""
    path = ROOT / "tests" / "reference" / "area.py"
    spec = importlib.util.spec_from_file_location("area_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def coded():
    """Function n -> (uint8 images [n, 4, 4, 1], labels [n]); an image names its own number.

    Pixels 0 and 1 hold the number in base 200, pixel 15 is 255; the label is number % 7.
    """

    def make(n):
        number = np.arange(n)
        images = np.zeros((n, 16), np.uint8)
        images[:, 0], images[:, 1], images[:, 15] = number % 200, number // 200, 255
        return images.reshape(n, 4, 4, 1), (number % 7).astype(np.int64)

    return make


@pytest.fixture
def number_of():
    """Function images (float in [0, 1], as loaded from `coded`) -> numbers int [n]."""

    def read(images):
        flat = np.rint(np.asarray(images) * 255).astype(int).reshape(len(images), -1)
        return flat[:, 0] + 200 * flat[:, 1]

    return read


@pytest.fixture(scope="session")
def real_data():
    """Folder with real copies (mnist.npz, omniglot_28.npz, tfds/), or a skip.

    $TFSP_DATA_DIR, else shared/data beside the repository.
    """
    given = os.environ.get("TFSP_DATA_DIR")
    folder = pathlib.Path(given) if given else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder} (set TFSP_DATA_DIR)")
    return folder


@pytest.fixture(scope="session")
def need(real_data):
    """Function that skips unless `real_data` holds the given entries; returns the folder."""

    def check(*entries):
        absent = [entry for entry in entries if not (real_data / entry).exists()]
        if absent:
            pytest.skip(f"{real_data} lacks {', '.join(absent)}")
        return real_data

    return check
