"""The two-layer VAE against quadrature, and what it promises as all models do."""

import keras
import model_contract as contract
import numpy as np
import pytest
import tensorflow as tf
from reference import baselines
from reference import hierarchical_vae as reference
from reference.statistics import mean_tolerance
from scipy import special, stats

from tfsp import evaluation, models, networks, priors

X = np.array([1.0, 0.0, 1.0, 1.0])
VAMP = {"name": "vamp", "num_components": 3}
COUNT = 20_000


def built(prior="normal", latent_dim=1, bottom_dim=1, scale=0.8, data_shape=(4,), **kwargs):
    """A model far from its start."""
    settings = dict(latent_dim=latent_dim, bottom_dim=bottom_dim, seed=0, **kwargs)
    model = models.HierarchicalVAE(
        networks.MLP(hidden=(5, 4), activation="tanh"), prior=prior, **settings
    )
    model.build((None, *data_shape))
    rng = np.random.default_rng(2)
    for weight in model.trainable_weights:
        if "pseudo" in weight.name:
            weight.assign(rng.random(weight.shape))
        else:
            weight.assign(rng.normal(scale=scale, size=weight.shape))
    return model


def exact(model):
    def log_likelihood(z1, z2):
        logits = model.decoder(tf.constant(np.stack([z1, z2], axis=-1))).numpy()
        return baselines.bernoulli_log_prob(X, logits)

    def normal(outputs):
        outputs = outputs.numpy()
        return outputs[:, 0], np.exp(0.5 * outputs[:, 1])

    def bottom_prior(z2):
        return normal(model.bottom_network(tf.constant(z2[:, None])))

    def bottom_posterior(z2):
        x = np.tile(X, (len(z2), 1))
        return normal(model.bottom_encoder(x, tf.constant(z2[:, None])))

    def log_prior(z2):
        if isinstance(model.prior, priors.NormalPrior):
            return stats.norm.logpdf(z2)
        loc, scale = normal(model.encoder(model.prior.pseudo_inputs.numpy()))
        return special.logsumexp(stats.norm.logpdf(z2[:, None], loc, scale), axis=1) - np.log(3)

    (loc,), (scale,) = normal(model.encoder(X[None]))
    return reference.bounds(log_likelihood, bottom_prior, log_prior, (loc, scale), bottom_posterior)


@pytest.mark.parametrize("prior", ["normal", VAMP], ids=["normal", "vamp"])
def test_terms_and_weights_match_quadrature(float64, prior):
    """Each comparison fails for a right model with a probability of about 1e-6."""
    model = built(prior, scale=0.5, dtype="float64")
    expected = exact(model)
    assert min(expected["kl_top"], expected["kl_bottom"]) > 0.05
    terms = {k: v.numpy() for k, v in model(np.tile(X, (COUNT, 1))).items()}
    for name in ("log_likelihood", "kl_top", "kl_bottom"):
        atol = mean_tolerance(terms[name]) + 1e-9
        np.testing.assert_allclose(terms[name].mean(), expected[name], rtol=0, atol=atol)
    np.testing.assert_allclose(terms["kl"], terms["kl_top"] + terms["kl_bottom"], rtol=1e-12)
    if prior == "normal":  # in closed form
        np.testing.assert_allclose(terms["kl_top"], expected["kl_top"], rtol=1e-6)

    log_weights = model.log_weights(X[None], COUNT, seed=1)[:, 0].numpy()
    atol = mean_tolerance(log_weights)
    np.testing.assert_allclose(log_weights.mean(), expected["elbo"], rtol=0, atol=atol)
    ratios = np.exp(log_weights - expected["log_evidence"])
    assert mean_tolerance(ratios) < 0.2
    np.testing.assert_allclose(ratios.mean(), 1.0, rtol=0, atol=mean_tolerance(ratios))
    assert expected["elbo"] < expected["log_evidence"] - 1e-3


def test_kl_in_more_dimensions_matches_monte_carlo(float64):
    """E[log q(z1, z2 | x) - log p(z1, z2)] over draws, by densities of SciPy."""
    model = built(VAMP, latent_dim=3, bottom_dim=2, dtype="float64")
    x = tf.constant(np.tile(X, (COUNT, 1)))
    q_top = model.posterior(x[:1])
    z2 = q_top.sample(COUNT, seed=[0, 1])[:, 0]
    q, p = model.bottom_posterior(x, z2), model.bottom_prior(z2)
    z1 = q.sample(seed=[0, 2])

    def log_prob(normal, z):
        parts = normal.distribution
        return stats.norm.logpdf(z, parts.loc.numpy(), parts.scale.numpy()).sum(axis=-1)

    mixture = model.posterior(model.prior.pseudo_inputs.value).distribution
    each = stats.norm.logpdf(z2[:, None], mixture.loc.numpy(), mixture.scale.numpy()).sum(axis=-1)
    log_prior = special.logsumexp(each, axis=1) - np.log(3)
    estimates = {
        "kl_top": log_prob(q_top, z2) - log_prior,
        "kl_bottom": log_prob(q, z1) - log_prob(p, z1),
    }
    terms = model(x)
    for name, values in estimates.items():
        # Both are means of draws: the tolerances add, P(false alarm) < 1e-6.
        atol = mean_tolerance(values) + mean_tolerance(terms[name])
        assert atol < 0.3 * abs(values.mean())
        np.testing.assert_allclose(np.mean(terms[name]), values.mean(), rtol=0, atol=atol)


