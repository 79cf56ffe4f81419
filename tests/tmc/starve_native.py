"""Lets calls of `tfsp.tmc.native` and `native_sampler` run out of memory; a process of its own.

    LD_PRELOAD=failing_new.so python tests/tmc/starve_native.py failing_new.so

Each allocation of each call fails in turn (tests/cc/failing_new.cc): MemoryError every time, no
block lost, and the call that follows gives what it gave before. An exception that crosses into C
ends the process instead. `large_calls` are for `fuzz_ops.py --exhaust`.
"""

import ctypes
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
if __name__ == "__main__":
    sys.modules["tensorflow"] = None  # not wanted here, and slow to load

import numpy as np
from reference import tmc

from tfsp.tmc import native, native_sampler
from tmc import sampler_testing

CACHED = 4  # blocks that the core keeps for the thread's next call


def make_calls(num_leaves=6, dim=3, rows=5, num_moves=40):
    """Every function of the two modules: name -> call without arguments."""
    rng = np.random.default_rng(0)
    parent, time = tmc.random_tree(rng, num_leaves)
    leaves, z = rng.normal(size=(num_leaves, dim)), rng.normal(size=(rows, dim))
    variance, by_node = np.abs(leaves), rng.normal(size=(len(parent), dim))
    tree = native.Tree(parent, time)
    single = native.Predictive(parent, time, leaves, dtype=np.float32)
    double = native.Predictive(parent, time, leaves)
    edge = int(np.flatnonzero(parent >= 0)[-1])
    spread = dict(trace_every=7, trace_trees=True, refresh_every=9, leaf_variance=variance.sum(1))
    chain = dict(num_moves=num_moves, seed=3)
    # 25 nodes: a rule that the library does not keep.
    options = dict(num_nodes=(25, 13), edge_weights="bayes", added_variance=0.1)
    out = {
        "has_avx2": native.has_avx2,
        "Tree": lambda: native.Tree(parent, time).num_nodes,
        "Tree, late sweep": lambda: native.Tree(parent, time).node_posterior(leaves),
        "Tree.log_joint_and_gradient": lambda: tree.log_joint_and_gradient(leaves),
        "topology_log_prob": lambda: native.topology_log_prob(parent),
        "time_log_prob": lambda: native.time_log_prob(parent, time),
        "log_likelihood": lambda: native.log_likelihood(parent, time, leaves),
        "log_joint": lambda: native.log_joint(parent, time, leaves),
        "log_joint_and_gradient": lambda: native.log_joint_and_gradient(parent, time, leaves),
        "expected_log_joint": lambda: native.expected_log_joint(parent, time, leaves, variance),
        "expected_log_joint_and_gradient": lambda: native.expected_log_joint_and_gradient(
            parent, time, leaves, variance
        ),
        "node_posterior": lambda: native.node_posterior(parent, time, leaves),
        "node_posterior_vjp": lambda: native.node_posterior_vjp(parent, time, by_node),
        "edge_variances": lambda: native.edge_variances(parent, time),
        "leave_one_out_variances": lambda: native.leave_one_out_variances(parent, time),
        "edge_log_prob": lambda: native.edge_log_prob(parent, time, "bayes"),
        "attachment_time_log_prob": lambda: native.attachment_time_log_prob(
            parent, time, edge, [0.2, 0.9]
        ),
        "attachment_quadrature": lambda: native.attachment_quadrature(parent, time, **options),
        "Predictive": lambda: native.Predictive(parent, time, leaves, **options).log_prob(z),
    }
    for table in (single, double):
        for method in ("log_prob", "log_prob_and_gradient", "attachment", "attachment_nodes"):
            bound = getattr(table, method)
            out[f"Predictive.{method}, {table.dtype}"] = lambda m=bound: m(z)
    for name in (
        "predictive_log_prob",
        "predictive_log_prob_and_gradient",
        "attachment",
        "attachment_nodes",
    ):
        function = getattr(native, name)
        out[name] = lambda f=function: f(z, parent, time, leaves)
    sampler = native_sampler
    out |= {
        "sample_posterior": lambda: sampler.sample_posterior(
            parent, time, leaves, **chain, **spread
        ),
        "testing.recomputed_chain": lambda: sampler_testing.recomputed_chain(
            parent, time, leaves, **chain
        ),
        "sample_prior": lambda: sampler.sample_prior(num_leaves, seed=3),
        "sample_leaves": lambda: sampler.sample_leaves(parent, time, dim, seed=3),
        "sample_predictive": lambda: sampler.sample_predictive(
            parent, time, leaves, num_samples=rows, seed=3
        ),
        "attach_leaf": lambda: sampler.attach_leaf(
            parent, time, edge, time[parent[edge]] * 0.5 + time[edge] * 0.5
        ),
        "prune_leaf": lambda: sampler.prune_leaf(parent, time, 1),
        "testing.joint_test": lambda: sampler_testing.joint_test(
            4, 2, num_moves=5, num_replicates=2, seed=3
        ),
        "testing.random_draws": lambda: sampler_testing.random_draws("beta", 3, 2.0, 2.0, 1, 2),
        "testing.State": lambda: surgery(parent, time, leaves),
        "an error": lambda: refused(np.full(len(parent), -1, np.int32), time),
    }
    named = {name.split(",")[0] for name in out}
    missing = (set(native.__all__) | set(sampler.__all__)) - named
    assert missing == {"DEFAULT_MIXTURE", "EdgeVariances", "MOVES", "PosteriorSample"}, missing
    return out


