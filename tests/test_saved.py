"""`tfsp.load`: the same model from a file, from a run and from an export."""

import numpy as np
import pytest

import tfsp
from tfsp import experiment, models
from tfsp.config import default_config
from tfsp.export import export_run


@pytest.fixture(scope="module")
def raw():
    """A table in units of its own, `[40, 3]`."""
    return (np.random.default_rng(0).normal(size=(40, 3)) * [1.0, 50.0, 0.1] + 7).astype("float32")


def test_a_file_holds_the_standardisation(tmp_path, raw):
    likelihood = {"name": "gaussian", "standardize": True, "scale": "feature"}
    model = models.VAE({"name": "mlp", "hidden": (4,)}, likelihood=likelihood, latent_dim=2)
    model.compile()
    model.fit(raw, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = tfsp.load(tmp_path / "model.keras")
    np.testing.assert_allclose(again.encode(raw), model.encode(raw), atol=1e-6)
    np.testing.assert_allclose(again.reconstruct(raw), model.reconstruct(raw), rtol=1e-5)
    assert np.abs(np.asarray(again.reconstruct(raw)).mean(0) - raw.mean(0)).max() < 50
    again.fit(raw, epochs=1, verbose=0)  # compiled as it was


def test_runs_and_exports(tmp_path):
    settings = default_config()
    settings.data.update(train_size=60, validation_size=20, test_size=20)
    settings.model.latent_dim = 2
    settings.network.hidden = (4,)
    settings.train.update(batch_size=20, epochs=2, jit_compile=False, steps_per_execution=1)
    trained = experiment.train(settings, tmp_path / "run", verbose=0)
    x = tfsp.data.load("digits", binarization="none").arrays("test", limit=5)[0]
    last = tfsp.load(tmp_path / "run", "last")
    np.testing.assert_allclose(last.encode(x), trained.encode(x), atol=1e-6)
    first = tfsp.load(str(tmp_path / "run"), 1)
    assert np.abs(first.encode(x) - trained.encode(x)).max() > 1e-6
    with pytest.raises(FileNotFoundError, match="no checkpoint 7"):
        tfsp.load(tmp_path / "run", 7)
    export_run(tmp_path / "run")
    served = tfsp.load(tmp_path / "run" / "export")
    best = tfsp.load(tmp_path / "run")
    codes = served.signatures["encode"](images=x)["latent"]
    np.testing.assert_allclose(codes, best.encode(x), atol=1e-5)


def test_what_is_no_model(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent does not exist\. Expected the folder"):
        tfsp.load(tmp_path / "absent")
    (tmp_path / "table.csv").write_text("a,b\n")
    with pytest.raises(ValueError, match=r"table.csv is no `\.keras` file"):
        tfsp.load(tmp_path / "table.csv")
    with pytest.raises(FileNotFoundError, match="holds no run"):
        tfsp.load(tmp_path)
