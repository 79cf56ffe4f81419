"""Questions: entropy of the odd one by hand, what is open, and how they are mixed."""

import itertools

import numpy as np
import pytest
from reference import constraints
from reference import tmc as reference

from tfsp.tmc import Phylogeny, satisfies
from tfsp.tmc.constraints import decided, follow, suggest


def draws(num_leaves, count, triplets=None, seed=0):
    rng = np.random.default_rng(seed)
    trees = [Phylogeny(*reference.random_tree(rng, num_leaves)) for _ in range(count)]
    return np.array([follow(tree, triplets).parent for tree in trees])


def entropy(parents, row):
    """Of the odd leaf, by clades."""
    counts = []
    for c in row:
        a, b = (n for n in row if n != c)
        counts.append(sum(constraints.displays(reference.clades(p), [(a, b, c)]) for p in parents))
    share = np.array(counts) / len(parents)
    return -sum(p * np.log(p) for p in share if p > 0), row[int(np.argmax(counts))]


def test_scores_are_entropies_and_rows_the_likeliest_answers():
    parents = draws(8, 15)
    questions = suggest(parents, 20, active_share=0.5)
    assert questions.triples.dtype == np.int32
    for row, score in zip(questions.triples.tolist(), questions.scores, strict=True):
        expected, _ = entropy(parents, sorted(row))
        np.testing.assert_allclose(score, expected, atol=1e-12)
        shares = [
            np.mean([satisfies(p, [r])[0] for p in parents]) for r in itertools.permutations(row)
        ]
        assert shares[0] == max(shares)
    best = max(entropy(parents, row)[0] for row in itertools.combinations(range(8), 3))
    assert questions.scores[questions.active].max() == pytest.approx(best)


def test_random_and_active_ones_take_turns():
    questions = suggest(draws(30, 20), 20, active_share=0.5)
    assert questions.active.sum() == 10
    assert abs(np.diff(np.flatnonzero(questions.active)) - 2).max() <= 1
    assert questions.scores[questions.active].mean() > questions.scores[~questions.active].mean()
    assert np.all(suggest(draws(30, 20), 7, active_share=1.0).active)
    assert not np.any(suggest(draws(30, 20), 7, active_share=0.0).active)
    pairs = [
        pair
        for row in questions.triples[questions.active]
        for pair in itertools.combinations(sorted(row), 2)
    ]
    assert len(set(pairs)) == len(pairs)  # no two of them share two leaves


def test_nothing_is_asked_twice_or_that_is_known():
    triplets = [(0, 1, 2), (1, 2, 3), (4, 5, 0), (4, 5, 2)]
    parents = draws(7, 3, triplets)
    questions = suggest(parents, 100, triplets)
    rows = [tuple(sorted(row)) for row in questions.triples.tolist()]
    every = list(itertools.combinations(range(7), 3))
    open_ = ~decided(triplets, 7, every)
    assert sorted(rows) == [row for row, is_open in zip(every, open_, strict=True) if is_open]
    assert 0 < len(rows) < 35


def test_seeds_and_sizes():
    parents = draws(40, 5)
    one, same, other = (suggest(parents, 12, seed=s) for s in (1, 1, 2))
    for x, y in zip(one, same, strict=True):
        np.testing.assert_array_equal(x, y)
    assert not np.array_equal(one.triples, other.triples)
    assert suggest([[2, 2, -1]], 3).triples.shape == (0, 3)
    assert len(suggest(parents[:1], 4).triples) == 4  # a single draw is sure of everything
    big = draws(80, 2)  # 82,160 triples: a random part is looked at
    assert len(np.unique(suggest(big, 50).triples, axis=0)) == 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(k=0), "`k` must be"),
        (dict(k=2, active_share=1.5), "active_share"),
        (dict(k=2, triplets=[(0, 1, 9)]), "triplets\\[0, 2\\] = 9"),
        (dict(parents=[1, 2], k=2), "shape \\[S, V\\]"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        suggest(**({"parents": draws(5, 2)} | arguments))
