"""The grid of CP-VAE's Figure 3: its configs, and rows that tell models apart."""

import numpy as np
import pytest

from tfsp import evaluation
from tfsp.config import to_dict
from tfsp.studies import modes


@pytest.mark.parametrize("model", modes.MODELS)
def test_configs_share_all_but_the_prior(model):
    config, plain = (to_dict(modes.mode_config(name, seed=3)) for name in (model, "vae"))
    for section in ("data", "network", "likelihood", "train", "seed"):
        assert config[section] == plain[section]
    count = model.rpartition("_")[2]
    if model.startswith("cp_vae"):
        assert config["model"]["name"] == "cp_vae"
        assert config["model"]["num_categories"] == int(count)
    elif model != "vae":
        assert config["prior"]["name"] == model.partition("_")[0]
        assert config["prior"]["num_components"] == int(count)


def test_unknown_models_are_named():
    with pytest.raises(ValueError, match=r"must be one of vae, .*Received: 'flow'"):
        modes.mode_config("flow")


@pytest.mark.slow
def test_rows_and_draws():
    """Some steps are enough to train and to measure, not to learn."""
    rows, samples, data = modes.train_modes(
        ("cp_vae_2",), num_seeds=2, num_samples=300, epochs=4, train_size=1000, latent_dim=2
    )
    assert [(row["model"], row["seed"]) for row in rows] == [("cp_vae_2", 0), ("cp_vae_2", 1)]
    assert rows[0]["energy_distance"] != rows[1]["energy_distance"]
    drawn, points = samples["two_modes"]["cp_vae_2"], data["two_modes"]
    assert drawn.shape == points.shape == (300, 1)
    found = evaluation.energy_distance(drawn, points)
    assert found == pytest.approx(rows[0]["energy_distance"])
    (line,) = evaluation.summarise_grid(rows)
    mean = np.mean([row["energy_distance"] for row in rows])
    assert line["energy_distance"] == pytest.approx(mean)
    assert "two_modes  cp_vae_2" in evaluation.format_grid([line])
