"""Fault injection: what is left of a run after kills, full disks and damaged files.

Each fault hits a training process of its own; the same command then goes on, and what the run ends
with is compared, bit for bit, with that of a run that nothing has hit.
"""

import contextlib
import math
import multiprocessing
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np

from tfsp import checkpoint_file, experiment
from tfsp.command_line import plain_errors
from tfsp.config import default_config
from tfsp.history_file import read_history
from tfsp.run_directory import RunDirectory

_LAST_EPOCHS = 4  # that remain to be trained where a file is damaged or the disk is full
COLUMNS = ("model", "fault", "times", "while_saving", "lost_epochs", "left_over", "equal")


def small_runs(epochs=24):
    """Two small runs on scikit-learn's digits: dict of name -> config."""
    priors = {
        "vamp": dict(num_components=10, start="data"),
        "loracs": dict(num_inducing=20, start_epoch=2),
    }
    configs = {}
    for name, settings in priors.items():
        config = default_config()
        config.data.update(train_size=300, validation_size=100, test_size=100)
        config.model.latent_dim = 4
        config.network.hidden = (32,)
        config.prior.update(name=name, **settings)
        config.train.update(epochs=epochs, kl_warmup_epochs=5, jit_compile=False, image_epochs=0)
        config.train.steps_per_execution = 3
        configs[name] = config
    return configs


def inject(folder, configs, num_kills=15, damages=None, disks=("tmpfs", "limit"), seed=0):
    """Yields a row of the table (`COLUMNS`) for each model and fault.

    Args:
      folder: where the runs are kept; new or empty.
      configs: dict of name -> config.
      num_kills: SIGKILLs for each config, half of them while a checkpoint is being written.
      damages: names out of `DAMAGES`; None for all.
      disks: "tmpfs" fills a small file system, which takes the right to mount one (it is left out
        otherwise); "limit" is a limit on the size of files (RLIMIT_FSIZE).
      seed: of the moments of the kills.
    """
    rng = random.Random(seed)
    for name, config in configs.items():
        trials = Trials(pathlib.Path(folder) / name, name, config)
        yield trials.kills(num_kills, rng)
        for damage in DAMAGES if damages is None else damages:
            yield trials.damage(damage)
        for disk in disks:
            if disk == "limit" or can_mount(folder):
                yield trials.full_disk(disk)


