"""Constraints of tree priors: their trees keep them, in training, after loading, in side chains."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from priors import loracs_cases
from tfsp import priors
from tfsp.priors import loracs_health
from tfsp.tmc import Phylogeny, satisfies
from tfsp.tmc.constraints import ContradictionError, decided

# Two clusters of three and a point between; the triplets tear the clusters apart.
POINTS = np.array(
    [[2.0, 0.0], [2.1, 0.2], [1.9, -0.2], [-2.0, 0.0], [-2.1, 0.1], [-1.8, -0.1], [0.0, 0.5]]
)
TRIPLETS = [(0, 3, 1), (1, 4, 2), (3, 0, 5)]


def loracs(start=True, **settings):
    settings = {"burn_in": 2_000, "moves_per_step": 200, "num_chains": 2, **settings}
    prior = priors.LORACs(2, num_inducing=7, **settings)
    prior.build()
    if start:
        prior.start(POINTS)
    return prior


def tmc(start=True, **settings):
    prior = priors.TMCPrior(2, num_points=7, burn_in=2_000, moves_per_step=200, **settings)
    prior.build()
    if start:
        prior.start(POINTS, np.full(7, 0.05))
    return prior


def holds(prior, triplets=TRIPLETS):
    return all(np.all(satisfies(parent, triplets)) for parent in prior.parent.numpy())


BOTH = pytest.mark.parametrize("make", [loracs, tmc])


@BOTH
def test_trees_are_moved_and_stay_within(make):
    prior = make()
    assert not holds(prior)
    before = prior.time.numpy()
    prior.constrain(TRIPLETS)
    assert holds(prior)
    np.testing.assert_array_equal(prior.triplets, TRIPLETS)
    assert prior.triplets.dtype == np.int32
    assert not np.array_equal(prior.time.numpy(), before)
    for _ in range(20):
        prior.update()
        assert holds(prior)
    assert prior.move_counts.numpy()[0].sum() > 100
    assert np.all(np.isfinite(prior.log_prob(np.zeros((3, 2), "float32"))))


@BOTH
def test_a_start_keeps_the_constraints(make):
    prior = make(start=False)
    prior.constrain(TRIPLETS)
    parent = prior.parent.numpy()
    if make is loracs:
        prior.start(POINTS)
    else:
        prior.start(POINTS, np.full(7, 0.05))
    assert holds(prior)
    assert not np.array_equal(parent, prior.parent.numpy())
    free = make()
    with pytest.raises(tf.errors.InvalidArgumentError, match="starting tree must satisfy"):
        prior.start(POINTS, parent=free.parent.numpy()[0], time=free.time.numpy()[0])


@pytest.mark.parametrize("tree_start", ["ward", "near_zero"])
def test_each_start_of_loracs(tree_start):
    prior = loracs(start=False, tree_start=tree_start)
    prior.constrain(TRIPLETS)
    prior.start(POINTS, burn_in=0)
    assert holds(prior)


def test_a_traced_step_reads_new_triplets_and_lifts_them():
    prior, traces = loracs(), []

    @tf.function
    def step():
        traces.append(1)
        prior.update()

    step()
    prior.constrain(TRIPLETS[:1])
    step()
    prior.constrain(TRIPLETS)
    for _ in range(10):
        step()
        assert holds(prior)
    prior.constrain([])
    assert prior.triplets.shape == (0, 3)
    broken = 0
    for _ in range(20):
        step()
        broken += not holds(prior)
    assert broken > 10  # the points are against them
    assert len(traces) == 1


def test_a_tree_that_satisfies_stays_as_it_is():
    prior = loracs(num_chains=1)
    tree = prior.phylogeny()
    known = [row for row in ([0, 1, 3], [3, 4, 0], [0, 2, 5]) if satisfies(tree, [row])[0]]
    assert len(known) >= 2
    prior.constrain(known)
    assert prior.phylogeny() == tree
    prior.constrain(TRIPLETS, burn_in=0)
    assert holds(prior)


def test_free_priors_move_as_before():
    one, other = loracs(), loracs()
    one.constrain(TRIPLETS[:0])
    for prior in (one, other):
        prior.update()
    np.testing.assert_array_equal(one.time, other.time)


def test_names_and_refusals():
    prior = loracs()
    names = list("abcdefg")
    prior.constrain([("a", "d", "b")], names)
    np.testing.assert_array_equal(prior.triplets, [[0, 3, 1]])
    trees = prior.parent.numpy()
    with pytest.raises(ContradictionError, match="\\({a, b}, c\\), \\({a, c}, b\\)"):
        prior.constrain([("d", "e", "f"), ("a", "b", "c"), ("c", "a", "b")], names)
    with pytest.raises(ValueError, match="triplets\\[0, 2\\] = 7 must lie in \\[0, 7\\)"):
        prior.constrain([(0, 1, 7)])
    with pytest.raises(ValueError, match="burn_in"):
        prior.constrain([(0, 1, 2)], burn_in=-1)
    np.testing.assert_array_equal(prior.triplets, [[0, 3, 1]])
    np.testing.assert_array_equal(prior.parent, trees)


def test_models_keep_them(tmp_path):
    vae = loracs_cases.model({"moves_per_step": 20})
    x = loracs_cases.images()
    vae.compile()
    vae.adapt(x)
    config, free = vae.prior.get_config(), tmp_path / "free.keras"
    vae.save(free)
    triplets = [(0, 1, 2), (2, 3, 4)]
    vae.prior.constrain(triplets)
    assert vae.prior.get_config() == config
    vae.fit(x, epochs=1, verbose=0)
    vae.save(tmp_path / "model.keras")
    vae.save_weights(tmp_path / "model.weights.h5")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.prior.triplets, triplets)
    np.testing.assert_array_equal(again.prior.parent, vae.prior.parent)
    again.fit(x, epochs=1, verbose=0)
    assert holds(again.prior, triplets)
    other = keras.saving.load_model(free)
    assert other.prior.triplets.shape == (0, 3)
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other.prior.triplets, triplets)
    again.load_weights(_weights(vae, tmp_path))
    assert again.prior.triplets.shape == (0, 3)  # those of the file, not of before


def _weights(vae, folder):
    vae.prior.constrain([])
    vae.save_weights(folder / "lifted.weights.h5")
    return folder / "lifted.weights.h5"


@pytest.mark.slow
def test_replicas_share_them():
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        vae = loracs_cases.model({"moves_per_step": 20, "start_epoch": 0})
        vae.compile(jit_compile=False)
    x = loracs_cases.images()
    triplets = [(0, 1, 2), (2, 3, 4)]
    vae.fit(x, epochs=1, batch_size=20, verbose=0)
    vae.prior.constrain(triplets)
    vae.fit(x, epochs=1, batch_size=20, verbose=0)
    copies = [v.numpy() for v in strategy.experimental_local_results(vae.prior._triplets)]
    assert len(copies) == 2
    np.testing.assert_array_equal(copies, [triplets] * 2)
    np.testing.assert_array_equal(vae.prior.triplets, triplets)
    assert holds(vae.prior, triplets)


@BOTH
def test_side_chains_and_summaries_keep_them(make):
    prior = make()
    free = prior.summary_tree(40, burn_in=500, moves_per_draw=50, warn=False)
    prior.constrain(TRIPLETS)
    found = prior.summary_tree(40, burn_in=500, moves_per_draw=50, warn=False)
    for parent in found.draws[0]:
        assert np.all(satisfies(parent, TRIPLETS))
    assert np.all(satisfies(found.tree, TRIPLETS))
    assert not np.all(satisfies(free.tree, TRIPLETS))


def test_health_follows_constrained_chains():
    prior = loracs()
    health = loracs_health.Mixing(learned=False)
    first = health.health(prior)
    assert health.health(prior) is first
    prior.constrain(TRIPLETS)
    assert health.health(prior) is not first  # another posterior


@BOTH
def test_questions(make):
    prior = make()
    prior.constrain(TRIPLETS)
    questions = prior.suggest(6, seed=3, burn_in=500, moves_per_draw=50)
    assert questions.triples.shape == (6, 3)
    assert not np.any(decided(TRIPLETS, 7, questions.triples))
    again = prior.suggest(6, seed=3, burn_in=500, moves_per_draw=50)
    np.testing.assert_array_equal(questions.triples, again.triples)
    prior.constrain([*prior.triplets, questions.triples[0]])
    assert holds(prior)
    asked = prior.suggest(35, seed=3, burn_in=500, moves_per_draw=50).triples
    assert sorted(questions.triples[0]) not in [sorted(row) for row in asked]
    with pytest.raises(ValueError, match="has not started"):
        make(start=False).suggest(3)


def test_summary_of_named_leaves():
    from tfsp.tmc import summarize, summarize_draws

    names = list("abcdefg")
    options = dict(num_draws=20, burn_in=200, moves_per_draw=20, names=names, warn=False)
    found = summarize(POINTS, triplets=[("a", "d", "b")], **options)
    assert found.tree.names == tuple(names)
    assert satisfies(found.tree, [("a", "d", "b")])[0]
    draws = [Phylogeny(p, t, names) for p, t in zip(*found.draws, strict=True)]
    assert satisfies(summarize_draws(draws, triplets=[("a", "d", "b")]).tree, [(0, 3, 1)])[0]
    with pytest.raises(ContradictionError):
        summarize(POINTS, triplets=[("a", "d", "b"), ("a", "b", "d")], **options)
