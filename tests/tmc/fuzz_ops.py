"""Throws malformed input at the TMC ops; a process of its own, because a bug would end it.

    python tests/tmc/fuzz_ops.py --first 0 --count 3000 [--library FILE] [--progress FILE]
    python tests/tmc/fuzz_ops.py --exhaust

Each case follows from its number alone: the number in the progress file after a crash, with
`--count 1`, repeats it. A case is a right call with up to three arguments spoilt, through
`tfsp.tmc.ops` or, past its conversions, straight at the native op: eager, or in a traced function
that knows no shapes. What comes back must be a Python exception or well-formed output.

`--exhaust` asks for more memory than the process may have instead, through the ops and through
`tfsp.tmc.native`. `--library` takes an op library built elsewhere (with a sanitizer, see
scripts/fuzz_tmc_asan.sh).
"""

import argparse
import collections
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import tensorflow as tf
from reference import constraints, tmc

from tfsp.tmc import ops
from tfsp.tmc.native import library
from tmc import starve_native

Option = collections.namedtuple("Option", "value")
TREE, LEAVES, OPTIONS = ("parent", "time"), ("parent", "time", "leaves"), ("concentrations",)
QUADRATURE = dict(leaf_nodes=24, internal_nodes=12, edge_weights="prior")
# Native op -> its inputs; whether it takes the quadrature's attributes.
RAW = {
    "topology_log_prob": (("parent",), False),
    "time_log_prob": ((*TREE, "concentrations"), False),
    "leave_one_out_variance": (TREE, False),
    "edge_variances": (TREE, False),
    "log_likelihood": (LEAVES, False),
    "node_posterior": (LEAVES, False),
    "node_posterior_grad": ((*TREE, "by_node"), False),
    "edge_log_prob": ((*TREE, "concentrations"), False),
    "quadrature": ((*TREE, "parameters"), True),
    "predictive": (("z", *LEAVES, "parameters"), True),
    "predictive_leaves_grad": (
        ("z", *LEAVES, "parameters", "by_row", "by_row2", "upstream"), True,
    ),
    "attachment": (("z", *LEAVES, "parameters"), True),
    "sample_posterior": (
        (*LEAVES, "leaf_variance", "concentrations", "mixture", "num_moves", "seed", "triplets"),
        False,
    ),
    "sample_prior": (("num_leaves", "concentrations", "seed"), False),
}  # fmt: skip
DTYPES = dict(parent="int32", num_leaves="int32", seed="int32", num_moves="int64", triplets="int32")
FLOATS = ("z", "leaves", "by_node", "by_row", "by_row2", "upstream")
ODD = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 1e-300, 5e-324, 1e300, -1e308, 1e-7,
       1e18, np.nextafter(1, 0), np.nextafter(0, 1)]  # fmt: skip
ODD_INTS = [-1, -2, 0, 1, 2, 3, 7, 8, 100, 2**31 - 1, -(2**31), 2**30, 2**16]


def right_case(rng):
    """Arguments that belong together; some trees have times at the limits of float64."""
    num_leaves = int(rng.choice([1, 2, 3, 4, 5, 8, 40], p=[0.1, 0.15, 0.2, 0.2, 0.2, 0.1, 0.05]))
    dim, rows = int(rng.integers(1, 6)), int(rng.choice([0, 1, 2, 5, 9]))
    parent, time = tmc.random_tree(rng, num_leaves, rng.choice(["coalescent", "caterpillar"]))
    if rng.random() < 0.15:
        time = edgy_times(rng, parent, time)
    num_nodes = len(parent)
    count = int(rng.choice([0, 0, 1, 4])) if 3 <= num_leaves < 40 else 0
    triplets = constraints.random_triplets(rng, parent, count)
    return dict(
        parent=parent,
        time=time,
        leaves=rng.normal(size=(num_leaves, dim)),
        z=rng.normal(size=(rows, dim)),
        by_node=rng.normal(size=(num_nodes, dim)),
        by_row=rng.normal(size=(rows, num_nodes)),
        by_row2=rng.normal(size=(rows, num_nodes)),
        upstream=rng.normal(size=rows),
        concentrations=np.array([2.0, 2.0]),
        parameters=np.array([2.0, 2.0, 1e-3, 0.0]),
        leaf_variance=np.abs(rng.normal(size=num_leaves)) * rng.integers(2),
        mixture=np.array([50.0, 25.0, 25.0, 1.0]),
        num_moves=np.array(int(rng.integers(0, 60))),
        seed=rng.integers(-(2**31), 2**31, size=2),
        num_leaves=np.array(num_leaves),
        triplets=np.array(triplets, int).reshape(-1, 3),
    )


