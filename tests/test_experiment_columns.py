"""A run on a table of mixed columns: what the data tell the likelihood stays in the run."""

import numpy as np
import pytest

from tfsp import evaluation, experiment
from tfsp.config import default_config


def test_a_run_on_a_file_with_holes(tmp_path):
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.normal(50, 9, 60),
            "colour": rng.choice(["red", "green", "blue"], 60),
            "sex": rng.choice(["f", "m"], 60),
            "visits": rng.poisson(3.0, 60),
        }
    )
    holes = frame.astype(object).mask(rng.random(frame.shape) < 0.2)
    holes.to_csv(tmp_path / "people.csv", index=False)
    config = default_config()
    config.data.update(
        name=str(tmp_path / "people.csv"),
        missing="model",
        categorical="code",
        binarization="none",
    )
    config.likelihood.update(name="columns", missing=True, kinds={"visits": "poisson"})
    config.network.hidden = (4,)
    config.model.latent_dim = 2
    config.train.update(epochs=1, jit_compile=False, steps_per_epoch=2)
    trained = experiment.train(config, tmp_path / "run", verbose=0)
    kinds = [spec["name"] for spec in trained.likelihood.get_config()["kinds"]]
    assert kinds == ["gaussian", "categorical", "bernoulli", "poisson"]
    loaded, kept = experiment.load_run(tmp_path / "run", "last")
    # The config is as it was given; what data told is in the model.
    assert kept["likelihood"]["kinds"] == {"visits": "poisson"}
    assert kept["likelihood"]["names"] is None
    assert loaded.likelihood.get_config() == trained.likelihood.get_config()
    assert loaded.likelihood.names == ["age", "colour", "sex", "visits"]
    x = experiment.load_data(kept).arrays("test")[0]
    np.testing.assert_array_equal(
        evaluation.impute(loaded, x, 10, seed=1), evaluation.impute(trained, x, 10, seed=1)
    )
