"""The functions on trees take and return arrays; `Phylogeny` is what stands on top of them."""

import pickle

import numpy as np
import pytest

from tfsp.tmc import Phylogeny
from tfsp.tmc.phylogeny import TreeArrays, graphs, linkage, newick, surgery

ARRAYS = TreeArrays([4, 4, 5, 5, 6, 6, -1], [1, 1, 1, 1, 0.5, 0.25, 0.0], list("abcd"))
TREE = Phylogeny(ARRAYS.parent, ARRAYS.time, ARRAYS.names)
BACK_AND_FORTH = {
    "newick": lambda tree: newick.read(newick.write(tree), names=tree.names),
    "linkage": lambda tree: linkage.from_linkage(linkage.to_linkage(tree), tree.names),
    "graphs": lambda tree: graphs.from_networkx(graphs.to_networkx(tree)),
    "restrict": lambda tree: surgery.restrict(tree, range(4)),
    "reorder": lambda tree: surgery.reorder(surgery.reorder(tree, [2, 3, 0, 1]), [2, 3, 0, 1]),
    "prune": lambda tree: surgery.attach(
        *(out := surgery.prune(tree, 1))[:1], out.edge, out.time, out.subtree, out.leaves
    ),
}


@pytest.mark.parametrize("way", BACK_AND_FORTH)
@pytest.mark.parametrize("tree", [ARRAYS, TREE], ids=["arrays", "class"])
def test_functions_return_arrays(tree, way):
    out = BACK_AND_FORTH[way](tree)
    assert type(out) is TreeArrays or out is tree
    assert Phylogeny(out.parent, out.time, out.names) == TREE


@pytest.mark.parametrize(
    "make",
    [
        lambda: Phylogeny.from_newick(TREE.to_newick(), names=TREE.names),
        lambda: Phylogeny.from_linkage(TREE.to_linkage(), TREE.names),
        lambda: Phylogeny.from_networkx(TREE.to_networkx()),
        lambda: TREE.subtree(TREE.root),
        lambda: TREE.reorder([1, 0, 2, 3]).reorder([1, 0, 2, 3]),
        lambda: (out := TREE.prune(4)).rest.attach(out.edge, 0.0, out.subtree, out.leaves),
        lambda: pickle.loads(pickle.dumps(TREE)),
    ],
)
def test_methods_return_the_class(make):
    assert type(make()) is Phylogeny
    assert make() == TREE


def test_arrays_are_checked_and_frozen():
    with pytest.raises(ValueError, match=r"time\[2\] = 0.9 must be 1"):
        TreeArrays([3, 3, 4, 4, -1], [1, 1, 0.9, 0.5, 0])
    with pytest.raises(AttributeError, match="TreeArrays cannot be changed: 'parent'"):
        ARRAYS.parent = None
    with pytest.raises(ValueError, match="read-only"):
        ARRAYS.time[4] = 0.4
    np.testing.assert_array_equal(ARRAYS.leaves_below(5), [2, 3])


def test_the_name_in_older_pickles():
    """The class was a module's; now it is a package's."""
    assert pickle.loads(b"ctfsp.tmc.phylogeny\nPhylogeny\n.") is Phylogeny
