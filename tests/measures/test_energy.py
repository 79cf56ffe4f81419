"""The energy distance against loops over pairs and against Gaussians in closed form."""

import numpy as np
import pytest
from reference import measures

from tfsp.evaluation import coverage, energy_distance


@pytest.mark.parametrize("dim", [1, 2, 5])
@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("chunk_size", [1, 4, 100])
def test_energy_distance_is_the_mean_over_pairs(dim, unbiased, chunk_size):
    rng = np.random.default_rng(dim)
    first, second = rng.normal(size=(11, dim)), 1 + 2 * rng.normal(size=(7, dim))
    second[0] = first[0]
    expected = measures.energy_distance(first, second, unbiased)
    found = energy_distance(first, second, unbiased, chunk_size)
    assert found == pytest.approx(expected, rel=1e-12)
    assert energy_distance(second, first, unbiased) == pytest.approx(expected, rel=1e-12)
    moved = energy_distance(10 * first + 3, 10 * second + 3, unbiased)
    assert moved == pytest.approx(10 * expected, rel=1e-9)


def test_biased_distance_of_a_sample_to_itself_is_zero():
    sample = np.random.default_rng(0).normal(size=(40, 3))
    assert abs(energy_distance(sample, sample[::-1], unbiased=False)) < 1e-12
    # Without the pairs of a point with itself the same sample twice falls below zero.
    assert energy_distance(sample, sample) < -0.01


@pytest.mark.parametrize(
    ("dim", "shift", "variance"), [(1, 0.7, 1.0), (1, 0.0, 4.0), (2, 0.5, 1.0), (3, 0.0, 2.0)]
)
def test_energy_distance_of_gaussians(dim, shift, variance):
    """Means of 40 independent estimates; P(false alarm) < 1e-6 for a right estimator."""
    expected = measures.gaussian_energy_distance(shift, 1.0, variance, dim)
    rng = np.random.default_rng(7)
    place = np.zeros(dim)
    place[0] = shift
    estimates = [
        energy_distance(
            rng.normal(size=(400, dim)), place + np.sqrt(variance) * rng.normal(size=(300, dim))
        )
        for _ in range(40)
    ]
    error = np.std(estimates, ddof=1) / np.sqrt(40)
    assert error < 0.1 * expected  # there is something to see
    assert abs(np.mean(estimates) - expected) < 6.2 * error  # Student's t with 39 degrees: 3e-7


def test_equal_distributions_straddle_zero():
    rng = np.random.default_rng(3)
    found = [energy_distance(*rng.normal(size=(2, 200, 2))) for _ in range(60)]
    assert min(found) < 0 < max(found)
    assert abs(np.mean(found)) < 6 * np.std(found, ddof=1) / np.sqrt(60)
    biased = [energy_distance(*rng.normal(size=(2, 200, 2)), unbiased=False) for _ in range(20)]
    assert min(biased) > 0
    assert np.mean(biased) == pytest.approx(2 * measures.expected_distance(2, 2) / 200, rel=0.3)


def test_errors():
    points = np.zeros((5, 2))
    with pytest.raises(ValueError, match="Received: 2 and 3"):
        energy_distance(points, np.zeros((5, 3)))
    with pytest.raises(ValueError, match="at least two points.*5 and 1"):
        energy_distance(points, np.zeros((1, 2)))
    with pytest.raises(ValueError, match="must be finite"):
        energy_distance(points, np.full((5, 2), np.nan))
    with pytest.raises(ValueError, match="chunk_size"):
        energy_distance(points, points, chunk_size=0)


def test_coverage_sees_bridges_and_gaps():
    rng = np.random.default_rng(0)

    def ring(count):
        angle = rng.uniform(-np.pi, np.pi, count)
        return np.stack([np.cos(angle), np.sin(angle)], 1) + 0.02 * rng.normal(size=(count, 2))

    data = ring(4000)
    same = coverage(ring(4000), data)
    assert same["stray"] < 0.02
    assert same["missed"] < 0.02
    assert 0 < same["distance"] < 0.05
    bridge = np.stack([rng.uniform(-0.8, 0.8, 400), 0.01 * rng.normal(size=400)], 1)
    stray = coverage(np.concatenate([ring(3600), bridge]), data)
    assert stray["stray"] == pytest.approx(0.1, abs=0.02)
    assert stray["missed"] < 0.02
    half = ring(8000)
    gap = coverage(half[half[:, 0] > 0], data)
    assert gap["missed"] == pytest.approx(0.5, abs=0.05)
    assert gap["stray"] < 0.02
    assert gap["num_points"] == min(4000, np.sum(half[:, 0] > 0))
    with pytest.raises(ValueError, match="`data` must hold at least four points"):
        coverage(data, data[:3])
    with pytest.raises(ValueError, match="`samples` must hold at least four points"):
        coverage(data[:3], data)
    with pytest.raises(ValueError, match="`quantile` must be a number.*None"):
        coverage(data, data, quantile=None)
    with pytest.raises(ValueError, match="quantile"):
        coverage(data, data, quantile=1.0)
    with pytest.raises(ValueError, match="dimensions"):
        coverage(data[:, :1], data)


def test_coverage_is_calibrated():
    """Of samples like the data (1 - quantile)^2 are far, however many there are of the one."""
    rng = np.random.default_rng(0)

    def square(count):
        return rng.uniform(size=(count, 2))

    runs = [coverage(square(1000), square(1000), quantile=0.9) for _ in range(20)]
    for name in ("stray", "missed"):
        assert np.mean([run[name] for run in runs]) == pytest.approx(0.01, rel=0.4)
    few = coverage(square(200), square(2000), quantile=0.9)
    assert few["num_points"] == 200
    assert few["missed"] < 0.05
    many = coverage(square(2000), square(200), quantile=0.9)
    assert many["stray"] < 0.05
    # The same points, for the same arguments.
    samples, data = square(200), square(2000)
    assert coverage(samples, data) == coverage(samples, data)
