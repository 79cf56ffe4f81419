"""The ops with helpers, many at once: the values of one thread to the last bit, and no deadlock.

Two processes, the first with one thread. There is nothing random: no false alarms.
"""

import os
import pathlib
import subprocess
import sys

import pytest

WORKER = pathlib.Path(__file__).with_name("thread_ops.py")
ROOT = WORKER.parents[2]


def run(threads, file, rounds=30):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    command = [WORKER, "--threads", threads, "--file", file, "--rounds", rounds]
    try:
        done = subprocess.run(
            [sys.executable, *map(str, command)],
            capture_output=True,
            text=True,
            timeout=300,
            env=environment,
            cwd=ROOT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        pytest.fail(f"No end with {threads} threads after: {error.stdout}")
    assert done.returncode == 0, f"{threads} threads: {done.stdout}{done.stderr[-3000:]}"
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_calls_side_by_side_give_the_values_of_one_thread(tmp_path):
    file = tmp_path / "values.npz"
    alone = run(1, file)
    assert float(alone["share"]) < 0.02  # one thread has no helpers,
    together = run(4, file)
    assert float(together["share"]) > 0.1  # four have: the comparison is of two different things
    assert together["from_python_threads"] == "180"
    assert together["from_one_function"] == together["from_a_data_map"] == "30"
