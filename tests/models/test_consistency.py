"""Consistency under augmentation: the images, the term, the loss, and that it does what it says."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import ndimage

from tfsp import models
from tfsp.models.core.augmentation import _smooth_field, random_transform
from tfsp.models.core.consistency import Consistency
from tfsp.random import fold_in

tfd = tfp.distributions


@keras.saving.register_keras_serializable("tests")
def halved(x):
    return 0.5 * x


def images(n=12, side=8):
    rng = np.random.default_rng(0)
    return (rng.random((n, side, side, 1)) < 0.4).astype("float32")


def test_no_change_is_none():
    x = images()
    same = random_transform(x, [0, 1], shift=0.0, rotation=0.0, zoom=0.0)
    np.testing.assert_allclose(same, x, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_images_move_as_scipy_moves_them(seed):
    """The same draw, resampled by scipy: rows and columns of a smooth image."""
    rows, columns = np.mgrid[:14, :18] / 6.0
    x = (0.5 + 0.4 * np.sin(rows + 0.7 * columns)).astype("float32")[None, ..., None]
    u = tf.random.stateless_uniform([6, 1], [7, seed], -1.0, 1.0, alg="philox").numpy()[:, 0]
    settings = dict(shift=0.1, rotation=0.1, zoom=0.2, shear=0.3, flip=True)
    found = random_transform(x, [7, seed], **settings)[0, ..., 0]
    angle, scale, side = 2 * np.pi * 0.1 * u[0], 1 + 0.2 * u[1], -1 if u[4] < 0 else 1
    turn = scale * np.array(  # (row, column) of what is read for (row, column)
        [[np.cos(angle), side * np.sin(angle)], [-np.sin(angle), side * np.cos(angle)]]
    )
    turn = turn @ np.array([[1, 0], [0.3 * u[5], 1]])
    centre = np.array([6.5, 8.5])
    offset = centre - turn @ centre + 0.1 * np.array([14 * u[3], 18 * u[2]])
    expected = ndimage.affine_transform(x[0, ..., 0], turn, offset, order=1, mode="nearest")
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_images_bend_as_scipy_bends_them():
    """The same draw, its field by a sum over bumps, resampled by scipy."""
    rows, columns = np.mgrid[:14, :18]
    x = (0.5 + 0.4 * np.sin(rows / 6.0 + 0.1 * columns)).astype("float32")[None, ..., None]
    found = random_transform(x, [7, 0], shift=0.0, rotation=0.0, zoom=0.0, warp=0.05)[0, ..., 0]
    noise = tf.random.stateless_normal([2, 1, 5, 5], fold_in([7, 0], 1), alg="philox").numpy()
    field = np.zeros([2, 14, 18])
    for a in range(5):
        for b in range(5):
            distance = (4 * rows / 13 - a) ** 2 + (4 * columns / 17 - b) ** 2
            field += noise[:, 0, a, b, None, None] * np.exp(-0.5 * distance)
    field /= np.sum(np.exp(-(np.arange(-2.0, 3.0) ** 2)))
    places = [rows + 0.05 * 14 * field[0], columns + 0.05 * 18 * field[1]]
    expected = ndimage.map_coordinates(x[0, ..., 0], places, order=1, mode="nearest")
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_how_far_images_bend():
    """At the middle the field has unit variance: 4000 draws, false alarms below 1e-6."""
    field = _smooth_field([4000, 9, 11], [0, 3]).numpy()[:, :, 4, 5]
    assert abs(np.mean(field**2) - 1.0) < 5 * np.sqrt(2 / 8000)


@pytest.mark.graphs
def test_the_step_compiles():
    """XLA, as on GPUs; the model's prior has no native op, so that the step is compiled whole."""
    model = models.CPVAE.example(consistency={"weight": 1.0, "reconstruct": False})
    model.compile(jit_compile=True)
    model.build((None, 8, 8, 1))
    assert model.jit_compile
    history = model.fit(images(), epochs=5, batch_size=6, verbose=0).history
    assert np.isfinite(history["consistency"]).all()
    x = images()
    compiled = tf.function(lambda x: random_transform(x, [0, 3], warp=0.1), jit_compile=True)
    np.testing.assert_allclose(compiled(x), random_transform(x, [0, 3], warp=0.1), atol=1e-5)


