"""What the baselines promise as all models do: training, saving, serving, both objectives."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsp import likelihoods, models, networks, priors

CASES = {
    "gm_vae": {"name": "gm_vae", "num_components": 3, "style_dim": 2, "prior_units": 8},
    "gm_vae-constraint": {"name": "gm_vae", "num_components": 2, "min_information": 0.5},
    "sparse_vae": {
        "name": "sparse_vae",
        "sharpness_start": 2.0,
        "sharpness": 10.0,
        "warmup_steps": 6,
        "slab_warmup_steps": 4,
    },
    "decomposed_vae": {"name": "decomposed_vae", "alpha": 3.0, "beta": 0.5},
    "orthogonal": {"name": "sylvester_vae", "num_flows": 2, "num_iterations": 16},
    "householder": {
        "name": "sylvester_vae",
        "flow": "householder",
        "num_flows": 2,
        "num_reflections": 2,
    },
    "triangular": {"name": "sylvester_vae", "flow": "triangular", "num_flows": 3},
}
WITH_IWAE = ["gm_vae", "householder"]
MODELS = ["gm_vae", "sparse_vae", "decomposed_vae", "sylvester_vae"]


def tiny(case, **kwargs):
    spec = {**CASES.get(case, {"name": case}), **kwargs}
    defaults = {"encoder": networks.MLP(hidden=(8,), activation="tanh"), "latent_dim": 3}
    return models.build(spec, **defaults, seed=0)


def eagerly(model):
    model.compile(run_eagerly=True)
    return model


@pytest.mark.parametrize("case", CASES)
def test_fits_evaluates_predicts_and_reloads(case, binary_images, tmp_path):
    model = eagerly(tiny(case))
    history = model.fit(binary_images, batch_size=32, epochs=1, verbose=0).history
    assert {"loss", *model.term_names, "elbo"} <= set(history)
    assert np.isfinite(history["loss"]).all()
    predicted = model.predict(binary_images[:5], verbose=0)
    assert predicted["latent"].shape == (5, 3)
    np.testing.assert_allclose(
        predicted["reconstruction"], model.reconstruct(binary_images[:5]), rtol=1e-4, atol=1e-5
    )
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert json.dumps(again.get_config()) == json.dumps(model.get_config())
    x = binary_images[:5]
    np.testing.assert_array_equal(again.encode(x), model.encode(x))
    log_weights = model.log_weights(x, 2, seed=1)
    assert log_weights.shape == (2, 5)
    np.testing.assert_array_equal(again.log_weights(x, 2, seed=1), log_weights)
    assert model.sample(4, seed=0).shape == (4, 8, 8, 1)
    np.testing.assert_array_equal(again.sample(4, seed=0), model.sample(4, seed=0))
    # The stream of seeds, the optimiser and the warm-ups go on where they were.
    for fitted in (model, again):
        fitted.fit(binary_images, batch_size=64, epochs=1, verbose=0, shuffle=False)
    for ours, theirs in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("case", ["gm_vae", "sparse_vae", "decomposed_vae", "householder"])
def test_the_training_loss_compiles(case, binary_images):
    """By XLA, as by default. It draws by another generator: losses are alike, not equal."""
    model = eagerly(tiny(case))
    model.build((None, 8, 8, 1))

    def loss_and_gradients():
        with tf.GradientTape() as tape:
            terms = model(binary_images, training=True)
            loss = model.compute_loss(binary_images, y_pred=terms, training=False)
        return loss, tape.gradient(loss, [w.value for w in model.trainable_weights])

    compiled, gradients = tf.function(loss_and_gradients, jit_compile=True)()
    np.testing.assert_allclose(compiled, loss_and_gradients()[0], rtol=0.05)
    assert all(np.all(np.isfinite(g)) and np.any(g != 0) for g in gradients)


@pytest.mark.parametrize("case", ["gm_vae", "householder"])
def test_served(case, binary_images, tmp_path):
    model = tiny(case)
    model.build((None, 8, 8, 1))
    names = model.export(tmp_path / "served")
    assert names == ["encode", "decode", "reconstruct", "sample", "log_likelihood"]
    served = tf.saved_model.load(tmp_path / "served").signatures
    x = binary_images[:3]
    close = dict(rtol=1e-4, atol=1e-5)
    codes = served["encode"](images=x)["latent"]
    np.testing.assert_allclose(codes, model.encode(x), **close)
    means = served["decode"](latent=codes)["mean"]
    np.testing.assert_allclose(means, model.reconstruct(x), **close)
    count, seed = tf.constant(60), tf.constant(5)
    draws = served["sample"](num_samples=count, seed=seed)["mean"]
    np.testing.assert_allclose(draws, model.sample(60, seed=5), **close)
    bound = served["log_likelihood"](images=x, num_samples=count, seed=seed)
    expected = models.importance_log_prob(model, x, 60, 50, seed=5)
    np.testing.assert_allclose(bound["log_prob"], expected["log_prob"], rtol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_gradient_of_the_loss_against_finite_differences(case, float64):
    """Same noise, moved weights: the gradient of the loss that `fit` follows."""
    x = (np.random.default_rng(0).random((4, 6)) < 0.5).astype("float64")
    model = eagerly(tiny(case, dtype="float64"))
    model.build((None, 6))
    model.kl_weight.assign(0.7)
    if case == "sparse_vae":
        model.step.assign(3)  # in the midst of both warm-ups

    def loss():
        with model.seeds.at(5):
            return model.compute_loss(x, y_pred=model(x, training=True), training=False)

    with tf.GradientTape() as tape:
        value = loss()
    variables = model.trainable_variables
    gradients = tape.gradient(value, [v.value for v in variables])
    assert len(gradients) >= 8
    rng = np.random.default_rng(1)
    for variable, gradient in zip(variables, gradients, strict=True):
        start = variable.numpy()
        direction = rng.normal(size=start.shape)
        ends = []
        for sign in (1, -1):
            variable.assign(start + sign * 1e-5 * direction)
            ends.append(float(loss()))
        variable.assign(start)
        slope = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("case", WITH_IWAE)
def test_iwae_objective_is_the_log_mean_weight(case, binary_images):
    model = tiny(case, objective="iwae", num_samples=7)
    eagerly(model).build((None, 8, 8, 1))
    with model.seeds.at(3):
        terms = model(binary_images)
    with model.seeds.at(3):
        log_weights = model.log_weights(binary_images, 7, seed=model.seeds)
    expected = np.log(np.mean(np.exp(log_weights.numpy().astype(float)), axis=0))
    np.testing.assert_allclose(terms["iwae"], expected, rtol=1e-5)
    scores = model.evaluate(binary_images, verbose=0, return_dict=True)
    np.testing.assert_allclose(scores["loss"], -scores["iwae"], rtol=1e-5)
    model.fit(binary_images, epochs=1, verbose=0)


@pytest.mark.parametrize("case", ["gm_vae", "sparse_vae", "orthogonal"])
def test_kl_weight_scales_the_loss_and_not_the_metrics(case, binary_images):
    model = eagerly(tiny(case))
    model.build((None, 8, 8, 1))
    scores = {}
    for weight in (0.25, 1.0):
        model.kl_weight.assign(weight)
        with model.seeds.at(0):
            scores[weight] = model.evaluate(binary_images, verbose=0, return_dict=True)
    for weight, score in scores.items():
        expected = weight * score["kl"] - score["log_likelihood"]
        np.testing.assert_allclose(score["loss"], expected, rtol=1e-5)
        np.testing.assert_allclose(score["elbo"], scores[1.0]["elbo"], rtol=1e-6)


def test_trains_mirrored_in_mixed_precision(binary_images):
    devices = ["CPU:0", "CPU:1"]
    strategy = tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice())
    with strategy.scope():
        model = tiny("sparse_vae", dtype="mixed_bfloat16")  # it counts steps by a weight
        model.compile()
    history = model.fit(binary_images, batch_size=32, epochs=1, verbose=0).history
    assert np.isfinite(history["elbo"]).all()
    assert model.log_weights(binary_images[:2], 2, seed=0).dtype == "float32"


@pytest.mark.parametrize("name", MODELS)
def test_any_likelihood_and_keras_model(name):
    inputs = keras.Input((5,))
    number = {"gm_vae": 12, "sparse_vae": 9, "decomposed_vae": 6, "sylvester_vae": 6 + 4 * 6}[name]
    encoder = keras.Model(inputs, keras.layers.Dense(number)(inputs))
    latent = keras.Input((3,))
    decoder = keras.Model(latent, keras.layers.Dense(5)(latent))
    model = models.build(
        name, encoder=encoder, decoder=decoder, likelihood=likelihoods.Gaussian(), latent_dim=3
    )
    x = np.random.default_rng(0).normal(size=(8, 5)).astype("float32")
    terms = eagerly(model)(x, training=True)
    assert all(value.shape == (8,) for value in terms.values())
    wrong = keras.Model(inputs, keras.layers.Dense(number + 1)(inputs))
    with pytest.raises(ValueError, match=rf"encoder must map \(5,\) to \({number},\): a mean"):
        models.build(name, encoder=wrong, decoder=decoder, latent_dim=3).build((None, 5))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("gm_vae", {"num_components": 0}, "`num_components` must be a positive integer"),
        ("gm_vae", {"style_dim": -1}, "`style_dim` must be a positive integer"),
        ("gm_vae", {"prior_units": 0}, "`prior_units` must be a positive integer"),
        ("gm_vae", {"min_information": -1.0}, "`min_information` must be at least 0"),
        ("gm_vae", {"min_information": 1.0, "objective": "iwae"}, "belongs to the objective"),
        ("gm_vae", {"prior": "vamp"}, "prior of its own.*of w and must be 'normal'.*'vamp'"),
        ("gm_vae", {"prior": priors.NormalPrior(4), "latent_dim": 3}, "made for 4 dimensions"),
        ("sparse_vae", {"prior": {"name": "mixture"}}, "of the slabs and must be 'normal'"),
        ("sparse_vae", {"objective": "iwae"}, "spikes are discrete"),
        ("sparse_vae", {"alpha": 0.0}, "`alpha` must lie between 0 and 1"),
        ("sparse_vae", {"alpha": 1.0}, "`alpha` must lie between 0 and 1"),
        ("sparse_vae", {"sharpness": 0.0}, "must be positive and in this order"),
        ("sparse_vae", {"sharpness": 5.0, "sharpness_start": 6.0}, "in this order"),
        ("sparse_vae", {"warmup_steps": -1}, "must be at least 0"),
        ("decomposed_vae", {"alpha": -1.0}, "`alpha` must be at least 0"),
        ("decomposed_vae", {"beta": float("nan")}, "`beta` must be at least 0"),
        ("decomposed_vae", {"scales": ()}, "`scales` must be positive"),
        ("decomposed_vae", {"scales": 0.0}, "`scales` must be positive"),
        ("decomposed_vae", {"prior": "none"}, "prior with a density"),
        ("decomposed_vae", {"objective": "iwae"}, "has the objective 'elbo' alone"),
        ("sylvester_vae", {"flow": "planar"}, "`flow` must be one of orthogonal"),
        ("sylvester_vae", {"num_flows": 0}, "`num_flows` must be a positive integer"),
        ("sylvester_vae", {"num_columns": 4}, "between 1 and latent_dim = 3"),
        ("sylvester_vae", {"prior": "vamp"}, "VampPrior is made of posteriors that are normal"),
        ("sylvester_vae", {"prior": "loracs"}, "made of posteriors that are normal"),
    ],
)
def test_bad_arguments_are_explained(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        models.build({"name": name, "latent_dim": 3, **arguments})


@pytest.mark.parametrize("name", MODELS)
def test_bad_data_and_unbuilt_models_are_explained(name, binary_images):
    model = tiny(name)
    with pytest.raises(ValueError, match="has not been built"):
        model.encode(binary_images)
    model.build((None, 8, 8, 1))
    for call in (model, model.encode, lambda x: model.log_weights(x, 1)):
        with pytest.raises(ValueError, match=r"examples of shape \(8, 8, 1\).*\(7, 8, 1\)"):
            call(binary_images[:, 1:])