def edgy_times(rng, parent, time):
    """Still increasing, but by as little as float64 can, near 0 and near 1."""
    time = time.copy()
    for v in np.argsort(time):
        if parent[v] >= 0 and time[v] < 1:
            start = time[parent[v]]
            step = rng.choice([0.0, 5e-324, 3e-308, 1e-200, 1e-17, 0.3, 1.0])
            time[v] = min(max(start + step * (1 - start), np.nextafter(start, 1)), 1 - 2.0**-53)
    return time


def spoil(rng, array):
    """A changed copy: entries, length, rank, or altogether something else."""
    array = np.array(array)
    whole = array.dtype.kind in "iu"
    odd = ODD_INTS if whole else ODD
    kind = rng.integers(9)
    if kind <= 2 and array.size:
        for _ in range(rng.integers(1, 4)):
            array.flat[rng.integers(array.size)] = rng.choice(odd)
        return array
    if kind == 3 and array.size > 1:
        i, j = rng.integers(array.size, size=2)
        array.flat[[i, j]] = array.flat[[j, i]]
        return array
    if kind == 4 and array.size:
        axis = rng.integers(max(array.ndim, 1))
        keep = np.arange(rng.integers(0, np.atleast_1d(array).shape[axis] + 3))
        return np.take(np.atleast_1d(array), keep, axis, mode="wrap")
    if kind == 5:
        return array.T if rng.integers(2) else array.reshape(-1)
    if kind == 6:
        shape = tuple(rng.choice([0, 1, 2, 3, 9], size=rng.integers(0, 4)))
        return rng.choice(odd, size=shape).astype(array.dtype)
    if kind == 7:
        return array[np.newaxis] if rng.integers(2) else array[..., np.newaxis]
    if whole:
        return rng.integers(-2, array.size + 2, size=array.shape)
    return array * rng.choice([0.0, -1.0, 1e-200, 1e200, 1e30])


def spoil_case(rng, case):
    for _ in range(rng.choice([0, 1, 2, 3], p=[0.1, 0.5, 0.25, 0.15])):
        name = rng.choice(list(case))
        case[name] = spoil(rng, case[name])
    # A right call with a large number is only slow, and is not what is looked for.
    case["num_moves"] = np.where(case["num_moves"] > 60, -7, case["num_moves"])
    large = (case["num_leaves"] > 5000) & (case["num_leaves"] <= 2**29)
    case["num_leaves"] = np.where(large, -7, case["num_leaves"])
    return case


def attributes(rng):
    out = dict(QUADRATURE)
    if rng.random() < 0.15:
        name = rng.choice(["leaf_nodes", "internal_nodes"])
        out[name] = int(rng.choice([0, -1, 1, 2, 255, 256, 257, 2**31 - 1, -(2**31)]))
    if rng.random() < 0.1:
        out["edge_weights"] = str(rng.choice(["bayes", "", "PRIOR", "bayes\0"]))
    return out


def as_tensor(name, array, dtype):
    dtype = DTYPES.get(name, dtype if name in FLOATS else "float64")
    with np.errstate(all="ignore"):
        return tf.constant(np.asarray(array).astype(dtype))


