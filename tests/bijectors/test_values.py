"""Values and shapes of the maps: against slow references, radii, holes, gaps, continuity."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from reference import intel_vae as reference

from bijectors.cases import points, sector_borders, value_and_jacobian
from tfsp import bijectors

PROBS = {
    "two": [0.5, 0.5],
    "three": [1 / 3] * 3,
    "ten": [0.1] * 10,
    "wide": [0.2, 0.7, 0.1],
}


def far_push(strength=5.0, exponent=0.2):
    """The push of the paper alone: the rounding at the border is too narrow to be seen."""
    return dict(strength=strength, exponent=exponent, softening=1e-12)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_sphere(size):
    y = points(size)
    expected = [reference.circle(row, 0.01) for row in y]
    np.testing.assert_allclose(bijectors.SphereProjection(0.01).forward(y), expected, rtol=1e-12)


def test_circle_has_radius_one():
    z = bijectors.SphereProjection(1e-3).forward(points(2, 10_000, spread=1.0)).numpy()
    radius = np.linalg.norm(z, axis=-1)
    assert np.all(radius < 1)
    assert np.mean(radius < 0.9) < 0.005
    angles = np.histogram(np.arctan2(z[:, 1], z[:, 0]), 8, (-np.pi, np.pi))[0] / 10_000
    np.testing.assert_allclose(angles, 1 / 8, atol=0.03)


def test_slope_at_the_origin_is_one_over_epsilon():
    _, jacobian = value_and_jacobian(
        bijectors.SphereProjection(0.1).forward, tf.zeros([1, 3], tf.float64)
    )
    np.testing.assert_allclose(jacobian[0], np.eye(3) / 0.1, rtol=1e-12)


def test_two_holes_are_those_of_equation_5():
    y = points(2)
    expected = [reference.two_holes(row, 0.01) for row in y]
    np.testing.assert_allclose(bijectors.GluedCircles(2, 0.01).forward(y), expected, atol=1e-14)


@pytest.mark.parametrize("holes", [1, 2, 3, 4])
def test_glued_circles_have_that_many_holes(holes):
    """Connected parts of the complement on a grid, of draws off the rare ones at the origin."""
    y = points(2, 200_000, seed=1)
    y = y[np.linalg.norm(y, axis=-1) > 0.3]
    z = bijectors.GluedCircles(holes, 1e-4).forward(y).numpy()
    assert reference.count_holes(z, limit=1.2, cells=201) == holes
    # The loops are as wide as each other, and all have their share.
    shares = np.histogram(z[:, 0], holes, (-1, 1))[0] / len(z)
    assert np.all(shares > 0.1)


def test_counting_holes_tells_a_disc_from_a_ring():
    y = points(2, 400_000, spread=0.3)
    assert reference.count_holes(y[np.linalg.norm(y, axis=-1) < 0.6], 1.2, 61) == 0
    assert reference.count_holes(np.zeros((1, 2)), 1.2, 61) == 0


@pytest.mark.parametrize("holes", [2, 3])
def test_pinches_glue_two_points_of_the_circle(holes):
    glue = bijectors.GluedCircles(holes, 1e-6)
    assert len(glue.pinches) == holes - 1
    for pinch in glue.pinches:
        height = np.sqrt(1 - pinch**2)
        pair = glue.forward(np.array([[pinch, height], [pinch, -height]]) * 3.0)
        np.testing.assert_allclose(pair, [[pinch, 0.0]] * 2, atol=1e-5)
        back = glue.inverse(tf.constant([[pinch, 0.0]], tf.float64))
        assert np.all(np.isfinite(back))
        assert np.isneginf(glue.forward_log_det_jacobian(back, event_ndims=1))


@pytest.mark.parametrize("name", PROBS)
@pytest.mark.parametrize("rotation", [0.0, 0.7])
def test_sectors_against_geometry(name, rotation):
    probs = PROBS[name]
    sectors = bijectors.Sectors(probs=probs, rotation=rotation, **far_push())
    y = points(2)
    expected = [reference.sectors(row, probs, 5.0, 0.2, rotation) for row in y]
    np.testing.assert_allclose(sectors.forward(y), [e[0] for e in expected], rtol=1e-10)
    np.testing.assert_array_equal(sectors.component(y), [e[1] for e in expected])
    np.testing.assert_array_equal(sectors.component(sectors.forward(y)), [e[1] for e in expected])
    assert {e[1] for e in expected} == set(range(len(probs)))
    # The default rounding changes what lies next to a border only.
    deep = np.array([e[2] for e in expected]) > 0.2
    rounded = bijectors.Sectors(probs=probs, rotation=rotation).forward(y[deep])
    np.testing.assert_allclose(rounded, np.array([e[0] for e in expected])[deep], atol=5e-3)


@pytest.mark.parametrize("name", PROBS)
def test_sectors_are_continuous_across_borders_and_the_origin(name):
    """Pairs of points on both sides of a border come closer as the pairs do."""
    sectors = bijectors.Sectors(probs=PROBS[name])
    for border, radius in itertools.product(sector_borders(PROBS[name]), [0.0, 1e-3, 1.0, 30.0]):
        on = radius * np.array([np.cos(border), np.sin(border)])
        across = np.array([-np.sin(border), np.cos(border)])
        np.testing.assert_allclose(sectors.forward(on[np.newaxis]), [on], atol=1e-8)
        gaps = []
        for step in (0.1, 1e-5, 1e-8, 1e-11):
            sides = sectors.forward(np.stack([on + step * across, on - step * across])).numpy()
            gaps.append(np.linalg.norm(sides[0] - sides[1]))
        assert all(b < a for a, b in itertools.pairwise(gaps))
        assert gaps[-1] < 1e-6
        if radius >= 1:  # and a tenth away they are torn apart
            assert gaps[0] > 0.5


@pytest.mark.parametrize("name", PROBS)
def test_gradients_on_borders_are_finite_in_float32(name):
    borders = sector_borders(PROBS[name])
    y = np.concatenate(
        [
            r * np.stack([np.cos(borders), np.sin(borders)], -1)
            for r in (0, 1e-30, 1e-3, 1, 1e6, 1e18, 1e30)
        ]
    )
    probs = tf.constant(PROBS[name], tf.float32)
    y = tf.constant(y, tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([y, probs])
        z = bijectors.Sectors(probs=probs).forward(y)
        total = tf.reduce_sum(tf.tanh(z))
    assert np.all(np.isfinite(z))
    for gradient in tape.gradient(total, [y, probs]):
        assert np.all(np.isfinite(gradient))
    assert np.all(np.isfinite(tape.batch_jacobian(z, y)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slope_of_the_push_is_its_gradient(dtype):
    """Where |s| is the softening too."""
    push = bijectors.Push(5.0, 0.2, 0.01)
    s = tf.constant([0.0, 1e-30, -1e-4, 0.01, -0.01, 0.3, 1e15], dtype)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(s)
        value, slope = push(s), push.slope(s)
    np.testing.assert_allclose(tape.gradient(value, s), slope, rtol=1e-5)
    # And the slope's own, which log-determinants bring.
    step = 1e-5
    moved = (push.slope(s[3] + step) - push.slope(s[3] - step)) / (2 * step)
    np.testing.assert_allclose(tape.gradient(slope, s)[3], moved, rtol=0.01)


def test_gradients_of_the_inverse_next_to_the_apex_of_a_wide_sector():
    """Squares of such distances underflow in float32."""
    z = np.array([[size, 0.0] for size in (1e-30, 1e-20, 1e-18, 1e-12, 1e-3)])
    wide = bijectors.Sectors(probs=[0.98, 0.02])
    found = {}
    for dtype in ("float32", "float64"):
        there = tf.constant(z, dtype)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(there)
            y = wide.inverse(there)
            log_det = wide.inverse_log_det_jacobian(there, event_ndims=1)
        # Second derivatives, those of the log-determinant, overflow there.
        found[dtype] = y.numpy(), tape.batch_jacobian(y, there).numpy(), log_det.numpy()
        assert not np.any(np.isnan(tape.gradient(log_det, there)))
    for ours, exact in zip(found["float32"], found["float64"], strict=True):
        assert np.all(np.isfinite(ours))
        np.testing.assert_allclose(ours, exact, rtol=1e-3, atol=1e-6)


def test_probabilities_that_round_to_zero_pass_eagerly_as_in_graphs():
    y = tf.constant(points(2, 50), tf.float32)

    def run(logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            sectors = bijectors.Sectors(probs=tf.nn.softmax(logits))
            z = sectors.forward(y)
            total = tf.reduce_sum(tf.tanh(z))
        return z, tape.gradient(total, logits), sectors.component(y)

    logits = tf.constant([60.0, -60.0])
    assert tf.nn.softmax(logits)[1] < 1e-30
    far = tf.constant([200.0, -200.0])
    assert tf.nn.softmax(far)[1] == 0.0
    for given in (logits, far):
        eager, graph = run(given), tf.function(run)(given)
        for ours, theirs in zip(eager, graph, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
            assert np.all(np.isfinite(ours))
        assert not np.any(eager[2])


@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_the_inverse_of_halves_has_its_gradient_at_the_tear(offset):
    halves = bijectors.Halves(offset, 5.0, 0.2, 0.01)
    z = tf.constant([[-1e-3], [0.0], [1e-3]], tf.float64)
    back, jacobian = value_and_jacobian(halves.inverse, z)
    slope = 1 / (1 + bijectors.Push(5.0, 0.2, 0.01).slope(back + offset))
    np.testing.assert_allclose(jacobian[..., 0], slope, rtol=1e-6)
    np.testing.assert_allclose(jacobian[1, 0, 0], 1 / (1 + 5 * 0.01**-0.8), rtol=1e-6)


def test_the_sphere_and_what_is_outside_have_no_preimage():
    sphere = bijectors.SphereProjection(0.1)
    z = tf.constant([[2.0, 0.0], [0.0, -1.0], [0.6, 0.8001], [0.6, 0.7]], tf.float64)
    back = sphere.inverse(z).numpy()
    assert np.all(np.isnan(back[:3]))
    np.testing.assert_allclose(sphere.forward(back[3:]), z[3:], rtol=1e-12)
    outside = sphere.inverse_log_det_jacobian(tf.identity(z), event_ndims=1)
    assert np.all(np.isnan(outside[:1]))


def test_sectors_leave_a_gap():
    """Hardly any mass stays near the borders, where the normal has much."""
    y = points(2, 20_000, spread=1.0)
    sectors = bijectors.Sectors(3)
    z = sectors.forward(y).numpy()
    borders = sector_borders(PROBS["three"])

    def near(x, distance):
        rays = np.stack([np.cos(borders), np.sin(borders)])
        across = np.abs(x[:, :1] * rays[1] - x[:, 1:] * rays[0])
        return np.mean(np.any((across < distance) & (x @ rays > 0), axis=-1))

    assert near(y, 0.5) > 0.4
    assert near(z, 0.5) < 0.01
    counts = np.bincount(sectors.component(z), minlength=3) / 20_000
    np.testing.assert_allclose(counts, 1 / 3, atol=0.02)


def test_two_sectors_change_the_first_dimension_only():
    y = points(2)
    z = bijectors.Sectors(2).forward(y).numpy()
    np.testing.assert_allclose(z[:, 1], y[:, 1], atol=1e-12)
    halves = bijectors.Halves().forward(y[:, :1])
    np.testing.assert_allclose(z[:, :1], halves, rtol=1e-12)


def test_halves():
    halves = bijectors.Halves(0.3, **far_push(2.0, 0.5))
    y = points(1)
    shifted = y + 0.3
    expected = shifted + 2 * np.sign(shifted) * np.sqrt(np.abs(shifted))
    np.testing.assert_allclose(halves.forward(y), expected, rtol=1e-10)
    np.testing.assert_array_equal(halves.component(y), np.where(shifted < 0, 1, 0))
    np.testing.assert_allclose(halves.forward(np.array([-0.3])), 0.0, atol=1e-9)


def test_gradients_reach_the_probabilities_and_the_offset():
    y = tf.constant(points(2, 50))
    logits, offset = tf.constant([0.1, 0.4, -0.2], tf.float64), tf.constant(0.2, tf.float64)

    def loss(logits, offset):
        sectors = bijectors.Sectors(probs=tf.nn.softmax(logits))
        halves = bijectors.Halves(offset)
        return tf.reduce_sum(tf.tanh(sectors.forward(y)) + tf.tanh(halves.forward(y)))

    with tf.GradientTape() as tape:
        tape.watch([logits, offset])
        value = loss(logits, offset)
    gradients = tape.gradient(value, [logits, offset])
    step = 1e-7
    for i in range(3):
        moved = loss(logits + step * tf.one_hot(i, 3, dtype=tf.float64), offset)
        np.testing.assert_allclose(gradients[0][i], (moved - value) / step, rtol=1e-3, atol=1e-4)
    moved = loss(logits, offset + step)
    np.testing.assert_allclose(gradients[1], (moved - value) / step, rtol=1e-3)


def test_gradients_through_the_inverse_reach_the_probabilities():
    """The implicit function theorem against differences."""
    y = points(2, 50)
    logits = tf.constant([0.1, 0.9, -0.2], tf.float64)
    z = tf.constant(bijectors.Sectors(probs=tf.nn.softmax(logits)).forward(y).numpy())

    def loss(logits):
        inverse = bijectors.Sectors(probs=tf.nn.softmax(logits)).inverse(tf.identity(z))
        return tf.reduce_sum(tf.sin(inverse))

    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(logits)
    gradient = tape.gradient(value, logits)
    for i in range(3):
        moved = loss(logits + 1e-7 * tf.one_hot(i, 3, dtype=tf.float64))
        np.testing.assert_allclose(gradient[i], (moved - value) / 1e-7, rtol=1e-3, atol=1e-4)


def test_selection_penalty_against_equation_7():
    rng = np.random.default_rng(0)
    selections = rng.random((3, 7, 4))
    expected = np.mean([reference.selection_penalty(batch) for batch in selections])
    actual = bijectors.selection_penalty(np.log(selections))
    np.testing.assert_allclose(actual, expected, rtol=1e-12)
    # Each point switches on another dimension: as small as it gets.
    sharp = bijectors.selection_penalty(np.log(np.eye(4) + 1e-30))
    np.testing.assert_allclose(sharp, -np.log(4), rtol=1e-6)
    # All the same dimension, or all dimensions: nothing gained.
    same = np.log(np.tile(np.eye(4)[:1], (4, 1)) + 1e-30)
    np.testing.assert_allclose(bijectors.selection_penalty(same), 0.0, atol=1e-9)
    np.testing.assert_allclose(bijectors.selection_penalty(np.zeros((4, 4))), 0.0, atol=1e-12)


def test_selection_penalty_of_vanishing_selections_is_finite():
    logits = tf.constant([[-1e30, -200.0, -300.0], [-150.0, -400.0, -400.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        penalty = bijectors.selection_penalty(tf.math.log_sigmoid(logits))
    assert np.isfinite(penalty)
    assert np.all(np.isfinite(tape.gradient(penalty, logits)))


def test_hierarchies_let_high_levels_shape_low_ones_only():
    def step(above, own):
        return own * tf.reduce_sum(above, -1, keepdims=True)

    hierarchy = bijectors.Hierarchy([step, step], [2, 1, 2])
    y = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    np.testing.assert_allclose(hierarchy.forward(y), [[1, 2, 9, 36, 45]])
    _, jacobian = value_and_jacobian(hierarchy.forward, tf.constant(y))
    seen = jacobian.numpy()[0] != 0
    assert seen[2, :3].all()
    assert seen[3, :4].all()
    assert not seen[:2, 2:].any()
    assert not seen[2, 3:].any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bijectors.Sectors(1), "`num_sectors` must be an integer of at least 2: .*: 1"),
        (lambda: bijectors.Sectors(2.5), "`num_sectors` must be an integer"),
        (lambda: bijectors.Sectors(), "either `num_sectors`"),
        (lambda: bijectors.Sectors(2, probs=[0.5, 0.5]), "either `num_sectors`"),
        (lambda: bijectors.Sectors(probs=[1.0]), "at least 2 probabilities"),
        (lambda: bijectors.Sectors(probs=[0.5, 0.6]), "sum to 1"),
        (lambda: bijectors.Sectors(probs=tf.constant([1.2, -0.2])), "positive"),
        (lambda: bijectors.Sectors(probs=0.5), "vector of at least 2 probabilities"),
        (lambda: bijectors.Sectors(probs=["half", 0.5]), "`probs` must be numbers"),
        (lambda: bijectors.Sectors(2, rotation=float("nan")), "`rotation` must be a finite"),
        (lambda: bijectors.Sectors(2, rotation=None), "`rotation` must be a finite.*None"),
        (lambda: bijectors.Sectors(2, exponent=1.5), r"`exponent` .* \(0, 1\].*: 1.5"),
        (lambda: bijectors.Sectors(2, strength=0.0), "`strength` must be a positive.*0.0"),
        (lambda: bijectors.Halves(softening=0.0), "`softening` must be a positive.*0.0"),
        (lambda: bijectors.SphereProjection(0.0), "`epsilon` must be a positive.*: 0.0"),
        (lambda: bijectors.GluedCircles(0), "`num_holes` must be a positive.*hole.*: 0"),
        (lambda: bijectors.Hierarchy([], [2, 2]), "one function for each level but the first"),
        (lambda: bijectors.AffineHierarchy([abs], [2, 0]), r"`sizes\[1\]` must be a positive.*0"),
        (lambda: bijectors.Hierarchy([], 2), "`sizes` must be a list of integers: .*Received: 2"),
        (lambda: bijectors.blockwise([bijectors.Sectors(2)], [2], 1), "sum to 2, more than the 1"),
        (lambda: bijectors.blockwise([], []), "Each bijector needs a size"),
        (lambda: bijectors.selection_penalty(np.zeros(3)), "a batch of points"),
    ],
)
def test_impossible_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_selector_must_be_a_function():
    with pytest.raises(TypeError, match="`selector` must be a function"):
        bijectors.DimensionSelector(3)
