"""The VAE: values, errors, saving, and every prior with every likelihood through `fit`."""

import inspect
import subprocess
import sys
import textwrap

import keras
import model_contract as contract
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from marks import slow_but
from model_contract import built, eagerly, mirrored

from tfsp import likelihoods, models, networks, priors

tfd = tfp.distributions

TINY_PRIORS = {
    "flow": {"hidden": (8,)},
    "mixture": {"num_components": 3},
    "vamp": {"num_components": 4},
}
TINY_LIKELIHOODS = {"categorical": {"num_levels": 4}}


def tiny(prior="normal", likelihood="bernoulli", **kwargs):
    return models.VAE(
        networks.MLP(hidden=(16,)),
        prior={"name": prior, **TINY_PRIORS.get(prior, {})},
        likelihood={"name": likelihood, **TINY_LIKELIHOODS.get(likelihood, {})},
        latent_dim=3,
        seed=0,
        **kwargs,
    )


@pytest.mark.parametrize("prior", slow_but(["vamp"], priors.names()))
def test_every_prior_fits_evaluates_predicts_and_reloads(prior, binary_images, tmp_path):
    model = tiny(prior)
    model.compile()
    labels = np.arange(64)
    history = model.fit(
        binary_images, labels, batch_size=32, epochs=2, verbose=0, validation_split=0.25
    ).history
    assert {"loss", "elbo", "log_likelihood", "kl", "val_elbo"} <= set(history)
    scores = model.evaluate(binary_images, verbose=0, return_dict=True)
    np.testing.assert_allclose(scores["loss"], -scores["elbo"], rtol=1e-5)
    np.testing.assert_allclose(scores["elbo"], scores["log_likelihood"] - scores["kl"], rtol=1e-5)
    predicted = model.predict(binary_images, verbose=0)
    assert predicted["latent"].shape == (64, 3)
    assert predicted["reconstruction"].shape == (64, 8, 8, 1)
    again = contract.reloaded(model, binary_images, tmp_path)
    contract.assert_go_on_alike(model, again, binary_images, batch_size=32)


SCALES = [
    (name, extra)
    for name in likelihoods.names()
    if likelihoods.get(name).kind != "mixed"  # of tables: see test_columns.py
    for extra in (
        [{"scale": scale} for scale in ("fixed", "scalar", "pixel")]
        if "scale" in inspect.signature(likelihoods.get(name)).parameters
        else [{}]
    )
]


def test_the_scales_are_those_of_likelihoods_that_have_one():
    assert {name for name, extra in SCALES if extra} == {"gaussian", "laplace"}
    assert {name for name, _ in SCALES} == {*likelihoods.names()} - {"columns"}


@pytest.mark.parametrize(("likelihood", "extra"), slow_but(SCALES[::4], SCALES))
def test_every_likelihood_fits_and_reloads(likelihood, extra, tmp_path):
    x = np.random.default_rng(0).random((32, 4, 4, 3)).astype("float32")
    if likelihoods.get(likelihood).kind == "counts":
        x = np.floor(9 * x)
    model = models.VAE(
        networks.MLP(hidden=(16,)),
        likelihood={"name": likelihood, **TINY_LIKELIHOODS.get(likelihood, {}), **extra},
        latent_dim=2,
        seed=0,
    )
    model.compile(keras.optimizers.Adam(1e-2))
    history = model.fit(x, epochs=30, batch_size=32, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert model.decode(tf.zeros([5, 2])).mean().shape == (5, 4, 4, 3)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.log_weights(x, 2, seed=1), model.log_weights(x, 2, seed=1))


def test_terms_by_hand(binary_images):
    """One draw, recomputed in NumPy from the networks' outputs."""
    model = tiny("mixture")
    model.build((None, 8, 8, 1))
    x = binary_images[:5]
    outputs = model.encoder(x).numpy().astype(float)
    loc, scale = outputs[:, :3], np.exp(0.5 * outputs[:, 3:])
    with model.seeds.at(11):
        seed = model.seeds.next()
    z = tfd.Independent(tfd.Normal(*map(np.float32, (loc, scale))), 1).sample(1, seed=seed)[0]
    logits = model.decoder(z).numpy().astype(float)
    log_likelihood = -np.logaddexp(0, np.where(x > 0.5, -logits, logits)).sum(axis=(1, 2, 3))
    z = z.numpy().astype(float)
    log_q = (-0.5 * ((z - loc) / scale) ** 2 - np.log(scale) - 0.5 * np.log(2 * np.pi)).sum(-1)
    components = (
        -0.5 * (z[:, None] - model.prior.loc.numpy()) ** 2 / 0.75
        - 0.5 * np.log(0.75)
        - 0.5 * np.log(2 * np.pi)
    ).sum(-1) - np.log(3)
    log_p = np.log(np.exp(components).sum(-1))
    with model.seeds.at(11):
        terms = model(x)
    np.testing.assert_allclose(terms["log_likelihood"], log_likelihood, rtol=1e-5)
    np.testing.assert_allclose(terms["kl"], log_q - log_p, rtol=1e-4, atol=1e-4)


