"""Run directories: what is kept, found, refused."""

import json

import pytest

from tfsp.run_directory import RunDirectory

CONFIG = {"seed": 0, "train": {"epochs": 3, "hidden": (1, 2)}, "prior": {"name": "vamp"}}


def test_same_config_goes_on_and_another_is_refused_with_the_difference(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.start(CONFIG)
    run.checkpoint_path(1).touch()
    before = (run.path / "config.json").read_text()
    run.start(CONFIG)
    other = {**CONFIG, "train": {"epochs": 5, "hidden": (1, 2)}, "extra": 1}
    with pytest.raises(ValueError, match="another config") as caught:
        run.start(other)
    assert "train.epochs: 3 in the run, 5 now" in str(caught.value)
    assert "extra: '(absent)' in the run, 1 now" in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert (run.path / "config.json").read_text() == before


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ValueError, match="not empty and holds no run"):
        RunDirectory(tmp_path).start(CONFIG)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_config_is_read_back_and_its_format_checked(tmp_path):
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(FileNotFoundError, match="holds no run.*train.py"):
        run.config()
    run.start(CONFIG)
    assert run.config() == json.loads(json.dumps(CONFIG))
    file = run.path / "config.json"
    file.write_text(json.dumps({"format_version": 99}))
    with pytest.raises(ValueError, match="format version 99"):
        run.config()
    file.write_text('{"format_ver')
    with pytest.raises(ValueError, match="not valid JSON"):
        run.config()


def test_checkpoints_are_found(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.start(CONFIG)
    with pytest.raises(FileNotFoundError, match="no checkpoint 'best'. There are: none"):
        run.checkpoint()
    for name in ("epoch-00009.keras", "epoch-00010.keras", "partial-epoch-00011.keras"):
        (run.checkpoints / name).touch()
    assert run.epochs() == [9, 10]
    assert run.checkpoint("last").name == "epoch-00010.keras"
    assert run.checkpoint(9).name == "epoch-00009.keras"
    assert run.checkpoint("best").name == "epoch-00010.keras"  # no validation was made
    run.best.touch()
    assert run.checkpoint("best").name == "best.keras"
    with pytest.raises(FileNotFoundError, match="no checkpoint 7. There are: 9, 10 and best"):
        run.checkpoint(7)
