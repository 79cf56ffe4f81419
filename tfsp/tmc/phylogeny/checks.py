"""Validation of trees: every error gives the index and the value."""

import numpy as np

from tfsp import arguments


def check_tree(parent, time, root_time=0.0):
    """Checks the arrays of a binary tree and returns clean read-only copies.

    Args:
      parent: integers `[V]`, V = 2N - 1; -1 at the root. Nodes 0..N-1 are the leaves.
      time: numbers `[V]`; 1 at leaves, `root_time` at the root, growing along every edge.
      root_time: number in [0, 1); 0 for a whole tree.

    Returns:
      parent int32 `[V]`, time float64 `[V]`, children int32 `[V, 2]` (-1 at leaves).

    Raises:
      ValueError: for an invalid tree, with the index and the value.
      TypeError: for arrays of the wrong kind.
    """
    parent, time = _check_arrays(parent, time)
    num_nodes = len(parent)
    num_leaves = (num_nodes + 1) // 2
    _check_parents(parent, num_leaves)
    children = _children(parent, num_leaves)
    _check_cycles(parent)
    _check_times(parent, time, num_leaves, root_time)
    for array in (parent, time, children):
        array.flags.writeable = False
    return parent, time, children


def check_names(names, num_leaves):
    """A tuple of distinct, non-empty strings, one per leaf; None stays None."""
    if names is None:
        return None
    try:
        names = tuple(str(n) if isinstance(n, np.str_) else n for n in names)
    except TypeError:
        raise ValueError(
            f"`names` must be a list of strings. Received: {arguments.shown(names)}."
        ) from None
    if len(names) != num_leaves:
        raise ValueError(
            f"`names` must have one entry per leaf, {num_leaves}. Received: {len(names)}."
        )
    seen = {}
    for n, name in enumerate(names):
        if not isinstance(name, str) or not name:
            raise ValueError(
                f"`names` must be non-empty strings. Received: names[{n}]={arguments.shown(name)}."
            )
        if name in seen:
            raise ValueError(
                f"`names` must be distinct. Received: names[{seen[name]}] and names[{n}] are both "
                f"{arguments.shown(name)}."
            )
        seen[name] = n
    return names


def check_support(support, num_nodes):
    """A read-only float64 copy `[V]` of numbers in [0, 1] or NaN; None stays None."""
    if support is None:
        return None
    support = as_array("support", support)
    if support.dtype.kind not in "fiu" or support.shape != (num_nodes,):
        raise ValueError(
            f"`support` must hold one number for each node, shape ({num_nodes},). Received: "
            f"{support.dtype}, {support.shape}."
        )
    support = support.astype(np.float64)
    wrong = np.flatnonzero((support < 0) | (support > 1))
    if wrong.size:
        v = wrong[0]
        raise ValueError(f"support[{v}] = {support[v]} must lie in [0, 1], or be NaN.")
    support.flags.writeable = False
    return support


def as_array(name, value):
    """`value` as an array.

    Raises:
      ValueError: for masked entries, which have no value, and rows of different lengths.
    """
    if np.ma.is_masked(value):
        raise ValueError(
            f"`{name}` has masked entries, which have no value. Fill them, or leave them out."
        )
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(
            f"`{name}` must be an array with rows of equal length. Received: "
            f"{arguments.shown(value)}."
        ) from None


def as_int32(name, value, wrong_kind):
    """Integers as a contiguous int32 array, without overflow.

    Raises:
      wrong_kind: for anything but integers.
      ValueError: for a number out of the range of int32, with its index.
    """
    if type(value) is np.ndarray and value.dtype == np.int32 and value.flags.c_contiguous:
        return value
    array = as_array(name, value)
    if array.size and array.dtype.kind not in "iu":
        raise wrong_kind(f"{name} must hold integers. Received: dtype={array.dtype}.")
    wrong = np.flatnonzero((array < -(2**31)) | (array >= 2**31))
    if wrong.size:
        v = wrong[0]
        raise ValueError(
            f"{name}[{v}] = {array.ravel()[v]} must lie in [-1, {array.size}), the nodes."
        )
    return np.ascontiguousarray(array, np.int32)


def as_leaves(name, leaves, num_leaves):
    """A list or array of leaf numbers as ints `[M]`."""
    try:
        leaves = list(leaves)
    except TypeError:
        raise ValueError(
            f"`{name}` must be a list of leaf numbers. Received: {arguments.shown(leaves)}."
        ) from None
    return np.array([check_node(n, num_leaves, name) for n in leaves], int)


def check_node(node, num_nodes, argument="node"):
    """`node` as an int in [0, num_nodes)."""
    return arguments.integer(argument, node, 0, num_nodes - 1, "a node of the tree")


