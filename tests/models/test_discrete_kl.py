"""The KL of the units and its gradient against enumeration and quadrature, 3 + 3 units."""

import numpy as np
import pytest
import tensorflow as tf
from reference import discrete_vae as reference
from scipy import optimize

from tfsp.models.discrete import kl as unit_kl
from tfsp.models.discrete.posterior import HierarchicalPosterior
from tfsp.models.discrete.units import Units
from tfsp.priors.boltzmann import BoltzmannPrior

CONTEXT = np.array([0.7, -1.2])
SMOOTHINGS = {
    "dvae": ("spike_and_exponential", 3.0),
    "dvae++": ("overlapping_exponential", 4.0),
    "dvae#": ("power_function", 3.0),
    "gaussian": ("gaussian_integral", 2.0),
}
NUM_DRAWS = 1_500  # in each of
NUM_BATCHES = 40


class Machine:
    """A prior and a posterior of two groups with weights far from their start."""

    def __init__(self, case, sum_out_later=True, num_units=6):
        name, beta = SMOOTHINGS[case]
        self.smoothing, self.num_units = (name, beta), num_units
        self.prior = BoltzmannPrior(
            num_units,
            smoothing={"name": name, "beta": beta},
            num_chains=NUM_DRAWS,
            dtype="float64",
        )
        self.prior.build()
        self.posterior = HierarchicalPosterior(
            num_units,
            2,
            2,
            self.prior.smoothing.num_parameters,
            hidden=(2,),
            activation="tanh",
        )
        self.posterior.build()
        rng = np.random.default_rng(0)
        for weight in [*self.prior.trainable_weights, *self.posterior.trainable_weights]:
            weight.assign(rng.normal(scale=1.0, size=weight.shape))
        self.prior.refresh_log_z("exact")
        variant = "dvae#" if case == "gaussian" else case
        self.units = Units(self.prior, variant, self.posterior.groups, sum_out_later)
        self.weights = self._ordered()

    def _ordered(self):
        """W, b, then each group's kernels in the order of `reference.perceptron`."""
        weights = [self.prior.couplings, self.prior.bias]
        for network in self.posterior.networks:
            weights += [network.context_dense.kernel, network.context_dense.bias]
            if network.latent_dense is not None:
                weights.append(network.latent_dense.kernel)
            (dense,) = network.dense
            weights += [dense.kernel, dense.bias]
        return weights

    def exact_kl(self, flat=None, count=10):
        """By the reference, as a function of all weights in one vector."""
        arrays = [w.numpy() for w in self.weights]
        if flat is not None:
            ends = np.cumsum([a.size for a in arrays])[:-1]
            parts = np.split(flat, ends)
            arrays = [p.reshape(a.shape) for p, a in zip(parts, arrays, strict=True)]
        couplings, bias, a, b, c, d, e, f, g, h, i = arrays
        first = reference.perceptron(CONTEXT, None, (a, b, None, c, d))

        def second(zeta):
            return reference.perceptron(CONTEXT, zeta, (e, f, g, h, i))

        exact = reference.two_group_kl if self.num_units > 2 else reference.relaxed_kl
        return exact(first, second, couplings, bias, *self.smoothing, count)

    def exact_gradient(self):
        flat = np.concatenate([w.numpy().ravel() for w in self.weights])
        count = 10 if self.num_units > 2 else 60
        return optimize.approx_fprime(flat, lambda flat: self.exact_kl(flat, count), 1e-6)

    def draw(self, seed, num_draws=NUM_DRAWS):
        context = tf.constant(CONTEXT[np.newaxis])
        return self.posterior.draw(self.units.quantile, context, num_draws, seed)

    def gradients(self, loss, num_batches=NUM_BATCHES):
        """Gradients of `loss(seed)` for many seeds: `[num_batches, num_weights]`."""
        variables = [w.value for w in self.weights]

        @tf.function
        def gradient(seed):
            with tf.GradientTape() as tape:
                value = loss(seed)
            found = tape.gradient(value, variables, unconnected_gradients="zero")
            return tf.concat([tf.reshape(g, [-1]) for g in found], axis=0)

        rng = np.random.default_rng(1)
        z = reference.states(self.num_units)
        log_p = reference.log_prob_units(self.prior.couplings.numpy(), self.prior.bias.numpy())
        rows = []
        for seed in range(num_batches):
            # Chains in equilibrium, independent of each other.
            self.prior.chains.assign(z[rng.choice(len(z), NUM_DRAWS, p=np.exp(log_p))])
            rows.append(gradient(tf.constant([seed, 7])).numpy())
        return np.array(rows)

    def mean_kl(self, seed):
        parameters, zeta, rho = self.draw(seed)
        return tf.reduce_mean(self.units.kl(parameters, zeta, rho))


