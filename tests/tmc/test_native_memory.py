"""`tfsp.tmc.native` and `native_sampler` without memory: MemoryError, and life goes on."""

import os
import pathlib
import subprocess
import sys

import pytest

from tmc import compiler

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")
WORKER = pathlib.Path(__file__).with_name("starve_native.py")


def test_every_allocation_may_fail(tmp_path):
    """Each one of each function, in turn; before, the first failure ended the interpreter."""
    library = compiler.build("failing_new", tmp_path, "-shared", "-fPIC")
    environment = {
        **os.environ,
        "PYTHONPATH": str(compiler.ROOT),
        "LD_PRELOAD": str(library),
    }
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", str(WORKER), str(library)],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, f"Died by {done.returncode}:\n{done.stdout}{done.stderr[-3000:]}"
    failures, *_, last = done.stdout.split()
    assert last == "alive"
    assert int(failures) > 500
