"""Run directories: what is kept, found, refused."""

import json
import os

import pytest

from tfsp.lock import InUseError
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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"format_ver', "is not valid JSON"),
        (b"", "is not valid JSON"),
        (b"\x00\xff\xfe\x80", "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b"[1, 2]", "must hold a dict of settings. Received: list"),
        (b"null", "must hold a dict of settings. Received: NoneType"),
        (b"{}", "has format version None"),
        (b'{"format_version": 1, "seed": 0}', "lacks train, prior: it is damaged"),
        (b'{"format_version": 1, "train": 3, "prior": {"name": "x"}}', "lacks train:"),
        (b'{"format_version": 1, "train": {}, "prior": {}}', "lacks prior.name:"),
    ],
)
def test_a_damaged_config_is_one_error_with_its_path(content, message, tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.start(CONFIG)
    run.checkpoint_path(1).touch()
    file = run.path / "config.json"
    file.write_bytes(content)
    sections = {key: value for key, value in CONFIG.items() if key != "seed"}
    for read in (lambda: run.config(like=sections), lambda: run.check(CONFIG)):
        with pytest.raises(ValueError, match=message) as caught:
            read()
        assert str(file) in str(caught.value)
        assert len(str(caught.value)) < 1000
    assert file.read_bytes() == content


def test_what_a_killed_start_left_is_no_obstacle(tmp_path):
    run = RunDirectory(tmp_path / "run")
    (run.path / "partial-00000000-1-0123abcd").mkdir(parents=True)
    (run.path / "lock").write_text("{}")
    with run.lock():
        run.start(CONFIG)
    assert run.config()["seed"] == 0


def test_the_lock_is_for_one_process_and_leaves_nothing_behind(tmp_path):
    run = RunDirectory(tmp_path / "a" / "b")
    holder = f"b is being trained by process {os.getpid()} on "
    with run.lock(), pytest.raises(InUseError, match=holder):
        RunDirectory(tmp_path / "a" / "b").lock().__enter__()
    assert list(tmp_path.iterdir()) == []  # no run was started
    with run.lock():
        run.start(CONFIG)
    assert sorted(p.name for p in run.path.iterdir()) == ["checkpoints", "config.json", "logs"]


def test_a_best_checkpoint_alone_holds_the_folder_for_its_config(tmp_path):
    """It is what is left if the others are lost, or after a kill in the first epoch."""
    run = RunDirectory(tmp_path / "run")
    run.start(CONFIG)
    run.best.touch()
    with pytest.raises(ValueError, match="seed: 0 in the run, 1 now"):
        run.start({**CONFIG, "seed": 1})


def test_folders_of_any_name_are_remembered(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.start(CONFIG)
    assert run.data_dir() is None
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/data \xff\n")
    run.remember_data_dir(folder)
    assert run.data_dir() == folder
    before = (run.path / "data_dir.txt").stat().st_mtime_ns
    run.remember_data_dir(folder)
    assert (run.path / "data_dir.txt").stat().st_mtime_ns == before


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