def _check_arrays(parent, time):
    parent, time = as_array("parent", parent), as_array("time", time)
    if parent.dtype.kind not in "iu":
        raise TypeError(f"`parent` must hold integers. Received: dtype={parent.dtype}.")
    if time.dtype.kind not in "fiu":
        raise TypeError(f"`time` must hold real numbers. Received: dtype={time.dtype}.")
    if parent.ndim != 1 or parent.shape != time.shape:
        raise ValueError(
            "`parent` and `time` must be vectors of the same length, one entry per node. "
            f"Received: parent.shape={parent.shape}, time.shape={time.shape}."
        )
    num_nodes = len(parent)
    if num_nodes % 2 == 0:
        raise ValueError(
            "A binary tree of N >= 1 leaves has V = 2N - 1 nodes, an odd number. "
            f"Received: {num_nodes} entries in `parent`."
        )
    wrong = np.flatnonzero((parent < -1) | (parent >= num_nodes))  # before the cast to int32
    if wrong.size:
        v = wrong[0]
        raise ValueError(
            f"parent[{v}] = {parent[v]} must lie in [{(num_nodes + 1) // 2}, {num_nodes}), or be "
            "-1 at the root."
        )
    return parent.astype(np.int32), time.astype(np.float64)


def _check_parents(parent, num_leaves):
    roots = np.flatnonzero(parent == -1)
    if roots.size != 1:
        found = ", ".join(f"parent[{v}]" for v in roots[:3]) or "none"
        raise ValueError(
            f"`parent` must be -1 at one node, the root. Received: {roots.size} of them ({found})."
        )
    wrong = np.flatnonzero((parent >= 0) & (parent < num_leaves))
    if wrong.size:
        v = wrong[0]
        raise ValueError(
            f"parent[{v}] = {parent[v]} is a leaf: nodes 0..{num_leaves - 1} are leaves and have "
            "no children."
        )


def _children(parent, num_leaves):
    """Children in ascending order `[V, 2]`; checks that internal nodes have two of them."""
    children = np.full((len(parent), 2), -1, np.int32)
    below = np.flatnonzero(parent >= 0)
    count = np.bincount(parent[below], minlength=len(parent))
    wrong = np.flatnonzero(count[num_leaves:] != 2)
    if wrong.size:
        v = num_leaves + wrong[0]
        which = np.flatnonzero(parent == v)[:4]
        raise ValueError(
            f"Internal node {v} must have two children. Received: {count[v]} entries of `parent` "
            f"equal to {v}, at indices {which.tolist()}."
        )
    order = below[np.argsort(parent[below], kind="stable")]
    children[num_leaves:] = order.reshape(-1, 2)
    return children


def _check_cycles(parent):
    """Pointer jumping: after V steps every pointer is at the root, or in a cycle."""
    root = int(np.flatnonzero(parent == -1)[0])
    hop = parent.copy()
    hop[root] = root
    for _ in range(len(parent).bit_length()):
        hop = hop[hop]
    lost = np.flatnonzero(hop != root)
    if lost.size:
        v = lost[0]
        raise ValueError(
            f"`parent` has a cycle: node {v} (parent[{v}] = {parent[v]}) does not lead to the "
            f"root {root}."
        )


def _check_times(parent, time, num_leaves, root_time):
    root = int(np.flatnonzero(parent == -1)[0])
    wrong = np.flatnonzero(~np.isfinite(time))
    if wrong.size:
        raise ValueError(f"time[{wrong[0]}] = {time[wrong[0]]} must be finite.")
    wrong = np.flatnonzero(time[:num_leaves] != 1)
    if wrong.size:
        v = wrong[0]
        raise ValueError(f"time[{v}] = {time[v]} must be 1: node {v} is a leaf.")
    if num_leaves == 1:
        return
    root_time = arguments.number("root_time", root_time, "[0, 1)")
    if time[root] != root_time:
        raise ValueError(
            f"time[{root}] = {time[root]} must be {root_time}: node {root} is the root. A tree "
            "whose root is elsewhere needs `root_time`."
        )
    below = np.flatnonzero(parent >= 0)
    wrong = below[~(time[below] > time[parent[below]])]
    if wrong.size:
        v = wrong[0]
        raise ValueError(
            f"Times must grow along every edge: time[{v}] = {time[v]} must be above "
            f"time[{parent[v]}] = {time[parent[v]]}, its parent's."
        )


def as_points(name, points):
    """`points` as float64 `[n, D]`, finite, n >= 1.

    Raises:
      ValueError: for anything else, with the place of a value that is not finite.
    """
    points = as_array(name, points)
    if points.dtype.kind not in "fiu" or points.ndim != 2 or not points.size:
        raise ValueError(
            f"`{name}` must be numbers of shape [N, D]. Received: "
            f"{points.dtype}, {list(points.shape)}."
        )
    points = points.astype(np.float64)
    if not np.isfinite(points).all():
        row, column = np.argwhere(~np.isfinite(points))[0]
        raise ValueError(f"{name}[{row}, {column}] = {points[row, column]} must be finite.")
    return points
