"""Models saved by earlier versions still load and give the same numbers."""

import pathlib

import keras
import numpy as np
import pytest

import tfsp.models  # registers the classes

FILES = sorted((pathlib.Path(__file__).parent / "golden").glob("*.keras"))


def test_there_is_one():
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_old_model_loads(path):
    model = keras.saving.load_model(path)
    expected = np.load(path.with_suffix(".npz"))
    codes = model.encode(expected["x"])
    np.testing.assert_allclose(codes, expected["codes"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        model.prior.log_prob(codes), expected["log_prior"], rtol=1e-4, atol=1e-5
    )
    model.fit(expected["x"], epochs=1, verbose=0)
    assert isinstance(model, tfsp.models.VAE)
