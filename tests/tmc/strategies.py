"""Hypothesis strategies for trees: merges and sticks are drawn one by one, so that they shrink."""

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tfsp.tmc import Phylogeny

FAST = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

_LETTERS = "abzAZ09_ .-'\"()[],:;|é\t"


@st.composite
def tree_arrays(draw, min_leaves=1, max_leaves=10):
    """`parent` and `time` of a tree with internal labels in any order."""
    num_leaves = draw(st.integers(min_leaves, max_leaves))
    labels = draw(st.permutations(range(num_leaves, 2 * num_leaves - 1)))
    parent = np.full(2 * num_leaves - 1, -1, np.int32)
    lineages = list(range(num_leaves))
    for label in labels:
        for _ in range(2):
            k = draw(st.integers(0, len(lineages) - 1))
            parent[lineages.pop(k)] = label
        lineages.append(label)
    time = np.ones(len(parent))
    for k, v in enumerate(reversed(labels)):  # parents first
        beta = draw(st.floats(2**-8, 1 - 2**-3))
        time[v] = 0.0 if k == 0 else time[parent[v]] + beta * (1 - time[parent[v]])
    return parent, time


@st.composite
def trees(draw, min_leaves=1, max_leaves=10, named=None):
    """A Phylogeny; `named`: with odd names, without, or (None) either."""
    parent, time = draw(tree_arrays(min_leaves, max_leaves))
    num_leaves = (len(parent) + 1) // 2
    names = None
    if draw(st.booleans()) if named is None else named:
        name = st.text(_LETTERS, min_size=1, max_size=6)
        names = draw(st.lists(name, min_size=num_leaves, max_size=num_leaves, unique=True))
    return Phylogeny(parent, time, names)
