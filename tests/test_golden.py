"""Models saved by earlier versions still load and give the same numbers."""

import pathlib

import keras
import numpy as np
import pytest

import tfsp.models  # registers the classes

GOLDEN = pathlib.Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("vae_*.keras"))


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


@pytest.mark.parametrize("name", ["cp_vae", "gm_vae", "graph_vae", "sparse_vae"])
def test_an_old_config_that_names_the_prior_of_a_model_with_its_own_is_read(name):
    """Version 0.1.0 kept `prior="normal"` there, the only one that it took."""
    model = tfsp.models.build(name, encoder="mlp", latent_dim=10)
    config = model.get_config()
    assert "prior" not in config
    again = type(model).from_config({**config, "prior": "normal"})
    assert type(again.prior) is type(model.prior)
    assert again.get_config() == config


def test_an_old_discrete_vae_loads_with_the_biases_that_it_had():
    """Later versions make no bias before a normalisation."""
    path = GOLDEN / "discrete_vae-0.1.0.keras"
    model = keras.saving.load_model(path)
    expected = np.load(path.with_suffix(".npz"))
    np.testing.assert_allclose(model.encode(expected["x"]), expected["codes"], rtol=1e-4, atol=1e-6)
    means = model.reconstruct(expected["x"])
    np.testing.assert_allclose(means, expected["means"], rtol=1e-4, atol=1e-6)
    model.fit(expected["x"], epochs=1, verbose=0)
    again = type(model).from_config(model.get_config())
    again.build((None, 4, 4, 1))
    assert again.count_params() == model.count_params()