def test_vamp_prior_of_one_component_is_a_normal_prior_there():
    """HVP with one pseudo-input u equals HVAE with the prior N(q(u)) on identical weights."""
    hvp = built({"name": "vamp", "num_components": 1}, latent_dim=3, bottom_dim=2, num_samples=3)
    q = hvp.posterior(hvp.prior.pseudo_inputs.value).distribution
    there = dict(name="mixture", num_components=1, learned=False, loc=q.loc, scale=q.scale)
    hvae = built(there, latent_dim=3, bottom_dim=2, num_samples=3)
    for ours, theirs in (
        (hvae.encoder, hvp.encoder),
        (hvae.decoder, hvp.decoder),
        (hvae.bottom_encoder, hvp.bottom_encoder),
        (hvae.bottom_network, hvp.bottom_network),
    ):
        ours.set_weights(theirs.get_weights())
    x = np.random.default_rng(0).integers(0, 2, (6, 4)).astype("float32")
    close = dict(rtol=1e-4, atol=1e-4)
    with hvp.seeds.at(5), hvae.seeds.at(5):
        ours, theirs = hvae(x), hvp(x)
    for name in hvp.term_names:
        np.testing.assert_allclose(ours[name], theirs[name], **close)
    log_weights = [m.log_weights(x, 4, seed=2) for m in (hvae, hvp)]
    np.testing.assert_allclose(*log_weights, **close)
    z2 = np.random.default_rng(1).normal(size=(5, 3)).astype("float32")
    np.testing.assert_allclose(hvae.prior.log_prob(z2), hvp.prior.log_prob(z2), **close)


def test_importance_weighted_objective():
    model = built(VAMP, latent_dim=2, objective="iwae", num_samples=5)
    x = np.tile(X, (3, 1)).astype("float32")
    with model.seeds.at(3):
        terms = model(x)
    with model.seeds.at(3):
        log_weights = model.log_weights(x, 5, seed=model.seeds.next())
    expected = special.logsumexp(log_weights, axis=0) - np.log(5)
    np.testing.assert_allclose(terms["iwae"], expected, rtol=1e-5)
    assert terms["log_likelihood"].shape == terms["kl_top"].shape == (3,)


def test_codes_and_their_order(float64):
    model = built(VAMP, latent_dim=3, bottom_dim=2, dtype="float64")
    x = np.random.default_rng(0).integers(0, 2, (6, 4)).astype("float64")
    codes = model.encode(x).numpy()
    z2 = model.encoder(x).numpy()[:, :3]
    z1 = model.bottom_encoder(x, tf.constant(z2)).numpy()[:, :2]
    np.testing.assert_allclose(codes, np.concatenate([z1, z2], axis=1), rtol=1e-12)
    assert (model.representation_dim, model.latent_dim, model.bottom_dim) == (5, 3, 2)
    means = special.expit(model.decoder(codes).numpy())
    np.testing.assert_allclose(model.decode(codes).mean(), means, rtol=1e-10)
    np.testing.assert_allclose(model.reconstruct(x), means, rtol=1e-10)
    # In the space of the prior: z2, and the mean of z1 given it.
    view = model.prior_view()
    np.testing.assert_allclose(view.encode(x), z2, rtol=1e-12)
    given = model.bottom_network(z2).numpy()[:, :2]
    means = special.expit(model.decoder(np.concatenate([given, z2], axis=1)).numpy())
    np.testing.assert_allclose(view.decode(z2).mean(), means, rtol=1e-10)
    # Draws of the posterior lie around the codes: the mean of z2, and z1 by total expectation.
    draws = model.sample_posterior(np.tile(x[:1], (COUNT, 1)), seed=1).numpy()
    shifts = draws[:, 2:] - z2[0]
    assert np.all(np.abs(shifts.mean(axis=0)) < mean_tolerance(shifts))
    inner = model.bottom_encoder(x[:1], tf.constant(draws[:, None, 2:])).numpy()[:, 0, :2]
    shifts = draws[:, :2] - inner
    assert np.all(np.abs(shifts.mean(axis=0)) < mean_tolerance(shifts))
    assert np.any(inner.std(axis=0) > 0.01)