class Trials:
    """Faults of one config beside a whole run of it.

    Args:
      folder: made here.
      name: for the table.
      config: a `ConfigDict`.
    """

    def __init__(self, folder, name, config):
        self.folder, self.name, self.config = folder, name, config
        folder.mkdir(parents=True)
        self.whole = RunDirectory(folder / "whole")
        self.late = RunDirectory(folder / "late")  # of which a few epochs remain
        while not self._train_whole():  # it was over before it could be held
            shutil.rmtree(self.whole.path)
            shutil.rmtree(self.late.path, ignore_errors=True)

    def _train_whole(self):
        """Trains `whole`, held near its end for a copy; False if there was none in time."""
        process = self._start(self.whole)
        most = self.config.train.epochs - _LAST_EPOCHS
        self._wait(process, lambda: (self.whole.epochs() or [0])[-1] >= most)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGSTOP)
            shutil.copytree(self.whole.path, self.late.path)
            os.kill(process.pid, signal.SIGCONT)
        self._finish(process, self.whole)
        return bool(self.late.epochs()) and self.late.epochs()[-1] < self.config.train.epochs

    def kills(self, times, rng):
        """SIGKILL at random moments, again and again until there were enough."""
        run, number, lost, saving, equal = None, 0, 0, 0, True
        for kill in range(times):
            if run is None or run.epochs()[-1:] == [self.config.train.epochs]:
                equal = equal and (run is None or self._same(run))
                number += 1
                run = RunDirectory(self.folder / f"killed-{number}")
            before = len(self._trained(run))
            process = self._start(run)
            done = self._trained(run)
            # A random moment of the writing of a checkpoint, of training, or of the start.
            if kill % 2 == 0:
                self._wait(process, lambda run=run: any(run.checkpoints.glob("partial-*")))
                time.sleep(rng.uniform(0.0, 0.02))
            elif kill % 4 == 1:
                self._wait(process, lambda run=run, done=done: self._trained(run) != done)
                time.sleep(rng.uniform(0.0, 0.5))
            else:
                self._wait(process, (run.path / "lock").exists)
                time.sleep(rng.uniform(0.0, 2.0))
            process.kill()
            process.join()
            saving += any(run.checkpoints.glob("partial-*"))
            whole = [path for path in self._files(run) if not checkpoint_file.damage(path)]
            lost += len(self._files(run)) - len(whole) + max(0, before - len(self._trained(run)))
        self._finish(self._start(run), run)
        row = self._row("SIGKILL", times, run, equal and self._same(run))
        return {**row, "while_saving": saving, "lost_epochs": lost}

    def damage(self, name):
        """A file of a run is damaged, or lost, before it goes on."""
        run = self._copy(name)
        DAMAGES[name](run)
        self._finish(self._start(run), run)
        return self._row(name, 1, run, self._same(run))

    def full_disk(self, kind):
        """A disk that fills up while a checkpoint is written, and then has space again."""
        size = self.late.checkpoint_path(self.late.epochs()[-1]).stat().st_size
        with contextlib.ExitStack() as stack:
            if kind == "tmpfs":
                run = RunDirectory(stack.enter_context(_small_disk(self.folder, 40 * size)) / "run")
                shutil.copytree(self.late.path, run.path)
                filler = _fill(run.path.parent, size // 2)
                process = self._start(run)
            else:
                run = self._copy("limit")
                filler = None
                process = self._start(run, limit=size // 2)
            before = run.epochs()
            process.join()
            text = self._log(run).read_text()
            told = [line for line in text.splitlines() if line.startswith("WriteError")]
            if process.exitcode != 1 or len(told) != 1 or "Traceback" in text:
                raise AssertionError(f"A full disk ended with {process.exitcode}:\n{text}")
            lost = len(set(before) - set(run.epochs()))
            left = len(_partial(run))
            if filler:
                filler.unlink()
            self._finish(self._start(run), run)
            row = self._row(f"full disk ({kind})", 1, run, self._same(run))
            return {**row, "lost_epochs": lost, "left_over": row["left_over"] + left}

    def _copy(self, name):
        run = RunDirectory(self.folder / name.replace(" ", "-"))
        shutil.copytree(self.late.path, run.path)
        return run

    def _log(self, run):
        return run.path.parent / f"{run.path.name}.log"

    def _start(self, run, limit=None):
        context = multiprocessing.get_context("forkserver")  # TensorFlow is imported once
        context.set_forkserver_preload([__name__, "sklearn.datasets", "matplotlib.figure"])
        process = context.Process(
            target=_train, args=(self.config.to_dict(), run.path, self._log(run), limit)
        )
        process.start()
        return process

    def _wait(self, process, condition):
        while process.is_alive() and not condition():
            time.sleep(0.003)

    def _finish(self, process, run):
        process.join()
        if process.exitcode != 0:
            raise AssertionError(
                f"{run.path} ended with {process.exitcode}:\n{self._log(run).read_text()}"
            )

    def _trained(self, run):
        return range((run.epochs() or [0])[-1])

    def _files(self, run):
        files = [run.checkpoint_path(epoch) for epoch in run.epochs()]
        return [*files, run.best] if run.best.exists() else files

    def _same(self, run):
        one, two = ([_numbers(path) for path in self._files(r)] for r in (self.whole, run))
        weights = len(one) == len(two) and all(
            len(a) == len(b) and all(map(np.array_equal, a, b))
            for a, b in zip(one, two, strict=True)
        )
        return weights and read_history(self.whole.history) == read_history(run.history)

    def _row(self, fault, times, run, equal):
        row = {"model": self.name, "fault": fault, "times": times, "while_saving": None}
        return {**row, "lost_epochs": 0, "left_over": len(_partial(run)), "equal": equal}


def _latest(change):
    """Damage to the checkpoint of the latest epoch."""
    return lambda run: change(run.checkpoint_path(run.epochs()[-1]))


def _cut(path):
    os.truncate(path, path.stat().st_size // 2)


def _zero(path):
    path.write_bytes(bytes(path.stat().st_size))


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _all_but_best(run):
    for epoch in run.epochs():
        run.checkpoint_path(epoch).unlink()


def _garble(run):
    lines = run.history.read_text().splitlines(keepends=True)
    run.history.write_text("".join(lines[:3]) + "2,x,\x00\n" + "".join(lines[4:]))


DAMAGES = {
    "latest checkpoint truncated": _latest(_cut),
    "latest checkpoint zeroed": _latest(_zero),
    "latest checkpoint with a flipped bit": _latest(_flip),
    "latest checkpoint emptied": _latest(lambda path: path.write_bytes(b"")),
    "latest checkpoint missing": _latest(pathlib.Path.unlink),
    "all checkpoints but the best missing": _all_but_best,
    "history.csv missing": lambda run: run.history.unlink(),
    "history.csv emptied": lambda run: run.history.write_bytes(b""),
    "history.csv cut": lambda run: _cut(run.history),
    "history.csv garbled": _garble,
}


def can_mount(folder):
    """Whether this process may mount a small file system."""
    try:
        with _small_disk(pathlib.Path(folder), 2**20):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextlib.contextmanager
def _small_disk(folder, size):
    disk = folder / "disk"
    disk.mkdir()
    try:
        options = f"size={math.ceil(size / 4096) * 4096}"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
        subprocess.run(command, check=True, capture_output=True)
        try:
            yield disk
        finally:
            subprocess.run(["umount", str(disk)], check=True)
    finally:
        disk.rmdir()


def _fill(disk, left):
    """Writes a file that leaves `left` bytes of a disk."""
    filler = disk / "filler"
    free = shutil.disk_usage(disk).free
    filler.write_bytes(bytes(max(0, free - left)))
    return filler


def _partial(run):
    return [*run.path.glob("partial-*"), *run.path.glob("*/partial-*"), *run.path.glob("lock")]


def _numbers(path):
    model = keras.saving.load_model(path)
    return [np.asarray(v) for v in [*model.weights, *model.optimizer.variables]]


def _train(config, run_dir, log, limit):
    """What the process does: as `scripts/train.py`, with its output in a file."""
    with open(log, "w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    def main(_):
        experiment.train(config, run_dir)

    sys.exit(plain_errors(main)([""]))
