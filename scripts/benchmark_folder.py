"""A folder of very many small JPEGs: first batch, decoding and memory, beside Keras.

    python scripts/benchmark_folder.py                      # 200,000 files of 32x32, minutes
    python scripts/benchmark_folder.py --files=5000 --small=1000 --rounds=3

Makes a folder of seeded random smooth pictures in ten classes. Prints the seconds from the call
that loads it to the first training batch, images a second of a pass in the order of the files on
one core and on all, with `keras.utils.image_dataset_from_directory` on the same folder, and the
peak memory of a shuffled pass, and of an epoch of training a VAE, over few and over all files. Runs
alternate, each in a process of its own; medians, and the lowest and highest of all rounds. Rates
are also told for a second of processor time, which other work on the machine changes less. The
files are in the kernel's cache, having just been written.
"""

import io
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import app, flags
from PIL import Image

_FILES = flags.DEFINE_integer("files", 200_000, "JPEGs in the folder.")
_SMALL = flags.DEFINE_integer("small", 20_000, "Files of the smaller pass, for the memory.")
_SIDE = flags.DEFINE_integer("side", 32, "Side of the pictures in pixels.")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Runs of each kind.")
_PARENT = flags.DEFINE_string("parent", None, "Where the folder is made; default: for temporaries.")
_KEEP = flags.DEFINE_bool("keep", False, "Whether the folder stays when all is done.")
_WORKER = flags.DEFINE_string("worker", None, "Internal: run this task and print JSON.")
_FOLDER = flags.DEFINE_string("folder", None, "Internal: the folder.")

_CLASSES, _BATCH, _GRID = 10, 100, 4
_FIRST_BATCH, _MEMORY = 10.0, 0.1  # seconds, and the share by which peaks may differ
_BLOCK = 1000  # pictures made at a time


def _make(folder, number, side):
    """Files 0000000.jpg, ... by turns in the folders of the classes."""
    rng = np.random.default_rng(0)
    for name in range(_CLASSES):
        (folder / f"class{name}").mkdir(parents=True)
    for start in range(0, number, _BLOCK):
        coarse = rng.integers(0, 256, (_BLOCK, _GRID, _GRID, 3)).astype(np.uint8)
        for i in range(start, min(start + _BLOCK, number)):
            content = io.BytesIO()
            smooth = Image.fromarray(coarse[i - start]).resize((side, side), Image.BICUBIC)
            smooth.save(content, "jpeg", quality=90)
            path = folder / f"class{i % _CLASSES}" / f"{i:07d}.jpg"
            path.write_bytes(content.getvalue())


def _tfsp(shuffle):
    from tfsp import data

    sizes = {"validation_size": 0, "test_size": 0}
    kept = {"cache": "none", "shuffle": shuffle, "labels": True, "batch_size": _BATCH}
    return data.load(_FOLDER.value, **kept, **sizes).train


def _keras(shuffle):
    import keras

    return keras.utils.image_dataset_from_directory(
        _FOLDER.value,
        image_size=(_SIDE.value, _SIDE.value),
        batch_size=_BATCH,
        shuffle=shuffle,
        seed=0,
        verbose=False,
    )


def _first(make):
    """Seconds to the first batch of a shuffled epoch; TensorFlow itself has started before."""
    import tensorflow as tf

    next(iter(tf.data.Dataset.range(1).map(lambda x: x + 1)))
    start = time.perf_counter()
    next(iter(make(shuffle=True)))
    return {"seconds": time.perf_counter() - start}


def _pass(make):
    """Images a second once the first batch is there."""
    batches = iter(make(shuffle=False))
    next(batches)
    clocks = time.perf_counter, time.process_time
    start = [clock() for clock in clocks]
    images = sum(int(x.shape[0]) for x, _ in batches)
    spent = [clock() - before for clock, before in zip(clocks, start, strict=True)]
    return {"rate": images / spent[0], "rate_of_cpu": images / spent[1]}


