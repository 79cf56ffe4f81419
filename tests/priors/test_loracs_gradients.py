"""Gradients of the training loss with LORACs against finite differences in float64."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import loracs as reference
from reference import tmc
from scipy import special, stats

from priors.loracs_cases import images, leaves_of, model, on_trees, posterior, trees

KL_WEIGHT = 0.7


def started(prior=None, num_trees=2, **settings):
    """A float64 model whose prior stands on given trees, with an annealed variance."""
    settings = {"num_samples": 2, "dtype": "float64", **settings}
    prior = {"num_inducing": 5, "num_chains": num_trees, "edge_weights": "bayes", **(prior or {})}
    keras.utils.set_random_seed(0)
    vae = model(prior, **settings)
    vae.compile(jit_compile=False)
    x = images(7, dtype="float64")
    vae.build(x.shape)
    some = trees(num_trees)
    vae.prior.start(leaves_of(some[0], 2), *some[0], burn_in=0)
    vae.prior.parent.assign(np.stack([parent for parent, _ in some]))
    vae.prior.time.assign(np.stack([time for _, time in some]))
    vae.prior.annealed_variance.assign(0.1)
    vae.kl_weight.assign(KL_WEIGHT)
    rng = np.random.default_rng(3)
    for weight in vae.trainable_weights:  # off zero, where a recognition network starts
        if weight is not vae.prior._inducing:
            weight.assign(weight + 0.3 * rng.normal(size=weight.shape))
    return vae, x


@contextlib.contextmanager
def fixed_noise(vae):
    with vae.seeds.at(3), vae.prior.seeds.at(5):
        yield


def loss(vae, x):
    with fixed_noise(vae):
        return vae.compute_loss(x, y_pred=vae(x, training=True))


def gradients(vae, x, weights):
    with tf.GradientTape() as tape:
        value = loss(vae, x)
    return [np.asarray(g) for g in tape.gradient(value, [w.value for w in weights])]


def assert_gradients(vae, x, weights, step=1e-5, num_directions=1, rtol=1e-6):
    """Along random directions in each weight, by the five-point rule."""
    assert weights
    rng, value = np.random.default_rng(0), tf.function(lambda: loss(vae, x))
    for weight, gradient in zip(weights, gradients(vae, x, weights), strict=True):
        start = weight.numpy()
        for _ in range(num_directions):
            direction, at = rng.normal(size=weight.shape), {}
            for k in (-2, -1, 1, 2):
                weight.assign(start + k * step * direction)
                at[k] = float(value())
            weight.assign(start)
            slope = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * step)
            assert abs(slope) > 1e-5, weight.path
            np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=rtol, atol=1e-8)


def network_weights(vae):
    return vae.encoder.trainable_weights + vae.decoder.trainable_weights


def tree_log_probs(vae, z, num_nodes=(16, 8), added=0.1):
    """log p(z | tree) `[C, ...]` in NumPy, as in training."""
    prior, out = vae.prior, []
    for parent, time in zip(prior.parent.numpy(), prior.time.numpy(), strict=True):
        rule = reference.discrete(parent, time, num_nodes, bayes=True, added=added)
        flat = reference.log_prob(z.reshape(-1, 2), prior.inducing.numpy(), rule)
        out.append(flat.reshape(z.shape[:-1]))
    return np.stack(out)


def draws(vae, x):
    """loc, scale and the z that `loss` draws."""
    q = vae.posterior(x)
    with fixed_noise(vae):
        z = q.sample(2, seed=vae.seeds.next()).numpy()
    return q.mean().numpy(), q.stddev().numpy(), z


def test_the_training_loss_by_hand(float64):
    vae, x = started()
    loc, scale, z = draws(vae, x)
    logits = vae.decoder(z.reshape(-1, 2)).numpy().reshape(2, *x.shape)
    log_likelihood = -np.logaddexp(0, np.where(x > 0.5, -logits, logits)).sum(axis=-1)
    log_q = stats.norm.logpdf(z, loc, scale).sum(axis=-1)
    kl = log_q - tree_log_probs(vae, z).mean(axis=0)
    np.testing.assert_allclose(loss(vae, x), np.mean(KL_WEIGHT * kl - log_likelihood), rtol=1e-9)
    # The bound that is reported knows no KL weight; in evaluation the nodes are others.
    with fixed_noise(vae):
        terms = vae(x)
    kl = log_q - tree_log_probs(vae, z, (24, 12), added=0.0).mean(axis=0)
    np.testing.assert_allclose(terms["kl"], kl.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(terms["log_likelihood"], log_likelihood.mean(axis=0), rtol=1e-9)


def test_the_iwae_loss_by_hand(float64):
    """There the trees are mixed."""
    vae, x = started(objective="iwae")
    loc, scale, z = draws(vae, x)
    logits = vae.decoder(z.reshape(-1, 2)).numpy().reshape(2, *x.shape)
    log_likelihood = -np.logaddexp(0, np.where(x > 0.5, -logits, logits)).sum(axis=-1)
    log_q = stats.norm.logpdf(z, loc, scale).sum(axis=-1)
    log_p = special.logsumexp(tree_log_probs(vae, z), axis=0) - np.log(2)
    log_weights = log_likelihood + KL_WEIGHT * (log_p - log_q)
    bound = special.logsumexp(log_weights, axis=0) - np.log(2)
    np.testing.assert_allclose(loss(vae, x), -bound.mean(), rtol=1e-9)
    assert_gradients(vae, x, network_weights(vae))


@pytest.mark.parametrize("edge_weights", ["prior", "bayes"])
def test_fixed_inducing_points(float64, edge_weights):
    vae, x = started({"edge_weights": edge_weights})
    assert not vae.prior.trainable_weights
    assert_gradients(vae, x, network_weights(vae))


def test_learned_inducing_points_along_the_path(float64):
    vae, x = started({"inducing_points": "learned", "inducing_learning_rate": 0.2})
    assert [w.shape for w in vae.prior.trainable_weights] == [(5, 2)]
    assert_gradients(vae, x, [*network_weights(vae), vae.prior._inducing], num_directions=3)


def test_recognition(float64):
    vae, x = started(
        {"attachment": "recognition", "recognition_hidden": (6, 5), "inducing_points": "learned"}
    )
    assert len(vae.prior.trainable_weights) == 7
    recognition = vae.prior.recognition.trainable_weights
    assert set(map(id, recognition)) < set(map(id, vae.trainable_weights))
    assert_gradients(vae, x, network_weights(vae) + vae.prior.trainable_weights, rtol=1e-5)


def test_the_recognition_bound_is_below_the_collapsed_one_and_has_noise_of_its_own(float64):
    """The mean of the bounds over the trees, E[bound] <= log p(z) in continuous time."""
    settings = {"attachment": "recognition", "recognition_hidden": (4,), "edge_weights": "prior"}
    vae, x = started(settings)
    prior = vae.prior
    loc, scale, z = draws(vae, x)
    q = posterior(loc, scale)
    values = np.stack([prior.kl(q, z, training=False) for _ in range(60)])
    assert np.all(values.std(axis=0) > 0)  # new times at every call
    with prior.seeds.at(2):
        once = prior.kl(q, z)
    with prior.seeds.at(2):
        np.testing.assert_array_equal(once, prior.kl(q, z))
    log_q = stats.norm.logpdf(z, loc, scale).sum(axis=-1)
    exact = np.mean(
        [
            reference.log_prob(
                z.reshape(-1, 2),
                prior.inducing.numpy(),
                reference.continuous(parent, time, floor=1e-9),
            ).reshape(z.shape[:-1])
            for parent, time in zip(prior.parent.numpy(), prior.time.numpy(), strict=True)
        ],
        axis=0,
    )
    gap = values.mean(axis=0) - (log_q - exact)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    # 14 gaps, none negative; t with 59 degrees: false alarm below 1e-6.
    assert np.all(gap > -stats.t.isf(1e-6 / gap.size, len(values) - 1) * error)
    assert gap.mean() > 0.01
    # `log_prob` and `sample` stay those of the collapsed density.
    rules = [
        reference.discrete(parent, time, (24, 12))
        for parent, time in zip(prior.parent.numpy(), prior.time.numpy(), strict=True)
    ]
    each = [reference.log_prob(z[0], prior.inducing.numpy(), rule) for rule in rules]
    mixture = special.logsumexp(each, axis=0) - np.log(2)
    np.testing.assert_allclose(prior.log_prob(z[0]), mixture, rtol=1e-9)


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
            np.testing.assert_array_equal(ours[key], other[key])
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


def test_one_step_of_adam_moves_the_inducing_points_by_their_own_rate():
    for rate in (1.0, 0.05):
        vae = model(
            {"inducing_points": "learned", "inducing_learning_rate": rate, "start_epoch": 0}
        )
        vae.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
        vae.adapt(images())
        before = vae.prior.inducing.numpy()
        vae.fit(images(), batch_size=60, verbose=0)
        moved = np.abs(vae.prior.inducing.numpy() - before)
        np.testing.assert_allclose(moved, np.full((6, 2), 1e-2 * rate), rtol=0.02)


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
