"""Several processes that train together on this machine, as on several."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}


def free_ports(count):
    """Ports that nobody uses."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def start(commands):
    """Starts a Python process for each list of arguments, worker 0 first: `subprocess.Popen`s."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(len(commands))]}
    return [
        start_one(
            arguments, json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}})
        )
        for i, arguments in enumerate(commands)
    ]


def start_one(arguments, tf_config=None):
    """A Python process with this TF_CONFIG, or with none."""
    kept = {k: v for k, v in os.environ.items() if k != "TF_CONFIG" and k[:6] != "SLURM_"}
    one_core = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env={**kept, **_QUIET, **one_core, "PYTHONPATH": path}
        | ({"TF_CONFIG": tf_config} if tf_config else {}),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(processes, seconds=120):
    """(exit code, stdout, stderr) of each process; what does not end in time is killed."""
    try:
        outputs = [process.communicate(timeout=seconds) for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
    return [(p.returncode, *output) for p, output in zip(processes, outputs, strict=True)]