class Raw:
    """The native ops, eager or in functions that were traced once with no shape known."""

    def __init__(self):
        self.module, self.traced = library.load(), {}

    def __call__(self, rng, case):
        name = str(rng.choice(list(RAW)))
        inputs, quadrature = RAW[name]
        dtype = str(rng.choice(["float32", "float64"]))
        values = [as_tensor(n, case[n], dtype) for n in inputs]
        kwargs = attributes(rng) if quadrature else {}
        if name == "predictive":
            kwargs["gradients"] = bool(rng.integers(2))
        if name == "edge_log_prob":
            kwargs["edge_weights"] = str(rng.choice(["prior", "bayes", "other"]))
        op = getattr(self.module, f"tfsp_tmc_{name}")
        how = rng.choice(["eager", "unknown", "static"], p=[0.6, 0.37, 0.03])
        if how == "eager":
            return name, op(*values, **kwargs)
        if how == "static":
            return name, tf.function(lambda: op(*values, **kwargs), autograph=False)()
        key = name, dtype, tuple(kwargs.items())
        if key not in self.traced:
            specs = [tf.TensorSpec(None, x.dtype) for x in values]
            self.traced[key] = tf.function(
                lambda *args: op(*args, **kwargs), input_signature=specs, autograph=False
            )
        return name, self.traced[key](*values)


def odd_type(rng, array):
    kind = rng.integers(7)
    with np.errstate(all="ignore"):
        if kind == 0:
            return np.asarray(array).tolist()
        if kind <= 3:
            return np.asarray(array).astype(["float16", "int64", "float32"][kind - 1])
    return [None, "text", np.asarray(array).astype("complex64")][kind - 4]


def through_the_face(rng, case):
    args = {
        name: odd_type(rng, value) if rng.random() < 0.05 else value for name, value in case.items()
    }
    parent, time, leaves, z = (args[name] for name in ("parent", "time", "leaves", "z"))
    numbers = np.ravel(case["parameters"])
    options = {}
    if len(numbers) > 2 and rng.random() < 0.5:
        options = dict(concentration1=numbers[0], concentration0=numbers[1])
        options.update(variance_floor=numbers[2], added_variance=numbers[-1])
    if rng.random() < 0.3:
        options["num_nodes"] = [(4, 3), (0, 3), (24,), None, (2**40, 1), (1.5, 1)][rng.integers(6)]
    if rng.random() < 0.3:
        options["edge_weights"] = [None, "bayes", "no", 3][rng.integers(4)]
    pair = {k: v for k, v in options.items() if k.startswith("concentration")}
    with_gradients = bool(rng.integers(2))

    def slope(function, *inputs):
        inputs = [tf.convert_to_tensor(x) for x in inputs]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = function(*inputs)
        return value, tape.gradient(value, inputs)

    calls = {
        "topology_log_prob": lambda: ops.topology_log_prob(parent),
        "time_log_prob": lambda: ops.time_log_prob(parent, time, **pair),
        "log_joint": lambda: slope(lambda s: ops.log_joint(parent, time, s, **pair), leaves),
        "expected_log_likelihood": lambda: slope(
            lambda s: ops.expected_log_likelihood(parent, time, s, tf.abs(leaves)), leaves
        ),
        "node_posterior": lambda: slope(lambda s: ops.node_posterior(parent, time, s)[0], leaves),
        "edge_log_prob": lambda: ops.edge_log_prob(
            parent, time, **pair, edge_weights=options.get("edge_weights", "prior")
        ),
        "attachment_quadrature": lambda: ops.attachment_quadrature(parent, time, **options),
        "predictive_log_prob": lambda: slope(
            lambda x, s: ops.predictive_log_prob(
                x, parent, time, s, gradients=with_gradients, **options
            ),
            z,
            leaves,
        ),
        "attachment": lambda: ops.attachment(z, parent, time, leaves, **options),
        "sample_posterior": lambda: ops.sample_posterior(
            parent, time, leaves, num_moves=args["num_moves"], seed=args["seed"],
            mixture=args["mixture"], leaf_variance=args["leaf_variance"],
            triplets=args["triplets"], **pair,
        ),
        "sample_prior": lambda: ops.sample_prior(args["num_leaves"], seed=args["seed"], **pair),
    }  # fmt: skip
    name = str(rng.choice(list(calls)))
    return name, calls[name]()


