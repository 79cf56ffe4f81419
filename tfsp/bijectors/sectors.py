"""A plane torn into sectors that move apart."""

import math
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfsp import arguments, parameters
from tfsp.bijectors import checks
from tfsp.bijectors.norms import safe_norm
from tfsp.bijectors.push import Push, solve_increasing


class Sectors(tfb.Bijector):
    """K clusters: g(y) = y + c_1 dis(y)^c_2 Delta(k), k the sector of the plane where y lies.

    Sector k spans the angle 2 pi probs[k]; Delta(k) is the unit vector along its middle, and
    dis(y) the distance of y to the two rays that bound it. Points on the rays stay, so that g is
    continuous; all others move into their sector. Under a normal distribution that is symmetric
    about the origin, sector k has the probability probs[k].

    The middle of the first sector lies at the angle `rotation`, so that K = 2 changes the first
    dimension only, as the text of appendix C.2 has it (its formula for Delta would turn the plane
    by pi/K; rotation=pi/K gives that).

    One to one of the plane onto itself: along Delta a point moves the farther the deeper it lies in
    its sector. With u the coordinate along Delta,

        log |det g'(y)| = log(1 + f'(dis) d dis/du),   f of `Push`               [nats]

    and the inverse solves one increasing equation by bisection.

    Args:
      num_sectors: K, at least 2, for equal sectors. Give this or `probs`.
      probs: `[K]`, positive, sum 1: numbers or a tensor (through which gradients flow). A tensor
        may hold zeros, to which a softmax rounds; such a sector holds no point.
      strength, exponent, softening: c_1, c_2 and the width of the rounding at the rays: `Push`.
      rotation: angle of the middle of the first sector, radians.

    Shapes: `[..., 2]` -> `[..., 2]`.

    Raises:
      ValueError: for K < 2, neither or both of `num_sectors` and `probs`, probabilities that are
        not positive or do not sum to 1, and values out of range.

    Source: Miao et al. 2022 (InteL-VAE), section 6.2, eqs. (6), (C.1), (C.2).
    """

    def __init__(
        self,
        num_sectors: int | None = None,
        probs: Any = None,
        strength: float = 5.0,
        exponent: float = 0.2,
        softening: float = 1e-2,
        rotation: float = 0.0,
        name: str = "sectors",
    ) -> None:
        given = dict(locals())
        if (num_sectors is None) == (probs is None):
            raise ValueError(
                "Give either `num_sectors`, for equal sectors, or `probs`. Received: "
                f"num_sectors={num_sectors!r}, probs={probs!r}."
            )
        if probs is None:
            num_sectors = arguments.integer(
                "num_sectors", num_sectors, 2, meaning="one is no clustering"
            )
            probs = np.full(num_sectors, 1.0 / num_sectors)
        self.probs = _probs(probs)
        self.num_sectors = int(self.probs.shape[0])
        self.push = Push(strength, exponent, softening)
        self.rotation = arguments.number("rotation", rotation)
        super().__init__(forward_min_event_ndims=1, parameters=given, name=name)

    @classmethod
    def _parameter_properties(cls, dtype):
        return {
            "probs": parameters.real(
                1,
                shape_fn=parameters.not_implied("the number of sectors"),
                default_constraining_bijector_fn=tfb.SoftmaxCentered,
            )
        }

    def component(self, y: Any) -> tf.Tensor:
        """Which sector: int32 `[...]`, 0..K-1 counter-clockwise from the angle `rotation`."""
        y = checks.floating(y, 2)
        probs = tf.cast(self.probs, y.dtype)
        start = self.rotation - math.pi * probs[0]
        # No gradient: the number of a sector is locally constant.
        angle = tf.stop_gradient(tf.math.atan2(y[..., 1], y[..., 0]) - start)
        turn = tf.math.floormod(angle, tf.constant(2.0 * math.pi, y.dtype))
        bounds = 2.0 * math.pi * tf.math.cumsum(probs)[:-1]
        return tf.reduce_sum(tf.cast(turn[..., tf.newaxis] >= bounds, tf.int32), axis=-1)

    def _local(self, y):
        """Delta `[..., 2]`, coordinates u along and |v| across it, half angle, each `[...]`."""
        y = checks.floating(y, 2)
        probs = tf.cast(self.probs, y.dtype)
        middle = self.rotation - math.pi * probs[0] + math.pi * (2 * tf.math.cumsum(probs) - probs)
        sector = self.component(y)
        middle = tf.gather(middle, sector)
        delta = tf.stack([tf.cos(middle), tf.sin(middle)], axis=-1)
        along = tf.reduce_sum(y * delta, axis=-1)
        across = tf.abs(y[..., 1] * delta[..., 0] - y[..., 0] * delta[..., 1])
        return delta, along, across, math.pi * tf.gather(probs, sector)

    @staticmethod
    def _distance(along, across, half):
        """Distance to the nearer ray, and its slope along Delta."""
        sine, cosine = tf.sin(half), tf.cos(half)
        # In a sector of more than half a turn the nearest point of the rays may be the origin.
        origin_nearest = along * cosine + across * sine < 0
        ray = tf.maximum(along * sine - across * cosine, 0.0)
        radius = safe_norm(tf.stack([along, across], axis=-1))
        distance = tf.where(origin_nearest, radius, ray)
        positive = tf.where(radius > 0, radius, tf.ones_like(radius))
        return distance, tf.where(origin_nearest, along / positive, sine)

    def _forward(self, y):
        delta, *local = self._local(y)
        distance, _ = self._distance(*local)
        return y + self.push(distance)[..., tf.newaxis] * delta

    def _forward_log_det_jacobian(self, y):
        distance, slope = self._distance(*self._local(y)[1:])
        return tf.math.log1p(self.push.slope(distance) * slope)

    def _solve(self, z):
        """Delta, u of z, and for its preimage: distance s, u(s) and du/ds."""
        delta, along, across, half = self._local(z)
        tiny = np.finfo(z.dtype.as_numpy_dtype).tiny
        sine, cosine = tf.maximum(tf.sin(half), tiny), tf.cos(half)

        def coordinate(s):
            round_part = -s * cosine > across
            ray = (s + across * cosine) / sine
            # Root by root, for the product of both underflows where its root does not; and no root
            # of 0, whose slope is infinite.
            beyond = round_part & (s - across > 0)
            one = tf.ones_like(s)
            inner, outer = (tf.where(beyond, a, one) for a in (s - across, s + across))
            circle = tf.sqrt(inner) * tf.sqrt(outer)
            slope = tf.where(beyond, s / circle, 1.0 / sine)
            return tf.where(beyond, circle, ray), slope

        def moved(s):
            u, slope = coordinate(s)
            return u + self.push(s), slope + self.push.slope(s)

        s = solve_increasing(moved, along, self._distance(along, across, half)[0])
        return delta, s, coordinate(s)[1]

    def _inverse(self, z):
        delta, s, _ = self._solve(z)
        return z - self.push(s)[..., tf.newaxis] * delta

    def _inverse_log_det_jacobian(self, z):
        _, s, slope = self._solve(z)
        return -tf.math.log1p(self.push.slope(s) / slope)


def _probs(probs):
    """`probs` as they are, if a tensor or a variable, or in float64, and checked."""
    given = tf.is_tensor(probs) or parameters.is_variable(probs)
    if given:
        probs = parameters.hold(probs)
    else:
        try:
            probs = np.asarray(probs, np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"`probs` must be numbers. Received: {probs!r}.") from error
    shape = tf.TensorShape(probs.shape)
    if shape.rank != 1 or shape[0] is None or shape[0] < 2:
        raise ValueError(
            "`probs` must be a vector of at least 2 probabilities, one for each sector. Received "
            f"shape {probs.shape}."
        )
    # A graph does not know the values of a tensor; there a softmax that rounds to 0 passes unseen,
    # and eager execution is to do the same.
    # What a variable holds now says nothing of later.
    changes = parameters.is_variable(probs)
    values = None if changes else tf.get_static_value(probs) if given else probs
    if values is None:
        return probs
    right = np.all(values >= 0) if given else np.all(values > 0)
    if not right or not np.isclose(np.sum(values), 1.0, atol=1e-4):
        raise ValueError(
            f"`probs` must be positive and sum to 1. Received: {values}, sum {np.sum(values)}."
        )
    return probs
