"""Markov chains over trees: several at once, with their traces."""

import dataclasses

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments
from tfsp.random import fold_in
from tfsp.tmc.native import ops
from tfsp.tmc.phylogeny import Phylogeny


@dataclasses.dataclass(frozen=True)
class Chains:
    """What `run_chains` returns; C chains, S steps.

    Attributes:
      parent, time: int32, float64 `[C, V]`, the last tree of each chain.
      log_joint: float64 `[S, C]`, nats, after each step.
      accepted, proposed: int64 `[S, C, 4]`, by `ops.MOVE_KINDS`.
      trace: what `trace_fn` returned, stacked to `[S, C, ...]`; None without one.
    """

    parent: np.ndarray
    time: np.ndarray
    log_joint: np.ndarray
    accepted: np.ndarray
    proposed: np.ndarray
    trace: np.ndarray | None = None

    def acceptance(self):
        """Share of proposals accepted, over all chains: dict by kind of move; NaN if none."""
        accepted = self.accepted.sum(axis=(0, 1))
        proposed = self.proposed.sum(axis=(0, 1))
        return {
            kind: float(a / p) if p else float("nan")
            for kind, a, p in zip(ops.MOVE_KINDS, accepted, proposed, strict=True)
        }

    def best(self):
        """The chain whose last tree has the highest log joint."""
        return int(np.argmax(self.log_joint[-1]))

    def phylogeny(self, chain=None, names=None):
        """The last tree of a chain as a `Phylogeny`.

        Args:
          chain: its index; None takes the best one.
          names: of the leaves, strings `[N]`; or None.
        """
        chain = self.best() if chain is None else chain
        return Phylogeny(self.parent[chain], self.time[chain], names)


def run_chains(
    parent,
    time,
    leaves,
    num_steps,
    moves_per_step=2000,
    seed=None,
    trace_fn=None,
    **options,
):
    """Runs C chains side by side from given trees, on TensorFlow's threads.

    Args:
      parent, time: `[V]` for one chain, or `[C, V]`, where each chain starts.
      leaves: `[N, D]`.
      num_steps: S, how often state and statistics are recorded.
      moves_per_step: proposals between two records.
      seed: None, an int, an int32 pair or a `SeedStream`. Chain c, step s draws from (seed, c, s).
      trace_fn: optional function (parent `[V]`, time `[V]`) -> array, called after each step.
      **options: of `ops.sample_posterior`: concentration1, concentration0, mixture, leaf_variance,
        triplets (which all starting trees must satisfy).

    Returns:
      `Chains`.

    Raises:
      ValueError: for `num_steps` < 1 or shapes that do not fit.
    """
    num_steps = arguments.integer("num_steps", num_steps)
    parent, time = np.atleast_2d(np.asarray(parent, np.int32)), np.atleast_2d(np.asarray(time))
    if parent.shape != time.shape:
        raise ValueError(
            "`parent` and `time` must have the same shape, [V] or [C, V]. Received: "
            f"{parent.shape} and {time.shape}."
        )
    leaves = tf.cast(leaves, tf.float64)
    seed = fold_in(seed, 0)
    num_chains = len(parent)

    @tf.function
    def step(parents, times, i):
        # Independent ops of one graph: TensorFlow runs them on as many threads as there are.
        return [
            ops.sample_posterior(
                parents[c],
                times[c],
                leaves,
                num_moves=moves_per_step,
                seed=fold_in(fold_in(seed, c), i),
                **options,
            )
            for c in range(num_chains)
        ]

    parents = [tf.constant(p) for p in parent]
    times = [tf.constant(t, tf.float64) for t in time]
    notes, traces = [], []
    for i in range(num_steps):
        states = step(parents, times, tf.constant(i))
        parents, times = [s.parent for s in states], [s.time for s in states]
        notes.append([(s.log_joint, s.accepted, s.proposed) for s in states])
        if trace_fn is not None:
            traces.append([np.asarray(trace_fn(s.parent.numpy(), s.time.numpy())) for s in states])

    def stack(k):
        return np.array([[note[k].numpy() for note in row] for row in notes])

    return Chains(
        parent=np.array([p.numpy() for p in parents]),
        time=np.array([t.numpy() for t in times]),
        log_joint=stack(0),
        accepted=stack(1),
        proposed=stack(2),
        trace=np.array(traces) if trace_fn is not None else None,
    )


def effective_sample_size(trace):
    """Effective number of independent draws of `[S, C, ...]` traces, over all chains: `[...]`.

    Source: Geyer's initial positive sequence, as `tfp.mcmc.effective_sample_size`.
    """
    trace = tf.convert_to_tensor(np.asarray(trace, float))
    per_chain = tfp.mcmc.effective_sample_size(trace, filter_beyond_positive_pairs=True)
    return np.asarray(tf.reduce_sum(per_chain, axis=0))


def potential_scale_reduction(trace):
    """R-hat of `[S, C, ...]` traces: near 1 when the chains agree: `[...]`. Needs C >= 2.

    Raises:
      ValueError: for a single chain.

    Source: Gelman & Rubin 1992.
    """
    trace = tf.convert_to_tensor(np.asarray(trace, float))
    if trace.shape[1] < 2:
        raise ValueError(
            f"R-hat compares chains; at least 2 are needed. Received: {trace.shape[1]}."
        )
    return np.asarray(tfp.mcmc.potential_scale_reduction(trace, independent_chain_ndims=1))
