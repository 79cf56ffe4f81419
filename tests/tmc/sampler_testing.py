"""The core's own tests of its sampler, from `custom_ops/tmc/testing`; built by `make build`."""

import numpy as np

from tfsp.tmc import native_sampler
from tfsp.tmc.native.options import Mixture, as_triplets
from tmc import _testing
from tmc._testing import State, defaults, random_draws

__all__ = ["State", "defaults", "joint_test", "random_draws", "recomputed_chain"]


def _options(concentration1, concentration0, mixture, num_moves, seed, **rest):
    seeds = seed if isinstance(seed, tuple) else (seed, 0)
    mixture = Mixture.by_name(mixture)._asdict()
    return _testing.ChainOptions(concentration1, concentration0, mixture, num_moves, *seeds, **rest)


def joint_test(
    num_leaves,
    num_dims,
    concentration1=2.0,
    concentration0=2.0,
    *,
    num_moves,
    num_replicates,
    seed,
    mixture=None,
    min_remaining=1e-6,
    triplets=None,
):
    """Geweke's joint distribution test of the sampler, in independent replicates.

    Each replicate draws a tree from the prior (given the triplets, by rejection) and leaves given
    the tree, runs the chain, and reports bounded statistics of (tree, leaves) before and after. If
    the chain leaves r(tree | leaves) invariant, the expected difference is 0 for every `num_moves`.

    Args: as `native_sampler.sample_posterior`; num_replicates: R.
    Returns: float64 `[R, 2, 12]`, before and after.
    Source: Geweke 2004; Gandy and Scott 2020, arXiv:2001.06465.
    """
    options = _options(
        concentration1,
        concentration0,
        mixture,
        num_moves,
        seed,
        min_remaining=min_remaining,
        triplets=as_triplets(triplets),
    )
    return _testing.joint_test(options, num_leaves, num_dims, num_replicates)


def recomputed_chain(
    parent,
    time,
    leaves,
    concentration1=2.0,
    concentration0=2.0,
    *,
    num_moves,
    seed,
    mixture=None,
    trace_every=0,
    leaf_variance=None,
    triplets=None,
):
    """`native_sampler.sample_posterior`, every proposal judged by the whole tree's log joint."""
    out = _testing.recomputed_chain(
        np.asarray(parent, np.int32),
        np.asarray(time, float),
        np.asarray(leaves, float),
        _options(
            concentration1,
            concentration0,
            mixture,
            num_moves,
            seed,
            triplets=as_triplets(triplets),
        ),
        leaf_variance,
        trace_every,
    )
    kinds = native_sampler.MOVES
    return native_sampler.PosteriorSample(
        out["parent"],
        out["time"],
        out["log_joint"][-1] if trace_every else None,
        dict(zip(kinds, out["accepted"], strict=True)),
        dict(zip(kinds, out["proposed"], strict=True)),
        {"log_joint": out["log_joint"]},
        None,
    )
