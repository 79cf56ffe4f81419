"""Hoyer's score on codes made by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf
from reference import measures

from tfsp import models
from tfsp.evaluation import hoyer_scores, posterior_draws, sparsity


def test_scores_by_hand():
    root = math.sqrt(4)
    codes = [[0, 0, -3, 0], [1, -1, 1, 1], [1, 1, 0, 0], [1e-30, 0, 0, 0], [0, 0, 0, 0]]
    expected = [1.0, 0.0, (root - math.sqrt(2)) / (root - 1), 1.0, math.nan]
    np.testing.assert_allclose(hoyer_scores(np.array(codes)), expected, atol=1e-12)


def test_scores_do_not_depend_on_scale_or_order():
    codes = np.random.default_rng(0).normal(size=(50, 7)) ** 3
    scores = hoyer_scores(codes)
    np.testing.assert_allclose(scores, [measures.hoyer(code) for code in codes.tolist()])
    assert 0 < scores.min() < scores.max() < 1
    np.testing.assert_allclose(hoyer_scores(-1e200 * codes[:, ::-1]), scores)


def test_one_active_dimension_each_is_the_sparsest():
    codes = np.kron(np.eye(5), np.ones((4, 1))) * np.array([1, 10, 100, 1e-3, 5])
    result = sparsity(codes)
    assert result["sparsity"] == pytest.approx(1.0, abs=1e-12)
    assert (result["num_dimensions"], result["num_constant"], result["num_zero"]) == (5, 0, 0)
    assert result["num_examples"] == 20


def test_equal_sizes_are_the_densest():
    signs = np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, -1).T
    assert sparsity(signs * np.array([1.0, 7.0, 0.01]))["sparsity"] == pytest.approx(0, abs=1e-12)


def test_dimensions_are_scaled_by_their_deviation():
    rng = np.random.default_rng(1)
    codes = rng.normal(size=(200, 4)) * (rng.random((200, 4)) < 0.5) + 0.1
    expected = np.mean([measures.hoyer(c) for c in (codes / codes.std(axis=0)).tolist()])
    assert sparsity(codes)["sparsity"] == pytest.approx(expected, rel=1e-12)
    scaled = sparsity(codes * np.array([1, 1e4, 1e-4, 3]))
    assert scaled["sparsity"] == pytest.approx(expected, rel=1e-9)
    spread = np.std([measures.hoyer(c) for c in (codes / codes.std(axis=0)).tolist()], ddof=1)
    assert scaled["standard_error"] == pytest.approx(spread / math.sqrt(200))


def test_what_never_varies_does_not_count():
    rng = np.random.default_rng(2)
    codes = rng.normal(size=(100, 3))
    off = np.concatenate([codes, np.zeros((100, 5)), np.full((100, 2), 0.3)], axis=1)
    result = sparsity(off.astype(np.float32))
    assert result["sparsity"] == pytest.approx(sparsity(codes)["sparsity"], rel=1e-5)
    assert (result["num_dimensions"], result["num_constant"]) == (3, 7)
    codes[:10] = 0
    assert sparsity(codes)["num_zero"] == 10
    kept = codes[10:] / codes.std(axis=0)
    assert sparsity(codes)["sparsity"] == pytest.approx(np.mean(hoyer_scores(kept)))


def test_dimensions_that_the_posterior_gave_up_are_told_apart():
    """Tiny but now and then on, they look sparse; the score of the active ones is without them."""
    rng = np.random.default_rng(3)
    dense = rng.normal(size=(500, 4)) * np.array([1.0, 1.0, 1e-6, 1e6])
    tiny = 0.05 * rng.normal(size=(500, 30)) * (rng.random((500, 1)) < 0.1)
    codes = np.concatenate([tiny, dense], axis=1)
    noise = np.concatenate([np.ones(30), 0.5 * dense.std(axis=0)])
    draws = codes + noise * rng.normal(size=codes.shape)
    result, alone = sparsity(codes, draws), sparsity(dense)
    assert result["sparsity"] == sparsity(codes)["sparsity"] > alone["sparsity"] + 0.2
    assert result["active"] == pytest.approx(alone["sparsity"], rel=1e-12)
    assert (result["num_active"], result["num_dimensions"]) == (4, 34)
    assert "active" not in alone
    assert sparsity(dense, dense)["active"] == alone["sparsity"]
    given_up = sparsity(codes[:, :30], draws[:, :30])
    assert np.isnan(given_up["active"])
    assert given_up["num_active"] == 0


def test_draws_of_the_posterior():
    model = models.build(
        {"name": "intel_vae", "mapping": {"name": "selector", "hidden": (4,)}}, latent_dim=3
    )
    x = np.random.default_rng(0).integers(0, 2, (230, 5)).astype("float32")
    model.build((None, 5))
    draws = posterior_draws(model, x, seed=1)
    assert draws.shape == (230, 3)
    np.testing.assert_array_equal(draws, posterior_draws(model, x, seed=1))
    assert not np.any(draws == posterior_draws(model, x, seed=2))
    # They are z, not y: the selection makes each smaller, about by half.
    q = model.posterior(x)
    spread = np.sqrt(np.asarray(q.variance() + tf.math.reduce_variance(q.mean(), axis=0)).mean())
    assert 0.3 < draws.std() / spread < 0.7
    assert len(np.unique(draws[:, 0])) > 200  # batches do not share their noise


def test_errors():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="at least two dimensions"):
        hoyer_scores(np.ones((3, 1)))
    with pytest.raises(ValueError, match="1 of 3.*posterior collapsed"):
        sparsity(np.concatenate([rng.normal(size=(5, 1)), np.ones((5, 2))], axis=1))
    with pytest.raises(ValueError, match="two codes"):
        sparsity(np.ones((1, 3)))
    with pytest.raises(ValueError, match="`draws` must have the shape"):
        sparsity(rng.normal(size=(5, 3)), rng.normal(size=(5, 2)))
    with pytest.raises(ValueError, match="finite"):
        sparsity(np.array([[1.0, np.nan], [0, 1]]))
    with pytest.raises(ValueError, match=r"\[n, D\]"):
        sparsity(np.ones(4))
