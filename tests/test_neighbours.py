"""The vote of the nearest codes: labels of any kind, draws, equally near codes, few codes."""

import numpy as np
import pytest

from tfsp.neighbours import nearest_labels

CODES = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]])
LABELS = np.array(["b", "a", "b", "c", "c", "a"])


@pytest.mark.parametrize(("k", "expected"), [(3, "bcb"), (2, "bcb"), (50, "bcb")])
def test_draws_go_to_the_nearest(k, expected):
    points = np.array([[0.0], [5.0], [0.04]])
    assert "".join(nearest_labels(points, CODES, LABELS, k)) == expected


def test_equally_near_codes_count_in_their_order():
    """More of them than votes, so that the search alone may choose any."""
    codes = np.zeros((1000, 3))
    labels = np.r_[np.full(3, 8), np.full(2, 4), np.full(995, 6)]
    assert nearest_labels(codes[:2], codes, labels, 5).tolist() == [8, 8]
    assert nearest_labels(codes[:2], codes[::-1], labels[::-1], 5).tolist() == [6, 6]
    both = np.array([[-1.0], [1.0]])
    assert nearest_labels([[0.0]], both, [3, 1], 2).tolist() == [3]
    assert nearest_labels([[0.0]], both, [1, 3], 2).tolist() == [1]


def test_codes_far_from_the_origin():
    codes = 1e6 + np.array([[0.0], [1e-3], [3e-3]])
    assert nearest_labels([[1e6 + 1.4e-3]], codes, [0, 1, 2], 1).tolist() == [1]
