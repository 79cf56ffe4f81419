"""Bad input to `tfsp.tmc.native`: errors that name the index and the value, never a crash."""

import subprocess
import sys

import numpy as np
import pytest

from tfsp.tmc import Phylogeny, native, native_sampler, place_points
from tmc.native_cases import random_case

PARENT, TIME = [3, 3, 4, 4, -1], [1.0, 1.0, 1.0, 0.5, 0.0]
LEAVES = np.zeros((3, 2))


@pytest.mark.parametrize(
    ("parent", "message"),
    [
        ([], "2 \\* N - 1"),
        ([3, 3, 4, -1], "2 \\* N - 1 entries.*length 4"),
        ([[3, 3, 4, 4, -1]], "rank|vector"),
        ([3.0, 3, 4, 4, -1], "integers"),
        ([3, 3, 4, 4, 4], "must be -1 at one node|itself"),
        ([3, 3, 4, -1, -1], "two: parent\\[3\\] = -1 and parent\\[4\\]"),
        ([3, 3, 9, 4, -1], "parent\\[2\\] = 9"),
        ([3, 3, -7, 4, -1], "parent\\[2\\] = -7"),
        ([3, 3, 2**32 + 4, 4, -1], "parent\\[2\\] = 4294967300"),
        ([3, 3, 1, 4, -1], "parent\\[2\\] = 1 is a leaf"),
        ([3, 3, 3, 4, -1], "more than two children|must have two children"),
        ([-1, 3, 3, 4, 4], "leaf the root|itself"),
        ([5, 5, 6, 6, 6, 4, -1], "two children|cycle"),
    ],
)
def test_malformed_parents(parent, message):
    time = np.ones(np.size(parent))
    with pytest.raises(ValueError, match=message):
        native.Tree(np.asarray(parent) if len(parent) else np.zeros(0, np.int32), time)
    with pytest.raises(ValueError):
        native.topology_log_prob(np.asarray(parent, dtype=None))


def test_cycle():
    """Nodes 5 and 6 are each other's parents; the root 4 is whole by itself."""
    parent = [4, 4, 5, 6, -1, 6, 5]
    with pytest.raises(ValueError, match="cycle: node 2 "):
        native.Tree(parent, [1, 1, 1, 1, 0, 0.3, 0.5])


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ([1, 1, 1, 0.5], "length 4"),
        ([1, 1, 0.9, 0.5, 0], "time\\[2\\] = 0.9 must be 1"),
        ([1, 1, 1, 0.5, 0.1], "time\\[4\\] = 0.1 must be 0"),
        ([1, 1, 1, -0.5, 0], "time\\[3\\] = -0.5 below"),
        ([1, 1, 1, 0.0, 0], "time\\[3\\] = 0 below"),
        ([1, 1, 1, 1.0, 0], "time\\[0\\] = 1 below its parent's time\\[3\\] = 1"),
        ([1, 1, 1, np.nan, 0], "time\\[3\\] = nan must be finite"),
        ([1, 1, 1, np.inf, 0], "time\\[3\\] = inf must be finite"),
        (["a"] * 5, "real numbers"),
    ],
)
def test_malformed_times(time, message):
    with pytest.raises(ValueError, match=message):
        native.Tree(PARENT, time)


