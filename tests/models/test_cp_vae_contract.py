"""What a CP-VAE promises as all models do: training, saving, serving, distribution, errors."""

import keras
import model_contract as contract
import numpy as np
import pytest
import tensorflow as tf
from model_contract import built, eagerly

from tfsp import likelihoods, models, networks, priors

CASES = {
    "drawn": {},
    "summed": {"sum_out_categories": True, "num_samples": 2},
    "iwae": {"objective": "iwae", "num_samples": 3},
    "random": {"start": "random", "temperature": 1.0, "temperature_decay": 0.5},
    "one": {"num_categories": 1},
}


def tiny(case, **kwargs):
    defaults = dict(latent_dim=3, num_categories=4, gate_units=6, start_epoch=1, seed=0)
    settings = {**defaults, "encoder": networks.MLP(hidden=(8,)), **CASES[case], **kwargs}
    return models.build({"name": "cp_vae", **settings})


@pytest.mark.slow
@pytest.mark.parametrize("case", ["drawn", "iwae", "random"])
def test_fits_reloads_and_goes_on(case, binary_images, tmp_path):
    model = eagerly(tiny(case))
    history = contract.fit_with_validation(model, binary_images)
    assert {"kl_discrete", "kl_continuous", "categories_perplexity"} <= set(history)
    again = contract.reloaded(model, binary_images, tmp_path)
    assert model.representation_dim == 3 + model.num_categories
    # Held categories start in the second epoch of both; the temperature and the running average
    # go on where they were.
    assert model.prior.wants_data == again.prior.wants_data == (case != "random")
    contract.assert_go_on_alike(
        model, again, binary_images, batch_size=32, epochs=2, initial_epoch=1
    )
    assert not model.prior.wants_data
    assert not again.prior.wants_data
    assert float(model.prior.temperature) == 0.5


def test_a_seed_that_is_drawn_is_kept():
    """Also where the prior starts its components and its mixture."""
    keras.utils.set_random_seed(3)
    model = tiny("random", seed=None)
    again = type(model).from_config(model.get_config())
    seeds = [m.prior.get_config()["seed"] for m in (model, again)]
    assert seeds == [model.seeds.seed] * 2
    np.testing.assert_array_equal(model.prior.loc, again.prior.loc)
    assert tiny("random", seed=None).seeds.seed != model.seeds.seed == again.seeds.seed


def test_representations_are_decoded(binary_images):
    """`encode` gives (mu, pi), `decode` takes z then c, relaxed or not, with leading axes."""
    model = built(eagerly(tiny("drawn")))
    x = binary_images[:5]
    code = model.encode(x)
    np.testing.assert_array_equal(code[:, :3], model.posterior(x).mean())
    np.testing.assert_array_equal(code[:, 3:], model.responsibilities(x))
    np.testing.assert_allclose(tf.reduce_sum(code[:, 3:], axis=1), 1.0, rtol=1e-6)
    logits = model.decoder(code)
    np.testing.assert_allclose(model.decode(code).mean(), tf.sigmoid(logits), rtol=1e-5)
    np.testing.assert_array_equal(model.reconstruct(x), model.decode(code).mean())
    many = tf.reshape(tf.repeat(code, 2, axis=0), [5, 2, 7])
    np.testing.assert_allclose(model.decode(many).mean()[:, 1], model.reconstruct(x), rtol=1e-5)
    predicted = model.predict(x, verbose=0)
    assert predicted["latent"].shape == (5, 7)
    np.testing.assert_allclose(predicted["reconstruction"], model.reconstruct(x), rtol=1e-5)
    before = model.prior.category_weights.numpy()
    model.evaluate(binary_images, verbose=0)
    np.testing.assert_array_equal(model.prior.category_weights, before)


