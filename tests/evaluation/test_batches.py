"""What evaluation makes of the data it is given: every kind, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from tfsp import evaluation, models, networks, subset
from tfsp.evaluation.batches import iterate, limited

X = (np.random.default_rng(0).random((12, 2, 2, 1)) < 0.5).astype(np.float32)
Y = np.arange(12) % 3
W = np.ones(12)


def batches(*columns):
    return tf.data.Dataset.from_tensor_slices(columns if columns[1:] else columns[0]).batch(5)


@pytest.fixture(scope="module")
def model():
    made = models.VAE(networks.MLP(hidden=(4,)), prior="mixture", latent_dim=2, seed=0)
    made.build((None, 2, 2, 1))
    return made


@pytest.mark.parametrize(
    ("data", "labelled"),
    [
        (X, False),
        (X.tolist(), False),
        ((X, Y), True),
        ((X, None), False),
        (batches(X), False),
        (batches(X).map(lambda x: (x,)), False),
        (batches(X, Y), True),
        (batches(X, Y, W), True),
    ],
)
@pytest.mark.parametrize("limit", [None, 12])
def test_every_kind_of_data(data, labelled, limit):
    parts = list(iterate(limited(data, limit), 5))
    np.testing.assert_array_equal(np.concatenate([x for x, _ in parts]), X)
    if labelled:
        np.testing.assert_array_equal(np.concatenate([y for _, y in parts]), Y)
    else:
        assert all(y is None for _, y in parts)


BAD, ROW = X.copy(), int(subset.rows(12, 8)[5])
BAD[ROW, 1, 0] = np.nan
REFUSED = [
    (X[:0], r"nothing to evaluate.*\(0, 2, 2, 1\)"),
    ((X[:0], Y[:0]), "nothing to evaluate"),
    (batches(X).take(0), "dataset holds no examples"),
    (batches(X[:0]), "dataset holds no examples"),
    (batches(X, Y).repeat(), r"repeats without end.*\.take"),
    ((X, Y[:5]), r"a label for each example. Received: 12 examples, labels of shape \(5,\)"),
    ((X, Y, W), "a pair .*Received: tuple of 3 entries"),
    ({"image": X}, "a pair .*Received: dict of 1 entries"),
    (None, "Received: NoneType"),
    (tf.data.Dataset.from_tensor_slices({"image": X}).batch(4), r"\.map.*'image'"),
    (BAD, f"finite. Example {ROW} is not"),
    (batches(BAD), f"finite. Example {ROW} is not"),
    (tf.cast(BAD, "bfloat16"), f"finite. Example {ROW} is not"),
    (batches(tf.cast(BAD, "bfloat16")), f"finite. Example {ROW} is not"),
    (X * 1.5, r"needs data in \[0, 1\].*from 0 to 1.5"),
    (batches(X * 1.5, Y), r"needs data in \[0, 1\].*from 0 to 1.5"),
    (np.ma.masked_equal(X, 0), "x has .* masked values"),
    ((X, np.ma.masked_equal(Y, 0)), "y has 4 masked values"),
]
MEASURES = {
    "encode": evaluation.encode,
    "encode some": lambda model, data: evaluation.encode(model, data, limit=8),
    "bounds": evaluation.bounds,
    "category_probabilities": evaluation.category_probabilities,
    "kl_decomposition": evaluation.kl_decomposition,
    "posterior_draws": evaluation.posterior_draws,
}


@pytest.mark.parametrize(("data", "message"), REFUSED)
def test_what_is_refused(model, data, message):
    for measure in MEASURES.values():
        with pytest.raises(ValueError, match=message):
            measure(model, data)
    # log p(x) looks at the whole of an array first, as `fit` does.
    message = "finite" if "finite" in message else message
    message = message.replace("x has", "`x` has")
    with pytest.raises(ValueError, match=message):
        evaluation.log_likelihood(model, data, num_samples=2)


@pytest.mark.parametrize("name", ["num_samples", "chunk_size"])
@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "3"])
def test_numbers_of_samples(model, name, wrong):
    with pytest.raises(ValueError, match=f"^`{name}` must be a positive integer.*{wrong}"):
        evaluation.log_likelihood(model, X, **{"num_samples": 2, name: wrong})


@pytest.mark.parametrize("wrong", [1.5, None, "a", True])
def test_seeds_are_integers(model, wrong):
    codes = np.random.default_rng(0).normal(size=(12, 2))
    for measure in (
        lambda seed: evaluation.log_likelihood(model, X, num_samples=2, seed=seed),
        lambda seed: evaluation.bounds(model, X, seed=seed),
        lambda seed: evaluation.few_shot(codes, Y, codes, Y, [1], 2, seed=seed),
        lambda seed: evaluation.kl_decomposition(model, X, seed=seed),
    ):
        with pytest.raises(ValueError, match="^`seed` must be an integer. Received"):
            measure(wrong)


def test_long_seeds_are_seeds_of_their_own(model):
    seeds = (0, 1, -1, 2**31, 2**32, 2**40, 2**64)
    for measure in (
        lambda seed: evaluation.log_likelihood(model, X, num_samples=2, seed=seed)["log_p"],
        lambda seed: evaluation.bounds(model, X, seed=seed)["elbo"],
    ):
        values = [measure(seed) for seed in seeds]
        assert len(set(values)) == len(seeds)
        assert measure(2**40) == values[seeds.index(2**40)]
