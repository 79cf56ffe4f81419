"""What a start finds in a run directory: damaged checkpoints, a lost history, a lost best."""

import json
import math
import os
import shutil
import warnings
import zipfile

import keras
import numpy as np
import pytest

from tfsp import callbacks, checkpoint_file, models, networks, resume, run_reader
from tfsp.history_file import read_history, write_history
from tfsp.run_directory import RunDirectory

VALUES = [-9.0, -5.0, -7.0, -6.0]  # the second epoch is the best


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A run of four epochs, whose weight `kl_weight` says how many it has seen."""
    run = RunDirectory(tmp_path_factory.mktemp("resume") / "run")
    run.start({})
    model = models.VAE(networks.MLP(hidden=(4,)), latent_dim=2, seed=0)
    model.compile()
    model.build((None, 8, 8, 1))
    model.optimizer.build(model.trainable_variables)
    history = callbacks.HistoryFile(run.history)
    writers = [history, callbacks.Checkpoint(run, keep=3, history=history.rows)]
    for epoch, value in enumerate(VALUES):
        model.kl_weight.assign(epoch + 1)
        for writer in writers:
            writer.set_model(model)
            writer.on_epoch_end(epoch, {"val_elbo": value, "elbo": value / 3})
    # Files say when they were saved, and these two may be of different seconds.
    shutil.copyfile(run.checkpoint_path(2), run.best)
    return run.path


@pytest.fixture
def run(original, tmp_path):
    return RunDirectory(shutil.copytree(original, tmp_path / "run"))


def found(run):
    model, *rest = resume.newest(run)
    assert model is None or float(model.kl_weight) == rest[0]
    return rest


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def zero(path):
    path.write_bytes(bytes(path.stat().st_size))


def ruin(path):
    """Weights that are NaN, in a file that is whole."""
    model, rows = checkpoint_file.load(path), checkpoint_file.rows(path)
    model.trainable_weights[0].assign(np.full(model.trainable_weights[0].shape, np.nan))
    checkpoint_file.save(model, path, rows)


def test_the_newest_is_found_in_silence(run):
    assert run.epochs() == [2, 3, 4]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert found(run) == [4, run.checkpoint_path(4), {}]
        rows = resume.mend(run, 4, run.checkpoint_path(4), {}, since=0)
        assert found(RunDirectory(run.path / "none")) == [0, None, {}]
    assert [row["val_elbo"] for row in rows] == VALUES
    assert rows == read_history(run.history)


def exchange(path):
    """The file of another epoch under this name."""
    shutil.copy(path.with_name("epoch-00002.keras"), path)


def cut_metadata(path):
    """A whole archive, in which one part is cut."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["metadata.json"] = parts["metadata.json"][:-10]
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)


def folder(path):
    path.unlink()
    path.mkdir()


def dangling(path):
    path.unlink()
    path.symlink_to("nowhere")


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "damage", [cut, zero, ruin, exchange, empty, cut_metadata, folder, dangling]
)
def test_a_damaged_latest_checkpoint_is_set_aside_for_the_one_before(damage, run):
    latest = run.checkpoint_path(4)
    damage(latest)
    epochs, path, problems = found(run)
    assert (epochs, path, list(problems)) == (3, run.checkpoint_path(3), [latest])
    assert os.path.lexists(latest)  # nothing is changed before the run goes on
    with pytest.warns(UserWarning, match="is damaged") as caught:
        rows = resume.mend(run, epochs, path, problems, since=0)
    (message,) = [str(w.message) for w in caught]
    assert message.startswith(f"{latest} is damaged: it")
    assert "(renamed to damaged-epoch-00004.keras)" in message
    assert "goes on after epoch 3, from epoch-00003.keras" in message
    assert [row["val_elbo"] for row in rows] == VALUES[:3]
    assert run.epochs() == [2, 3]
    assert os.path.lexists(run.checkpoints / "damaged-epoch-00004.keras")


def test_the_best_serves_where_no_other_does(run):
    for epoch in (2, 3, 4):
        cut(run.checkpoint_path(epoch))
    epochs, path, problems = found(run)
    assert (epochs, path, len(problems)) == (2, run.best, 3)
    for epoch in (2, 3, 4):
        run.checkpoint_path(epoch).unlink()
    assert found(run) == [2, run.best, {}]
    with pytest.warns(UserWarning, match="goes on after epoch 2, from best.keras"):
        rows = resume.mend(run, 2, run.best, {}, since=0)
    assert [row["val_elbo"] for row in rows] == VALUES[:2]
    assert run.checkpoint("last") == run.best
    assert resume.kept(run) == f"The last good checkpoint is {run.best}."


def test_no_whole_checkpoint_is_an_error_that_names_them_all(run):
    files = [run.best, *(run.checkpoint_path(epoch) for epoch in (2, 3, 4))]
    for file in files:
        cut(file)
    before = {path: path.read_bytes() for path in run.checkpoints.iterdir()}
    with pytest.raises(ValueError, match="no checkpoint is whole .*remove them all") as caught:
        resume.newest(run)
    assert all(str(file) in str(caught.value) for file in files)
    assert before == {path: path.read_bytes() for path in run.checkpoints.iterdir()}


