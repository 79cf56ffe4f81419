"""A total count that is a latent: bounds and weights against closed forms and quadrature."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from marks import slow_but
from scipy import special, stats

from tfsp import evaluation, likelihoods, models, networks

COUNTS = ("negative_binomial", "poisson", "zero_inflated_negative_binomial")
LEARNED = {"name": "poisson", "library": "learned", "library_units": 8}


def counts(number=60, seed=0):
    """Two kinds of examples over 6 features, with totals from tens to hundreds."""
    rng = np.random.default_rng(seed)
    rates = np.array([[8.0, 8, 1, 1, 1, 1], [1.0, 1, 1, 1, 8, 8]])[np.arange(number) % 2]
    return rng.poisson(rates * rng.lognormal(0.5, 0.7, (number, 1))).astype("float64")


def make(likelihood=LEARNED, **settings):
    model = models.VAE(
        networks.MLP(hidden=(8,)),
        likelihood={**LEARNED, "name": likelihood} if isinstance(likelihood, str) else likelihood,
        latent_dim=2,
        seed=0,
        **settings,
    )
    model.compile(keras.optimizers.Adam(0.03))
    return model


def flat(likelihood=LEARNED, **settings):
    """A model whose z says nothing, so that x depends on l alone, and q(l | x) is not the prior."""
    model = make(likelihood, **settings)
    x = counts()
    model.build((None, 6))
    model.likelihood.adapt(x)
    for weight in [*model.encoder.weights, *model.decoder.weights]:
        weight.assign(tf.zeros_like(weight))
    shares = np.log([0.3, 0.1, 0.1, 0.2, 0.2, 0.1])
    bias = model.decoder.weights[-1]
    bias.assign(np.concatenate([shares, np.zeros(bias.shape[0] - 6)]))
    outputs = model.likelihood.learned.outputs
    outputs.kernel.assign(0.05 * np.random.default_rng(1).normal(size=outputs.kernel.shape))
    outputs.bias.assign([0.2, -1.5])
    return model, x[:7], np.exp(shares)


def posterior(model, x):
    """Mean and scale of log l, by NumPy."""
    own = model.likelihood.learned
    seen = np.log1p(x)
    hidden = np.maximum(seen @ own.hidden.kernel.numpy() + own.hidden.bias.numpy(), 0.0)
    a, log_variance = (hidden @ own.outputs.kernel.numpy() + own.outputs.bias.numpy()).T
    totals = np.log(counts().sum(axis=1))
    return totals.mean() + totals.std() * a, totals.std() * np.exp(0.5 * log_variance)


def test_the_bound_is_the_closed_one(float64):
    """Of Poisson counts E log p(x | l) is linear in E log l and E l, and l log-normal."""
    model, x, shares = flat(num_samples=20_000)
    loc, scale = posterior(model, x)
    expected = (x * (loc[:, None] + np.log(shares)) - special.gammaln(x + 1)).sum(axis=1) - np.exp(
        loc + scale**2 / 2
    )
    totals = np.log(counts().sum(axis=1))
    m, s = totals.mean(), totals.std()
    kl = np.log(s / scale) + (scale**2 + (loc - m) ** 2) / (2 * s**2) - 0.5
    terms = model.call(x)
    np.testing.assert_allclose(terms["kl_library"], kl, rtol=1e-10)
    np.testing.assert_allclose(terms["kl_latents"], 0.0, atol=1e-12)
    np.testing.assert_allclose(terms["kl"], kl, rtol=1e-10)
    # Of one draw: x log l - l, whose spread is bounded by that of both.
    spread = x.sum(axis=1) * scale + np.exp(loc) * np.sqrt(np.expm1(scale**2)) * np.exp(scale**2)
    error = np.abs(terms["log_likelihood"] - expected) / (spread / np.sqrt(20_000))
    assert error.max() < 5.5  # of seven normal ones, with a false alarm below 1e-6


@pytest.mark.parametrize("name", COUNTS)
def test_weights_give_the_integral_over_totals(name, float64):
    """log p(x) by dense quadrature over log l, which importance weights estimate without bias."""
    model, x, shares = flat(name)
    totals = np.log(counts().sum(axis=1))
    u = np.linspace(-8, 8, 4001)
    mean = np.exp(totals.mean() + totals.std() * u)[:, None, None] * shares
    if name == "poisson":
        log_p = stats.poisson.logpmf(x, mean)
    else:
        log_p = stats.nbinom.logpmf(x, 1.0, 1.0 / (1.0 + mean))  # theta = 1 at the start
    if name.startswith("zero"):  # logits of 0
        log_p = np.where(x == 0, np.logaddexp(log_p, 0.0), log_p) + np.log(0.5)
    joint = log_p.sum(axis=-1) + stats.norm.logpdf(u)[:, None]
    expected = special.logsumexp(joint, axis=0) + np.log(u[1] - u[0])
    number = 4000
    weights = np.asarray(model.log_weights(x, number, seed=3))
    assert weights.shape == (number, 7)
    ratio = np.exp(weights - expected)
    for i in range(7):
        assert abs(ratio[:, i].mean() - 1.0) < 5.5 * ratio[:, i].std() / np.sqrt(number)
        assert ratio[:, i].std() > 1e-3
    bound = np.asarray(model.call(x)["log_likelihood"] - model.call(x)["kl"])
    assert bound.mean() < expected.mean()


def test_the_prior_is_of_the_training_data():
    model = make()
    x = counts()
    x[3] = 0.0  # without any count: no total
    model.fit(x, batch_size=60, epochs=1, verbose=0)
    logs = np.log(x.sum(axis=1)[x.sum(axis=1) > 0])
    own = model.likelihood.learned
    np.testing.assert_allclose(own.loc, logs.mean(), rtol=1e-6)
    np.testing.assert_allclose(own.scale, logs.std(), rtol=1e-6)
    assert not own.loc.trainable
    np.testing.assert_allclose(
        np.sum(model.sample(3, seed=0), axis=1), np.exp(logs.mean()), rtol=1e-4
    )
    loc, _ = posterior(model, x[:5])  # up to what the empty example changes in the prior
    a = (loc - np.log(counts().sum(axis=1)).mean()) / np.log(counts().sum(axis=1)).std()
    np.testing.assert_allclose(
        np.sum(model.reconstruct(x[:5]), axis=1), np.exp(logs.mean() + logs.std() * a), rtol=1e-3
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_training_finds_the_totals(name):
    model = make(name)
    x = counts(256)
    bounds = model.fit(x, batch_size=64, epochs=150, verbose=0).history["elbo"]
    assert bounds[-1] > bounds[0] + 10.0
    found = np.log(np.sum(model.reconstruct(x), axis=1))
    assert np.corrcoef(found, np.log(x.sum(axis=1)))[0, 1] > 0.9


def example(name, **settings):
    model = models.get(name).example(likelihood=LEARNED, **settings)
    model.build((None, 6))
    model.likelihood.adapt(counts())
    if model.prior.wants_data:
        model.adapt(counts())
    return model


@pytest.mark.parametrize("name", slow_but(["vae", "gm_vae"], models.names()))
def test_every_model_has_it(name):
    model = example(name)
    x = counts()[:5].astype("float32")
    terms = model.call(x)
    parts = [value for key, value in terms.items() if key.startswith("kl_")]
    assert "kl_library" in terms
    assert all(value.shape == (5,) for value in terms.values())
    np.testing.assert_allclose(terms["kl"], sum(map(np.asarray, parts)), rtol=1e-5)
    assert np.all(terms["kl_library"] > 0)
    weights = model.log_weights(x, 3, seed=1)
    assert weights.shape == (3, 5)
    np.testing.assert_array_equal(weights, model.log_weights(x, 3, seed=1))
    model.compile("adam")
    model.fit(counts(), batch_size=60, epochs=1, verbose=0)
    assert np.isfinite(model.evaluate(x, batch_size=5, verbose=0, return_dict=True)["elbo"])


@pytest.mark.parametrize("settings", [{"sum_out_categories": True}, {"objective": "iwae"}])
def test_enumerated_and_weighted_draws(settings):
    model = example("cp_vae", num_samples=4, **settings)
    x = counts()[:5].astype("float32")
    assert model.log_weights(x, 3, seed=1).shape == (3, 5)
    assert all(value.shape == (5,) for value in model.call(x).values())


def test_the_draws_of_the_latents_are_those_without_it():
    """At the same seed: what the likelihood draws is beside them."""
    x = counts()[:4].astype("float32")
    model = example("vae")
    own, plain = model.inferred(x, 3, seed=5), model.infer(x, 3, seed=5)
    np.testing.assert_array_equal(own.latents, plain.latents)
    assert plain.given == {}
    shifted = own.log_ratio() - plain.log_ratio()
    assert shifted.shape == (3, 4)
    assert np.all(np.abs(shifted) > 0)


@pytest.mark.slow
def test_it_is_saved_served_and_fills_in(tmp_path):
    likelihood = {**LEARNED, "missing": True}
    model = make(likelihood)
    x = counts()
    x[::3, 1] = np.nan
    model.fit(x, batch_size=60, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    weights = model.log_weights(x, 5, seed=2)
    np.testing.assert_allclose(again.log_weights(x, 5, seed=2), weights, rtol=1e-5)
    assert again.likelihood.get_config()["library"] == "learned"
    model.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served")).signatures["log_likelihood"]
    asked = dict(num_samples=tf.constant(60), seed=tf.constant(4))
    answer = served(images=tf.constant(x[:5], tf.float32), **asked)
    expected = models.importance_log_prob(model, x[:5].astype("float32"), 60, 50, seed=4)
    np.testing.assert_allclose(answer["log_prob"], expected["log_prob"], rtol=1e-4)
    filled = evaluation.impute(model, x, num_samples=20, seed=0)
    assert np.all(np.isfinite(filled))
    assert np.all(filled[::3, 1] > 0)
    there = ~np.isnan(x)
    np.testing.assert_allclose(filled[there], x[there], rtol=1e-6)


def test_consistency_goes_with_it():
    model = example("vae", consistency={"weight": 1.0, "augment": keras.layers.GaussianNoise(0.0)})
    terms = model.call(counts()[:5].astype("float32"), training=True)
    np.testing.assert_allclose(terms["consistency"], 0.0, atol=1e-5)
    assert "kl_library" in terms


def test_what_is_refused():
    likelihood = likelihoods.build(LEARNED)
    likelihood.build((6,))
    outputs = tf.zeros([2, 6])
    x = counts()[:2].astype("float32")
    with pytest.raises(ValueError, match="log p.x . z. is an integral over the total l"):
        likelihood.log_prob(x, outputs, 1)
    with pytest.raises(ValueError, match="has seen no data"):
        likelihood.distribution(outputs, 1)
    with pytest.raises(ValueError, match="goes with library='observed'"):
        likelihoods.build({**LEARNED, "typical_library": 3.0})
    with pytest.raises(ValueError, match="`library` must be one of"):
        likelihoods.build({**LEARNED, "library": "latent"})
    with pytest.raises(ValueError, match="`library_units` must be a positive integer"):
        likelihoods.build({**LEARNED, "library_units": 0})
    with pytest.raises(ValueError, match="The kind of Column 1 cannot have library='learned'"):
        likelihoods.build({"name": "columns", "kinds": ["gaussian", LEARNED]})
    assert likelihoods.build("poisson").infer(x, 3, 0) is None
