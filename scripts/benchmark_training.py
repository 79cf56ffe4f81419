"""Training and evaluation speed beside pythae, whole pipelines, on one core, ratios only.

    python3 -m venv .venv-peer
    .venv-peer/bin/pip install -r scripts/requirements-peer.txt
    python scripts/benchmark_training.py --data=mnist.npz --peer_python=.venv-peer/bin/python

Both train a 784-300-300-40 VAE on binarised MNIST with batches of 100 and Adam, and estimate
log p(x) with 5,000 importance samples. Runs are interleaved, each in a process of its own pinned
to one core; the ratio is that of the medians. pythae runs as shipped (see `peer_pythae.py`).
tfsp runs as `scripts/train.py` does: dynamic binarisation, validation left out, one checkpoint at
the end of each epoch.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from absl import app, flags, logging

_DATA = flags.DEFINE_string("data", None, "mnist.npz with x_train, y_train, x_test, y_test.")
_PEER = flags.DEFINE_string("peer_python", None, "Python of the environment that holds pythae.")
_CORE = flags.DEFINE_integer("core", 0, "Core to which every run is pinned.")
_REPEATS = flags.DEFINE_integer("repeats", 3, "Runs of each side, interleaved.")
_TASKS = flags.DEFINE_list(
    "tasks",
    ["fit-normal", "fit-vamp", "likelihood-normal", "likelihood-vamp", "memory"],
    "What to measure.",
)
_WORKER = flags.DEFINE_string("worker", None, "Internal: run this task and print JSON.")

_BARS = {"fit-normal": 1.4, "fit-vamp": 2.2, "likelihood-normal": 3.0, "likelihood-vamp": 10.0}
_FIT_EPOCHS = {"normal": 5, "vamp": 3}
_LIKELIHOOD_IMAGES = {"normal": 200, "vamp": 100}


def _model_config(prior):
    from tfsp.config import default_config

    config = default_config()
    config.data.name = _DATA.value
    config.data.binarization = "dynamic"
    config.prior.name = prior
    config.train.update(validate=False, image_epochs=10**6)
    return config


def _fit(prior):
    """Images per second of every epoch but the first, which holds the compilation."""
    from tfsp import callbacks, experiment

    starts, rates, gaps = [], [], []

    class Clock(callbacks.EpochLine):
        def on_epoch_begin(self, epoch, logs=None):
            starts.append(time.perf_counter())
            if rates or len(starts) > 1:
                gaps.append(starts[-1] - self.end)

        def on_epoch_end(self, epoch, logs=None):
            self.end = time.perf_counter()
            rates.append(self.images_per_epoch / (self.end - starts[-1]))

    callbacks.EpochLine = Clock
    config = _model_config(prior)
    config.train.epochs = _FIT_EPOCHS[prior]
    config.data.split = "standard"
    with tempfile.TemporaryDirectory() as folder:
        experiment.train(config, folder)
        history = experiment.history(folder)
    whole = [1.0 / (1.0 / r) for r in rates[1:]]
    return {
        "images_per_second": statistics.median(whole),
        "elbo": history["elbo"][-1],
        "seconds_between_epochs": max(gaps),
    }


def _likelihood(prior):
    from tfsp import evaluation, experiment

    config = _model_config(prior)
    config.train.update(epochs=1)
    config.data.train_size = 10_000
    with tempfile.TemporaryDirectory() as folder:
        model = experiment.train(config, folder, verbose=0)
    data = experiment.load_data(config.to_dict())
    images = data.arrays("test", limit=_LIKELIHOOD_IMAGES[prior])[0]
    evaluation.log_likelihood(model, images, 5_000)  # compiles
    start = time.perf_counter()
    result = evaluation.log_likelihood(model, images, 5_000)
    seconds = time.perf_counter() - start
    return {"images_per_second": len(images) / seconds, "log_p": result["log_p"]}


def _memory():
    """Peak memory of training on MNIST, after 1,000 and after 11,000 steps."""
    from tfsp import callbacks, experiment

    peaks = []

    class Watch(callbacks.EpochLine):
        def on_epoch_end(self, epoch, logs=None):
            peaks.append(_peak_gib())

    callbacks.EpochLine = Watch
    config = _model_config("normal")
    config.train.update(epochs=11, steps_per_epoch=1000)
    with tempfile.TemporaryDirectory() as folder:
        experiment.train(config, folder)
    return {"peak_gib": peaks[-1], "growth_gib_over_10000_steps": peaks[-1] - peaks[0]}


def _peak_gib():
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**20


def _work(task):
    os.sched_setaffinity(0, {_CORE.value})
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    kind, _, prior = task.partition("-")
    result = {"fit": _fit, "likelihood": _likelihood, "memory": lambda _: _memory()}[kind](prior)
    print(json.dumps(result))


def _run(command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{result.stderr[-3000:]}")
    return json.loads(result.stdout.strip().splitlines()[-1])


def _ours(task):
    return _run(
        [
            sys.executable,
            __file__,
            f"--worker={task}",
            f"--data={_DATA.value}",
            f"--core={_CORE.value}",
        ]
    )


def _theirs(task):
    kind, _, prior = task.partition("-")
    script = os.path.join(os.path.dirname(__file__), "peer_pythae.py")
    command = [_PEER.value, script, f"--task={kind}", f"--prior={prior}", f"--data={_DATA.value}"]
    command += [f"--core={_CORE.value}"]
    if kind == "fit":
        command += [f"--epochs={_FIT_EPOCHS[prior]}", "--images=50000"]
    return _run(command)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    logging.set_verbosity(logging.WARNING)
    if _WORKER.value:
        _work(_WORKER.value)
        return
    for task in _TASKS.value:
        if task == "memory":
            print(f"memory: {_ours(task)}", flush=True)
            continue
        ours, theirs = [], []
        for _ in range(_REPEATS.value):
            ours.append(_ours(task))
            if _PEER.value:
                theirs.append(_theirs(task))
        for name, rows in (("tfsp", ours), ("pythae", theirs)):
            print(f"{task} {name}: {rows}", flush=True)
        if theirs:
            rates = [statistics.median(r["images_per_second"] for r in s) for s in (ours, theirs)]
            ratio = rates[0] / rates[1]
            bar = _BARS[task]
            verdict = "met" if ratio >= bar else "NOT met"
            print(f"{task}: ratio {ratio:.2f} (bar {bar}: {verdict})", flush=True)


if __name__ == "__main__":
    flags.mark_flags_as_required(["data"])
    app.run(main)
