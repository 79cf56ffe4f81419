"""Theorem 1 by quadrature: KL of pushforwards against KL before the map."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from reference import intel_vae as reference

from tfsp import bijectors

tfd = tfp.distributions


def normal(loc, scale):
    return tfd.MultivariateNormalDiag(tf.constant(loc, tf.float64), tf.constant(scale, tf.float64))


def grid(loc, scale, limit=9.0, steps=400):
    """Midpoints `[n, D]` over loc +- limit scale, and the area of a cell."""
    axes = []
    for centre, width in zip(loc, scale, strict=True):
        edges = centre + width * np.linspace(-limit, limit, steps + 1)
        axes.append((edges[1:] + edges[:-1]) / 2)
    cell = np.prod([2 * limit * width / steps for width in scale])
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(loc)), cell


@pytest.mark.parametrize(
    ("bijector", "loc", "scale"),
    [
        (bijectors.Halves(0.4), [0.3], [0.5]),
        (bijectors.Halves(-0.2, exponent=0.6), [-1.0], [0.2]),
        (bijectors.Sectors(3), [0.5, -0.4], [0.6, 0.3]),
        (bijectors.Sectors(probs=[0.2, 0.7, 0.1]), [0.1, 0.2], [0.5, 0.9]),
        (bijectors.SphereProjection(0.05), [0.6, 0.2], [0.4, 0.3]),
        (bijectors.GluedCircles(2, 0.05), [0.6, 0.2], [0.4, 0.3]),
    ],
    ids=["halves", "halves 2", "sectors", "wide sector", "circle", "two holes"],
)
def test_equality_for_invertible_maps(bijector, loc, scale):
    """KL on Z = int q(y) [log q_Z(g(y)) - log p_Z(g(y))] dy, densities by the inverse map."""
    q, p = normal(loc, scale), normal(np.zeros(len(loc)), np.ones(len(loc)))
    q_z = tfd.TransformedDistribution(q, bijector)
    p_z = tfd.TransformedDistribution(p, bijector)
    y, cell = grid(loc, scale, steps=2001 if len(loc) == 1 else 140)
    z = tf.constant(bijector.forward(y).numpy())  # a copy that no cache knows
    ratio = q_z.log_prob(z) - p_z.log_prob(tf.identity(z))
    on_z = cell * np.sum(np.exp(q.log_prob(y)) * ratio)
    np.testing.assert_allclose(on_z, reference.normal_kl(loc, scale), rtol=1e-6)


def test_equality_on_the_other_side_of_the_map():
    """The same in one dimension with quadrature over z itself, where the densities have gaps."""
    loc, scale = [0.3], [0.5]
    halves = bijectors.Halves(0.4, softening=0.05)
    q_z = tfd.TransformedDistribution(normal(loc, scale), halves)
    p_z = tfd.TransformedDistribution(normal([0.0], [1.0]), halves)
    edges = np.linspace(-20, 20, 20_001)
    z = tf.constant((edges[1:, np.newaxis] + edges[:-1, np.newaxis]) / 2)
    log_q = q_z.log_prob(z)
    cell = edges[1] - edges[0]
    np.testing.assert_allclose(cell * np.sum(np.exp(log_q)), 1.0, rtol=1e-6)
    kl = cell * np.sum(np.exp(log_q) * (log_q - p_z.log_prob(tf.identity(z))))
    np.testing.assert_allclose(kl, reference.normal_kl(loc, scale), rtol=1e-5)


def pushed_kl(forward, loc, scale, bins, steps):
    """KL of the pushforwards on a partition of Z into cells: at most that on Z."""
    masses = []
    for centre, width in ((loc, scale), (np.zeros(len(loc)), np.ones(len(loc)))):
        # One grid for both, wide enough for either.
        y, cell = grid(np.zeros(len(loc)), np.ones(len(loc)), limit=8.0, steps=steps)
        density = cell * np.exp(normal(centre, width).log_prob(y).numpy())
        masses.append(np.histogramdd(forward(y), bins, weights=density)[0].ravel())
    np.testing.assert_allclose([m.sum() for m in masses], 1.0, rtol=1e-5)
    return reference.discrete_kl(*masses)


def test_less_for_a_map_that_folds():
    """|y| in one dimension: KL on Z is below, and its closed form by folding is met."""
    loc, scale = [0.7], [0.4]
    edges = np.linspace(0, 8, 3201)
    on_z = pushed_kl(np.abs, loc, scale, [edges], steps=6400)
    y = (edges[1:] + edges[:-1]) / 2
    pair = [
        np.exp(d.log_prob(y[:, None])) + np.exp(d.log_prob(-y[:, None]))
        for d in (normal(loc, scale), normal([0.0], [1.0]))
    ]
    exact = (edges[1] - edges[0]) * np.sum(pair[0] * np.log(pair[0] / pair[1]))
    np.testing.assert_allclose(on_z, exact, rtol=1e-3)
    assert on_z < reference.normal_kl(loc, scale) - 0.01


def test_less_for_selector_and_hierarchy():
    """Two dimensions: a selector that switches off nearly all of one, a network that drops one."""
    loc, scale = [0.7, -0.5], [0.5, 0.6]
    selector = bijectors.DimensionSelector(
        lambda y: tf.stack([tf.ones_like(y[..., 0]), tf.cast(y[..., 0] > 0, y.dtype)], -1)
    )
    hierarchy = bijectors.Hierarchy([lambda above, own: tf.abs(own) + above], [1, 1])
    on_y = reference.normal_kl(loc, scale)
    bins = [np.linspace(-17, 17, 681)] * 2
    for bijector in (selector, hierarchy):
        on_z = pushed_kl(lambda y, g=bijector: g.forward(y).numpy(), loc, scale, bins, 1200)
        assert 0.05 < on_z < on_y - 0.01
    identity = pushed_kl(lambda y: y, loc, scale, bins, 1200)
    np.testing.assert_allclose(identity, on_y, rtol=0.01)  # the partition itself costs little
