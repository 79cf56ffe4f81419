"""Models of counts: trained, saved, served and evaluated on what was counted."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsp import evaluation, likelihoods, models, networks
from tfsp.models.inputs import data_checks

COUNTS = ("negative_binomial", "poisson", "zero_inflated_negative_binomial")


def counts(number=64, seed=0):
    """Two kinds of examples over 6 features, with totals from tens to hundreds: int64."""
    rng = np.random.default_rng(seed)
    rates = np.array([[8.0, 8, 1, 1, 1, 1], [1.0, 1, 1, 1, 8, 8]])[np.arange(number) % 2]
    return rng.poisson(rates * rng.lognormal(1.0, 0.7, (number, 1)))


def make(likelihood="negative_binomial", **settings):
    model = models.VAE(
        networks.MLP(hidden=(8,)), likelihood=likelihood, latent_dim=2, seed=0, **settings
    )
    model.compile(keras.optimizers.Adam(0.1), run_eagerly=True)
    return model


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    model = make()
    model.history_of_fit = model.fit(counts(), batch_size=64, epochs=8, verbose=0).history
    return model


def test_training_raises_the_bound(trained):
    bound = trained.history_of_fit["elbo"]
    assert bound[-1] > bound[0] + 5.0
    assert trained.likelihood.typical_library.numpy() == np.median(counts().sum(axis=1))


def test_means_have_the_totals_that_are_known(trained):
    x = counts()
    np.testing.assert_allclose(np.sum(trained.reconstruct(x), 1), x.sum(axis=1), rtol=1e-4)
    predicted = trained.predict(x, verbose=0)
    np.testing.assert_allclose(predicted["reconstruction"], trained.reconstruct(x), rtol=1e-4)
    typical = trained.likelihood.typical_library.numpy()
    for means in (trained.decode(trained.encode(x)).mean(), trained.sample(5, seed=0)):
        np.testing.assert_allclose(np.sum(means, 1), typical, rtol=1e-4)


@pytest.mark.parametrize("form", ["uint16", "dataset"])
def test_every_kind_of_array_is_the_same(form, trained):
    x = counts()
    if form == "dataset":
        given = tf.data.Dataset.from_tensor_slices(x).batch(32)
    else:
        given = x.astype(form)
        np.testing.assert_array_equal(
            trained.log_weights(given, 2, seed=1), trained.log_weights(x.astype("float32"), 2, 1)
        )
    codes, _ = evaluation.encode(trained, given)
    np.testing.assert_allclose(codes, trained.encode(x), rtol=1e-5, atol=1e-6)
    again = make("poisson")
    again.fit(given, epochs=1, verbose=0)
    assert again.likelihood.typical_library.numpy() == np.median(x.sum(axis=1))


def test_evaluation_of_integers(trained):
    found = evaluation.log_likelihood(trained, counts(), num_samples=5)
    x = counts().astype("float32")
    expected = models.importance_log_prob(trained, x, 5, 5, seed=[0, 0])["log_prob"]
    assert found["log_p"] == pytest.approx(np.mean(expected), rel=1e-5)
    nats = found["log_p"] / (6 * np.log(2))
    assert found["bits_per_dimension"] == pytest.approx(-nats)


def test_views_of_integers_are_not_rounded():
    model = make("poisson", consistency={"augment": keras.layers.Rescaling(0.3)})
    model.build((None, 6))
    codes, _ = evaluation.encode_views(model, counts(), num_views=1)
    np.testing.assert_allclose(codes, model.encode(0.3 * counts()), rtol=1e-5, atol=1e-6)


def test_saved_and_served(trained, tmp_path):
    x = counts(5, seed=2)
    trained.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.get_config() == trained.get_config()
    np.testing.assert_array_equal(again.log_weights(x, 2, seed=1), trained.log_weights(x, 2, 1))
    np.testing.assert_array_equal(again.sample(3, seed=0), trained.sample(3, seed=0))
    trained.export(tmp_path / "served")
    signatures = tf.saved_model.load(tmp_path / "served").signatures
    images = tf.constant(x, tf.float32)
    close = dict(rtol=1e-4, atol=1e-5)
    codes = signatures["encode"](images=images)["latent"]
    np.testing.assert_allclose(codes, trained.encode(x), **close)
    mean = signatures["decode"](latent=codes)["mean"]
    np.testing.assert_allclose(mean, trained.decode(codes).mean(), **close)
    mean = signatures["reconstruct"](images=images)["mean"]
    np.testing.assert_allclose(mean, trained.reconstruct(x), **close)
    number, seed = tf.constant(20), tf.constant(3)
    bound = signatures["log_likelihood"](images=images, num_samples=number, seed=seed)["log_prob"]
    expected = models.importance_log_prob(trained, x, 20, 50, seed=3)["log_prob"]
    np.testing.assert_allclose(bound, expected, rtol=1e-4)


@pytest.mark.parametrize("name", models.names())
def test_encoders_of_every_model_see_logarithms(name):
    """Two models with the same weights, of which one does by itself what the other is given."""
    x = counts(4)
    seeing, given = (
        models.get(name).example(likelihood={"name": "poisson", "log1p": log1p}, dtype="float64")
        for log1p in (True, False)
    )
    for model in (seeing, given):
        model.build((None, 6))
    given.set_weights(seeing.get_weights())
    codes = seeing.encode(x)
    np.testing.assert_allclose(codes, given.encode(np.log1p(x)), rtol=1e-6, atol=1e-8)
    assert np.any(np.abs(codes - given.encode(x)) > 1e-3)
    if name != "tmc_vae":  # its prior has no density before it has started
        seeing.likelihood.adapt(x)
        assert np.isfinite(seeing.log_weights(x, 2, seed=0)).all()
        assert seeing.reconstruct(x).shape == (4, 6)


def test_pseudo_inputs_start_as_counts():
    prior = {"name": "vamp", "num_components": 3, "start": "data", "bounded": False}
    model = make("poisson", prior=prior)
    model.fit(counts(), epochs=1, verbose=0)
    assert np.max(model.prior.pseudo_inputs) > 1.0
    assert np.isfinite(model.prior.log_prob(model.encode(counts()))).all()


def test_a_batch_starts_the_typical_total():
    model = make("poisson")
    model.train_on_batch(counts(10))
    assert model.likelihood.typical_library.numpy() == np.median(counts(10).sum(axis=1))
    before = model.likelihood.typical_library.numpy()
    model.train_on_batch(5 * counts(10))
    assert model.likelihood.typical_library.numpy() == before


def test_generators_need_a_total_beforehand():
    def batches():
        yield (counts(32),)

    model = make("poisson")
    with pytest.raises(ValueError, match=r"Poisson takes a number from data.*: generator"):
        model.fit(batches(), verbose=0)
    model.likelihood.adapt(counts())
    model.fit(batches(), steps_per_epoch=1, verbose=0, shuffle=False)


def spoilt(value, dtype="float32"):
    x = counts().astype(dtype)
    x[3, 2] = value
    return x


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (spoilt(-1), r"NegativeBinomial needs counts.*x\[3, 2\] = -1\.0.*subtracted.*'gaussian'"),
        (spoilt(-1, "int32"), r"needs counts.*x\[3, 2\] = -1\. Has"),
        (spoilt(0.5), r"whole numbers from 0. Received: x\[3, 2\] = 0\.5.*not scaled"),
        (spoilt(np.nan), r"Data must be finite. Received: x\[3, 2\] = nan"),
        (spoilt(np.inf), r"Data must be finite. Received: x\[3, 2\] = inf"),
        (counts() > 2, r"Data must be counts. Received dtype bool.*x.astype\('float32'\)"),
    ],
    ids=["negative", "negative integer", "fraction", "nan", "infinite", "bool"],
)
def test_what_is_no_count_is_refused(x, message, trained):
    for call in (trained.fit, trained.evaluate, trained.predict):
        with pytest.raises(ValueError, match=message):
            call(x, verbose=0)


def test_evaluation_refuses_what_is_no_count(trained):
    for x in (spoilt(-1), spoilt(-1, "int64"), spoilt(0.5)):
        for measure in (evaluation.encode, evaluation.log_likelihood):
            with pytest.raises(ValueError, match=r"needs counts.*x\[3, 2\]"):
                measure(trained, x)


def test_other_likelihoods_refuse_counts():
    for x, message in (
        (counts(), "floating, on .0, 1.. Received dtype int64.*'negative_binomial'"),
        (counts().astype("float32"), r"needs data in \[0, 1\].*of counts 'negative_binomial'"),
    ):
        with pytest.raises(ValueError, match=message):
            make("bernoulli").fit(x, verbose=0)


@pytest.mark.parametrize("name", COUNTS)
def test_checks_take_all_counts(name):
    likelihood = likelihoods.get(name)()
    for x in (counts(), counts().astype("float16"), np.zeros((2, 3), np.uint8)):
        data_checks.check(x, likelihood)