def surgery(parent, time, leaves):
    state = sampler_testing.State(parent, time, leaves, 2.0, 2.0)
    return tuple(state.messages().values())


def refused(parent, time):
    """The text of an error is memory, too."""
    try:
        native.Tree(parent, time)
    except ValueError as error:
        return str(error)
    raise AssertionError("Two roots were let through.")


def flat(value):
    """Arrays and numbers of a result, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [part for item in value for part in flat(item)]
    return [value]


def same(a, b):
    return all(np.array_equal(x, y, equal_nan=False) for x, y in zip(flat(a), flat(b), strict=True))


def inject(library):
    allocator = ctypes.PyDLL(library)  # keeps the GIL: the counters are this thread's
    failures = 0
    for name, call in make_calls().items():
        expected = call()
        live = allocator.LiveBlocks()
        for successes in range(10_000):
            allocator.Arm(ctypes.c_long(successes))
            try:
                out = call()
            except MemoryError:
                out = None
            came = allocator.Disarm()
            assert came == (out is None), f"{name}, allocation {successes}: {out}"
            if not came:
                break
            failures += 1
            again = call()
            assert same(again, expected), f"{name} changed after allocation {successes} failed"
            del again
        assert same(out, expected), name
        del out
        lost = allocator.LiveBlocks() - live
        assert lost <= CACHED, f"{name} lost {lost} blocks"
    print(failures, "failures, alive", flush=True)


def large_calls():
    """Calls that need gigabytes: name -> call without arguments."""
    parent, time = tmc.random_tree(np.random.default_rng(0), 100)
    leaves, z = np.zeros((100, 1)), np.zeros((400_000, 1))
    chain = dict(num_moves=10**6, seed=0, trace_every=1, trace_trees=True)
    return {
        "log_prob_and_gradient": lambda: native.predictive_log_prob_and_gradient(
            z, parent, time, leaves
        ),
        "attachment": lambda: native.attachment(z, parent, time, leaves),
        "sample_prior": lambda: native_sampler.sample_prior(2**27, seed=0),
        "sample_leaves": lambda: native_sampler.sample_leaves(parent, time, 2**26, seed=0),
        "sample_posterior": lambda: native_sampler.sample_posterior(parent, time, leaves, **chain),
        "joint_test": lambda: sampler_testing.joint_test(
            2**28, 1, num_moves=1, num_replicates=1, seed=0
        ),
    }


if __name__ == "__main__":
    inject(sys.argv[1])
