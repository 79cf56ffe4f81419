"""Retrieval against a walk through each ranking, and against scikit-learn."""

import itertools
import tracemalloc

import numpy as np
import pytest
from reference import codes as reference
from sklearn.metrics import average_precision_score

from tfsp.evaluation import retrieval


def clusters(n, dim, classes, seed=0, spread=1.0):
    """Overlapping clusters of unequal sizes: (codes float32, labels)."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, n, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    centres = spread * rng.standard_normal((classes, dim))
    return (centres[labels] + rng.standard_normal((n, dim))).astype("float32"), labels


@pytest.mark.parametrize("levels", [2, 11, 101])
def test_matches_a_walk_through_each_ranking(levels):
    codes, labels = clusters(150, 3, 4)
    labels[7] = 99  # alone in its class
    mean, curve, used = reference.averaged_curve(codes.astype(float), labels, levels)
    result = retrieval(codes, labels, num_recall_levels=levels)
    assert (result["num_queries"], result["num_left_out"]) == (used, 1) == (149, 1)
    assert 0.3 < mean < 0.9  # neither chance nor perfect
    np.testing.assert_allclose(result["mean_average_precision"], mean, rtol=1e-12)
    np.testing.assert_allclose(result["precision"], curve, rtol=1e-12)
    np.testing.assert_allclose(result["recall"], np.linspace(0, 1, levels), atol=1e-15)
    area = sum((a + b) / 2 / (levels - 1) for a, b in itertools.pairwise(curve))
    np.testing.assert_allclose(result["auc"], area, rtol=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_average_precision_is_that_of_scikit_learn(ties):
    codes, labels = clusters(120, 2, 3, seed=1)
    if ties:
        codes = np.round(codes)  # a grid: most distances occur many times
        assert len(np.unique(codes, axis=0)) < 60
    expected = []
    for query in range(len(codes)):
        others = np.delete(np.arange(len(codes)), query)
        squares = ((codes[others].astype(float) - codes[query]) ** 2).sum(axis=1)
        expected.append(average_precision_score(labels[others] == labels[query], -squares))
    ours = retrieval(codes, labels)["mean_average_precision"]
    np.testing.assert_allclose(ours, np.mean(expected), rtol=1e-12)


def test_ties_at_distances_that_no_float_holds():
    """Equal distances computed from different numbers tie, whatever the rounding."""
    rng = np.random.default_rng(2)
    bits = rng.integers(0, 2, (100, 40))
    labels = rng.integers(0, 3, 100)
    mean, _, _ = reference.averaged_curve(bits.astype(float), labels, 2)
    ours = retrieval(bits / 3.0 + 0.1, labels)["mean_average_precision"]
    np.testing.assert_allclose(ours, mean, rtol=1e-12)


def test_limiting_cases():
    labels = np.repeat([0, 1], [30, 70])
    collapsed = retrieval(np.ones((100, 5)), labels)
    share = (30 * 29 + 70 * 69) / 100 / 99  # of its class among the others, mean over queries
    np.testing.assert_allclose(collapsed["precision"], share, rtol=1e-12)
    np.testing.assert_allclose(collapsed["auc"], share, rtol=1e-12)
    apart = retrieval(labels[:, None] + 0.01 * np.random.default_rng(0).random((100, 1)), labels)
    assert apart["auc"] == pytest.approx(1.0, abs=1e-12)
    assert apart["mean_average_precision"] == 1.0
    # By hand: the one to be found comes second, third, third and second.
    pairs = retrieval([[0.0], [1.0], [10.0], [11.0]], [0, 1, 0, 1], num_recall_levels=2)
    np.testing.assert_allclose(pairs["precision"], [5 / 12] * 2, rtol=1e-12)


def test_distances_alone_matter():
    codes, labels = clusters(200, 4, 3)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
    expected = retrieval(codes, labels)["mean_average_precision"]
    moved = 1e4 + 1e-3 * codes.astype(float) @ rotation
    np.testing.assert_allclose(
        retrieval(moved, labels)["mean_average_precision"], expected, rtol=1e-6
    )
    # One code far out costs the others nothing but its own place.
    far = np.concatenate([codes.astype(float), [[1e9, 0, 0, 0]]])
    result = retrieval(far, np.append(labels, 7))
    assert result["num_left_out"] == 1
    np.testing.assert_allclose(result["mean_average_precision"], expected, rtol=1e-6)


def test_area_and_mean_average_precision_meet():
    codes, labels = clusters(300, 3, 4)
    gaps = []
    for levels in (11, 101, 10_001):
        result = retrieval(codes, labels, num_recall_levels=levels)
        gaps.append(abs(result["auc"] - result["mean_average_precision"]))
    assert gaps[0] > gaps[2]
    assert gaps[1] < 2e-3
    assert gaps[2] < 2e-5


def test_some_queries():
    codes, labels = clusters(100, 3, 3)
    one = retrieval(codes, labels, num_queries=40, seed=-1)
    assert one["num_queries"] == 40
    assert one["auc"] == retrieval(codes, labels, num_queries=40, seed=-1)["auc"]
    assert one["auc"] != retrieval(codes, labels, num_queries=40, seed=0)["auc"]
    assert retrieval(codes, labels, num_queries=500)["auc"] == retrieval(codes, labels)["auc"]


def test_memory_is_that_of_a_block():
    codes, labels = clusters(4000, 2, 10)
    tracemalloc.start()
    try:
        retrieval(codes, labels, num_queries=1100)  # three blocks
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4000 * 1100 * 8  # a block is half of that, and the product is sorted in place


def test_errors():
    codes, labels = clusters(20, 2, 2)
    with pytest.raises(ValueError, match="one class for each of the 20 codes"):
        retrieval(codes, labels[:-1])
    with pytest.raises(ValueError, match="must be integers. Received: dtype float64"):
        retrieval(codes, labels.astype(float))
    with pytest.raises(ValueError, match="another code of its class.*20 queries alone"):
        retrieval(codes, np.arange(20))
    with pytest.raises(
        ValueError, match="num_recall_levels` must be an integer of at least 2.*: 1"
    ):
        retrieval(codes, labels, num_recall_levels=1)
    with pytest.raises(ValueError, match=r"\[n, D\]"):
        retrieval(codes[0], labels)
    codes[3, 1] = np.nan
    with pytest.raises(ValueError, match="Row 3 is not"):
        retrieval(codes, labels)
