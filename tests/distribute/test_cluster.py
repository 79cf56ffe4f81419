"""What names the processes, and what is told of a TF_CONFIG that cannot be."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tfsp import distribute
from tfsp.distribute import cluster

GOOD = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
SLURM = {
    "SLURM_PROCID": "2",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_STEP_NODELIST": "n[1-2]",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
    "CUDA_VISIBLE_DEVICES": "",
}


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch):
    for name in ("TF_CONFIG", *SLURM):
        monkeypatch.delenv(name, raising=False)


def changed(**parts):
    return json.dumps({**GOOD, **parts})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "TF_CONFIG, or from a SLURM step; neither is set"),
        ("{", "not valid JSON"),
        ("[]", r"Received: \[\]"),
        (changed(cluster={}), "must be like"),
        (changed(cluster={"worker": ["a:1"], "ps": ["b:1"]}), "It names ps"),
        (changed(task={"type": "worker", "index": 2}), '"index": 2} is none of the cluster'),
        (changed(task={"type": "chief", "index": 0}), '"chief", "index": 0} is none'),
        (changed(cluster={"worker": ["a:1", "a:1"]}), "twice: a:1, a:1"),
    ],
)
def test_a_cluster_that_cannot_be(text, message, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=message):
        distribute.workers()


def test_tf_config_comes_before_slurm(monkeypatch):
    for name, value in {**SLURM, "TF_CONFIG": json.dumps(GOOD)}.items():
        monkeypatch.setenv(name, value)
    resolver = cluster._resolver()
    assert resolver.cluster_spec().as_dict() == GOOD["cluster"]
    assert (resolver.task_type, resolver.task_id) == ("worker", 1)


def test_a_step_of_slurm(monkeypatch):
    for name, value in SLURM.items():
        monkeypatch.setenv(name, value)
    resolver = cluster._resolver()
    hosts = ["n1:8888", "n1:8889", "n2:8888", "n2:8889"]
    assert resolver.cluster_spec().as_dict() == {"worker": hosts}
    assert (resolver.task_type, resolver.task_id) == ("worker", 2)


def test_workers_come_before_all_else(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(GOOD))
    tf.ones(1)
    with pytest.raises(ValueError, match="before any other TensorFlow operation"):
        distribute.workers()


def test_one_process_needs_nobody():
    variable = tf.Variable(1.0)
    distribute.broadcast(None, [variable])
    assert distribute.from_chief(None, {"a": 1}) == {"a": 1}
    np.testing.assert_array_equal(distribute.from_all(None, [3, 4]), [[3, 4]])
    assert distribute.is_chief(None)
    assert not distribute.several_workers(tf.distribute.get_strategy())
    with pytest.raises(tf.errors.UnavailableError), distribute.losses_explained(None):
        raise tf.errors.UnavailableError(None, None, "of something else")
