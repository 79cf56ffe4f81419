"""Cost of the TensorFlow ops over the Cython binding, and their gain from a second thread.

    python scripts/benchmark_tmc_ops.py

Both call the same core on the same tree, so the difference is TensorFlow's own work for one call:
checking, allocation, dispatch. Wall time, best of many, microseconds; run it on an idle machine.
Each number of threads is a process of its own, since TensorFlow fixes it at the first op.
"""

import json
import os
import subprocess
import sys
import time

import numpy as np
from absl import app, flags

_SIZES = flags.DEFINE_list("sizes", ["200", "1000"], "Numbers of leaves.")
_DIM = flags.DEFINE_integer("dim", 40, "Dimensions of the latent space.")
_BATCH = flags.DEFINE_integer("batch", 100, "Rows of z.")
_WORKER = flags.DEFINE_integer("worker", 0, "Internal: measure with so many threads, print JSON.")


def best(function, repeats=300):
    function()
    fastest = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        fastest = min(fastest, time.perf_counter() - start)
    return 1e6 * fastest


def problem(num_leaves):
    """A posterior tree of clustered leaves, and points near the leaves."""
    from tfsp.tmc import native_sampler

    rng = np.random.default_rng(0)
    centres = rng.normal(size=(10, _DIM.value))
    leaves = centres[rng.integers(10, size=num_leaves)]
    leaves = leaves + 0.3 * rng.normal(size=leaves.shape)
    parent, start = native_sampler.sample_prior(num_leaves, seed=1)
    state = native_sampler.sample_posterior(parent, start, leaves, num_moves=100_000, seed=2)
    z = leaves[rng.integers(num_leaves, size=_BATCH.value)]
    z = (z + 0.3 * rng.normal(size=z.shape)).astype(np.float32)
    return state.parent, state.time, leaves, z


def measure(threads):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from tfsp.tmc import native
    from tfsp.tmc.native import library

    module = library.load()
    results = {}
    for num_leaves in map(int, _SIZES.value):
        parent, times, leaves, z = problem(num_leaves)
        tree = (tf.constant(parent), tf.constant(times))
        leaves32, leaves64 = tf.constant(leaves, tf.float32), tf.constant(leaves)
        z_tensor = tf.constant(z)
        parameters = tf.constant([2.0, 2.0, 1e-3, 0.0], tf.float64)
        options = dict(leaf_nodes=24, internal_nodes=12, edge_weights="prior")

        def predictive(gradients, options=options, args=(z_tensor, *tree, leaves32, parameters)):
            return module.tfsp_tmc_predictive(*args, gradients=gradients, **options)

        arguments = (parent, times, leaves)
        rows = {
            "log likelihood and gradient": (
                lambda a=(*tree, leaves64): module.tfsp_tmc_log_likelihood(*a),
                lambda a=arguments: native.log_joint_and_gradient(*a),
            ),
            "collapsed log p(z), forward": (
                lambda p=predictive: p(False),
                lambda z=z, a=arguments: native.predictive_log_prob(z, *a),
            ),
            "collapsed log p(z), forward and backward": (
                lambda p=predictive: p(True),
                lambda z=z, a=arguments: native.predictive_log_prob_and_gradient(z, *a),
            ),
        }
        results[num_leaves] = {
            name: (best(op), best(cython)) for name, (op, cython) in rows.items()
        }
    return results


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    if _WORKER.value:
        print(json.dumps(measure(_WORKER.value)))
        return
    measured = {}
    for threads in (1, 2):
        command = [
            sys.executable,
            __file__,
            f"--worker={threads}",
            f"--sizes={','.join(_SIZES.value)}",
        ]
        command += [f"--dim={_DIM.value}", f"--batch={_BATCH.value}"]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        output = subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        ).stdout
        measured[threads] = json.loads(output.splitlines()[-1])
    for size in _SIZES.value:
        print(f"\nN = {size}, d = {_DIM.value}, B = {_BATCH.value}")
        print(f"{'item':<44}{'Cython us':>11}{'op us':>9}{'more':>7}{'2 threads':>11}{'gain':>7}")
        for name, (op, cython) in measured[1][size].items():
            two = measured[2][size][name][0]
            line = f"{name:<44}{cython:>11.1f}{op:>9.1f}{op - cython:>7.1f}"
            print(f"{line}{two:>11.1f}{op / two:>7.2f}")


if __name__ == "__main__":
    app.run(main)
