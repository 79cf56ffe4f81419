"""The grid of targets and models: configs, seeds that share a step, tables, the script."""

import importlib.util
import pathlib

import keras
import numpy as np
import pytest
from script_runs import run as run_script

from tfsp import evaluation, experiment
from tfsp.config import to_dict
from tfsp.studies import grid, shapes
from tfsp.visualize import check_grid_folder

ROOT = pathlib.Path(__file__).parents[2]
SMALL = dict(steps=100, batch_size=20, hidden=(8,))


@pytest.mark.parametrize("target", shapes.TARGETS)
def test_every_cell_builds(target):
    for model in shapes.MODELS:
        config = to_dict(shapes.shape_config(target, model))
        experiment.check_names(config)
        built = experiment.build_model(config, (2,))
        assert built.latent_dim == 2
        assert hasattr(built, "mapping") == (model == "intel_vae")
        assert type(built.prior).__name__ == ("VampPrior" if model == "vamp" else "NormalPrior")
    with pytest.raises(ValueError, match="`target` must be one of circle"):
        shapes.shape_config("cube", "vae")
    with pytest.raises(ValueError, match="`model` must be one of vae, vamp, intel_vae"):
        shapes.shape_config(target, "flow")
    with pytest.raises(ValueError, match="`objective` must be one of elbo, iwae"):
        shapes.shape_config(target, "vae", objective="dreg")


def test_the_objective_may_be_importance_weighted():
    config = to_dict(shapes.shape_config("star", "vae", objective="iwae", importance_samples=3))
    model = experiment.build_model(config, (2,))
    assert (model.objective, model.num_samples) == ("iwae", 3)


@pytest.mark.parametrize("model", shapes.MODELS)
def test_the_config_file_holds_the_same_values(model):
    path = ROOT / "configs" / "intel_vae" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("synthetic", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ours, theirs = to_dict(shapes.shape_config("circle", model)), to_dict(module.get_config(model))
    assert ours == theirs


@pytest.mark.slow
@pytest.mark.parametrize("model", ["vamp", "intel_vae"])
def test_seeds_that_share_a_step_are_as_good_as_alone(model):
    configs = [to_dict(shapes.shape_config("star", model, seed, **SMALL)) for seed in (0, 1)]
    trainer = grid._Trainer()
    first = [w.copy() for w in trainer.train(configs[0])[0].get_weights()]
    shared = [w.copy() for w in trainer.train(configs[1])[0].get_weights()]
    alone = grid._Trainer().train(configs[1])[0].get_weights()
    for a, b in zip(shared, alone, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert any(not np.allclose(a, b, atol=1e-3) for a, b in zip(first, shared, strict=True))


def test_train_shapes_and_summarise():
    keras.utils.set_random_seed(3)
    seen = []
    rows, samples, data = evaluation.train_shapes(
        ["circle"], ["vae"], 2, num_samples=300, report=seen.append, **SMALL
    )
    assert rows == seen
    assert [(row["target"], row["model"], row["seed"]) for row in rows] == [
        ("circle", "vae", 0),
        ("circle", "vae", 1),
    ]
    assert samples["circle"]["vae"].shape == data["circle"].shape == (300, 2)
    expected = evaluation.energy_distance(samples["circle"]["vae"], data["circle"])
    assert rows[0]["energy_distance"] == pytest.approx(expected)
    (line,) = evaluation.summarise_grid(rows)
    values = [row["energy_distance"] for row in rows]
    assert line["energy_distance"] == pytest.approx(np.mean(values))
    assert line["energy_distance_sd"] == pytest.approx(np.std(values, ddof=1))
    assert line["seeds"] == 2
    (alone,) = evaluation.summarise_grid(rows[:1])
    assert alone["stray_sd"] is None
    with pytest.raises(ValueError, match="`target`"):
        evaluation.train_shapes(["circle", "cube"], ["vae"], 1)
    with pytest.raises(ValueError, match="`num_seeds`"):
        evaluation.train_shapes(num_seeds=0)


@pytest.mark.slow
def test_script(tmp_path):
    settings = "--targets=circle --models=intel_vae --seeds=1 --steps=100 --batch_size=20"
    run_script("figure_intel_vae", f"--out={tmp_path}", "--num_samples=200", *settings.split())
    assert "1000 x energy distance" in (tmp_path / "table.txt").read_text()
    (run,) = evaluation.read_json(tmp_path / "results.json")["runs"]
    assert (run["target"], run["model"], run["seed"]) == ("circle", "intel_vae", 0)
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"figure.{suffix}").stat().st_size > 2000
    again = run_script("figure_intel_vae", f"--out={tmp_path}", check=False)
    assert again.returncode == 1
    assert "results.json exists, from an earlier grid" in again.stderr


def test_a_grid_is_not_overwritten(tmp_path):
    check_grid_folder(tmp_path)
    check_grid_folder(tmp_path / "new")
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(FileExistsError, match=r"results.json exists.*another folder \(--out\)"):
        check_grid_folder(tmp_path)