def is_tree(parent, time):
    num_leaves = (len(parent) + 1) // 2
    roots = np.flatnonzero(parent == -1)
    if len(roots) != 1 or len(time) != len(parent) or not np.all(time[:num_leaves] == 1):
        return False
    below = np.flatnonzero(parent >= 0)
    children = np.bincount(parent[below], minlength=len(parent))
    return (
        np.all(children[:num_leaves] == 0)
        and np.all(children[num_leaves:] == 2)
        and np.all(time[parent[below]] < time[below])
        and (num_leaves == 1 or time[roots[0]] == 0)
    )


def complaint(name, case, out):
    """What is wrong with the output, or None."""
    arrays = [np.asarray(x) for x in tf.nest.flatten(out) if x is not None]
    if name in ("sample_posterior", "sample_prior"):
        if not is_tree(arrays[0], arrays[1]):
            return f"not a tree: {arrays[0]}, {arrays[1]}"
        arrays = arrays[2:]
    if name in ("quadrature", "attachment_quadrature"):
        edge, t, log_weight, position, variance = arrays
        total = np.bincount(edge, np.exp(log_weight))
        if not np.allclose(total[np.unique(edge)], 1, atol=1e-6):
            return f"weights sum to {total}"
        most = 1 + 1e-12  # of positions: rounding
        if np.any((t < 0) | (t > 1) | (position < 0) | (position > most) | (variance < 0)):
            return f"out of range: {t}, {position}, {variance}"
    # Where squares overflow, -inf and NaN are the honest answer.
    size = [np.asarray(case[n], np.float64) for n in FLOATS]
    with np.errstate(all="ignore"):
        tame = all(np.all(np.abs(x) < 1e15) for x in size)
    if not tame:
        return None
    for array in arrays:
        if array.dtype.kind == "f" and np.any(np.isnan(array)):
            return f"NaN: {array}"
        if array.dtype.kind == "f" and np.any(array == np.inf):
            return f"inf: {array}"
        if name not in ("edge_log_prob", "attachment") and np.any(np.isinf(array)):
            return f"inf: {array}"
    return None


def exhaust_memory():
    """Calls that need more memory than there is: an exception of Python, and life goes on."""
    import resource

    parent, time = tmc.random_tree(np.random.default_rng(0), 100)
    leaves, z = np.zeros((100, 1)), np.zeros((400_000, 1))
    ops.predictive_log_prob(z[:100], parent, time, leaves)  # threads and pools are there now
    used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**27, resource.RLIM_INFINITY))
    calls = {
        "ops.predictive_log_prob": lambda: ops.predictive_log_prob(z, parent, time, leaves),
        "ops.sample_prior": lambda: ops.sample_prior(2**27, seed=0),
    }
    calls |= {f"native.{name}": call for name, call in starve_native.large_calls().items()}
    for name, call in calls.items():
        try:
            call()
        except (tf.errors.ResourceExhaustedError, MemoryError) as error:
            print(name, type(error).__name__, flush=True)
    ops.predictive_log_prob(z[:100], parent, time, leaves)
    print("alive", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--exhaust", action="store_true")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--library")
    parser.add_argument("--progress")
    flags = parser.parse_args()
    if flags.exhaust:
        exhaust_memory()
        return
    if flags.library:
        module = tf.load_op_library(str(pathlib.Path(flags.library).resolve()))
        library.load = lambda: module
    raw, tally, wrong = Raw(), collections.Counter(), []
    progress = open(flags.progress, "w") if flags.progress else None  # noqa: SIM115
    for number in range(flags.first, flags.first + flags.count):
        if progress:
            progress.seek(0)
            progress.write(f"{number}\n")
            progress.flush()
        rng = np.random.default_rng([20_240, number])
        with np.errstate(all="ignore"):
            case = spoil_case(rng, right_case(rng))
            try:
                name, out = (raw if rng.random() < 0.6 else through_the_face)(rng, case)
            except MemoryError:
                raise
            except Exception as error:
                tally[type(error).__name__] += 1
                continue
        tally["output"] += 1
        problem = complaint(name, case, out)
        if problem:
            wrong.append(f"case {number}, {name}: {problem}"[:600])
    print(dict(tally))
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
