"""The page of a run, by the command's script."""

import json
import re

import numpy as np
import pytest
import script_runs

from tfsp import evaluation, experiment, explorer
from tfsp.config import default_config


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    config = default_config()
    config.data.update(name="digits", binarization="static", train_size=120)
    config.model.latent_dim = 2
    config.network.hidden = (8,)
    config.prior.update(name="loracs", num_inducing=8, start_epoch=1, burn_in=100)
    config.train.update(epochs=2, steps_per_epoch=2, jit_compile=False, validate=False)
    folder = tmp_path_factory.mktemp("run") / "small"
    experiment.train(config, folder, verbose=0)
    return folder


def structure_of(path):
    text = path.read_text()
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_the_script_writes_the_page_of_a_run(run_dir):
    out = script_runs.run("explore", f"--run_dir={run_dir}").stdout
    assert out.split() == [str(run_dir / "explorer.html")]
    structure = structure_of(run_dir / "explorer.html")
    assert structure["title"] == "small \N{MIDDLE DOT} digits"
    model, config = experiment.load_run(run_dir)
    members = evaluation.attach(model, experiment.load_data(config))
    nodes = dict(zip(structure["rows"]["row"], structure["rows"]["node"], strict=True))
    assert nodes == members["node"].to_dict()
    assert structure["nodes"]["support"] is not None
    assert len(structure["samples"]["nodes"]) == len(structure["nodes"]["number"])
    # Pictures as they are, not as they were made binary.
    colours = np.unique(list(structure["colours"]))
    assert len(colours) > 20
    assert script_runs.run("explore", f"--run_dir={run_dir}", "--limit=20").returncode == 0
    assert len(structure_of(run_dir / "explorer.html")["rows"]["row"]) < 100


def test_mistakes_are_told_in_a_line(run_dir, tmp_path):
    path = tmp_path / "mine.html"
    path.write_text("mine")
    result = script_runs.run("explore", f"--run_dir={run_dir}", f"--output={path}", check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("FileExistsError: ")
    assert "is no page of the explorer" in result.stderr
    assert path.read_text() == "mine"
    result = script_runs.run("explore", f"--run_dir={tmp_path}", check=False)
    assert result.returncode == 1
    assert "holds no run" in result.stderr


def test_the_names_of_the_run_and_its_data_are_not_said_twice(run_dir, tmp_path):
    other = run_dir.with_name("digits")
    run_dir.rename(other)
    (path,) = explorer.explore_run(other, tmp_path / "page.html", limit=10)
    assert structure_of(path)["title"] == "digits"
    other.rename(run_dir)


def test_a_refined_run_is_called_by_its_run(tmp_path):
    assert explorer.run._called(tmp_path / "digits" / "refined" / "2") == "digits, refinement 2"
    assert explorer.run._called(tmp_path / "digits") == "digits"
