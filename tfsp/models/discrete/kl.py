"""KL(q || p) for a hierarchical q over binary units and a Boltzmann machine p, and its gradient.

With -E(z) = b'z + l'Wr and z = (l, r), all in nats and for one draw of the hierarchy:

    KL = sum_j E[log q_j(z_j)] - E[b'z + l'Wr] + log Z

The unit whose group comes earlier in the hierarchy is the `earlier` one of a pair, the other the
`later` one. Given everything before its group a unit has the mean q = sigmoid(logits), so a pair's
term is W_ij E[z_earlier q_later]. Where the two share a group, it is W_ij E[q_i q_j].
"""

import numpy as np
import tensorflow as tf


def with_gradient_of(value, surrogate):
    """`value`, whose gradient is that of `surrogate`."""
    return tf.stop_gradient(value - surrogate) + surrogate


def negative_entropy(logits):
    """sum_i E[log q_i(z_i)] of independent Bernoullis, `[..., n]` -> `[...]`, nats.

    The gradient is that of the paper's F.1: g'dq, since the derivative of the softplus is q.
    """
    return tf.reduce_sum(tf.sigmoid(logits) * logits - tf.nn.softplus(logits), axis=-1)


# 1 - q is taken to be no less than 1e-6: beyond that float32 cannot tell q from 1.
_MAX_LOGIT = 13.8


def spike_indicator(logits, z):
    """z, with the gradient (1 - z) / (1 - q) dq that eq. (12) gives to the earlier unit of a pair.

    Right for smoothings where zeta = 0 whenever z = 0, and only times what is drawn after z: the
    change of z happens at zeta = 0, draws with z = 0 stand for it, each counted 1 / (1 - q) times.

    Args:
      logits: of q(z = 1), `[..., n]`.
      z: draws, 0 or 1, `[..., n]`.

    Source: Rolfe 2017, arXiv:1609.02200, eqs. (12) and (31).
    """
    q = tf.sigmoid(logits)
    factor = (1.0 - z) * (1.0 + tf.exp(tf.minimum(logits, _MAX_LOGIT)))
    return tf.stop_gradient(z) + tf.stop_gradient(factor) * (q - tf.stop_gradient(q))


def drawn_later(logits, z, groups):
    """What stands for the later unit of a pair, if it is not summed out: z, with the gradient dq.

    The units of the last group, on which nothing depends, are summed out (F: after eq. 25).
    """
    q = tf.sigmoid(logits)
    last = tf.constant(np.asarray(groups) == np.max(groups))
    return tf.where(last, q, with_gradient_of(tf.cast(z, q.dtype), q))


class PairRoles:
    """Which unit of each pair (left i, right j) comes earlier in the hierarchy.

    Args:
      groups: integers `[n]`, the group of each unit, left side first.
      num_left: L, units of the left side.
    """

    def __init__(self, groups, num_left):
        groups = np.asarray(groups)
        left, right = groups[:num_left, np.newaxis], groups[np.newaxis, num_left:]
        self.num_left = num_left
        self.left_first = _mask(left < right)
        self.right_first = _mask(right < left)
        self.together = _mask(left == right)


def _mask(pairs):
    """0/1 `[L, R]`; True for all pairs, False for none."""
    return bool(pairs.flat[0]) if (pairs == pairs.flat[0]).all() else pairs.astype("float32")


def expected_score(weights, bias, earlier, later, roles):
    """E[b'z + l'Wr] for one draw of the hierarchy: `[..., n]` -> `[...]`, nats.

    Args:
      weights: W, `[L, R]`. bias: b, `[n]`.
      earlier: what stands for a unit where it is the earlier one of a pair, `[..., n]`.
      later: what stands for it elsewhere: the mean q, or a draw.
      roles: `PairRoles`, or None where W = 0.
    """
    score = tf.linalg.matvec(later, bias)
    if roles is None:
        return score
    split = [roles.num_left, bias.shape[0] - roles.num_left]
    earlier_left, earlier_right = tf.split(earlier, split, axis=-1)
    later_left, later_right = tf.split(later, split, axis=-1)
    for mask, left, right in (
        (roles.left_first, earlier_left, later_right),
        (roles.right_first, later_left, earlier_right),
        (roles.together, later_left, later_right),
    ):
        if mask is False:
            continue
        coupling = weights if mask is True else weights * tf.cast(mask, weights.dtype)
        score += tf.reduce_sum(tf.tensordot(left, coupling, 1) * right, axis=-1)
    return score


def kl_without_log_z(weights, bias, logits, earlier, roles, later=None):
    """KL(q || p) - log Z for one draw of the hierarchy: `[..., n]` -> `[...]`, nats.

    Args:
      weights, bias, roles: see `expected_score`.
      logits: of q(z = 1), each unit given its predecessors' zeta.
      earlier: q(z = 1 | zeta): for spikes the draw z, elsewhere a function of zeta (DVAE++,
        Vahdat et al. 2018, arXiv:1802.04920, section 3).
      later: None sums the later unit of each pair out.

    With `earlier=spike_indicator(...)` the gradient is that of eqs. (11, positive phase) and (12):
    to the letter with `later=drawn_later(...)`; with None the later z_j has made room for its mean
    q_j, on which the rest of its term does not depend: same expectation, less variance.
    """
    if later is None:
        later = tf.sigmoid(logits)
    return negative_entropy(logits) - expected_score(weights, bias, earlier, later, roles)
