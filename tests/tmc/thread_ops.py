"""Many calls of the collapsed density's ops at once; a process of its own, since TensorFlow fixes
the number of threads at the first op.

    python tests/tmc/thread_ops.py --threads 1 --file FILE    writes the values
    python tests/tmc/thread_ops.py --threads 4 --file FILE    must find the same, bit by bit

With several threads each op calls helpers, here more of them than there are cores, while others
wait for the same pool: from Python threads, from independent ops of one function, from a `tf.data`
map. `--library` takes an op library built elsewhere (with a sanitizer).
"""

import argparse
import concurrent.futures
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import tensorflow as tf
from reference import tmc

from tfsp.tmc.native import library

OPTIONS = dict(leaf_nodes=24, internal_nodes=12, edge_weights="prior")
# Leaves, dimensions, rows: calls with helpers, and two too small for any.
SIZES = [
    (200, 40, 100),
    (200, 7, 33),
    (60, 5, 400),
    (30, 130, 17),
    (600, 3, 9),
    (2, 3, 5),
    (1, 2, 3),
]


def cases():
    """name -> tensors z, parent, time, leaves, parameters."""
    out = {}
    for i, (num_leaves, dim, rows) in enumerate(SIZES):
        rng = np.random.default_rng(i)
        parent, time = tmc.random_tree(rng, num_leaves)
        leaves = tmc.sample_leaves(rng, parent, time, dim)[:num_leaves]
        z = leaves[rng.integers(num_leaves, size=rows)] + 0.3 * rng.normal(size=(rows, dim))
        z[rng.integers(rows)] = np.nan
        for dtype in ("float32", "float64"):
            out[f"{num_leaves}_{dim}_{rows}_{dtype}"] = (
                tf.constant(z, dtype), tf.constant(parent), tf.constant(time),
                tf.constant(leaves, dtype), tf.constant([2.0, 2.0, 1e-3, 0.0], tf.float64),
            )  # fmt: skip
    return out


def values(module, z, *rest):
    """All outputs of the ops that have helpers."""
    log_prob, by_z, by_node, by_spread = module.tfsp_tmc_predictive(
        z, *rest, gradients=True, **OPTIONS
    )
    plain = module.tfsp_tmc_predictive(z, *rest, gradients=False, **OPTIONS)[0]
    upstream = tf.cast(tf.range(tf.shape(z)[0]) % 5, z.dtype)
    by_leaves = module.tfsp_tmc_predictive_leaves_grad(
        z, *rest, by_node, by_spread, upstream, **OPTIONS
    )
    attachment = module.tfsp_tmc_attachment(z, *rest, **OPTIONS)
    return [log_prob, by_z, by_node, by_spread, plain, by_leaves, attachment]


def compare(name, actual, expected, where):
    for i, (a, b) in enumerate(zip(actual, expected, strict=True)):
        np.testing.assert_array_equal(a, b, err_msg=f"output {i} of {name}, {where}", strict=True)


def from_python_threads(module, problems, expected, rounds):
    """Callers of their own, each with every case, in an order of its own."""

    def caller(seed):
        rng = np.random.default_rng(seed)
        for _ in range(rounds):
            name = str(rng.choice(list(problems)))
            compare(name, values(module, *problems[name]), expected[name], "Python threads")
        return rounds

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        return sum(pool.map(caller, range(6)))


def from_one_function(module, problems, expected, rounds):
    """All cases side by side in one graph: the executor runs its ops in parallel."""
    function = tf.function(lambda: {k: values(module, *v) for k, v in problems.items()})
    for _ in range(rounds):
        for name, actual in function().items():
            compare(name, actual, expected[name], "tf.function")
    return rounds


def from_a_data_map(module, problems, expected, rounds):
    """In the threads of `tf.data`; and with a limit to one thread, which the ops keep to."""
    name = next(iter(problems))
    for limit in (None, 1):
        data = tf.data.Dataset.range(rounds)
        data = data.map(lambda _: tuple(values(module, *problems[name])), num_parallel_calls=4)
        if limit:
            options = tf.data.Options()
            options.threading.max_intra_op_parallelism = limit
            data = data.with_options(options)
        for actual in data:
            compare(name, actual, expected[name], f"tf.data, limit {limit}")
    return rounds


def helpers_share(module):
    """The pool's share of the processor time of long calls."""

    def processor_time():
        pool = total = 0
        for task in pathlib.Path("/proc/self/task").iterdir():
            nanoseconds = int((task / "schedstat").read_text().split()[0])
            total += nanoseconds
            pool += nanoseconds * (int(task.name) not in ours)
        return np.array([pool, total])

    ours = {os.getpid()}
    z, *rest = cases()["200_40_100_float32"]
    z = tf.tile(z, [100, 1])
    before = processor_time()
    for _ in range(5):
        module.tfsp_tmc_predictive(z, *rest, gradients=False, **OPTIONS)
    pool, total = processor_time() - before
    return pool / total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--file", required=True)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--library")
    flags = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(flags.threads)
    tf.config.threading.set_inter_op_parallelism_threads(flags.threads)
    module = tf.load_op_library(flags.library) if flags.library else library.load()
    problems = cases()
    if flags.threads == 1:
        results = {name: values(module, *problem) for name, problem in problems.items()}
        np.savez(flags.file, **{f"{k}/{i}": a for k, v in results.items() for i, a in enumerate(v)})
    else:
        saved = np.load(flags.file)
        expected = {name: [saved[f"{name}/{i}"] for i in range(7)] for name in problems}
        for run in (from_python_threads, from_one_function, from_a_data_map):
            print(run.__name__, run(module, problems, expected, flags.rounds), flush=True)
    print("share", helpers_share(module))


if __name__ == "__main__":
    main()
