"""Malformed input to the ops, by the thousand, in processes that may crash.

TFSP_FUZZ_CASES sets the number of cases (default 3000); scripts/fuzz_tmc_asan.sh runs the same
under AddressSanitizer. The cases are fixed by their numbers, so that there are no false alarms.
"""

import os
import pathlib
import subprocess
import sys

import pytest

from tfsp.tmc import native_sampler

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and signals")
WORKER = pathlib.Path(__file__).with_name("fuzz_ops.py")
ROOT = WORKER.parents[2]
CASES = int(os.environ.get("TFSP_FUZZ_CASES", "3000"))
BATCH = 3000


def run(command, timeout):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
        cwd=ROOT,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, CASES, BATCH))
def test_malformed_input_gives_an_exception_or_good_output(first, tmp_path):
    progress = tmp_path / "progress"
    count = min(BATCH, CASES - first)
    command = [WORKER, "--first", str(first), "--count", str(count), "--progress", progress]
    try:
        done = run(map(str, command), timeout=240)
    except subprocess.TimeoutExpired:
        pytest.fail(f"Case {progress.read_text().strip()} does not end.")
    where = f"at case {progress.read_text().strip()}" if progress.exists() else "at the start"
    assert done.returncode in (0, 1), f"Died by {done.returncode} {where}:\n{done.stderr[-3000:]}"
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    tally = eval(done.stdout.splitlines()[0])  # a dict of counts, printed by the worker
    assert sum(tally.values()) == count
    assert tally["output"] > 0.1 * count  # the cases are not all hopeless,
    assert tally["InvalidArgumentError"] > 0.2 * count  # and many reach the checks of the ops


def test_too_little_memory_gives_an_exception():
    """std::bad_alloc inside a kernel or below Cython must not end the process."""
    done = run([str(WORKER), "--exhaust"], timeout=300)
    assert done.returncode == 0, f"Died by {done.returncode}:\n{done.stdout}{done.stderr[-2000:]}"
    *refused, last = done.stdout.splitlines()
    assert last == "alive"
    natives = [line.split() for line in refused if line.startswith("native.")]
    assert len(natives) == 6
    assert {error for _, error in natives} == {"MemoryError"}


@pytest.mark.parametrize(("a", "b"), [(2.0, 1e-7), (1e4, 100.0), (1e4, 1e4), (1e-7, 1e-7)])
def test_sampling_the_prior_ends(a, b):
    """Rejection must not go on for ever where hardly any stick fits; in a process, for the same
    code runs in the op and cannot be stopped there."""
    code = (
        "import sys; sys.modules['tensorflow'] = None  # slow to load\n"
        f"from tfsp.tmc import native_sampler as n; n.sample_prior(200, {a}, {b}, seed=0)"
    )
    try:
        done = run(["-c", code], timeout=120)
    except subprocess.TimeoutExpired:
        pytest.fail(f"sample_prior(200, {a}, {b}) does not end.")
    assert done.returncode == 0, done.stderr
    assert native_sampler.sample_prior(20, 2.0, 2.0, seed=0)
