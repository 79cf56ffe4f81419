#!/usr/bin/env bash
# TensorFlow's resolver of SLURM clusters fails on nodes without GPUs, unless it is told of some.
#
# Versions: tensorflow 2.21.0, 2026-11-29. PYTHON names the interpreter, python3.11 by default.
#
# Behaviour: `tf.distribute.cluster_resolver.SlurmClusterResolver()` takes hosts and tasks from the
# variables of the SLURM step, and the GPUs of a node from CUDA_VISIBLE_DEVICES or nvidia-smi. Without
# nvidia-smi, as on any node of CPUs, it raises FileNotFoundError, and not the RuntimeError that its
# docstring promises. With CUDA_VISIBLE_DEVICES empty, which hides all GPUs, it counts one (the empty
# string between no commas): one task a node then works by luck, and two end in `range(0, 1, 0)`.
# MultiWorkerMirroredStrategy over CPUs works with the same hosts in TF_CONFIG. `gpus_per_node` of as
# many as there are tasks, `gpus_per_task=1` and `auto_set_gpu=False` give the cluster as it is.
#
# Seen (two tasks on one node):
#   plain:                        FileNotFoundError: [Errno 2] No such file or directory: 'nvidia-smi'
#   with CUDA_VISIBLE_DEVICES='': ValueError: range() arg 3 must not be zero
#   with GPUs named:              {'worker': ['n1:8888', 'n1:8889']}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0
mkdir "$folder/nothing"  # a PATH without nvidia-smi, whatever the machine has
export SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2 SLURM_STEP_NODELIST=n1 SLURM_STEP_TASKS_PER_NODE=2
unset CUDA_VISIBLE_DEVICES
PATH="$folder/nothing" TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import os

import tensorflow as tf

resolver = tf.distribute.cluster_resolver.SlurmClusterResolver


def seen(name, expected, **arguments):
    try:
        found = resolver(**arguments).cluster_spec().as_dict()
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
    print(f"{name:29s} {found}")
    assert found == expected, f"changed: {expected} before"


seen("plain:", "FileNotFoundError: [Errno 2] No such file or directory: 'nvidia-smi'")
os.environ["CUDA_VISIBLE_DEVICES"] = ""
seen("with CUDA_VISIBLE_DEVICES='':", "ValueError: range() arg 3 must not be zero")
del os.environ["CUDA_VISIBLE_DEVICES"]
named = dict(gpus_per_node=2, gpus_per_task=1, auto_set_gpu=False)
seen("with GPUs named:", {"worker": ["n1:8888", "n1:8889"]}, **named)
PYTHON
