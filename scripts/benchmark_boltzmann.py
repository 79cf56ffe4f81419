"""Cost of the Boltzmann machine's chains in a training step, and time and error of its log Z.

    python scripts/benchmark_boltzmann.py

First table: 100 block Gibbs sweeps of 100 and of 2,000 chains (20 for each example of a batch of
100) with 64 + 64 units, op by op and compiled by XLA, beside training steps of variational
autoencoders of 784 pixels at batch 100 whose networks have two hidden layers of 200 and of 2,000
units. All take turns, so that whatever else the machine does falls on all alike; medians over the
rounds.

Second table: estimates of log Z of 64 + 64 machines. In the machine of `blocks`, four groups of
16 + 16 units know nothing of one another, so that its log Z is a sum of four enumerations; its
error is true. In `dense`, every weight is drawn, and in `patterns` weights store 16 random
patterns, which makes well separated modes: there the estimates stand beside each other.
"""

import time

import numpy as np
from absl import app, flags

_THREADS = flags.DEFINE_integer("threads", 2, "Threads of TensorFlow.")
_ROUNDS = flags.DEFINE_integer("rounds", 7, "Turns of each item of the first table.")
_SEEDS = flags.DEFINE_integer("seeds", 5, "Estimates of each kind in the second table.")
_SWEEPS = flags.DEFINE_integer("sweeps", 100, "Block Gibbs sweeps.")
_CHAINS = flags.DEFINE_list("chains", ["100", "2000"], "Numbers of chains.")
_HIDDEN = flags.DEFINE_list("hidden", ["200", "2000"], "Units of the networks' hidden layers.")
_SIDE = 64


def machine(kind):
    """A machine of 64 + 64 units, and its log Z where that is known."""
    import tensorflow as tf

    from tfsp.distributions.boltzmann import BoltzmannMachine

    rng = np.random.default_rng(0)
    bias_left, bias_right = rng.normal(size=(2, _SIDE)) * 0.5
    log_z = None
    if kind == "dense":
        weights = rng.normal(size=(_SIDE, _SIDE)) * 0.5
    elif kind == "patterns":
        patterns = rng.choice([-1.0, 1.0], size=(16, 2 * _SIDE))
        weights = patterns[:, :_SIDE].T @ patterns[:, _SIDE:] / 12.0
        # Zeros and ones instead of +-1: these biases make a state and its complement alike.
        bias_left, bias_right = -weights.sum(axis=1) / 2, -weights.sum(axis=0) / 2
    else:
        weights = np.zeros((_SIDE, _SIDE))
        log_z = 0.0
        for part in np.split(np.arange(_SIDE), 4):
            weights[np.ix_(part, part)] = rng.normal(size=(16, 16)) * 1.5
            block = (weights[np.ix_(part, part)], bias_left[part], bias_right[part])
            log_z += float(BoltzmannMachine(*map(tf.constant, block)).log_z_exact())
    float32 = (tf.constant(p, tf.float32) for p in (weights, bias_left, bias_right))
    return BoltzmannMachine(*float32), log_z


def sweeps_of(num_chains, compiled):
    """A function that moves so many chains."""
    import tensorflow as tf

    rbm, _ = machine("dense")
    chains = tf.Variable(rbm.initial_chains(num_chains, seed=0))

    @tf.function(jit_compile=compiled, autograph=False)
    def move(chains, seed):
        return rbm.gibbs(chains, _SWEEPS.value, seed)

    def run(turn):
        chains.assign(move(chains, tf.constant([1, turn])))
        chains.numpy()

    return run


def training_steps(hidden, steps=10):
    """A function that takes training steps; its time is divided by `steps`."""
    import tensorflow as tf

    import tfsp

    encoder = {"name": "mlp", "hidden": (hidden, hidden)}
    model = tfsp.models.VAE(encoder, latent_dim=2 * _SIDE)
    model.build((None, 28, 28, 1))
    model.compile("adam", jit_compile=True)
    images = (np.random.default_rng(0).random((100, 28, 28, 1)) < 0.3).astype("float32")
    batches = tf.data.Dataset.from_tensors(images).cache().repeat()

    def run(turn):
        model.fit(batches, steps_per_epoch=steps, epochs=1, verbose=0)

    return run


def measure_sweeps():
    rows = {}
    for hidden in map(int, _HIDDEN.value):
        rows[f"training step, 2 x {hidden} hidden units"] = (training_steps(hidden), 10)
    for num_chains in map(int, _CHAINS.value):
        for compiled in (False, True):
            kind = "XLA" if compiled else "op by op"
            name = f"{_SWEEPS.value} sweeps, {num_chains} chains, {kind}"
            rows[name] = (sweeps_of(num_chains, compiled), 1)
    times = {name: [] for name in rows}
    for run, _ in rows.values():
        run(0)  # traces and compiles
    for turn in range(_ROUNDS.value):
        for name, (run, count) in rows.items():
            start = time.perf_counter()
            run(turn + 1)
            times[name].append(1e3 * (time.perf_counter() - start) / count)
    print(f"\n{'item':<44}{'ms':>10}")
    for name, values in times.items():
        print(f"{name:<44}{np.median(values):>10.2f}", flush=True)


def measure_log_z():
    header = f"\n{'machine':<10}{'method':<8}{'log Z':>10}{'s.e.':>8}{'spread':>8}"
    print(header + f"{'|error|':>9}{'seconds':>9}   (bar: 0.1 nats, 120 s)")
    for kind in ("blocks", "dense", "patterns"):
        rbm, exact = machine(kind)
        for method in ("ais", "bar"):
            values, errors, seconds = [], [], []
            for seed in range(_SEEDS.value):
                start = time.perf_counter()
                log_z, error = getattr(rbm, f"log_z_{method}")(seed=seed)
                seconds.append(time.perf_counter() - start)
                values.append(float(log_z))
                errors.append(float(error))
            line = f"{kind:<10}{method:<8}{np.mean(values):>10.3f}{np.mean(errors):>8.3f}"
            line += f"{np.std(values, ddof=1):>8.3f}"
            worst = "" if exact is None else f"{np.max(np.abs(np.array(values) - exact)):.3f}"
            print(f"{line}{worst:>9}{np.max(seconds):>9.1f}", flush=True)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(_THREADS.value)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    measure_sweeps()
    measure_log_z()


if __name__ == "__main__":
    app.run(main)