@pytest.mark.parametrize("saturated", [False, True], ids=["plain", "saturated"])
@pytest.mark.parametrize("case", CASES)
def test_every_weight_gets_a_finite_gradient(case, saturated, binary_images):
    """Also where pi is 0 and 1 to the last digit and the relaxed categories are one-hot."""
    model = built(eagerly(tiny(case)))
    contract.shake(model)
    if saturated:
        model.prior.temperature.assign(0.1)
        bias = model.encoder.layers[-1].bias
        extreme = np.array([0.0, 400.0, -3e3, 120.0])[: model.num_categories]
        bias.assign(np.concatenate([extreme, bias.numpy()[model.num_categories :]]))
        pi = model.responsibilities(binary_images).numpy()
        assert set(np.unique(pi)) <= {0.0, 1.0}
    contract.assert_every_weight_learns(model, binary_images)
    names = {weight.name for weight in model.prior.trainable_weights}
    assert names == {"loc", "log_variance"}
    for value in (*model(binary_images).values(), model.log_weights(binary_images, 2, seed=0)):
        assert np.all(np.isfinite(value))


def test_holding_and_weights_scale_the_loss_alone(binary_images):
    model = built(eagerly(tiny("drawn")))
    for weight in model.encoder.weights:  # some kl_discrete
        weight.assign(3 * weight)
    scores = {}
    for weight, of_categories in ((1.0, 1.0), (0.25, 1.0), (0.5, 100.0)):
        model.kl_weight.assign(weight)
        model.prior.kl_weight.assign(of_categories)
        with model.seeds.at(0):
            score = model.evaluate(binary_images, verbose=0, return_dict=True)
        extra = (of_categories - 1.0) * score["kl_discrete"]
        assert score["kl_discrete"] > 0.01
        expected = weight * score["kl"] - score["log_likelihood"] + extra
        np.testing.assert_allclose(score["loss"], expected, rtol=1e-5)
        scores[weight] = score["elbo"]
    np.testing.assert_allclose(list(scores.values()), scores[1.0], rtol=1e-6)
    # By examples, where they are weighted.
    terms, weights = model(binary_images), np.arange(64.0, dtype="float32")
    loss = model.compute_loss(binary_images, y_pred=terms, sample_weight=weights, training=False)
    each = 0.5 * terms["kl"] + 99 * terms["kl_discrete"] - terms["log_likelihood"]
    np.testing.assert_allclose(loss, np.mean(weights * each), rtol=1e-5)


@pytest.mark.graphs
def test_the_training_loss_compiles(binary_images):
    contract.assert_loss_compiles(built(eagerly(tiny("drawn"))), binary_images)


@pytest.mark.slow
def test_served(binary_images, tmp_path):
    model = built(tiny("drawn"))
    model.adapt(binary_images)
    model.prior.category_weights.assign([0.5, 0.0, 0.3, 0.2])
    served = contract.served(model, binary_images, tmp_path, ["categories", "sample_category"])
    x = binary_images[:3]
    r = served["categories"](images=x)["probabilities"]
    np.testing.assert_allclose(r, model.responsibilities(x), **contract.CLOSE)
    count, seed = tf.constant(60), tf.constant(5)
    for k in range(4):  # also one that is never drawn
        samples = served["sample_category"](category=tf.constant(k), num_samples=count, seed=seed)
        expected = model.sample(60, seed=5, category=k)
        np.testing.assert_allclose(samples["mean"], expected, **contract.CLOSE)


@pytest.mark.slow
@pytest.mark.graphs
def test_trains_mirrored_in_mixed_precision(binary_images):
    model = contract.trained_mirrored_in_mixed_precision(
        lambda **kwargs: tiny("drawn", **kwargs), binary_images, epochs=2
    )
    assert not model.prior.wants_data
    assert model.parameters.compute_dtype == "float32"
    assert model.gate.compute_dtype == "bfloat16"
    # The running average is that of both replicas, on both.
    first, second = model.prior.category_weights.value.values
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(tf.reduce_sum(first), 1.0, rtol=1e-5)
    assert np.any(first.numpy() != 0.25)