def test_kl_weight_scales_the_loss_and_not_the_metrics(binary_images):
    """Compiled: a weight that changes is seen by a step that was traced before."""
    model = built(tiny())
    model.compile()
    contract.assert_kl_weight_scales_the_loss_alone(model, binary_images)


def test_iwae_objective_is_the_log_mean_weight(binary_images):
    model = built(tiny("mixture", objective="iwae", num_samples=7))
    model.compile()
    terms = contract.assert_iwae_is_the_log_mean_weight(model, binary_images)
    # For each example, where the KL is that of the same draws.
    assert np.all(terms["iwae"] >= terms["log_likelihood"] - terms["kl"])
    model.fit(binary_images, epochs=1, verbose=0)


def test_elbo_gradient_against_finite_differences(float64):
    x = (np.random.default_rng(0).random((4, 6)) < 0.5).astype("float64")
    model = models.VAE(
        networks.MLP(hidden=(5,), activation="tanh"),
        prior={"name": "vamp", "num_components": 3},
        latent_dim=2,
        seed=0,
        dtype="float64",
    )
    eagerly(model).build((None, 6))
    model.kl_weight.assign(0.7)
    contract.assert_gradient_is_the_slope(model, x, rtol=1e-6, atol=1e-8)


def test_sample_weight_counts(binary_images):
    model = tiny("none")  # no noise, so that values can be compared
    model.compile()
    weights = np.zeros(64)
    weights[:16] = 1.0
    # Keras drops the weights of data without labels.
    whole = model.evaluate(
        binary_images, np.zeros(64), sample_weight=weights, verbose=0, return_dict=True
    )
    part = model.evaluate(binary_images[:16], verbose=0, return_dict=True)
    np.testing.assert_allclose(whole["elbo"], part["elbo"], rtol=1e-5)


def test_generators_and_datasets_are_accepted(binary_images):
    def batches():
        while True:
            yield binary_images[:32], np.zeros(32)

    dataset = tf.data.Dataset.from_tensor_slices(binary_images).batch(32)
    model = tiny()
    model.compile()
    model.fit(batches(), steps_per_epoch=2, epochs=1, verbose=0, validation_data=dataset)
    history = model.fit(dataset, epochs=1, verbose=0, validation_data=(binary_images, None))
    assert np.isfinite(history.history["val_elbo"][0])


def test_any_keras_model_is_accepted(binary_images, tmp_path):
    encoder = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(6)]
    )
    latent = keras.Input((3,))
    decoder = keras.Model(latent, keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64)(latent)))
    model = models.VAE(encoder, decoder, latent_dim=3)
    model.compile()
    model.fit(binary_images, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.encode(binary_images), model.encode(binary_images))


def test_adapt_starts_pseudo_inputs_from_data(binary_images):
    model = models.VAE(
        "mlp", prior={"name": "vamp", "num_components": 8, "start": "data"}, latent_dim=3
    )
    model.adapt(tf.data.Dataset.from_tensor_slices((binary_images, np.arange(64))).batch(10))
    pseudo_inputs = model.prior.pseudo_inputs.numpy()
    rows = {image.tobytes() for image in binary_images}
    assert len({u.tobytes() for u in pseudo_inputs}) == 8
    assert all(u.tobytes() in rows for u in pseudo_inputs)
    with pytest.raises(ValueError, match="at least 8 examples"):
        model.adapt(binary_images[:7])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_densities_in_float32(policy, binary_images):
    model = tiny("vamp", dtype=policy)
    model.compile()
    history = model.fit(binary_images, epochs=2, verbose=0).history
    half = policy.removeprefix("mixed_")
    assert model.encoder.layers[-2].compute_dtype == half
    assert model.log_weights(binary_images, 2, seed=0).dtype == "float32"
    assert np.isfinite(history["loss"]).all()
    # The inputs are not rounded on the way to the likelihood.
    x = np.full((1, 8, 8, 1), 1 / 3, "float32")
    assert model._check_data(x).numpy()[0, 0, 0, 0] == np.float32(1 / 3)


