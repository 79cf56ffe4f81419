"""How TFP transforms, trains and samples our distributions: discrete ones, supports, joints."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from reference import tmc as reference_tmc

from distributions.property_cases import CASES, LEAVES, PARENT, TIME
from tfsp import distributions, tmc

tfb, tfd = tfp.bijectors, tfp.distributions
every = pytest.mark.parametrize("name", CASES)


def double(value):
    return tf.constant(value, tf.float64)


def test_probabilities_of_levels_stay_what_they_are_on_another_scale():
    pixels = distributions.DiscretizedLogistic(double([0.2, 0.9]), double(-1.0), 16)
    counts = tfd.TransformedDistribution(pixels, tfb.Scale(double(15.0)))
    total = np.exp(counts.log_prob(np.arange(16.0)[:, None])).sum(axis=0)
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


def test_probabilities_of_states_stay_what_they_are_as_spins():
    machine = CASES["BoltzmannMachine"].build(tf.float64)
    spins = tfb.Shift(double(-1.0))(tfb.Scale(double(2.0)))
    states = np.stack(np.meshgrid(*[[-1.0, 1.0]] * 4), axis=-1).reshape(-1, 4)
    total = np.exp(tfd.TransformedDistribution(machine, spins).log_prob(states)).sum()
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


@pytest.mark.parametrize(
    "name", ["SpikeAndSlab"] + [name for name in CASES if name.startswith("SmoothedBinary")]
)
def test_atoms_keep_their_probability_and_slabs_are_stretched(name):
    case = CASES[name]
    distribution = case.build(tf.float64)
    scale = tfb.Chain([tfb.Scale(double(3.0)), tfb.Scale(double(5.0))])
    stretched = tfd.TransformedDistribution(distribution, scale)
    z = tf.concat([tf.zeros_like(distribution.mean())[tf.newaxis], distribution.sample(4)], 0)
    has_atom = name == "SpikeAndSlab" or "spike" in name
    at_atom = (z.numpy() == 0.0) & has_atom
    expected = distribution.log_prob(z) - np.where(at_atom, 0.0, np.log(15.0))
    np.testing.assert_allclose(stretched.log_prob(15.0 * z), expected, rtol=1e-10)
    assert np.any(at_atom) == has_atom


@every
def test_default_bijectors_lead_into_the_support(name):
    """From all real numbers and back, with finite slopes, also where float32 overflows."""
    case = CASES[name]
    distribution = case.build()
    bijector = distribution.experimental_default_event_space_bijector()
    if case.discrete or name.startswith("TMC"):
        assert bijector is None
        return
    shape = [7, *distribution.batch_shape, *distribution.event_shape]
    y = tf.random.stateless_normal(shape, (0, 1), dtype=distribution.dtype)
    x = bijector.forward(y)
    assert np.all(np.isfinite(distribution.log_prob(x)))
    np.testing.assert_allclose(bijector.inverse(tf.identity(x)), y, rtol=1e-4, atol=1e-5)
    far = y * 200.0
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(far)
        x = bijector.forward(far)
        slope = bijector.forward_log_det_jacobian(far, event_ndims=distribution.event_shape.rank)
    for value in (x, slope, tape.gradient(x, far), tape.gradient(slope, far)):
        assert value is None or np.all(np.isfinite(value))


@pytest.mark.parametrize(
    ("name", "shape"),
    [("DiscretizedLogistic", [2, 3]), ("SpikeAndSlab", [2]), ("TMC", []), ("Normal", [3])]
    + [(name, [2]) for name in CASES if name.startswith("SmoothedBinary")],
)
def test_make_trainable(name, shape):
    case = CASES[name]
    model = tfp.experimental.util.make_trainable(
        case.make, batch_and_event_shape=shape + [7] * (name == "TMC"), **case.others
    )
    assert model.batch_shape == shape
    draws = case.build().sample(seed=(0, 1)) if name == "TMC" else model.sample(seed=(0, 1))
    with tf.GradientTape() as tape:
        log_prob = model.log_prob(draws)
    assert all(g is not None for g in tape.gradient(log_prob, model.trainable_variables))


@pytest.mark.parametrize("name", ["DiagonalGaussianMixture", "BoltzmannMachine", "Attachment"])
def test_what_a_sample_does_not_tell_must_be_given(name):
    case = CASES[name]
    tree = {key: value for key, value in case.tensors().items() if key in ("parent", "time")}
    with pytest.raises(NotImplementedError, match="does not tell the number of .*pass"):
        tfp.experimental.util.make_trainable(
            case.make, batch_and_event_shape=[3], **tree, **case.others
        )


def test_a_joint_distribution_of_tree_leaves_and_codes():
    joint = tfd.JointDistributionNamed(
        {
            "tree": distributions.TMC(4),
            "leaves": lambda tree: distributions.BrownianLeaves(*tree, 3),
            "z": lambda tree, leaves: tmc.Attachment(*tree, leaves),
        }
    )
    for shape in ([], [2]):
        draws, log_prob = joint.experimental_sample_and_log_prob(shape, seed=(0, 1))
        assert draws["leaves"].shape == [*shape, 4, 3]
        for i in np.ndindex(*shape):
            parent, time, leaves = (
                np.asarray(part[i]) for part in (*draws["tree"], draws["leaves"])
            )
            expected = reference_tmc.topology_log_prob(parent)
            expected += reference_tmc.time_log_prob(parent, time, 2.0, 2.0)
            expected += reference_tmc.log_likelihood(parent, time, leaves)
            expected += tmc.Attachment(parent, time, leaves).log_prob(draws["z"][i])
            np.testing.assert_allclose(log_prob[i], expected, rtol=1e-10)
        again = tf.function(lambda shape=shape: joint.sample(shape, seed=(0, 1)))()
        np.testing.assert_allclose(again["z"], draws["z"], rtol=1e-10)


def test_nuts_on_a_joint_with_an_attachment():
    """z of the tree, seen with noise: the posterior mean against sums over the mixture."""
    noise, seen = 0.5, np.array([0.6, -0.8, 0.3])
    prior = tmc.Attachment(PARENT, TIME, LEAVES[0], num_nodes=(6, 3))
    joint = tfd.JointDistributionNamed(
        {
            "z": prior,
            "seen": lambda z: tfd.MultivariateNormalDiag(z, double([noise] * 3)),
        }
    )

    @tf.function(autograph=False)
    def sample():
        return tfp.experimental.mcmc.windowed_adaptive_nuts(
            100,
            joint,
            n_chains=4,
            num_adaptation_steps=60,
            max_tree_depth=4,
            seed=(0, 1),
            seen=double(seen),
        )[0]["z"]

    draws = sample().numpy()
    table = prior.table()
    x = table.position.numpy()[:, None]
    nodes, variance = table.mean.numpy(), table.variance.numpy()[:, None]
    centre = (1 - x) * nodes[table.upper.numpy()] + x * nodes[table.edge.numpy()]
    total = variance + noise**2
    squares = np.sum((seen - centre) ** 2 / total + np.log(total), axis=1)
    weight = np.exp(table.log_weight.numpy() - 0.5 * squares)
    mean = (centre * noise**2 + seen * variance) / total
    exact = np.sum(weight[:, None] * mean, axis=0) / np.sum(weight)
    assert draws.shape == (100, 4, 3)
    # 400 draws of deviation below 0.5, worth at least 50 independent ones; five deviations.
    assert np.all(np.abs(draws.mean(axis=(0, 1)) - exact) < 5 * 0.5 / np.sqrt(50))


def test_slopes_in_the_times_are_those_of_the_dense_gaussian():
    time = tf.Variable(TIME)
    tree = distributions.TMC(4, 1.5, 0.8)
    free = [v for v in range(4, 7) if PARENT[v] >= 0]

    def both(times):
        leaves = reference_tmc.log_likelihood(PARENT, times, LEAVES[0])
        return np.array([leaves, reference_tmc.time_log_prob(PARENT, times, 1.5, 0.8)])

    with tf.GradientTape(persistent=True) as tape:
        leaves = distributions.BrownianLeaves(PARENT, time, 3).log_prob(LEAVES[0])
        prior = tree.log_prob(distributions.Tree(tf.constant(PARENT), tf.identity(time)))
    slopes = [tape.gradient(value, time).numpy() for value in (leaves, prior)]
    for v in free:
        step = np.zeros(7)
        step[v] = 1e-6
        expected = (both(TIME + step) - both(TIME - step)) / 2e-6
        np.testing.assert_allclose([s[v] for s in slopes], expected, rtol=1e-6)
    fixed = [v for v in range(7) if v not in free]
    assert np.all(slopes[0][fixed] == 0)
