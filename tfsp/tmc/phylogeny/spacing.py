"""Times that grow strictly along every edge, from times that may tie or touch the ends."""

import numpy as np

# Internal nodes stay this far below time 1: the posterior of the tree has a pole there.
TOP = 1e-6
GAP = 1e-6


def separate(parent, time, root_time=0.0):
    """The nearest strictly growing times: ties are taken apart, the rest is left as it was.

    Args:
      parent: `[V]`, a binary tree with leaves 0..N-1.
      time: `[V]`.
      root_time: where the root is put.

    Returns:
      float64 `[V]`: root at `root_time`, leaves at 1, internal nodes with 1 - t >= 1e-6.
    """
    parent = np.asarray(parent)
    num_leaves = (len(parent) + 1) // 2
    time = np.array(time, np.float64)
    time[:num_leaves] = 1.0
    if num_leaves == 1:
        return time
    order, height = _order(parent, num_leaves)
    gap = min(GAP, (1 - TOP - root_time) / (2.0 * height.max() + 2))
    # Each internal node below needs a gap. A little more than TOP: rounding must not break the cap.
    highest = (1 - 1.0625 * TOP - gap * (height - 1)).tolist()
    out, above = time.tolist(), parent.tolist()
    for v in order:
        if above[v] < 0:
            out[v] = root_time
        elif out[v] <= out[above[v]] or out[v] > highest[v]:
            out[v] = min(max(out[v], out[above[v]] + gap), highest[v])
    return np.array(out)


def _order(parent, num_leaves):
    """Internal nodes, parents first; and how many of them stand below each other `[V]`."""
    above = parent.tolist()
    waiting = [2] * len(above)
    height = [0] * len(above)
    ready = list(range(num_leaves))
    order = []
    for v in ready:  # grows while it is read: a node follows its second child
        u = above[v]
        if v >= num_leaves:
            order.append(v)
        if u >= 0:
            height[u] = max(height[u], height[v] + 1)
            waiting[u] -= 1
            if not waiting[u]:
                ready.append(u)
    return order[::-1], np.array(height)
