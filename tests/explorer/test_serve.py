"""`tfsp explore --serve` as a whole: a trained run, answers, a refinement, taken back."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from tfsp import experiment, run_leaves
from tfsp.explorer import write_constraints
from tfsp.tmc.constraints import satisfies

ROOT = pathlib.Path(__file__).parents[2]
pytest.importorskip("uvicorn")


def ask(address, path, content=None):
    origin = address.split("/")[2]
    request = urllib.request.Request(address + path, content, {"Origin": f"http://{origin}"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


@pytest.mark.slow
def test_a_run_learns_from_answers_and_back(tmp_path):
    folder = tmp_path / "run"
    settings = ["train.epochs=3", "prior.start_epoch=1", "prior.num_inducing=30"]
    command = ["scripts/train.py", "--config=configs/loracs/digits.py", f"--run_dir={folder}"]
    command += [f"--config.{setting}" for setting in settings]
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True)
    _, config = experiment.load_run(folder)
    data = experiment.load_data(config)
    rows = data.rows("train")[[0, 50, 100]].tolist()
    write_constraints(tmp_path / "constraints.json", data, [rows])

    server = subprocess.Popen(
        [sys.executable, "scripts/explore.py", f"--run_dir={folder}", "--serve"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    try:
        address = server.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        assert ask(address, "state")["state"] == "idle"
        ask(address, "refine", (tmp_path / "constraints.json").read_bytes())
        while (found := ask(address, "state"))["state"] == "running":
            time.sleep(0.2)
        assert (found["state"], found["current"], found["message"]) == ("done", 1, "")
        refined = folder / "refined" / "1"
        model, _ = experiment.load_run(refined)
        leaf = run_leaves.read(refined).leaves
        assert satisfies(model.prior.phylogeny().parent, [[leaf[row] for row in rows]]).all()
        page = (refined / "explorer.html").read_text()
        assert '"answers":[{"kind":"triplet"' in page
        assert ask(address, "undo", b"")["current"] == 0
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 130
