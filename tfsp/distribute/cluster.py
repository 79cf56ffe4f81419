"""The processes that train together, as TF_CONFIG or SLURM names them."""

import contextlib
import faulthandler
import json
import os
import shutil
import sys
from typing import Any, TypeGuard

import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.eager import context as tf_context

from tfsp import arguments

_FORM = (
    '{"cluster": {"worker": ["host1:port", "host2:port"]}, '
    '"task": {"type": "worker", "index": 0}}, with another index for each'
)
_JOBS = ("chief", "worker")
_made: list[tf.distribute.MultiWorkerMirroredStrategy] = []
_MANY = 1000  # more than there are tasks on a machine
_SLURM = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NODELIST")


def workers(
    start_seconds: int = 600, heartbeat_seconds: int = 10
) -> tf.distribute.MultiWorkerMirroredStrategy:
    """The strategy over the processes that TF_CONFIG names, or a SLURM step where it is not set.

    To be called before any other TensorFlow operation, in every process. It returns when all
    processes have come; one that waits in vain is ended with exit code 1. Later calls return the
    same strategy.

    Args:
      start_seconds: how long to wait for the others.
      heartbeat_seconds: after how long a silent worker counts as lost.

    Returns:
      a `tf.distribute.MultiWorkerMirroredStrategy`.

    Raises:
      ValueError: without TF_CONFIG and SLURM, for a TF_CONFIG that cannot be, and after other
        TensorFlow operations.
    """
    if _made:
        return _made[0]
    start_seconds = arguments.integer("start_seconds", start_seconds)
    heartbeat_seconds = arguments.integer("heartbeat_seconds", heartbeat_seconds)
    resolver = _resolver()
    cluster = resolver.cluster_spec().as_dict()
    jobs = [name for name in _JOBS if name in cluster]
    _configure(
        lambda: tf_context.context().configure_coordination_service(
            "standalone",
            f"/job:{jobs[0]}/replica:0/task:0",
            cluster_register_timeout_in_ms=1000 * start_seconds,
            heartbeat_timeout_in_ms=1000 * heartbeat_seconds,
            coordinated_jobs=[
                coordination_config_pb2.CoordinatedJob(name=name, num_tasks=len(cluster[name]))
                for name in jobs
            ],
        )
    )
    total = sum(map(len, cluster.values()))
    print(
        f"{resolver.task_type} {resolver.task_id} of {total} processes waits up to "
        f"{start_seconds} s for the others; if they do not come, it ends with exit code 1.",
        file=sys.stderr,
        flush=True,
    )
    # TensorFlow waits in C++ with the interpreter locked, and not in every role within its own
    # limit. This watchdog ends the process from outside Python; where it stood is no news.
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(start_seconds, exit=True, file=nowhere)
        try:
            _made.append(
                _configure(
                    lambda: tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
                )
            )
        finally:
            faulthandler.cancel_dump_traceback_later()
    return _made[0]


def several_workers(strategy: tf.distribute.Strategy | None) -> TypeGuard[Any]:
    """Whether `strategy` (None for no strategy) spans more than one process."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) and (
        strategy.extended._in_multi_worker_mode()
    )


def is_chief(strategy: tf.distribute.Strategy | None) -> bool:
    """Whether this process is the one that writes checkpoints and logs."""
    return not several_workers(strategy) or strategy.extended._is_chief


def scope(strategy: tf.distribute.Strategy | None) -> contextlib.AbstractContextManager[Any]:
    """The scope of a strategy, a context; of None one that does nothing."""
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def _resolver():
    """The cluster resolver of TF_CONFIG, or of SLURM."""
    text = os.environ.get("TF_CONFIG", "").strip()
    if text:
        _check(text)
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()
    if all(name in os.environ for name in _SLURM):
        try:
            return tf.distribute.cluster_resolver.SlurmClusterResolver(**_gpus_of_slurm())
        except (RuntimeError, OSError) as error:
            raise ValueError(
                f"SLURM's variables do not say which processes train together ({error}). Start "
                f"them by `srun`, or set TF_CONFIG: {_FORM}."
            ) from error
    raise ValueError(
        "Training on several machines takes them from the environment variable TF_CONFIG, or from "
        f"a SLURM step; neither is set. Set on every machine TF_CONFIG={_FORM}."
    )


def _gpus_of_slurm():
    """Arguments of the resolver, which of itself fails where there is no GPU to deal out."""
    if shutil.which("nvidia-smi") and os.environ.get("CUDA_VISIBLE_DEVICES") not in ("", "-1"):
        return {}
    return {"gpus_per_node": _MANY, "gpus_per_task": 1, "auto_set_gpu": False}


def _check(text):
    """Raises ValueError unless `text` is a TF_CONFIG of workers with a task among them."""
    wanted = f"TF_CONFIG must be like {_FORM}"
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{wanted}. It is not valid JSON: {error}.") from None
    given = given if isinstance(given, dict) else {}
    cluster, task = given.get("cluster"), given.get("task")
    if not isinstance(cluster, dict) or not cluster or not isinstance(task, dict):
        raise ValueError(f"{wanted}. Received: {text}.")
    strange = sorted({*cluster} - {*_JOBS})
    if strange:
        raise ValueError(f"{wanted}; only chief and worker train. It names {', '.join(strange)}.")
    addresses = cluster.get(task.get("type")) or ()
    index = task.get("index")
    if not isinstance(index, int) or not 0 <= index < len(addresses):
        raise ValueError(f"{wanted}. Its task {json.dumps(task)} is none of the cluster's.")
    listed = [address for job in cluster.values() for address in job]
    if len(set(listed)) < len(listed):
        raise ValueError(f"{wanted}. An address stands in it twice: {', '.join(listed)}.")


def _configure(call):
    try:
        return call()
    except RuntimeError as error:
        if "program startup" not in str(error):
            raise
        raise ValueError(
            "`tfsp.distribute.workers()` must come before any other TensorFlow operation of the "
            "process: put it right after the imports."
        ) from error