@pytest.mark.parametrize(
    ("leaves", "message"),
    [
        (np.zeros((4, 2)), "leaves must have shape \\[3, D >= 1\\]. Received: \\[4, 2\\]"),
        (np.zeros((3, 0)), "D >= 1"),
        (np.zeros(3), "rank 2"),
        (np.array([[0, 1], [2, np.nan], [0, 0]]), "leaves\\[1, 1\\] = nan"),
        (np.array([[0, 1], [2, 3], [-np.inf, 0]]), "leaves\\[2, 0\\] = -inf"),
        (np.zeros((3, 2), complex), "real numbers"),
    ],
)
def test_malformed_leaves(leaves, message):
    for call in (
        native.log_likelihood,
        native.log_joint,
        native.log_joint_and_gradient,
        native.node_posterior,
        native.Predictive,
    ):
        with pytest.raises(ValueError, match=message):
            call(PARENT, TIME, leaves)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(concentration1=0.0), "concentration1 = 0 "),
        (dict(concentration0=np.nan), "concentration0 = nan"),
        (dict(num_nodes=(0, 12)), "`num_nodes\\[0\\]` must be an integer from 1 to 256.*: 0"),
        (dict(num_nodes=(24, 257)), "`num_nodes\\[1\\]` must be an integer .* 256.*: 257"),
        (dict(num_nodes=24), "`num_nodes` must be a list of integers.*: 24"),
        (dict(num_nodes=(2.5, 3)), "`num_nodes\\[0\\]` must be an integer.*: 2.5"),
        (dict(num_nodes=(24, 12, 3)), "`num_nodes` must hold two numbers of nodes"),
        (dict(variance_floor=0.0), "variance_floor = 0 "),
        (dict(variance_floor=1.0), "variance_floor = 1 "),
        (dict(added_variance=-0.1), "added_variance = -0.1"),
        (dict(edge_weights="uniform"), "'uniform'"),
    ],
)
def test_malformed_options(options, message):
    with pytest.raises(ValueError, match=message):
        native.predictive_log_prob(np.zeros((1, 2)), PARENT, TIME, LEAVES, **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_malformed_points(dtype):
    table = native.Predictive(PARENT, TIME, LEAVES, dtype=dtype)
    bad = np.zeros((4, 2), dtype)
    bad[3, 1] = np.inf
    for call in (table.log_prob, table.log_prob_and_gradient, table.attachment):
        with pytest.raises(ValueError, match="z must have shape \\[B, 2\\]. Received: \\[4, 3\\]"):
            call(np.zeros((4, 3)))
        with pytest.raises(ValueError, match="z\\[3, 1\\] = inf must be finite"):
            call(bad)
    with pytest.raises(ValueError, match="upstream must have one entry per row of z, 4"):
        table.log_prob_and_gradient(np.zeros((4, 2)), np.zeros(3))


def test_other_arguments():
    with pytest.raises(ValueError, match="variance\\[1, 0\\] = -1"):
        native.expected_log_joint(PARENT, TIME, LEAVES, np.array([[1, 1], [-1, 1], [1, 1.0]]))
    with pytest.raises(ValueError, match="mean_gradient must have shape \\[5"):
        native.node_posterior_vjp(PARENT, TIME, np.zeros((3, 2)))
    for edge in (4, -1, 5):
        with pytest.raises(ValueError, match=f"edge\\[0\\] = {edge} "):
            native.attachment_time_log_prob(PARENT, TIME, edge, 0.5)
    with pytest.raises(ValueError, match="float32 or float64"):
        native.Predictive(PARENT, TIME, LEAVES, dtype=np.float16)


def test_random_parents_never_crash():
    """Thousands of random arrays: a valid tree or a ValueError."""
    rng = np.random.default_rng(0)
    good = 0
    for _ in range(5000):
        num_nodes = 2 * rng.integers(1, 5) - 1
        parent = rng.integers(-2, num_nodes + 1, size=num_nodes)
        if rng.random() < 0.5:  # nearly right: one entry of a valid tree changed
            num_leaves = (num_nodes + 1) // 2
            parent = random_case(rng.integers(100), num_leaves, 1)[0].copy()
            parent[rng.integers(num_nodes)] = rng.integers(-1, num_nodes)
        try:
            native.topology_log_prob(parent)
            good += 1
        except ValueError:
            pass
    assert 0 < good < 5000


def test_native_needs_no_tensorflow():
    code = (
        "import sys\n"
        "sys.modules['tensorflow'] = None\n"  # as if it were not installed
        "from tfsp.tmc import native\n"
        "native.predictive_log_prob([[0.0]], [2, 2, -1], [1, 1, 0], [[0.0], [1.0]])\n"
        "print(sorted(m for m in sys.modules if m.startswith('tensorflow') and sys.modules[m]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


ODD_NUMBERS = ["a", None, 1j, [2.0], np.array([2.0, 3.0]), 10**400]


@pytest.mark.parametrize("wrong", ODD_NUMBERS)
def test_what_is_no_number(wrong):
    tree = (PARENT, TIME)
    for call in (
        lambda: native.time_log_prob(*tree, wrong),
        lambda: native.edge_log_prob(*tree, "bayes", 2.0, wrong),
        lambda: native.log_joint(*tree, LEAVES, wrong),
        lambda: native.expected_log_joint(*tree, LEAVES, LEAVES, wrong),
        lambda: native.attachment_time_log_prob(*tree, 0, 0.7, wrong),
        lambda: native.predictive_log_prob(LEAVES, *tree, LEAVES, variance_floor=wrong),
        lambda: native_sampler.sample_prior(3, wrong, seed=0),
        lambda: native_sampler.sample_prior(3, seed=0, min_remaining=wrong),
        lambda: native_sampler.sample_predictive(*tree, LEAVES, wrong, num_samples=1, seed=0),
        lambda: native_sampler.sample_posterior(
            *tree, LEAVES, num_moves=1, seed=0, mixture={"spr": wrong}
        ),
        lambda: native_sampler.attach_leaf(*tree, 0, wrong),
    ):
        with pytest.raises(ValueError, match="must be a number. Received: "):
            call()


@pytest.mark.parametrize("wrong", [2.5, "a", None, True, 2**70, np.nan, [3], -1])
def test_what_is_no_count(wrong):
    """2.5 was taken for 2 by some."""
    tree = (PARENT, TIME)
    for call in (
        lambda: native_sampler.sample_prior(wrong, seed=0),
        lambda: native_sampler.sample_leaves(*tree, wrong, seed=0),
        lambda: native_sampler.sample_predictive(*tree, LEAVES, num_samples=wrong, seed=0),
        lambda: native_sampler.sample_posterior(*tree, LEAVES, num_moves=wrong, seed=0),
        lambda: native_sampler.prune_leaf(*tree, wrong),
        lambda: native_sampler.attach_leaf(*tree, wrong, 0.7),
    ):
        with pytest.raises(ValueError, match="must "):
            call()


def test_arrays_too_large_to_exist():
    with pytest.raises(MemoryError, match="num_dims="):
        native_sampler.sample_leaves(PARENT, TIME, 2**62, seed=0)
    with pytest.raises(MemoryError, match="num_samples="):
        native_sampler.sample_predictive(PARENT, TIME, LEAVES, num_samples=2**62, seed=0)


def test_masked_entries_and_ragged_rows():
    """What is below a mask must not be used silently."""
    masked = np.ma.masked_less(LEAVES + [0.0, 1.0], 0.5)
    whole = np.ma.masked_less(LEAVES, -1.0)
    assert native.log_joint(PARENT, TIME, whole) == native.log_joint(PARENT, TIME, LEAVES)
    for wrong, message in (
        (masked, "has masked entries"),
        ([[1.0], [1.0, 2.0]], "rows of equal len"),
    ):
        for call in (
            lambda x: native.log_joint(PARENT, TIME, x),
            lambda x: native.predictive_log_prob(x, PARENT, TIME, LEAVES),
            lambda x: native_sampler.sample_posterior(PARENT, TIME, x, num_moves=1, seed=0),
            lambda x: native.topology_log_prob(x),
            lambda x: native.Tree(PARENT, x),
            lambda x: Phylogeny(PARENT, x),
            lambda x: Phylogeny.from_linkage(x),
            lambda x: place_points(x, PARENT, TIME, LEAVES, mode="mode"),
            lambda x: place_points(LEAVES, PARENT, TIME, x, mode="mode"),
        ):
            with pytest.raises(ValueError, match=message):
                call(wrong)