def test_any_likelihood_and_keras_models(tmp_path):
    inputs, latent = keras.Input((5,)), keras.Input((7,))
    decoder = keras.Model(latent, keras.layers.Dense(5)(latent))

    def build(width, **kwargs):
        encoder = keras.Model(inputs, keras.layers.Dense(width)(inputs))
        settings = dict(latent_dim=3, num_categories=4, likelihood=likelihoods.Gaussian(), seed=0)
        return models.CPVAE(encoder, decoder, **settings, **kwargs)

    model = build(6)  # four logits, two features
    x = np.random.default_rng(0).normal(size=(8, 5)).astype("float32")
    terms = model(x, training=True)
    assert all(value.shape == (8,) for value in terms.values())
    assert model.gate.units == 2
    assert model.gate.dense.kernel.shape == (6, 4)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.encode(x), model.encode(x))

    wanted = r"encoder must map \(5,\) to \(5,\): the logits of num_categories=4 categories, then"
    for width in (1, 4):
        with pytest.raises(ValueError, match=rf"{wanted} at least one.*outputs \({width},\)"):
            build(width).build((None, 5))
    with pytest.raises(ValueError, match="encoder must map .* It does not accept its input"):
        build(6).build((None, 3))
    two = keras.Model(inputs, [keras.layers.Dense(6)(inputs)] * 2)
    with pytest.raises(ValueError, match=wanted):
        models.CPVAE(two, decoder, latent_dim=3, num_categories=4).build((None, 5))
    with pytest.raises(
        ValueError, match=r"decoder must map \(8,\) to \(5,\).*latent_dim=3 \+ num_c"
    ):
        models.CPVAE("mlp", decoder, latent_dim=3, num_categories=5).build((None, 5))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_categories": 0}, "`num_categories` must be a positive integer. Received: 0"),
        ({"gate_units": 0}, "`gate_units` must be a positive integer. Received: 0"),
        ({"gate_units": 2.5}, "`gate_units` must be a positive integer. Received: 2.5"),
        ({"temperature": -1.0}, "`temperature` must be a positive number"),
        ({"temperature_decay": 2.0}, r"`temperature_decay` must be .* \(0, 1\].*: 2.0"),
        ({"min_temperature": 0.0}, "`min_temperature` must be a positive number"),
        ({"start": "data"}, "`start` must be one of 'mixture', 'neighbours', 'random'"),
        ({"start_epoch": -1}, "`start_epoch` must be a non-negative integer"),
        ({"prior": "vamp"}, "'cp_vae' does not take 'prior'"),
        ({"posterior_covariance": "full"}, "does not take 'posterior_covariance'"),
        ({"seed": "a"}, "`seed` must be an integer or None"),
        ({"latent_dim": 0}, "`latent_dim` must be a positive integer"),
        ({"objective": "iwae", "sum_out_categories": True}, "would not be trained.*'iwae'"),
        ({"objective": "wake"}, "Unknown objective: 'wake'. Known: elbo, iwae, renyi"),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny("drawn", **arguments)


def test_bad_data_and_unbuilt_models_are_explained(binary_images):
    model = tiny("drawn")
    contract.assert_misuse_is_explained(
        model, binary_images, [model.responsibilities], [lambda x: model.sample_categories(2)]
    )
    with pytest.raises(ValueError, match=r"examples of shape \(8, 8, 1\).*\(7, 8, 1\)"):
        model.adapt(binary_images[:, 1:])
    for settings, message in (
        ({"category": 4}, "must lie between 0 and 3. Received: 4"),
        ({"category": [0, 1, 2]}, "one for each of the 2 draws"),
        ({"weights": "prior"}, "one of aggregated, uniform"),
    ):
        with pytest.raises(ValueError, match=message):
            model.sample(2, seed=0, **settings)


def test_categories_in_tensors_are_checked_where_they_can_be():
    prior = priors.conditional_normal.ConditionalNormalPrior.example()
    assert prior.sample(2, seed=0, category=tf.constant(1)).shape == (2, 5)
    with pytest.raises(ValueError, match="between 0 and 2"):
        prior.sample(2, category=tf.constant(3))
