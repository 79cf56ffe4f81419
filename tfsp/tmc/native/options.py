"""The options of the density of a new leaf, and the mixture of the sampler's moves.

Their names, defaults and checks, once for all faces: NumPy (`native`), TensorFlow (`native.ops`),
the densities and the priors. The C++ core has defaults of its own for programs that are not Python;
a test compares the two.
"""

from typing import NamedTuple

import numpy as np

from tfsp import arguments
from tfsp.tmc.phylogeny.checks import as_array

EDGE_WEIGHTS = ("prior", "bayes")
MAX_QUADRATURE_NODES = 256


class Density(NamedTuple):
    """Options of the predictive density of a new leaf, with their defaults.

    Attributes:
      concentration1, concentration0: a, b of the times' Beta prior, in (0, 10000].
      num_nodes: quadrature nodes on a leaf's edge and on another edge, 1 to 256 each.
      variance_floor: a leaf's edge is cut where the new leaf's variance falls to this share of
        its value at the edge's upper end; in [1e-12, 1).
      added_variance: added to every node's variance, non-negative.
      edge_weights: "prior", p(e) from the topology alone (the paper's definition), or "bayes",
        from the times as well.
    """

    concentration1: float = 2.0
    concentration0: float = 2.0
    num_nodes: tuple = (24, 12)
    variance_floor: float = 1e-3
    added_variance: float = 0.0
    edge_weights: str = "prior"

    @classmethod
    def of(cls, options):
        """The options given by name, the others at their defaults.

        What is static is checked here, the numbers (which may be tensors) by the core.

        Raises:
          TypeError: for an unknown name, with the known ones.
          ValueError: for wrong `num_nodes` or `edge_weights`.
        """
        unknown = sorted(set(options) - set(cls._fields))
        if unknown:
            raise TypeError(f"Unknown option {unknown[0]!r}. Known: {', '.join(cls._fields)}.")
        new = cls(**options)
        check_edge_weights(new.edge_weights)
        if new.num_nodes is cls._field_defaults["num_nodes"]:
            return new
        return new._replace(num_nodes=check_num_nodes("num_nodes", new.num_nodes))


def as_triplets(triplets):
    """Constraints on the topology as contiguous int32 `[M, 3]`; None for none.

    A row (a, b, c) says that leaves a and b meet strictly below the node where leaf c joins them.
    Whether the numbers are distinct leaves of the tree is checked by the core.

    Raises:
      ValueError: for another shape, anything but integers, and negative ones.

    Source: Vikram & Dasgupta 2016, arXiv:1602.03258.
    """
    array = np.zeros([0, 3], np.int32) if triplets is None else as_array("triplets", triplets)
    if not array.size and array.ndim < 3:
        return np.zeros([0, 3], np.int32)
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in "iu":
        raise ValueError(
            "`triplets` must hold numbers of leaves, integers of shape [M, 3]. Received: "
            f"{arguments.shown(triplets)}."
        )
    wrong = np.argwhere((array < 0) | (array >= 2**31))  # before the cast to int32
    if len(wrong):
        i, j = wrong[0]
        raise ValueError(f"triplets[{i}, {j}] = {array[i, j]} must be the number of a leaf.")
    return np.ascontiguousarray(array, np.int32)


DENSITY = Density()
A, B = DENSITY.concentration1, DENSITY.concentration0


def check_edge_weights(value):
    """`value`, one of `EDGE_WEIGHTS`; else a ValueError."""
    if not isinstance(value, str) or value not in EDGE_WEIGHTS:
        known = " or ".join(map(repr, EDGE_WEIGHTS))
        raise ValueError(f"`edge_weights` must be {known}. Received: {arguments.shown(value)}.")
    return value


def check_num_nodes(name, counts):
    """Two numbers of quadrature nodes as a tuple of ints; else a ValueError."""
    counts = arguments.integers(name, counts, 1, MAX_QUADRATURE_NODES, "quadrature nodes")
    if len(counts) != 2:
        raise ValueError(
            f"`{name}` must hold two numbers of nodes, on a leaf's edge and on an inner one. "
            f"Received: {list(counts)!r}."
        )
    return counts


def check_density(settings):
    """The density's options among a layer's settings as plain values, in place.

    Raises:
      ValueError: with the setting and the value.
    """
    for name in ("concentration1", "concentration0"):
        settings[name] = arguments.number(name, settings[name], "(0, inf)")
    name = "added_variance"
    settings[name] = arguments.number(name, settings[name], "[0, inf)")
    settings["num_nodes"] = list(check_num_nodes("num_nodes", settings["num_nodes"]))


class Mixture(NamedTuple):
    """Proportions of the sampler's moves, on any scale.

    Attributes:
      spr: a subtree goes to any edge that starts before it, at a uniform time.
      local: it goes to a neighbouring edge.
      slide: one internal time.
      gibbs: a subtree's edge is drawn from its conditional distribution. Costs O(N D), the others
        little more than O(D).
    """

    spr: float = 50.0
    local: float = 25.0
    slide: float = 25.0
    gibbs: float = 1.0

    @classmethod
    def by_name(cls, shares):
        """From a dict; None is the default, moves left out are not made.

        Raises:
          ValueError: for anything but a dict, or an unknown kind of move.
        """
        if shares is None:
            return MIXTURE
        if not isinstance(shares, dict):
            raise ValueError(
                "mixture must be a dict from kinds of moves to proportions. Received: "
                f"{arguments.shown(shares)}."
            )
        unknown = sorted(set(shares) - set(cls._fields), key=str)
        if unknown:
            raise ValueError(
                f"mixture may name {', '.join(cls._fields)}. Received: "
                f"{arguments.shown(unknown[0])}."
            )
        return cls(*(shares.get(kind, 0.0) for kind in cls._fields))


MIXTURE = Mixture()
MOVES = Mixture._fields


def mixture_of_inducing_points(num_leaves):
    """LORACs' mixture: a Gibbs move gets some third of the time."""
    return MIXTURE._replace(gibbs=min(0.5, 100.0 / num_leaves))


def mixture_of_data(num_leaves):
    """The TMC-VAE's mixture, for thousands of leaves: Gibbs moves grow rare with N^2."""
    return MIXTURE._replace(gibbs=min(MIXTURE.gibbs, (1000 / num_leaves) ** 2))


def check_mixture(name, shares):
    """Four proportions in the order of `MOVES`, as a list of floats; None stays None.

    Raises:
      ValueError: with the entry and the value.
    """
    if shares is None:
        return None
    checked = [
        arguments.number(f"{name}[{i}]", share, "[0, inf)")
        for i, share in enumerate(shares if np.ndim(shares) == 1 else ())
    ]
    if len(checked) != len(MOVES) or not sum(checked) > 0:
        raise ValueError(
            f"`{name}` must hold four proportions, of SPR, local SPR, slide and Gibbs moves. "
            f"Received: {shares!r}."
        )
    return checked
