"""The command `tfsp`, and what a wheel carries for it."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from tfsp import __main__ as command
from tfsp import project_files

ROOT = pathlib.Path(__file__).parents[1]


def test_usage_lists_the_commands(capsys):
    assert command.main(["tfsp"]) == 0
    out = capsys.readouterr().out
    for name in (*project_files.COMMANDS, "configs"):
        assert f"\n  {name} " in out
        assert name == "configs" or (ROOT / "scripts" / f"{name}.py").is_file()


def test_an_unknown_command_is_refused_with_the_nearest(capsys):
    assert command.main(["tfsp", "evalute", "--run_dir=x"]) == 2
    captured = capsys.readouterr()
    assert "unknown command 'evalute'. Did you mean 'evaluate'?" in captured.err
    assert captured.out == ""


def test_configs_are_all_of_the_project(capsys):
    assert command.main(["tfsp", "configs"]) == 0
    listed = capsys.readouterr().out.split()
    assert listed == sorted(str(p.relative_to(ROOT / "configs")) for p in ROOT.glob("configs/*/*"))


def test_a_config_is_the_users_own_or_the_projects(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    theirs = f"{ROOT}/configs/cp_vae/mnist.py"
    for name in ("cp_vae/mnist.py", "configs/cp_vae/mnist.py"):
        assert project_files.find_config(name) == theirs
        assert project_files.find_config(f"{name}:tree") == f"{theirs}:tree"
    (tmp_path / "cp_vae").mkdir()
    (tmp_path / "cp_vae" / "mnist.py").touch()
    assert project_files.find_config("cp_vae/mnist.py:tree") == "cp_vae/mnist.py:tree"
    assert project_files.find_config("absent.py:row") == "absent.py:row"


def test_configs_are_found_in_every_form_of_the_flag(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    path = f"{ROOT}/configs/vae/digits.py"
    given = ["--config", "vae/digits.py", "--config=vae/digits.py", "--run_dir=vae/digits.py"]
    found = command._with_configs([*given, "--config.prior.name=vamp"])
    expected = ["--config", path, f"--config={path}", "--run_dir=vae/digits.py"]
    assert found == [*expected, "--config.prior.name=vamp"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """What a wheel holds, but for the native code."""
    folder = tmp_path_factory.mktemp("built")
    arguments = ["--quiet", "build_py", "--build-lib", str(folder)]
    subprocess.run([sys.executable, "setup.py", *arguments], cwd=ROOT, check=True)
    return folder


def test_a_wheel_carries_the_page_of_the_explorer(built):
    """With the licences of what is bundled into it."""
    page = built / "tfsp" / "explorer" / "page"
    names = {"explorer.js", "explorer.css", "explorer.html", "LICENSES.txt"}
    assert {path.name for path in page.iterdir()} == names
    licences = (page / "LICENSES.txt").read_text()
    for name in ("d3-hierarchy", "d3-interpolate", "d3-scale", "d3-selection", "d3-zoom"):
        assert f"\n{name} " in licences
    assert licences.count("Permission to use, copy, modify, and/or distribute") >= 5


def test_a_wheel_carries_scripts_and_configs(built):
    project = built / "tfsp" / project_files.FOLDER
    files = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    scripts = {f"scripts/{name}.py" for name in project_files.COMMANDS}
    assert files == scripts | {str(p.relative_to(ROOT)) for p in ROOT.glob("configs/*/*.py")}
    for name in files:
        assert (project / name).read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.slow
def test_the_command_trains_outside_of_a_clone(built, tmp_path):
    for path in [*ROOT.glob("tfsp/tmc/native/*.so"), *ROOT.glob("tfsp/tmc/native/*.json")]:
        shutil.copy(path, built / "tfsp" / "tmc" / "native")
    arguments = ["train", "--config=vae/digits.py", "--run_dir=run", "--config.train.epochs=1"]
    done = subprocess.run(
        [sys.executable, "-m", "tfsp", *arguments, "--config.train.steps_per_epoch=2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(built)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "config.json").is_file()