def _peak(make):
    """Peak MiB of a process that makes one shuffled pass."""
    images = sum(int(x.shape[0]) for x, _ in make(shuffle=True))
    return {"mib": _high_water(), "images": images}


def _fit(make):
    """Peak MiB of a process that trains a VAE for one epoch."""
    from tfsp.models import VAE

    images = make(shuffle=True).map(lambda x, _: x)
    model = VAE("mlp", likelihood="logistic", latent_dim=10)
    model.compile("adam")
    model.fit(images, epochs=1, verbose=0)
    count = int(model.optimizer.iterations.numpy()) * _BATCH
    return {"mib": _high_water(), "images": count}


def _high_water():
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**10


def _work(task):
    kind, side, cores = task.split("-")
    if cores == "one":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    make = {"tfsp": _tfsp, "keras": _keras}[side]
    print(json.dumps({"first": _first, "pass": _pass, "peak": _peak, "fit": _fit}[kind](make)))


def _run(task, folder):
    command = [sys.executable, __file__, f"--worker={task}", f"--folder={folder}"]
    command += [f"--side={_SIDE.value}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{result.stderr[-3000:]}")
    return json.loads(result.stdout.strip().splitlines()[-1])


def _alternating(kind, cores, folder):
    """dict side -> list of results of all rounds, the sides taking turns."""
    found = {"tfsp": [], "keras": []}
    for _ in range(_ROUNDS.value):
        for side, rows in found.items():
            rows.append(_run(f"{kind}-{side}-{cores}", folder))
    return found


def _told(rows, key, digits):
    values = [row[key] for row in rows]
    middle = statistics.median(values)
    return middle, f"{middle:,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def _verdict(met):
    return "met" if met else "NOT met"


def _report(folder, small):
    found = _alternating("first", "all", folder)
    (ours, told), (_, theirs) = (_told(rows, "seconds", 1) for rows in found.values())
    verdict = _verdict(ours <= _FIRST_BATCH)
    print(
        f"first batch, seconds: tfsp {told}, Keras {theirs} (bar {_FIRST_BATCH:g}: {verdict})",
        flush=True,
    )
    for kind, name in (("peak", "a pass over"), ("fit", "training on")):
        few, many = (_run(f"{kind}-tfsp-all", path) for path in (small, folder))
        growth = many["mib"] / few["mib"] - 1
        counts = f"{few['images']:,} and {many['images']:,} images"
        print(
            f"peak memory of {name} {counts}: {few['mib']:,.0f} and {many['mib']:,.0f} MiB, "
            f"{growth:+.1%} (bar {_MEMORY:.0%}: {_verdict(abs(growth) <= _MEMORY)})",
            flush=True,
        )
    for cores in ("one", "all"):
        found = _alternating("pass", cores, folder)
        for key, unit in (("rate", "second"), ("rate_of_cpu", "second of processor time")):
            (ours, told), (theirs, other) = (_told(rows, key, 0) for rows in found.values())
            ratio = f"ratio {ours / theirs:.2f} (bar 1: {_verdict(ours >= theirs)})"
            print(
                f"{cores} cores, images a {unit}: tfsp {told}, Keras {other}, {ratio}", flush=True
            )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    if _WORKER.value:
        _work(_WORKER.value)
        return
    parent = pathlib.Path(tempfile.mkdtemp(prefix="tfsp-folder-", dir=_PARENT.value))
    try:
        start = time.perf_counter()
        _make(parent / "small", _SMALL.value, _SIDE.value)
        _make(parent / "all", _FILES.value, _SIDE.value)
        made = f"{_FILES.value:,} JPEGs of {_SIDE.value}x{_SIDE.value}"
        print(f"{made} made in {time.perf_counter() - start:.0f} s", flush=True)
        _report(parent / "all", parent / "small")
    finally:
        if _KEEP.value:
            print(f"kept: {parent}")
        else:
            shutil.rmtree(parent)


if __name__ == "__main__":
    app.run(main)
