"""The tree over all training points: the joint term, its gradient, the start, the errors."""

import itertools

import numpy as np
import pytest
import reference.tmc as reference
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import priors, subset
from tfsp.priors import tmc_start
from tfsp.tmc import Phylogeny, dendrogram_purity

tfd = tfp.distributions
N, D = 6, 3


def case(dtype="float64", seed=0):
    """A started prior over N points, their posterior means and standard deviations, the tree."""
    rng = np.random.default_rng(seed)
    parent, time = reference.random_tree(rng, N)
    loc, scale = rng.normal(size=(N, D)), rng.uniform(0.1, 0.8, size=(N, D))
    prior = priors.TMCPrior(D, num_points=N, dtype=dtype)
    prior.build()
    prior.start(loc, np.sum(scale**2, axis=1), parent, time, burn_in=0)
    np.testing.assert_array_equal(prior.parent[0], parent)
    np.testing.assert_array_equal(prior.time[0], time)
    return prior, loc, scale, (parent, time)


def posterior(loc, scale):
    return tfd.Independent(tfd.Normal(loc, scale), 1)


def full_term(loc, scale, tree):
    """1/N of -sum_n H[q_n] - E_q[log r], from the dense covariance of the tree."""
    entropy = np.sum(0.5 * np.log(2 * np.pi * np.e * scale**2))
    return -(entropy + reference.expected_log_likelihood(*tree, loc, scale)) / len(loc)


def test_joint_term_is_that_of_the_dense_gaussian():
    prior, loc, scale, tree = case()
    rng = np.random.default_rng(1)
    index = np.array([4, 0])
    fresh, spread = rng.normal(size=(2, D)), rng.uniform(0.1, 0.8, size=(2, D))
    term = prior.joint_kl(posterior(fresh, spread), index)
    assert term.shape == (2,)
    loc[index], scale[index] = fresh, spread
    joint = reference.expected_log_likelihood(*tree, loc, scale)
    entropy = np.sum(0.5 * np.log(2 * np.pi * np.e * spread**2), axis=1)
    np.testing.assert_allclose(term, -entropy - joint / N, rtol=1e-10)
    # The batch is stored, the others are as they were.
    np.testing.assert_array_equal(prior.mean, loc)
    np.testing.assert_allclose(prior.variance, np.sum(scale**2, axis=1), rtol=1e-14)
    np.testing.assert_allclose(prior.expected_log_likelihood(), joint, rtol=1e-10)
    np.testing.assert_allclose(
        prior.log_joint(),
        joint + reference.topology_log_prob(tree[0]) + reference.time_log_prob(*tree),
        rtol=1e-10,
    )


@pytest.mark.parametrize("batch_size", [1, 2, N])
def test_gradient_averaged_over_all_batches_is_that_of_the_full_bound(batch_size):
    prior, loc, scale, tree = case()
    total = np.zeros((2, N, D))
    batches = list(itertools.combinations(range(N), batch_size))
    for batch in batches:
        index = np.array(batch)
        parts = [tf.constant(loc[index]), tf.constant(scale[index])]
        with tf.GradientTape() as tape:
            tape.watch(parts)
            mean = tf.reduce_mean(prior.joint_kl(posterior(*parts), index))
        total[:, index] += np.array(tape.gradient(mean, parts)) / len(batches)
        if batch_size == N:
            np.testing.assert_allclose(mean, full_term(loc, scale, tree), rtol=1e-10)
    step = 1e-6
    for k, array in enumerate((loc, scale)):
        for n, d in itertools.product(range(N), range(D)):
            start = array[n, d]
            array[n, d] = start + step
            up = full_term(loc, scale, tree)
            array[n, d] = start - step
            down = full_term(loc, scale, tree)
            array[n, d] = start
            np.testing.assert_allclose(total[k, n, d], (up - down) / (2 * step), rtol=1e-6)


def test_before_the_start_it_is_the_standard_normal():
    prior = priors.TMCPrior(D, num_points=N)
    prior.build()
    rng = np.random.default_rng(0)
    q = posterior(*(rng.uniform(0.2, 1.0, size=(2, D)).astype("float32") for _ in range(2)))
    normal = posterior(np.zeros(D, "float32"), np.ones(D, "float32"))
    np.testing.assert_allclose(
        prior.joint_kl(q, np.array([1, 3])), q.kl_divergence(normal), rtol=1e-5
    )
    z = q.sample(3, seed=[1, 2])
    np.testing.assert_allclose(prior.log_prob(z), normal.log_prob(z), rtol=1e-5)
    np.testing.assert_allclose(prior.kl(q, z)[2], q.kl_divergence(normal), rtol=1e-5)
    before = prior.parent.numpy()
    prior.update()
    np.testing.assert_array_equal(prior.parent, before)
    assert prior.health(np.zeros((N, D))) == {}
    with pytest.raises(ValueError, match="has not started: it does at epoch 5"):
        prior.phylogeny()