def test_each_image_moves_by_itself():
    x = np.repeat(images(1), 50, axis=0)
    moved = random_transform(x, [0, 0]).numpy()
    assert len(np.unique(moved.round(5), axis=0)) == 50
    assert moved.min() >= 0
    assert moved.max() <= 1 + 1e-6
    np.testing.assert_array_equal(random_transform(x, [0, 0]), moved)


def test_the_term_is_the_kl_between_both_posteriors():
    x = images()
    model = models.VAE.example(consistency={"weight": 2.0, "augment": halved})
    model.build((None, 8, 8, 1))
    q, p = model.posterior(halved(x)), model.posterior(x)
    variance, other = q.variance().numpy(), p.variance().numpy()
    ratio = variance / other
    difference = (q.mean().numpy() - p.mean().numpy()) ** 2 / other
    expected = 0.5 * np.sum(ratio + difference - 1 - np.log(ratio), axis=1)
    np.testing.assert_allclose(model(x)["consistency"], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        model(x, training=True)["consistency"], expected, rtol=1e-4, atol=1e-6
    )


def test_the_term_of_categories_counts_both_latents():
    x = images()
    model = models.CPVAE.example(consistency={"augment": halved})
    model.build((None, 8, 8, 1))
    log_q, loc_q, log_var_q = (part.numpy() for part in model.posterior_parts(halved(x)))
    log_p, loc_p, log_var_p = (part.numpy() for part in model.posterior_parts(x))
    of_c = np.sum(np.exp(log_q) * (log_q - log_p), axis=1)
    ratio = np.exp(log_var_q - log_var_p)
    squares = (loc_q - loc_p) ** 2 / np.exp(log_var_p)
    of_z = 0.5 * np.sum(ratio + squares - 1 - np.log(ratio), axis=1)
    np.testing.assert_allclose(model(x)["consistency"], of_c + of_z, rtol=1e-4, atol=1e-6)


def test_the_loss_is_the_mean_bound_and_the_weighted_kl():
    """Where nothing is random: an autoencoder. Bounds that are reported stay those of x."""
    x = images()
    model = models.VAE.example(prior="none", consistency={"weight": 3.0, "augment": halved})
    model.compile(run_eagerly=True)
    model.build((None, 8, 8, 1))
    plain = models.VAE.example(prior="none")
    plain.build((None, 8, 8, 1))
    plain.set_weights(model.get_weights())
    own, other = (plain(part)["log_likelihood"].numpy() for part in (x, halved(x)))
    kl = model(x)["consistency"].numpy()
    terms = model(x, training=True)
    np.testing.assert_allclose(terms["log_likelihood"], (own + other) / 2, rtol=1e-5)
    loss = model.compute_loss(x=x, y_pred=terms, training=True)
    np.testing.assert_allclose(loss, np.mean(3.0 * kl - (own + other) / 2), rtol=1e-5)
    found = model.evaluate(x, batch_size=12, verbose=0, return_dict=True)
    np.testing.assert_allclose(found["log_likelihood"], own.mean(), rtol=1e-5)
    np.testing.assert_allclose(found["consistency"], kl.mean(), rtol=1e-4)


