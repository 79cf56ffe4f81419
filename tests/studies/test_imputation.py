"""The comparison of imputations: errors by hand, and a table that a model can fill in."""

import numpy as np
import pytest

from tfsp import studies
from tfsp.random import generator


def low_rank(number=120, seed=0):
    """Six columns of one latent, in units of their own."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(number, 1))
    x = z * [1.0, -1.0, 1.0, 1.0, -1.0, 1.0] + 0.1 * rng.normal(size=(number, 6))
    return x * [1e-2, 1.0, 50.0, 3.0, 1.0, 2.0] + [1.0, -3.0, 1e3, 0.0, 0.0, 7.0]


def test_errors_of_means_are_by_hand_and_those_of_the_model_are_small():
    x, seen = low_rank(), []
    found = studies.imputation_errors(
        x,
        seeds=(4,),
        steps=40,
        batch_size=120,
        learning_rate=2e-2,
        num_draws=50,
        report=lambda seed, errors: seen.append((seed, errors)),
        latent_dim=2,
        objective="elbo",
        num_samples=1,
    )
    removed = generator(4).random(x.shape) < 0.2
    squares = [
        ((x[~gone, d].mean() - x[gone, d]) / x[:, d].std()) ** 2 for d, gone in enumerate(removed.T)
    ]
    np.testing.assert_allclose(found["mean"], [np.sqrt(np.mean(np.concatenate(squares)))])
    assert found["neighbours"] < 0.5
    assert found["model"] < 0.6
    assert seen == [(4, {method: errors[0] for method, errors in found.items()})]


def test_the_table():
    results = {"a": {m: np.array([1.0, 2.0, 3.0]) for m in ("model", "neighbours", "mean")}}
    lines = studies.format_imputation(results).splitlines()
    assert lines[0] == "| table | model | neighbours | mean |"
    assert lines[2] == "| a | 2.000 ± 0.577 | 2.000 ± 0.577 | 2.000 ± 0.577 |"


@pytest.mark.parametrize(
    ("x", "settings", "said"),
    [
        (np.ones((5, 2)), {}, "without constant columns"),
        (np.array([[1.0, np.nan], [2.0, 3.0]]), {}, "1 entries that are not finite"),
        (np.arange(6.0), {}, r"shape \(6,\)"),
        (np.arange(6.0).reshape(3, 2), {"share": 1.5}, "`share`"),
    ],
)
def test_errors(x, settings, said):
    with pytest.raises(ValueError, match=said):
        studies.imputation_errors(x, **settings)