def garbled(line, text):
    def garble(path):
        lines = path.read_text().splitlines()
        lines[line - 1] = text
        path.write_text("\n".join(lines) + "\n")

    return garble


HISTORIES = {
    "empty": (lambda path: path.write_bytes(b""), "history.csv is empty: it has been cut"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-5]), "ends within line 5"),
    "value": (
        garbled(3, "1,-5.0,x,0.0,0.001"),
        "history.csv, line 3: expected a number for 'elbo'. Received: 'x'",
    ),
    "columns": (garbled(4, "2,-7.0"), "history.csv, line 4: expected 5 values. Received: 2"),
    "epoch": (garbled(3, "7,1,1,1,1"), "history.csv, line 3: expected epoch 1. Received: 7"),
    "no epoch": (
        garbled(5, ",1,1,1,1"),
        "history.csv, line 5: expected an integer for 'epoch'. Received: ''",
    ),
    "names": (garbled(1, "a,b,c,d,e"), "history.csv, line 1: expected the names of metrics"),
    "binary": (lambda path: path.write_bytes(b"\xff\xfe\x00"), "history.csv is not a text file"),
}


@pytest.mark.parametrize("case", HISTORIES)
def test_a_broken_history_is_told_of_with_its_line_and_written_again(case, run):
    damage, message = HISTORIES[case]
    whole = run.history.read_bytes()
    damage(run.history)
    broken = run.history.read_bytes()
    with pytest.raises(ValueError, match=message) as caught:
        read_history(run.history)
    assert str(run.history) in str(caught.value)
    with pytest.warns(UserWarning, match=rf"{message}.* epoch-00004.keras is read instead"):
        assert [row["val_elbo"] for row in run_reader.rows_of(run)] == VALUES
    with pytest.warns(
        UserWarning, match=rf"{message}.*damaged-history.csv.* written again from epoch-00004.keras"
    ):
        rows = resume.mend(run, 4, run.checkpoint_path(4), {}, since=0)
    assert [row["val_elbo"] for row in rows] == VALUES
    assert run.history.read_bytes() == whole
    assert (run.logs / "damaged-history.csv").read_bytes() == broken


def test_lost_and_forged_histories_are_written_again(run):
    whole = run.history.read_bytes()
    for change in (
        run.history.unlink,
        lambda: run.history.write_bytes(whole.replace(b"-5.0", b"-1.0")),
        lambda: run.history.write_bytes(b"".join(whole.splitlines(keepends=True)[:3])),
    ):
        change()
        with pytest.warns(UserWarning, match="does not hold the 4 epochs of epoch-00004.keras"):
            rows = resume.mend(run, 4, run.checkpoint_path(4), {}, since=0)
        assert [row["val_elbo"] for row in rows] == VALUES
        assert run.history.read_bytes() == whole


def test_a_best_that_is_lost_is_made_again_from_what_is_kept(run):
    best = run.checkpoint_path(2).read_bytes()
    for change in (run.best.unlink, lambda: cut(run.best)):
        change()
        with pytest.warns(UserWarning, match="epoch-00002.keras, the best that is kept"):
            resume.mend(run, 4, run.checkpoint_path(4), {}, since=0)
        assert run.best.read_bytes() == best
    assert (run.checkpoints / "damaged-best.keras").exists()
    run.best.unlink()
    run.checkpoint_path(2).unlink()
    with pytest.warns(UserWarning, match="val_elbo -6.00, where the best was -5.00"):
        rows = resume.mend(run, 4, run.checkpoint_path(4), {}, since=0)
    assert callbacks.Checkpoint(run, history=rows).best == -6.0
    run.best.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resume.mend(run, 4, run.checkpoint_path(4), {}, since=4)  # there was none of this prior
    assert not run.best.exists()


def test_a_best_with_weights_that_are_nan_is_made_again_from_finite_ones(run):
    ruin(run.best)
    ruin(run.checkpoint_path(2))  # has the best value of those kept, but must not be taken
    expected = run.checkpoint_path(4).read_bytes()
    with pytest.warns(UserWarning, match="best.keras is damaged: its weights .* are NaN") as caught:
        resume.mend(run, 4, run.checkpoint_path(4), {}, since=0)
    assert "epoch-00004.keras, the best that is kept" in str(caught[0].message)
    assert run.best.read_bytes() == expected
    assert (run.checkpoints / "damaged-best.keras").exists()