def test_a_new_point_is_scored_by_attachment_to_the_means():
    prior, loc, _, tree = case()
    z = np.random.default_rng(2).normal(size=(5, D))
    # A leaf's edge ends at a thousandth of its variance: hence not closer.
    exact = reference.predictive_log_prob(z, *tree, loc)
    np.testing.assert_allclose(prior.log_prob(z), exact, atol=0.02)
    with prior.portable():
        plain = prior.log_prob(z)
    np.testing.assert_allclose(plain, prior.log_prob(z), rtol=1e-8)
    leaf = int(prior.phylogeny().leaves_below(0)[0])
    assert prior.sample(7, seed=1, subtree=leaf).shape == (7, D)


def test_the_chain_draws_from_the_optimal_tree_posterior():
    """Three leaves with uncertain places: topologies against quadrature over the one free time.

    Eq. (9): q(tree) proportional to exp E_q[log r(tree, z)].
    """
    rng = np.random.default_rng(3)
    loc, scale = rng.normal(size=(3, D)), rng.uniform(0.2, 1.0, size=(3, D))
    times = (np.arange(400) + 0.5) / 400
    log_weight = np.zeros((2, 3, len(times)))  # with uncertain places, with certain ones
    for alone in range(3):
        parent = np.full(5, 3, np.int32)
        parent[alone], parent[4], parent[3] = 4, -1, 4
        for i, t in enumerate(times):
            tree = parent, np.array([1.0, 1.0, 1.0, t, 0.0])
            tree_prior = reference.topology_log_prob(parent) + reference.time_log_prob(*tree)
            for k, spread in enumerate((scale, 0 * scale)):
                log_weight[k, alone, i] = tree_prior + reference.expected_log_likelihood(
                    *tree, loc, spread
                )
    expected, certain = np.exp(log_weight - log_weight.max(axis=(1, 2), keepdims=True)).sum(axis=2)
    expected, certain = expected / expected.sum(), certain / certain.sum()
    prior = priors.TMCPrior(D, num_points=3, dtype="float64", moves_per_step=30)
    prior.build()
    prior.start(loc, np.sum(scale**2, axis=1), burn_in=100)
    step = tf.function(prior.update)
    visits = np.zeros(3)
    draws = 4000
    for _ in range(draws):
        step()
        parent = prior.parent.numpy()[0]
        root = int(np.flatnonzero(parent < 0)[0])
        visits[int(np.flatnonzero(parent[:3] == root)[0])] += 1
    # Thirty moves apart, draws are all but independent: six standard errors of a frequency fail
    # with a probability below 1e-8. A chain that left out the variances would be far off.
    error = np.sqrt(expected * (1 - expected) / draws)
    assert np.all(np.abs(visits / draws - expected) < 6 * error)
    assert np.max(np.abs(expected - certain) / error) > 12


def test_moves_find_the_clusters():
    """From a tree that knows nothing, two clusters become two subtrees."""
    rng = np.random.default_rng(0)
    labels = np.arange(20) % 2
    mean = (2 * labels - 1)[:, None] * np.ones(D) + 0.1 * rng.normal(size=(20, D))
    prior = priors.TMCPrior(D, num_points=20, dtype="float64", moves_per_step=500)
    prior.build()
    prior.start(mean, np.full(20, 0.01), *tmc_start.caterpillar(20), burn_in=0)
    before = float(prior.log_joint())
    step = tf.function(prior.update)
    for _ in range(20):
        step()
    assert float(prior.log_joint()) > before + 20
    assert dendrogram_purity(prior.phylogeny(), labels) == 1.0
    accepted, proposed = prior.move_counts.numpy()
    assert proposed.sum() == 10_000
    assert np.all(accepted <= proposed)
    health = prior.health(mean)
    np.testing.assert_allclose(health["log_joint"], prior.log_joint() / 20)
    np.testing.assert_allclose(health["staleness"], 0.0, atol=1e-6)
    np.testing.assert_allclose(health["posterior_variance"], 0.01 / D)
    assert health["acceptance_spr"] == accepted[0] / proposed[0]
    prior.begin_epoch(1)
    assert prior.move_counts.numpy().sum() == 0