@pytest.mark.parametrize(
    ("variant", "sum_out_later"), [("dvae", True), ("dvae", False), ("dvae++", True)]
)
def test_value_and_gradient_against_quadrature(variant, sum_out_later, float64):
    """Eqs. (11) and (12): all weights of prior and posterior, 4 standard errors."""
    machine = Machine(variant, sum_out_later)
    assert abs(machine.exact_kl(count=10) - machine.exact_kl(count=14)) < 1e-6
    kl = machine.units.kl(*machine.draw([3, 3], 40_000)).numpy()[:, 0]
    error = kl.std() / np.sqrt(len(kl))
    assert error < 0.02
    assert abs(kl.mean() - machine.exact_kl()) < 4 * error

    exact = machine.exact_gradient()
    assert len(exact) == 51
    gradients = machine.gradients(machine.mean_kl)
    error = gradients.std(0, ddof=1) / np.sqrt(len(gradients))
    # Small enough to see a missing factor in any but the least gradients.
    assert np.median(error / np.maximum(np.abs(exact), 1e-3)) < 0.01
    # 51 comparisons at 4 standard errors: a right estimator fails with probability 0.3%.
    assert np.all(np.abs(gradients.mean(0) - exact) < 4 * error + 1e-5)


@pytest.mark.parametrize("case", ["dvae#", "gaussian"])
def test_relaxed_prior_against_quadrature(case, float64):
    """KL(q(zeta) || p(zeta)) and its gradient, 1 + 1 units, 4 standard errors."""
    machine = Machine(case, num_units=2)
    if case == "dvae#":  # so weak a coupling that the mean field errs by less than 1e-3
        machine.prior.couplings.assign([[0.2]])
        machine.prior.refresh_log_z("exact")
    assert abs(machine.exact_kl(count=60) - machine.exact_kl(count=80)) < 3e-4
    kl = machine.units.kl(*machine.draw([3, 3], 30_000)).numpy()[:, 0]
    error = kl.std() / np.sqrt(len(kl))
    assert error < 0.01 * (1.0 + kl.mean())
    assert abs(kl.mean() - machine.exact_kl(count=60)) < 4 * error + 1e-3
    exact = machine.exact_gradient()
    gradients = machine.gradients(machine.mean_kl)
    error = gradients.std(0, ddof=1) / np.sqrt(len(gradients))
    assert np.max(error) < 0.1 * np.max(np.abs(exact))
    # Besides the standard errors those of the mean field and of the quadrature.
    assert np.all(np.abs(gradients.mean(0) - exact) < 4 * error + 1e-3)


