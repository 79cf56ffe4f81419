"""InteL-VAE: bounds, representation, sampling, regulariser, saving, serving; all maps."""

import keras
import model_contract as contract
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from reference import intel_vae as reference
from reference.statistics import mean_tolerance

from tfsp import experiment, mappings, models
from tfsp.config import default_config, to_dict
from tfsp.models import importance_log_prob

tfd = tfp.distributions

TINY_PRIORS = {
    "flow": {"hidden": (8,)},
    "loracs": {"num_inducing": 6, "start_epoch": 0},
    "mixture": {"num_components": 3},
    "vamp": {"num_components": 4},
}
TINY_MAPPINGS = {
    "chain": {"mappings": ["sectors", {"name": "selector", "hidden": (4,)}]},
    "hierarchy": {"num_levels": 2, "hidden": (4,)},
    "sectors": {"num_sectors": 3, "learned": True},
    "selector": {"hidden": (4,)},
}
PRIORS = ("mixture", "none", "vamp")


class Narrow(mappings.Mapping):
    """z of fewer dimensions than y: the product of the first two of three, and the third."""

    def __init__(self, latent_dim=3, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.output_dim = 2

    def call(self, y):
        return tf.stack([y[..., 0] * y[..., 1], y[..., 2]], axis=-1)


def tiny(mapping="selector", prior="normal", latent_dim=4, **kwargs):
    if isinstance(mapping, str):
        mapping = {"name": mapping, **TINY_MAPPINGS.get(mapping, {})}
    return models.InteLVAE(
        {"name": "mlp", "hidden": (8,)},
        prior={"name": prior, **TINY_PRIORS.get(prior, {})},
        latent_dim=latent_dim,
        mapping=mapping,
        seed=0,
        **kwargs,
    )


@pytest.mark.parametrize(
    ("mapping", "objective"),
    [*((name, "elbo") for name in mappings.names()), ("chain", "iwae")],
)
def test_every_mapping_fits_samples_and_reloads(mapping, objective, binary_images, tmp_path):
    model = tiny(mapping, objective=objective, num_samples=2)
    model.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    before = [w.numpy() for w in model.mapping.trainable_weights]
    history = model.fit(binary_images, batch_size=32, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    for old, new in zip(before, model.mapping.trainable_weights, strict=True):
        assert np.any(old != new.numpy())  # the map learns too
    scores = model.evaluate(binary_images, verbose=0, return_dict=True)
    bound = scores["elbo"] if objective == "elbo" else scores["iwae"]
    np.testing.assert_allclose(scores["loss"], scores["regulariser"] - bound, rtol=1e-5)
    assert (scores["regulariser"] != 0) == (mapping in ("selector", "chain"))
    x = binary_images
    np.testing.assert_allclose(
        model.encode(x), model.mapping(model.posterior(x).mean()), rtol=1e-5, atol=1e-6
    )
    y = model.prior.sample(5, seed=3)
    expected = model.decode(model.mapping(y)).mean()
    np.testing.assert_allclose(model.sample(5, seed=3), expected, rtol=1e-5)

    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.mapping) is type(model.mapping)
    np.testing.assert_array_equal(again.encode(x), model.encode(x))
    np.testing.assert_array_equal(again.sample(5, seed=0), model.sample(5, seed=0))
    np.testing.assert_array_equal(again.log_weights(x, 2, seed=1), model.log_weights(x, 2, seed=1))


@pytest.mark.parametrize("prior", PRIORS)
def test_every_prior_on_y(prior, binary_images):
    model = tiny("sectors", prior)
    model.compile(run_eagerly=True)
    history = model.fit(binary_images, batch_size=32, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    if not model.prior.is_density:
        return
    y, x = model.prior.sample(6, seed=0), binary_images[:6]
    q = model.posterior(x)
    log_weights = model.log_weights(x, 3, seed=4)
    draws = q.sample(3, seed=[4, 0])
    by_hand = (
        model.decode(model.mapping(draws)).log_prob(x)
        + model.prior.log_prob(draws)
        - q.log_prob(draws)
    )
    np.testing.assert_allclose(log_weights, by_hand, rtol=1e-4, atol=1e-4)
    assert model.mapping(y).shape == (6, 4)


def test_with_the_identity_it_is_the_vae(binary_images):
    """Same seeds, same weights: the same bounds and, after training, the same weights."""
    ours = tiny("identity")
    keras.utils.set_random_seed(0)
    theirs = models.VAE({"name": "mlp", "hidden": (8,)}, latent_dim=4, seed=0)
    for model in (ours, theirs):
        model.build((None, *binary_images.shape[1:]))
    for source, target in zip(theirs.trainable_weights, ours.trainable_weights, strict=True):
        target.assign(source)
    np.testing.assert_array_equal(
        ours.log_weights(binary_images, 3, seed=1), theirs.log_weights(binary_images, 3, seed=1)
    )
    for model in (ours, theirs):
        model.compile(jit_compile=False)
        model.fit(binary_images, batch_size=32, epochs=2, verbose=0, shuffle=False)
    for a, b in zip(theirs.trainable_weights, ours.trainable_weights, strict=True):
        np.testing.assert_array_equal(a, b)


def line_model(mapping, scale=0.4):
    """x in R^1 from one latent, with a fixed random decoder: small enough for quadrature."""
    model = models.InteLVAE(
        {"name": "mlp", "hidden": (4,), "activation": "tanh"},
        likelihood={"name": "gaussian", "initial_scale": scale},
        latent_dim=1,
        mapping=mapping,
        seed=0,
    )
    model.build((None, 1))
    rng = np.random.default_rng(5)
    for weight in model.trainable_weights:
        weight.assign(0.7 * rng.normal(size=weight.shape))
    return model


@pytest.mark.parametrize("mapping", ["sectors", "sphere", "selector"])
def test_bounds_against_quadrature(mapping):
    """log p(x) = log int p(x|g(y)) N(y) dy; the ELBO is E_q[log p(x|g(y))] - KL on y."""
    model = line_model({"name": mapping, **({"hidden": (4,)} if mapping == "selector" else {})})
    x = tf.constant([[0.3], [-0.8], [1.1]])
    edges = np.linspace(-9, 9, 6001)
    y = ((edges[1:] + edges[:-1]) / 2)[:, np.newaxis]
    cell = edges[1] - edges[0]
    z = model.mapping(tf.constant(y, tf.float32))
    log_lik = model.decode(z[:, tf.newaxis]).log_prob(x).numpy().astype(np.float64)  # [n, 3]
    weights = cell * np.exp(-0.5 * y**2) / np.sqrt(2 * np.pi)
    exact = np.log(np.sum(weights * np.exp(log_lik), axis=0))
    estimate = importance_log_prob(model, x, 20_000, 5000, seed=1)
    tolerance = 6 * np.sqrt(estimate["variance"]) + 1e-3
    assert np.all(np.abs(estimate["log_prob"] - exact) < tolerance)

    q = model.posterior(x)
    loc, scale = q.mean().numpy()[:, 0], q.stddev().numpy()[:, 0]
    density = np.exp(-0.5 * ((y - loc) / scale) ** 2) / (scale * np.sqrt(2 * np.pi))
    elbo = cell * np.sum(density * log_lik, axis=0)
    elbo -= [reference.normal_kl([m], [s]) for m, s in zip(loc, scale, strict=True)]
    draws = model.log_weights(x, 40_000, seed=2).numpy()
    assert np.all(np.abs(draws.mean(0) - elbo) < mean_tolerance(draws) + 1e-3)
    assert np.all(elbo < exact + 1e-6)


def test_regulariser_is_not_scaled_by_sample_weights(binary_images):
    model = tiny("selector")
    model.compile(jit_compile=False)
    model.build((None, 8, 8, 1))
    terms = model(binary_images)
    assert {"log_likelihood", "kl", "regulariser"} == set(terms)
    assert terms["regulariser"].shape == (64,)
    plain = model.compute_loss(y_pred=terms, training=False)
    doubled = model.compute_loss(y_pred=terms, sample_weight=2.0 * tf.ones([64]), training=False)
    regulariser = terms["regulariser"][0]
    np.testing.assert_allclose(doubled - regulariser, 2 * (plain - regulariser), rtol=1e-5)


def test_z_may_have_another_size_than_y(binary_images, tmp_path):
    model = tiny(Narrow(), latent_dim=None)
    model.compile(run_eagerly=True)
    model.fit(binary_images, batch_size=32, epochs=1, verbose=0)
    assert (model.latent_dim, model.representation_dim) == (3, 2)
    assert model.encode(binary_images).shape == (64, 2)
    assert model.sample(4, seed=0).shape == (4, 8, 8, 1)
    assert model.reconstruct(binary_images).shape == binary_images.shape
    model.export(str(tmp_path / "export"))
    served = tf.saved_model.load(str(tmp_path / "export")).signatures
    latent = served["encode"](images=tf.constant(binary_images))["latent"]
    np.testing.assert_allclose(latent, model.encode(binary_images), rtol=1e-5, atol=1e-6)
    mean = served["decode"](latent=latent)["mean"]
    np.testing.assert_allclose(mean, model.reconstruct(binary_images), rtol=1e-5, atol=1e-6)


def test_saved_models_serve_the_representation(binary_images, tmp_path):
    model = tiny("sectors")
    model.build((None, 8, 8, 1))
    model.export(str(tmp_path / "export"))
    served = tf.saved_model.load(str(tmp_path / "export")).signatures
    x = tf.constant(binary_images)
    z = model.mapping(model.posterior(x).mean())
    np.testing.assert_allclose(served["encode"](images=x)["latent"], z, rtol=1e-4, atol=1e-5)
    sample = served["sample"](num_samples=tf.constant(3), seed=tf.constant(5))["mean"]
    np.testing.assert_allclose(sample, model.sample(3, seed=5), rtol=1e-4, atol=1e-5)


def test_a_tree_on_y_is_served_through_the_map(binary_images, tmp_path):
    """Subtree samples and attachments of a tree prior are about y; images come through g."""
    model = tiny("sectors", "loracs")
    model.compile(jit_compile=False)
    model.fit(binary_images, batch_size=32, epochs=2, verbose=0)
    view = model.prior_view()
    np.testing.assert_allclose(
        view.encode(binary_images), model.posterior(binary_images).mean(), rtol=1e-6
    )
    served = model.signatures()
    node = tf.constant(2 * 6 - 2)  # the root
    drawn = served["sample_subtree"][0](node, tf.constant(3), tf.constant(1))
    expected = model.decode(model.mapping(drawn["latent"])).mean()
    np.testing.assert_allclose(drawn["mean"], expected, rtol=1e-5)


@pytest.mark.graphs
def test_a_circle_is_learned_with_its_hole():
    """What the map is for: no draw falls near the middle of the circle."""
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 5000)
    x = np.stack([np.cos(angle), np.sin(angle)], -1).astype("float32")
    model = models.InteLVAE(
        {"name": "mlp", "hidden": (16, 16)},
        likelihood={"name": "gaussian", "initial_scale": 0.1},
        latent_dim=2,
        mapping="circle",
        seed=0,
    )
    model.compile(keras.optimizers.Adam(1e-2), steps_per_execution=50, jit_compile=True)
    model.fit(x, batch_size=100, epochs=10, verbose=0)
    radius = np.linalg.norm(model.sample(2000, seed=0), axis=-1)
    assert np.mean(radius < 0.7) < 0.01
    assert np.mean(np.abs(radius - 1) < 0.3) > 0.98


def test_wrong_mappings_are_refused():
    with pytest.raises(ValueError, match="`latent_dim` is 4, but the mapping was made for 3"):
        tiny(mappings.IdentityMapping(3))
    with pytest.raises(ValueError, match="`mapping` must be a name"):
        tiny(3)
    with pytest.raises(ValueError, match="Unknown mapping: 'torus'"):
        tiny("torus")
    assert tiny(mappings.IdentityMapping(3), latent_dim=None).latent_dim == 3


@pytest.mark.parametrize("mapping", ["selector", "circle"])
def test_bad_data_and_unbuilt_models_are_explained(mapping, binary_images):
    contract.assert_misuse_is_explained(tiny(mapping), binary_images)


def settings(**sections):
    config = default_config()
    config.network.hidden = (8,)
    for section, values in sections.items():
        config[section].update(values)
    return to_dict(config)


def test_a_config_names_the_mapping():
    config = settings(
        model=dict(name="intel_vae", latent_dim=5),
        mapping=dict(name="hierarchy", num_levels=2, sizes=(2, 3), hidden=(7,)),
    )
    experiment.check_names(config)
    model = experiment.build_model(config, (8, 8, 1))
    assert model.mapping.sizes == (2, 3)
    assert model.mapping.networks[0].dense[0].units == 7
    config["mapping"]["name"] = "sectors"
    with pytest.raises(ValueError, match="'sectors' does not take .*'num_levels', 'sizes'"):
        experiment.check_names(config)
    config = settings(
        model=dict(name="intel_vae", latent_dim=5),
        # The last is a keyword that only this mapping knows.
        mapping=dict(name="sectors", num_sectors=(3, 2), strength=2.0),
    )
    mapping = experiment.build_model(config, (8, 8, 1)).mapping
    assert mapping.num_sectors == (3, 2)
    assert mapping.get_config()["strength"] == 2.0


def test_a_mapping_for_a_model_that_takes_none_is_refused():
    config = settings(mapping=dict(name="sphere"))
    with pytest.raises(ValueError, match="'vae' takes no mapping, but mapping.name is 'sphere'"):
        experiment.check_names(config)
    config["mapping"]["name"] = "torus"
    with pytest.raises(ValueError, match="Unknown mapping"):
        experiment.check_names(config)


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_posterior_moves_with_a_learned_tear(covariance, binary_images):
    """The likelihood does not see the offset, and KL(q || p) has the gradient minus mean(mu)."""
    mapping = {"name": "sectors", "learned": True}
    model = tiny(mapping, latent_dim=1, posterior_covariance=covariance)
    x = tf.constant(binary_images[:20])
    model.build(x.shape)
    offset = model.mapping.trainable_weights[0]
    before = model.posterior(x).mean().numpy()
    offset.assign(0.03)
    moved = float(model.mapping.offset())
    scale = moved / 0.03
    np.testing.assert_allclose(model.posterior(x).mean(), before - moved, rtol=1e-4, atol=1e-5)
    with model.seeds.at(0), tf.GradientTape(persistent=True) as tape:
        terms = model(x)
        log_likelihood = tf.reduce_mean(terms["log_likelihood"])
        kl = tf.reduce_mean(terms["kl"])
    np.testing.assert_allclose(tape.gradient(log_likelihood, offset), 0.0, atol=1e-3)
    expected = -scale * np.mean(before - moved)
    np.testing.assert_allclose(tape.gradient(kl, offset), expected, rtol=1e-4)
    assert model.encode(x).shape == (20, 1)


@pytest.mark.graphs
def test_proportions_of_two_clusters_on_a_line_are_learned():
    """A quarter of the points lies at -1, the rest at 1."""
    rng = np.random.default_rng(0)
    x = np.where(rng.random((2000, 1)) < 0.25, -1.0, 1.0) + 0.1 * rng.normal(size=(2000, 1))
    keras.utils.set_random_seed(0)
    model = models.InteLVAE(
        {"name": "mlp", "hidden": (32,)},
        likelihood={"name": "gaussian", "initial_scale": 0.1},
        latent_dim=1,
        mapping={"name": "sectors", "learned": True},
        seed=0,
    )
    model.compile(keras.optimizers.Adam(3e-3), steps_per_execution=20, jit_compile=False)
    model.fit(x.astype(np.float32), batch_size=100, epochs=40, verbose=0)
    found = np.sort(model.mapping.proportions())
    np.testing.assert_allclose(found, [0.25, 0.75], atol=0.05)