def test_samples_are_ancestral(float64):
    model = built(dtype="float64")
    means = model.sample(COUNT, seed=4).numpy()
    assert means.shape == (COUNT, 4)
    z2, w2 = baselines.normal_nodes(0.0, 1.0)
    outputs = model.bottom_network(tf.constant(z2[:, None])).numpy()
    expected = 0.0
    for b, w, m, log_variance in zip(z2, w2, *outputs.T, strict=True):
        z1, w1 = baselines.normal_nodes(m, np.exp(0.5 * log_variance))
        logits = model.decoder(tf.constant(np.stack([z1, b + 0 * z1], axis=-1))).numpy()
        expected += w * (w1 @ special.expit(logits))
    # P(false alarm) of about 1e-6.
    assert np.all(np.abs(means.mean(axis=0) - expected) < mean_tolerance(means))
    np.testing.assert_array_equal(model.sample(5, seed=4), model.sample(5, seed=4))
    assert np.any(model.sample(5, seed=4) != model.sample(5, seed=5))


def tiny(prior, **kwargs):
    network = networks.MLP(hidden=(6, 5), gated=True)
    settings = dict(latent_dim=3, bottom_dim=2, seed=0, **kwargs)
    return models.build(
        {"name": "hierarchical_vae", "encoder": network, "prior": prior, **settings}
    )


@pytest.mark.parametrize("objective", ["elbo", "iwae"])
def test_every_weight_gets_a_finite_gradient(objective, binary_images):
    model = built(VAMP, 3, 2, scale=0.3, data_shape=(8, 8, 1), objective=objective, num_samples=2)
    # 8 of the encoder's, bottom encoder's, bottom prior's and decoder's, and the pseudo-inputs.
    assert len(model.trainable_weights) == 6 + 8 + 6 + 8 + 1
    contract.assert_every_weight_learns(model, binary_images)
    if objective == "elbo":
        terms, losses = model(binary_images), []
        for kl_weight in (0.0, 0.5, 1.0):
            model.kl_weight.assign(kl_weight)
            losses.append(float(model.compute_loss(binary_images, y_pred=terms, training=False)))
        np.testing.assert_allclose(losses[1], (losses[0] + losses[2]) / 2, rtol=1e-6)
        kl = np.mean(terms["kl"])
        np.testing.assert_allclose(losses[2] - losses[0], kl, rtol=1e-3)


@pytest.mark.slow
def test_served(binary_images, tmp_path):
    contract.served(contract.built(tiny(VAMP)), binary_images, tmp_path)


@pytest.mark.slow
@pytest.mark.graphs
def test_trains_mirrored_in_mixed_precision(binary_images):
    model = contract.trained_mirrored_in_mixed_precision(
        lambda **kwargs: tiny(VAMP, **kwargs), binary_images
    )
    assert model.bottom_encoder.first_hidden.compute_dtype == "bfloat16"
    assert model.decoder.layers[-2].joint[0].compute_dtype == "bfloat16"


def test_measures_take_the_space_they_are_about(binary_images):
    model = tiny(VAMP)
    model.build((None, 8, 8, 1))
    draws = evaluation.posterior_draws(model, binary_images, seed=0)
    codes, _ = evaluation.encode(model, binary_images)
    assert draws.shape == codes.shape == (64, 5)
    evaluation.sparsity(codes, draws)
    assert evaluation.representatives(model).shape == (3, 3)
    categories, _ = evaluation.category_probabilities(model, binary_images)
    np.testing.assert_allclose(categories.sum(axis=1), 1, rtol=1e-5)
    found = evaluation.kl_decomposition(model, binary_images)  # of z2
    assert found["sum"] == pytest.approx(found["total"])
    normal = tiny("normal")
    normal.build((None, 8, 8, 1))
    found = evaluation.kl_decomposition(normal, binary_images)
    assert found["total"] == pytest.approx(np.mean(normal(binary_images)["kl_top"]), rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(encoder="loracs_conv"), "`encoder` of a hierarchical VAE must be 'mlp'.*LoracsConv"),
        (dict(decoder={"name": "graph_vae_mlp"}), "`decoder` of a hierarchical.*GraphVAEMLP"),
        (dict(encoder=None), "A network must be a name|`encoder` of a hierarchical"),
        (dict(encoder=keras.Sequential([keras.Input((4,))])), "`encoder` of.*Sequential"),
        (dict(bottom_dim=0), "`bottom_dim` must be a positive integer. Received: 0"),
        (dict(bottom_dim=True), "`bottom_dim` must be a positive integer. Received: True"),
        (dict(prior="none"), "prior of z2 must have a density.*NoPrior"),
        (dict(prior="vampire"), "Unknown prior: 'vampire'"),
        (dict(prior=priors.NormalPrior(3), latent_dim=2), "made for 3 dimensions"),
        (dict(posterior_covariance="full"), "does not take 'posterior_covariance'"),
        (dict(hidden=3), "does not take 'hidden'"),
    ],
)
def test_bad_arguments_are_explained(settings, message):
    with pytest.raises(ValueError, match=message):
        models.build({"name": "hierarchical_vae", **settings})


def test_sizes_by_default():
    assert models.HierarchicalVAE(latent_dim=7).bottom_dim == 7
    assert models.HierarchicalVAE(prior=priors.NormalPrior(3)).representation_dim == 6
    assert models.HierarchicalVAE().representation_dim == 80  # the paper's 40 and 40