def test_variance_is_lower_than_that_of_reinforce(float64):
    """As the paper claims: here by a factor of 8, for the sum over the posterior's weights."""
    machine = Machine("dvae", sum_out_later=False)
    size = sum(int(np.prod(w.shape)) for w in machine.posterior.trainable_weights)
    ours = machine.gradients(machine.mean_kl)[:, -size:]

    def reinforce(seed):
        _, zeta, _ = machine.draw(seed)
        z = tf.cast(zeta > 0.0, zeta.dtype)
        # zeta is what was drawn: nothing is differentiated through it.
        (logits,), _ = machine.posterior.unfold(
            tf.constant(CONTEXT[np.newaxis]), lambda part, _: tf.stop_gradient(zeta[..., part])
        )
        log_q = tf.reduce_sum(z * logits - tf.nn.softplus(logits), axis=-1)
        reward = tf.stop_gradient(log_q - machine.prior.log_prob_units(z))
        baseline = tf.reduce_mean(reward)
        return tf.reduce_mean((reward - baseline) * log_q)

    theirs = machine.gradients(reinforce)[:, -size:]
    exact = machine.exact_gradient()[-size:]
    error = theirs.std(0, ddof=1) / np.sqrt(len(theirs))
    # A draw's own reward is in its baseline: a bias of 1 / NUM_DRAWS of the gradient.
    bias = 2 * np.abs(exact) / NUM_DRAWS
    assert np.all(np.abs(theirs.mean(0) - exact) < 4 * error + bias + 1e-5)
    assert theirs.var(0, ddof=1).sum() > 4 * ours.var(0, ddof=1).sum()


def naive_gradient(logits, z, weights, groups, sum_out_later):
    """d(-E[l'Wr]) / d logits of eq. (12) for one draw, by loops over pairs."""
    q = 1 / (1 + np.exp(-logits))
    num_left, out = len(weights), np.zeros_like(q)
    last = max(groups)
    later = np.where((np.array(groups) == last) | sum_out_later, q, z)
    for i in range(num_left):
        for j in range(num_left, len(q)):
            for one, other in ((i, j), (j, i)):
                w = weights[i, j - num_left]
                if groups[one] < groups[other]:
                    out[one] -= w * (1 - z[one]) / (1 - q[one]) * later[other]
                elif groups[one] > groups[other]:
                    out[one] -= w * z[other]
                else:
                    out[one] -= w * later[other]
    return out * q * (1 - q)


@pytest.mark.parametrize("sum_out_later", [True, False])
@pytest.mark.parametrize(
    "groups",
    [[0] * 6, [0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2], [1, 0, 2, 0, 2, 1], [1, 1, 1, 0, 0, 0]],
)
def test_which_unit_of_a_pair_is_the_earlier_one(groups, sum_out_later):
    rng = np.random.default_rng(0)
    logits, z = rng.normal(size=(50, 6)), rng.integers(0, 2, (50, 6)).astype(float)
    weights = rng.normal(size=(3, 3))
    roles = unit_kl.PairRoles(groups, 3)
    with tf.GradientTape() as tape:
        x = tf.constant(logits)
        tape.watch(x)
        earlier = unit_kl.spike_indicator(x, tf.constant(z))
        later = None if sum_out_later else unit_kl.drawn_later(x, tf.constant(z), groups)
        terms = unit_kl.kl_without_log_z(
            tf.constant(weights), tf.zeros(6, tf.float64), x, earlier, roles, later
        )
    gradient = tape.gradient(terms, x)
    q = 1 / (1 + np.exp(-logits))
    expected = [
        naive_gradient(a, b, weights, groups, sum_out_later) for a, b in zip(logits, z, strict=True)
    ]
    # -dH = g dq
    np.testing.assert_allclose(gradient, logits * q * (1 - q) + expected, rtol=1e-9, atol=1e-12)
    # With draws on both sides the score is that of the machine itself.
    score = unit_kl.expected_score(
        tf.constant(weights), tf.ones(6, tf.float64), tf.constant(z), tf.constant(z), roles
    )
    direct = z.sum(1) + np.einsum("bl,lr,br->b", z[:, :3], weights, z[:, 3:])
    np.testing.assert_allclose(score, direct, rtol=1e-12)


def test_indicator_is_finite_for_certain_units():
    logits = tf.constant([-200.0, -30.0, 30.0, 200.0])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = unit_kl.spike_indicator(logits, tf.constant([0.0, 0.0, 0.0, 1.0]))
        entropy = unit_kl.negative_entropy(logits[:, tf.newaxis])
        total = tf.reduce_sum(value) + tf.reduce_sum(entropy)
    assert np.all(np.isfinite(tape.gradient(total, logits)))
    np.testing.assert_allclose(entropy, np.zeros(4), atol=1e-6)