@pytest.mark.parametrize("damage", [folder, dangling])
def test_what_is_no_file_is_set_aside_and_made_again(damage, run):
    best, history = run.best.read_bytes(), run.history.read_bytes()
    damage(run.best)
    damage(run.history)
    with pytest.warns(UserWarning, match="written again from epoch-00004") as caught:
        resume.mend(run, 4, run.checkpoint_path(4), {}, since=0)
    text = " ".join(str(warning.message) for warning in caught)
    assert f"{run.best} is damaged: it is " in text
    assert str(run.history) in text
    assert (run.best.read_bytes(), run.history.read_bytes()) == (best, history)
    assert os.path.lexists(run.checkpoints / "damaged-best.keras")
    assert os.path.lexists(run.logs / "damaged-history.csv")


def test_a_folder_in_place_of_an_old_checkpoint_is_no_end_of_training(run):
    folder(run.checkpoint_path(2))
    checkpoint = callbacks.Checkpoint(run, keep=1)
    checkpoint.set_model(checkpoint_file.load(run.checkpoint_path(4)))
    checkpoint.on_epoch_end(4, {"val_elbo": -9.0})
    assert run.epochs() == [2, 5]


def test_a_worse_model_never_takes_the_place_of_the_best(run):
    """Even where all metrics are lost: the checkpoint knows its own."""
    checkpoint = callbacks.Checkpoint(run, keep=0)
    assert checkpoint.best == -5.0
    checkpoint.set_model(checkpoint_file.load(run.checkpoint_path(4)))
    before = run.best.read_bytes()
    for epoch, value in ((4, -5.5), (5, -5.0), (6, math.nan)):
        checkpoint.on_epoch_end(epoch, {"val_elbo": value})
        assert run.best.read_bytes() == before
    checkpoint.on_epoch_end(7, {"val_elbo": -4.0})
    assert callbacks.Checkpoint(run).best == -4.0
    assert run.epochs() == [2, 3, 4, 5, 6, 7, 8]


def test_checkpoints_of_earlier_versions_need_a_whole_history(run):
    for path in (run.best, *(run.checkpoint_path(epoch) for epoch in run.epochs())):
        keras.saving.load_model(path).save(path)
    latest, whole = run.checkpoint_path(4), run.history.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = resume.mend(run, 4, latest, {}, since=0)
    assert callbacks.Checkpoint(run, history=rows).best == -5.0
    HISTORIES["value"][0](run.history)
    for read in (lambda: resume.mend(run, 4, latest, {}, 0), lambda: run_reader.rows_of(run)):
        with pytest.raises(ValueError, match="history.csv, line 3: expected a number"):
            read()
    run.history.write_bytes(b"".join(whole.splitlines(keepends=True)[:3]))
    with pytest.raises(ValueError, match="holds 2 of the 4 epochs.*move best.keras away"):
        resume.mend(run, 4, latest, {}, since=0)
    run.best.unlink()
    with pytest.warns(UserWarning, match="is lost") as caught:
        assert len(resume.mend(run, 4, latest, {}, since=0)) == 2
    assert [str(w.message).split("/")[-1] for w in caught] == [
        "history.csv holds 2 of the 4 epochs before.",
        "best.keras is lost. There is no other.",
    ]


def test_readers_take_the_one_before_a_damaged_last(run):
    zero(run.checkpoint_path(4))
    with pytest.warns(UserWarning, match="epoch-00004.keras is damaged.*epoch-00003.keras is load"):
        assert float(run_reader.load(run, "last").kl_weight) == 3
    with pytest.raises(checkpoint_file.DamagedError, match="epoch-00004.keras is damaged"):
        run_reader.load(run, 4)
    assert float(run_reader.load(run, "best").kl_weight) == 2
    cut(run.best)
    with pytest.raises(checkpoint_file.DamagedError, match="best.keras is damaged"):
        run_reader.load(run, "best")


def test_readers_take_the_next_where_training_removes_one(run, monkeypatch):
    load, calls = checkpoint_file.load, []

    def slow(path):
        calls.append(path)
        if len(calls) == 1:
            shutil.copy(path, run.checkpoint_path(5))
            path.unlink()
        return load(path)

    monkeypatch.setattr(checkpoint_file, "load", slow)
    assert float(run_reader.load(run, "last").kl_weight) == 4
    assert calls == [run.checkpoint_path(4), run.checkpoint_path(5)]
    run.checkpoint_path(6).symlink_to(run.path / "nowhere")
    with pytest.warns(UserWarning, match="epoch-00006.keras is damaged: it is a link .* is loaded"):
        assert float(run_reader.load(run, "last").kl_weight) == 4


def test_metrics_survive_the_way_through_both_files(run):
    """NaN, numbers with all digits, and epochs that measure different things."""
    model = checkpoint_file.load(run.checkpoint_path(4))
    rows = [
        {"epoch": 0, "a": 1 / 3, "b": math.nan},
        {"epoch": 1, "a": 1e-300, "c": -math.inf},
    ]
    checkpoint_file.save(model, run.best, rows)
    write_history(run.history, rows)
    assert json.dumps(read_history(run.history)) == json.dumps(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resume.earlier_rows(run, 2, run.best) is not None
