"""The score term of learned inducing points: what it adds, and that it makes the gradient whole."""

import numpy as np
import pytest
import tensorflow as tf
from reference import loracs as reference
from reference import tmc
from scipy import stats

from priors.loracs_cases import (
    KL_WEIGHT,
    draws,
    fixed_noise,
    gradients,
    loss,
    on_trees,
    posterior,
    started,
    tree_log_probs,
)


def code_gradient(vae, x):
    """The gradient of the prior's log density to the codes, bit for bit the sum over its trees."""
    z = tf.constant(draws(vae, x)[2])
    with fixed_noise(vae), tf.GradientTape() as tape:
        tape.watch(z)
        value = vae.prior._mean_log_prob(z, True, vae.prior._kl_seed())
    return tape.gradient(value, z)


@pytest.mark.parametrize("attachment", ["collapsed", "recognition"])
@pytest.mark.parametrize("num_trees", [2, 3])
def test_the_score_term_is_the_covariance_with_the_score(float64, attachment, num_trees):
    """No change of the loss or of other gradients; s gets path + Cov(log p(z), score of s)."""
    settings = {"inducing_points": "learned", "attachment": attachment}
    settings.update(recognition_hidden=(4,), inducing_learning_rate=0.5)
    vae, x = started({**settings, "inducing_gradient": "score"}, num_trees=num_trees)
    path, _ = started(settings, num_trees=num_trees)
    weights, theirs = (m.trainable_weights for m in (vae, path))
    assert float(loss(vae, x)) == float(loss(path, x))
    ours = dict(zip((w.path for w in weights), gradients(vae, x, weights), strict=True))
    other = dict(zip((w.path for w in weights), gradients(path, x, theirs), strict=True))
    name = vae.prior._inducing.path
    for key in ours:
        if key != name:
            # A code's gradient is a sum over likelihood, entropy and trees, whose order is the
            # tape's and depends on what else was recorded.
            np.testing.assert_allclose(ours[key], other[key], rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(code_gradient(vae, x), code_gradient(path, x))
    prior, (_, _, z) = vae.prior, draws(vae, x)
    if attachment == "collapsed":
        values = tree_log_probs(vae, z)
    else:
        with prior.seeds.at(5):
            values = np.array(prior._bounds(tf.constant(z), True, prior.seeds.next()))
    inducing, unit = prior.inducing.numpy(), 0.5
    scores = [
        reference.slope(lambda s, tree=tree: tmc.log_likelihood(*tree, s), inducing, step=1e-3)
        for tree in zip(prior.parent.numpy(), prior.time.numpy(), strict=True)
    ]
    each = [
        reference.sample_covariance(values[:, i, j], scores)
        for i, j in np.ndindex(*values.shape[1:])
    ]
    expected = -KL_WEIGHT * unit * np.mean(each, axis=0)
    assert np.abs(expected).max() > 2e-3  # a thousand times the tolerance
    np.testing.assert_allclose(ours[name] - other[name], expected, rtol=1e-6, atol=1e-8)


def three_leaves():
    """s for N = 3, D = 1; z; and E log p(z | tree) over r(tree | s) as a function of s."""
    s, z = np.array([[0.9], [0.3], [-1.1]]), np.array([[0.8], [-0.2]])
    trees, log_prior = reference.three_leaf_trees()
    rules = [reference.continuous(*tree) for tree in trees]

    def expectation(s, share=None):
        """`share`: r(tree | s), held fixed, for the path alone."""
        share = reference.posterior_of(trees, log_prior, s) if share is None else share
        return share @ [reference.log_prob(z, s, rule).mean() for rule in rules]

    share = reference.posterior_of(trees, log_prior, s)
    whole = reference.slope(expectation, s)
    return s, z, whole, reference.slope(lambda s: expectation(s, share), s)


def test_path_and_score_are_the_gradient_of_the_expectation():
    """d/ds E_{r(tree | s)} log p(z | tree), exact, against the mean over steps of the chains.

    40 batches of successive steps, a t test for each of 3 numbers: false alarm below 1e-6.
    """
    s, z, whole, path_alone = three_leaves()
    q = posterior([[0.0]] * 2, [[1.0]] * 2)
    means, errors = {}, {}
    for kind in ("score", "path"):
        prior = on_trees(
            [(np.array([3, 3, 4, 4, -1]), np.array([1, 1, 1, 0.5, 0]))] * 2,
            s,
            inducing_points="learned",
            inducing_gradient=kind,
            moves_per_step=60,
            training_num_nodes=(24, 12),
            dtype="float64",
        )

        @tf.function
        def step(prior=prior):
            prior.update()
            with tf.GradientTape() as tape:
                log_p = -tf.reduce_mean(prior.kl(q, tf.constant(z), training=True))
            return tape.gradient(log_p, prior._inducing.value)

        @tf.function
        def run(count, step=step):
            return tf.map_fn(lambda _: step(), tf.range(count), tf.float64, 1)

        values = run(6000).numpy().reshape(40, -1, 3).mean(axis=1)
        means[kind], errors[kind] = values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(40)
    limit = stats.t.isf(1e-6 / 3, 39)
    whole, path_alone = whole.ravel(), path_alone.ravel()
    assert np.all(np.abs(means["score"] - whole) < limit * errors["score"] + 1e-3)
    # The path gradient is the path's, and far from the whole: the test above has power.
    assert np.all(np.abs(means["path"] - path_alone) < limit * errors["path"] + 1e-3)
    assert np.max(np.abs(means["path"] - whole) / (limit * errors["score"] + 1e-3)) > 3


@pytest.mark.parametrize("num_chains", [2, 3])
def test_path_and_score_are_exact_over_all_tuples_of_trees(num_chains):
    """A posterior over five trees alone: the mean over every tuple of independent draws."""
    some, log_prior = reference.three_leaf_trees(num_times=3, limit=1.5)
    some, log_prior = some[2:7], log_prior[2:7]
    s, z = np.array([[0.9], [0.3], [-1.1]]), np.array([[0.8], [-0.2]])
    rules = [reference.discrete(*tree, (16, 8)) for tree in some]

    def expectation(s):
        share = reference.posterior_of(some, log_prior, s)
        return share @ [reference.log_prob(z, s, rule).mean() for rule in rules]

    settings = dict(inducing_points="learned", inducing_gradient="score", dtype="float64")
    prior = on_trees([some[0]] * num_chains, s, **settings)
    q = posterior([[0.0]] * 2, [[1.0]] * 2)
    parents, times = (tf.constant(np.stack(part)) for part in zip(*some, strict=True))

    @tf.function
    def gradient(index):
        prior.parent.assign(tf.cast(tf.gather(parents, index), tf.int32))
        prior.time.assign(tf.gather(times, index))
        with tf.GradientTape() as tape:
            log_p = -tf.reduce_mean(prior.kl(q, tf.constant(z), training=True))
        return tape.gradient(log_p, prior._inducing.value)

    share, total = reference.posterior_of(some, log_prior, s), 0.0
    for index in np.ndindex(*[5] * num_chains):
        total += np.prod(share[list(index)]) * gradient(tf.constant(index)).numpy()
    np.testing.assert_allclose(total, reference.slope(expectation, s, 1e-3), rtol=1e-6, atol=1e-9)
