"""What workers tell each other. All of them must call each of these, in the same order."""

import functools
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from tfsp.distribute.cluster import is_chief, several_workers


def from_chief(strategy: tf.distribute.Strategy | None, value: Any) -> Any:
    """`value` as the chief has it: anything that JSON can hold."""
    if not several_workers(strategy):
        return value
    content = json.dumps(value).encode() if is_chief(strategy) else b""
    size = int(_sum(strategy, np.array([len(content)]))[0])
    return json.loads(_bytes_from_chief(strategy, content, size))


def from_all(strategy: tf.distribute.Strategy | None, value: Any) -> np.ndarray:
    """The integers `[n]` of this worker beside those of all others: `[workers, n]`, int64."""
    value = np.asarray(value, np.int64)
    if not several_workers(strategy):
        return value[np.newaxis]
    table = np.zeros((strategy.extended._num_workers, *value.shape), np.int64)
    table[strategy.extended._id_in_cluster] = value
    return _sum(strategy, table)


def broadcast(strategy: tf.distribute.Strategy | None, variables: Iterable[Any]) -> None:
    """Gives the variables of all workers the chief's values, bit for bit."""
    if not several_workers(strategy):
        return
    variables = list(variables)
    values = [np.asarray(variable.numpy()) for variable in variables]
    own = b"".join(value.tobytes() for value in values)
    content = _bytes_from_chief(strategy, own, len(own))
    start = 0
    for variable, value in zip(variables, values, strict=True):
        part = np.frombuffer(content, value.dtype, value.size, start)
        variable.assign(part.reshape(value.shape))
        start += value.nbytes


def _bytes_from_chief(strategy, content, size):
    """`size` bytes of the chief, whatever they stand for."""
    sent = np.zeros(-(-size // 8), np.int64)
    if is_chief(strategy):
        sent.view(np.uint8)[:size] = np.frombuffer(content, np.uint8)
    return _sum(strategy, sent).tobytes()[:size]


def _sum(strategy, values):
    """The sum of int64 arrays over the workers."""
    summed = _summing(strategy, values.shape)(values)
    return strategy.experimental_local_results(summed)[0].numpy()


@functools.lru_cache(maxsize=64)
def _summing(strategy, shape):
    """The graph that sums arrays of this shape, traced once."""

    def replica(values):
        context = tf.distribute.get_replica_context()
        first = context.replica_id_in_sync_group % strategy.extended._num_devices_per_worker == 0
        return context.all_reduce("SUM", values * tf.cast(first, values.dtype))

    graph = tf.function(lambda values: strategy.run(replica, args=(values,)))
    return graph.get_concrete_function(tf.TensorSpec(shape, tf.int64))
