"""Two processes train as one, alike to the bit; what is lost or wrong ends in one sentence."""

import json
import pathlib
import re

import numpy as np
import pytest
import several_workers
import tensorflow as tf
from fit_worker import fit

FOLDER = pathlib.Path(__file__).parent
LORACS = {
    "prior": dict(name="loracs", num_inducing=8, moves_per_step=50, burn_in=50, start_epoch=1)
}
QUICK = {
    "none": {"name": "none"},
    "none, tail of 1": {"name": "none", "rows": 41},
    "normal": {"name": "normal", "rows": 41},
    "loracs": {"name": "loracs"},
    "nan": {"name": "normal", "spoil": 27, "form": "dataset"},
}
MORE = {
    **{name: {"name": name, "rows": 41} for name in ("vamp", "flow", "iwae", "cp")},
    "pairs": {"name": "normal", "form": "pairs"},
    "dataset": {"name": "normal", "form": "dataset"},
    "several steps": {"name": "none", "rows": 41, "steps_per_execution": 5},
    "loracs, several steps": {"name": "loracs", "steps_per_execution": 2, "rows": 41, "epochs": 3},
    "discrete": {"name": "discrete"},
    "tmc": {"name": "tmc", "epochs": 3},
}


def found_by_two(cases, folder):
    command = [FOLDER / "fit_worker.py", json.dumps(cases), folder]
    for code, _, error in several_workers.ended(several_workers.start([command] * 2), 400):
        assert code == 0, error
    return [json.loads((folder / f"found-{index}.json").read_text()) for index in (0, 1)]


def check_alike(one, other):
    for name, expected in one.items():
        assert other[name]["hash"] == expected["hash"], name
        assert other[name]["history"] == expected["history"], name
        assert other[name]["evaluated"] == expected["evaluated"], name
        assert other[name]["predicted"] == expected["predicted"], name


def check_as_alone(found, settings):
    """Without noise the workers compute what one process computes."""
    expected = fit(tf.distribute.get_strategy(), **settings)
    weights = zip(found["weights"].values(), expected["weights"].items(), strict=True)
    for values, (name, wanted) in weights:  # Keras numbers the models of a process
        np.testing.assert_allclose(values, wanted, atol=1e-6, err_msg=name)
    for name, values in expected["history"].items():
        np.testing.assert_allclose(found["history"][name], values, rtol=1e-6, err_msg=name)
    np.testing.assert_allclose(found["predicted"], expected["predicted"], atol=1e-6)
    for name, value in expected["evaluated"].items():
        np.testing.assert_allclose(found["evaluated"][name], value, rtol=1e-6, err_msg=name)


def test_two_workers_are_one(tmp_path):
    one, other = found_by_two(QUICK, tmp_path)
    errors = [found.pop("nan")["error"] for found in (one, other)]
    assert errors[0] == errors[1]
    assert "log_likelihood became NaN or infinite at training step 2" in errors[0]
    check_alike(one, other)
    for name in ("none", "none, tail of 1"):
        check_as_alone(one[name], QUICK[name])
    started = [values for path, values in one["loracs"]["weights"].items() if "started" in path]
    assert started == [[1.0]]


@pytest.mark.slow
def test_two_workers_are_alike(tmp_path):
    one, other = found_by_two(MORE, tmp_path)
    check_alike(one, other)
    check_as_alone(one["several steps"], MORE["several steps"])


def run(folder, settings, kill=None, others=None):
    """(exit code, stdout, stderr) of two workers of a run."""
    given = [settings, settings if others is None else others]
    commands = [[FOLDER / "run_worker.py", folder, json.dumps(each)] for each in given]
    if kill is not None:
        commands[kill].append(2)
    return several_workers.ended(several_workers.start(commands), 300)


def hashes(ends):
    assert [code for code, *_ in ends] == [0, 0], ends
    return {re.search(r"hash (\d+)", out)[1] for _, out, _ in ends}


def messages(ends):
    """What each worker says of its error, the last line."""
    assert [code for code, *_ in ends] == [1, 1], ends
    return [error.splitlines()[-1] for *_, error in ends]


@pytest.mark.slow
def test_a_lost_worker_ends_the_other_and_training_goes_on(tmp_path):
    straight = run(tmp_path / "straight", LORACS)
    assert "has written" in straight[0][1]
    assert "has not written" in straight[1][1]
    expected = hashes(straight)
    assert len(expected) == 1
    for lost in (0, 1):
        ends = run(tmp_path / f"lost-{lost}", LORACS, kill=lost)
        code, _, error = ends[1 - lost]
        assert (code, ends[lost][0]) == (1, -9)
        assert f"WorkerLost: Another worker has stopped (worker {lost})" in error
        assert "epoch-00002.keras" in error.splitlines()[-1]
        assert hashes(run(tmp_path / f"lost-{lost}", LORACS)) == expected


@pytest.mark.slow
def test_workers_that_do_not_fit_each_other(tmp_path):
    said = messages(run(tmp_path / "odd", {"train": {"batch_size": 51}}))
    for message in said:
        assert "must be divisible by their 2 replicas, such as 50. Received: 51." in message
    said = messages(run(tmp_path / "other", {}, others={"train": {"learning_rate": 0.1}}))
    assert "another config than the chief. Different: train.learning_rate." in said[1]
    assert "Another worker has stopped" in said[0]
    assert not (tmp_path / "odd").exists()


@pytest.mark.slow
def test_all_stop_by_patience_in_the_same_epoch(tmp_path):
    ends = run(tmp_path / "run", {"train": {"patience": 1, "epochs": 30, "learning_rate": 1.0}})
    assert len(hashes(ends)) == 1
    assert "Stopped: val_elbo has not risen for 1 epochs." in ends[0][1]


@pytest.mark.slow
@pytest.mark.parametrize("index", [0, 1])
def test_a_worker_that_waits_in_vain(index):
    code = "from tfsp import distribute; distribute.workers(start_seconds=3)"
    ports = several_workers.free_ports(2)
    addresses = [f"127.0.0.1:{port}" for port in ports]
    config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    process = several_workers.start_one(["-c", code], json.dumps(config))
    ((returned, _, error),) = several_workers.ended([process], 200)
    assert returned == 1
    assert f"worker {index} of 2 processes waits up to 3 s for the others" in error