@pytest.mark.graphs
def test_two_replicas_take_the_step_of_one(binary_images):
    """Mirrored training on two devices gives the weights of one device (no noise: prior none)."""
    weights = []
    for devices in (["CPU:0"], ["CPU:0", "CPU:1"]):
        keras.utils.set_random_seed(0)
        with mirrored(devices).scope():
            model = tiny("none")
            model.compile(keras.optimizers.SGD(1e-3))
        model.fit(binary_images, batch_size=32, epochs=2, verbose=0, shuffle=False)
        weights.append([np.asarray(w) for w in model.trainable_weights])
    for one, two in zip(*weights, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.graphs
@pytest.mark.parametrize("prior", priors.names())
def test_every_prior_trains_mirrored(prior, binary_images):
    with mirrored().scope():
        model = tiny(prior)
        model.compile()
    history = model.fit(
        binary_images, batch_size=32, epochs=2, verbose=0, validation_data=(binary_images,)
    ).history
    assert np.isfinite(history["val_elbo"]).all()


def test_replicas_draw_different_noise():
    strategy = mirrored()
    with strategy.scope():
        model = tiny()
        model.build((None, 8, 8, 1))

    @tf.function
    def draw():
        return strategy.run(lambda: tf.random.stateless_normal([4], model.seeds.next()))

    first, second = strategy.experimental_local_results(draw())
    assert not np.allclose(first, second)
    assert not np.allclose(first, strategy.experimental_local_results(draw())[0])


@pytest.mark.slow
@pytest.mark.graphs
def test_reload_in_a_new_process_gives_no_warning(binary_images, tmp_path):
    model = tiny("vamp")
    model.compile()
    model.fit(binary_images, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", binary_images)
    np.save(tmp_path / "codes.npy", model.encode(binary_images))
    code = f"""
        import warnings
        warnings.simplefilter("error", UserWarning)
        import keras, numpy as np, tfsp
        model = keras.saving.load_model(r"{tmp_path}/model.keras")
        x = np.load(r"{tmp_path}/x.npy")
        np.testing.assert_allclose(
            model.encode(x), np.load(r"{tmp_path}/codes.npy"), rtol=1e-5, atol=1e-6)
        before = model.evaluate(x, verbose=0, return_dict=True)["elbo"]
        model.fit(x, epochs=20, verbose=0)
        assert model.evaluate(x, verbose=0, return_dict=True)["elbo"] > before
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert "UserWarning" not in result.stderr


def test_subclassed_networks_are_accepted(binary_images):
    @keras.saving.register_keras_serializable("tfsp_tests")
    class Net(keras.Model):
        def __init__(self, outputs, shape, **kwargs):
            super().__init__(**kwargs)
            self.outputs_, self.shape_ = outputs, shape
            self.layers_ = [keras.layers.Flatten(), keras.layers.Dense(outputs)]
            self.reshape = keras.layers.Reshape(shape)

        def call(self, x):
            for layer in self.layers_:
                x = layer(x)
            return self.reshape(x)

    model = models.VAE(Net(6, (6,)), Net(64, (8, 8, 1)), latent_dim=3)
    model.compile()
    model.fit(binary_images, epochs=1, verbose=0)
    assert model.encode(binary_images).shape == (64, 3)


def test_pseudo_inputs_start_from_the_data_of_fit_once(binary_images, tmp_path):
    model = models.VAE(
        networks.MLP(hidden=(8,)),
        prior={"name": "vamp", "num_components": 4, "start": "data", "learned": False},
        latent_dim=3,
    )
    model.compile()
    model.fit(binary_images, epochs=1, verbose=0)
    rows = {image.tobytes() for image in binary_images}
    start = model.prior.pseudo_inputs.numpy()
    assert all(u.tobytes() in rows for u in start)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    again.fit(1 - binary_images, epochs=1, verbose=0)
    np.testing.assert_array_equal(again.prior.pseudo_inputs, start)


def test_adapt_leaves_labels_out(binary_images):
    prior = {"name": "vamp", "num_components": 3, "start": "data"}
    model = models.VAE(networks.MLP(hidden=(4,)), prior=prior, latent_dim=3)
    model.adapt((binary_images, np.zeros(len(binary_images))))
    assert not model.prior.wants_data