def test_the_start_in_two_stages_keeps_clusters_together():
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 5
    points = 10 * rng.normal(size=(5, 4))[labels] + rng.normal(size=(300, 4))
    for limit in (300, 299):  # Ward's linkage whole, then in two stages
        tree = Phylogeny(*tmc_start.ward_tree(points, limit=limit))
        assert tree.num_leaves == 300
        assert dendrogram_purity(tree, labels) > 0.99


@pytest.mark.parametrize("num_leaves", [1, 2, 7])
def test_the_placeholder_is_a_tree(num_leaves):
    assert Phylogeny(*tmc_start.caterpillar(num_leaves)).num_leaves == num_leaves


def test_adapt_encodes_in_order_and_starts_once():
    prior = priors.TMCPrior(D, num_points=N, burn_in=50, refresh=False)
    prior.build()

    def encoded(x):
        return priors.Encoded(x, lambda x: posterior(x[:, :D], 0.5 + x[:, D:]))

    assert prior.wants_data
    x = np.random.default_rng(0).random((N + 2, 2 * D)).astype("float32")
    prior.adapt(encoded(x))
    assert not prior.wants_data
    taken = x[subset.rows(N + 2, N)]
    np.testing.assert_array_equal(prior.mean, taken[:, :D])
    np.testing.assert_allclose(prior.variance, np.sum((0.5 + taken[:, D:]) ** 2, axis=1), rtol=1e-6)
    tree = prior.phylogeny()
    prior.adapt(encoded(2 * x))  # only the encodings are new
    np.testing.assert_array_equal(prior.mean, 2 * taken[:, :D])
    assert prior.phylogeny() == tree
    with pytest.raises(ValueError, match="each of 6 training points.*Received: 5 examples"):
        prior.adapt(encoded(x[:5]))


@pytest.mark.parametrize("index", [[0, N], [-1, 2], [3, 3]])
@pytest.mark.parametrize("graph", [False, True])
def test_bad_indices_are_refused(index, graph):
    prior, loc, scale, _ = case()
    joint = tf.function(prior.joint_kl) if graph else prior.joint_kl
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"distinct and lie in \[0, 6\)"):
        joint(posterior(loc[:2], scale[:2]), tf.constant(index))


def test_the_number_of_points_may_come_late_but_only_once():
    prior = priors.TMCPrior(D)
    prior.waits_for_data = True
    prior.build()
    with pytest.raises(ValueError, match="does not know its number of points"):
        prior.sample(3)
    with pytest.raises(ValueError, match="does not know its number of points"):
        tf.function(prior.log_prob)(tf.zeros([1, D]))
    prior.set_num_points(N)
    prior.set_num_points(N)
    assert prior.mean.shape == (N, D)
    assert prior.get_config()["num_points"] == N
    with pytest.raises(ValueError, match="each of 6 training points. Received: 7"):
        prior.set_num_points(7)
    alone = priors.TMCPrior(D)
    alone.build()
    assert alone.num_points == 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_points": 1}, "`num_points` must be an integer of at least 2. Received: 1"),
        ({"num_points": 2.0}, "`num_points` must be an integer"),
        ({"start_epoch": -1}, "`start_epoch` must be a non-negative integer. Received: -1"),
        ({"start_epoch": None}, "`start_epoch` must be a non-negative integer. Received: None"),
        ({"moves_per_step": 0.5}, "`moves_per_step` must be a non-negative integer"),
        ({"burn_in": -1}, "`burn_in` must be"),
        ({"concentration0": 0.0}, "`concentration0` must be a positive number"),
        ({"move_mixture": (1, 1)}, "four proportions"),
        ({"edge_weights": "posterior"}, "'prior' or 'bayes'"),
        ({"added_variance": -0.1}, "`added_variance` must be a non-negative number.*: -0.1"),
        ({"variance_floor": "0"}, "`variance_floor` must be a non-negative number.*: '0'"),
        ({"concentration1": None}, "`concentration1` must be a positive number.*: None"),
        ({"num_nodes": (24,)}, r"`num_nodes` must hold two numbers of nodes.*Received: \[24\]"),
    ],
)
def test_bad_settings_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        priors.TMCPrior(D, **arguments)


def test_bad_starts_are_explained():
    prior, loc, scale, _ = case()
    with pytest.raises(ValueError, match=r"shapes \(6, 3\) and \(6,\).*\(5, 3\)"):
        prior.start(loc[:5])
    with pytest.raises(ValueError, match="must be finite"):
        prior.start(loc * np.nan, scale[:, 0])
    fresh = priors.TMCPrior(D, num_points=N)
    with pytest.raises(ValueError, match=r"TMCPrior.*takes .*Encoded.*Received: ndarray"):
        fresh.adapt(np.zeros((N, 2)))