def test_categories_may_weigh_more_and_augmented_images_need_not_be_decoded():
    x = images()
    settings = {"weight": 2.0, "discrete_weight": 30.0, "reconstruct": False, "augment": halved}
    model = models.CPVAE.example(consistency=settings)
    model.build((None, 8, 8, 1))
    (log_q, *q), (log_p, *p) = model.posterior_parts(halved(x)), model.posterior_parts(x)
    of_c = np.sum(np.exp(log_q) * (log_q - log_p), axis=1)
    of_z = tfd.kl_divergence(*(tfd.MultivariateNormalDiag(m, np.exp(v / 2)) for m, v in (q, p)))
    terms = model(x, training=True)
    np.testing.assert_allclose(terms["consistency"], of_c + of_z, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(terms["consistency_loss"], 30 * of_c + 2 * of_z, rtol=1e-4)
    plain = models.CPVAE.example()
    plain.build((None, 8, 8, 1))
    plain.set_weights(model.get_weights())
    own, other = (plain(part, training=True) for part in (x, halved(x)))
    for name in ("kl", "kl_discrete", "kl_continuous"):  # in closed form: no draws in them
        np.testing.assert_allclose(terms[name], (own[name] + other[name]) / 2, rtol=1e-4)
    auto = models.VAE.example(prior="none", consistency=settings)
    auto.build((None, 8, 8, 1))
    # Nothing is drawn here: the likelihood is that of x alone.
    found, alone = auto(x, training=True), auto(x)
    np.testing.assert_allclose(found["log_likelihood"], alone["log_likelihood"], rtol=1e-5)
    assert model.consistency.get_config() == Consistency(**settings).get_config() | {
        "augment": keras.saving.serialize_keras_object(halved)
    }


@pytest.mark.parametrize("name", ["vae", "cp_vae", "gm_vae", "intel_vae"])
def test_it_is_kept_and_trained_with(name, tmp_path):
    model = models.get(name).example(consistency=0.5)
    model.compile(run_eagerly=True)
    history = model.fit(images(), epochs=2, batch_size=6, verbose=0).history
    assert np.isfinite(history["consistency"]).all()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.consistency.get_config() == model.consistency.get_config()
    assert again.consistency.weight == 0.5
    assert "consistency" not in models.get(name).example().get_config()


def test_a_function_is_kept(tmp_path):
    model = models.VAE.example(consistency={"augment": halved})
    model.build((None, 8, 8, 1))
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").consistency.augment is halved


@pytest.mark.graphs
def test_codes_move_less_with_it():
    x = np.concatenate([images(20)] * 5)
    moved = random_transform(x, [3, 3])
    found = {}
    for weight in (0.0, 3.0):
        keras.utils.set_random_seed(0)
        model = models.VAE.example(consistency=weight)
        model.compile(keras.optimizers.Adam(1e-2))
        model.fit(x, epochs=30, batch_size=25, verbose=0)
        q, p = model.posterior(moved), model.posterior(x)
        found[weight] = float(np.mean(q.kl_divergence(p)))
    assert found[3.0] < 0.5 * found[0.0]


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match=r"consistency.*must be None.*'much'"):
        models.VAE.example(consistency="much")
    with pytest.raises(ValueError, match=r"consistency.*twist"):
        models.VAE.example(consistency={"twist": 1})
    with pytest.raises(ValueError, match=r"weight.*non-negative.*-1"):
        Consistency(-1.0)
    with pytest.raises(ValueError, match=r"augment.*layer or a function.*3"):
        Consistency(augment=3)
    assert models.VAE.example(consistency=0).consistency is None
    flat = models.VAE.example(consistency=1.0)
    flat.build((None, 64))
    with pytest.raises(ValueError, match=r"images \[H, W, C\].*\(64,\)"):
        flat(images().reshape(12, 64))
    cut = models.VAE.example(consistency={"augment": lambda x: x[:, :4]})
    cut.build((None, 8, 8, 1))
    with pytest.raises(ValueError, match=r"leave the shape.*\(12, 4, 8, 1\)"):
        cut(images())
    graph = models.get("graph_vae").example(consistency=1.0)
    graph.build((None, 8, 8, 1))
    with pytest.raises(ValueError, match="GraphVAE has no posterior"):
        graph(images())
    with pytest.raises(ValueError, match=r"TMC-VAE does not take `consistency`"):
        models.get("tmc_vae").example(consistency=1.0)
