"""Cost of a training step with a tree prior, beside the normal prior and the VampPrior.

    python scripts/benchmark_loracs.py

The VAE of the LORACs experiments with a multilayer perceptron (784-400-400-40, batch 200), on one
core. All models take turns in one process, a few hundred steps at a time, so that whatever else the
machine does falls on all alike; medians over the rounds, and ratios. The time that a tree takes
depends on it: each model first trains for 500 steps with the normal prior, on MNIST (`--data_dir`)
or else on scikit-learn's digits at 28x28, and its tree then starts from the encodings. The second
table is peak memory, one process for each size of tree.
"""

import functools
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
from absl import app, flags

_ROUNDS = flags.DEFINE_integer("rounds", 5, "Turns of each model.")
_STEPS = flags.DEFINE_integer("steps", 250, "Training steps in a turn.")
_BATCH = flags.DEFINE_integer("batch", 200, "Examples in a step.")
_MODELS = flags.DEFINE_list(
    "models",
    ["normal", "vamp:250", "loracs:200", "loracs:1000", "recognition:200"],
    "Which, with their size; the first is the one that ratios refer to.",
)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the data sets, for MNIST.")
_MEMORY = flags.DEFINE_list("memory", ["200", "1000", "4000"], "Trees to measure memory of.")
_WORKER = flags.DEFINE_string("worker", "", "Internal: measure the memory of this model.")
_TARGETS = {"vamp:250": None, "loracs:200": 1.25, "loracs:1000": 2.0}


def prior_of(name):
    kind, _, size = name.partition(":")
    if kind == "normal":
        return "normal"
    if kind == "vamp":
        return {"name": "vamp", "num_components": int(size)}
    tree = {"name": "loracs", "num_inducing": int(size), "start_epoch": 10**6}
    return tree | ({"attachment": "recognition"} if kind == "recognition" else {})


@functools.cache
def binary_images():
    """`[n, 28, 28, 1]` of zeros and ones."""
    from tfsp import data

    rng = np.random.default_rng(0)
    if _DATA_DIR.value:
        images, _ = data.load("mnist", data_dir=_DATA_DIR.value).arrays("train", limit=20_000)
    else:
        small, _ = data.load("digits", binarization="none").arrays("train")
        images = np.pad(small.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2), (0, 0)))
        images = np.concatenate([images] * 4)
    return (rng.random(images.shape) < images).astype("float32")


def trained(name):
    """A function that takes so many training steps with the model of this name."""
    import keras
    import tensorflow as tf

    import tfsp

    keras.utils.set_random_seed(0)
    model = tfsp.models.VAE({"name": "mlp", "hidden": (400, 400)}, prior=prior_of(name))
    model.build((None, 28, 28, 1))
    model.compile("adam", jit_compile=True, steps_per_execution=10)
    images = binary_images()
    batches = tf.data.Dataset.from_tensor_slices(images).batch(_BATCH.value, drop_remainder=True)
    options = tf.data.Options()
    options.autotune.enabled = False  # with it the end of an epoch often sleeps for seconds
    batches = batches.cache().repeat().with_options(options)
    model.fit(batches, steps_per_epoch=500, epochs=1, verbose=0)
    model.adapt(images)

    def run(steps):
        model.fit(batches, steps_per_epoch=steps, epochs=1, verbose=0)

    return run


def limit_to_one_core():
    import tensorflow as tf

    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def measure_time():
    runs = {name: trained(name) for name in _MODELS.value}
    slow = {name: name.startswith("recognition") for name in runs}
    for name, run in runs.items():
        run(10 if slow[name] else _STEPS.value)  # traces and compiles
    times = {name: [] for name in runs}
    for turn in range(_ROUNDS.value):
        for name, run in runs.items():
            if slow[name] and turn:
                continue
            steps = 10 if slow[name] else _STEPS.value
            start = time.perf_counter()
            run(steps)
            times[name].append(1e3 * (time.perf_counter() - start) / steps)
    base = next(iter(times))
    print(f"\n{'model':<20}{'ms a step':>12}{'ratio to ' + base:>20}{'bar':>8}")
    for name, values in times.items():
        pairs = zip(values, times[base], strict=False)
        ratio = float(np.median([own / other for own, other in pairs]))
        bar = _TARGETS.get(name)
        line = f"{name:<20}{np.median(values):>12.2f}{ratio:>20.2f}"
        print(line + (f"{bar:>8.2f}" if bar else ""))


def measure_memory():
    print(f"\n{'model':<20}{'peak MiB':>12}{'of it the tree':>16}")
    base = None
    for name in ["normal", *(f"loracs:{size}" for size in _MEMORY.value)]:
        command = [sys.executable, __file__, f"--worker={name}", f"--batch={_BATCH.value}"]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        output = subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        ).stdout
        peak = json.loads(output.splitlines()[-1])
        base = base or peak
        print(f"{name:<20}{peak:>12.0f}{peak - base:>16.0f}")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    limit_to_one_core()
    if _WORKER.value:
        trained(_WORKER.value)(50)
        print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
        return
    measure_time()
    measure_memory()


if __name__ == "__main__":
    app.run(main)
