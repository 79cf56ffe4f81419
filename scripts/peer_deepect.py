"""DeepECT of clustpy, in an environment of its own, for `benchmark_hierarchy.py --deepect=PYTHON`.

    PYTHON deepect.py IN.npz OUT.npz

The environment: `pip install clustpy==0.0.3`, with which torch comes. IN.npz holds train `[m, P]`
and test `[n, P]` in [0, 1], embedding_size, pretrain_epochs, clustering_epochs and seed. OUT.npz:
codes `[n, D]` and leaf `[n]` of the test data, and the tree over the leaves as parent `[V]` and
time `[V]`, the times in the order of the splits.

Source: Mautz, Plant & Böhm 2019, "Deep Embedded Cluster Tree".
"""

import sys

import numpy as np
from clustpy.deep import DeepECT


def tree_of(root):
    """(leaves, parent, time) of a tree of splits; leaves are first in `parent`."""
    leaves, splits, stack = [], [], [root]
    while stack:
        node = stack.pop()
        (leaves if node.left_node_ is None else splits).append(node)
        if node.left_node_ is not None:
            stack += [node.left_node_, node.right_node_]
    number = {id(node): i for i, node in enumerate(leaves + splits)}
    parent, time = np.full(len(number), -1), np.ones(len(number))
    for node in splits:
        children = node.left_node_, node.right_node_
        for child in children:
            parent[number[id(child)]] = number[id(node)]
        time[number[id(node)]] = min(child.node_id_ for child in children)
    inner = slice(len(leaves), None)
    if splits:
        time[inner] = (time[inner] - time[inner].min()) / (time[inner].max() + 1.0)
    return leaves, parent, time


def main():
    source, target = sys.argv[1:]
    given = np.load(source)
    model = DeepECT(
        embedding_size=int(given["embedding_size"]),
        pretrain_epochs=int(given["pretrain_epochs"]),
        clustering_epochs=int(given["clustering_epochs"]),
        random_state=int(given["seed"]),
    ).fit(given["train"].astype(np.float32))
    test = given["test"].astype(np.float32)
    leaves, parent, time = tree_of(model.tree_.root_node_)
    of_label = {label: i for i, leaf in enumerate(leaves) for label in leaf.labels}
    leaf = np.array([of_label[label] for label in model.predict(test)])
    np.savez(target, codes=model.transform(test), leaf=leaf, parent=parent, time=time)


if __name__ == "__main__":
    main()
