"""What every registered model promises, in all the cases that it names itself.

A model registered anywhere is covered: cases come from `models.names()` and `example_cases`.
"""

import json

import model_contract as contract
import numpy as np
import pytest
import tensorflow as tf
from marks import slow_but
from model_contract import built, eagerly

from tfsp import models
from tfsp.models.core.contract import StructuredVAE

WEIGHTED = ("iwae", {"name": "renyi", "alpha": 0.3})


def cases():
    """(name, case) of every model."""
    return [(name, case) for name in models.names() for case in models.get(name).example_cases]


def tiny(name, case, **kwargs):
    return models.get(name).example(case, **kwargs)


def fit_inputs(model, images):
    """What `call` is given in training."""
    if not getattr(model, "needs_index", False):
        return images
    model.adapt(images)
    return {"x": images, "index": np.arange(len(images), dtype=np.int32)}


def check_training(name, case, images, path):
    """Fits, predicts, reloads and goes on as the one that was saved."""
    model = eagerly(tiny(name, case))
    contract.fit_with_validation(model, images)
    predicted = model.predict(images[:5], verbose=0)
    assert predicted["latent"].shape == (5, model.representation_dim)
    np.testing.assert_allclose(
        predicted["reconstruction"], model.reconstruct(images[:5]), rtol=1e-4, atol=1e-5
    )
    again = contract.reloaded(model, images, path)
    draws = model.sample_posterior(images[:5], seed=2)
    assert draws.shape == (5, model.representation_dim)
    np.testing.assert_array_equal(again.sample_posterior(images[:5], seed=2), draws)
    contract.assert_go_on_alike(model, again, images)


def check_gradients(name, case, images):
    """Of every weight, finite, and not all 0 (a bias before a batch normalisation has none)."""
    model = built(eagerly(tiny(name, case)))
    inputs = fit_inputs(model, images)
    contract.shake(model)
    model.update()
    contract.assert_every_weight_learns(
        model, inputs, lambda path: name == "graph_vae" and "bias" in path and "dense" in path
    )
    again = type(model).from_config(model.get_config())
    assert json.dumps(again.get_config()) == json.dumps(model.get_config())


def check_draws(name, case, images):
    """`call` is what `infer` and `log_likelihood` say, and so are the weights."""
    model, x = built(eagerly(tiny(name, case))), images[:4]
    fit_inputs(model, images)
    with model.seeds.at(3):
        terms = model(x)
    with model.seeds.at(3):
        draw = model.infer(tf.constant(x), model.num_samples, model.seeds)
    log_likelihood = draw.expected(model.log_likelihood(x, draw.latents))
    assert log_likelihood.shape == (model.num_samples, 4)
    np.testing.assert_allclose(terms["log_likelihood"], np.mean(log_likelihood, axis=0), rtol=1e-5)
    parts = [np.reshape(part, (-1, 4)).mean(axis=0) for part in draw.kl.values()]
    np.testing.assert_allclose(terms["kl"], sum(parts), rtol=1e-4, atol=1e-5)
    assert set(model.term_names) <= set(terms)
    assert all(value.shape == (4,) for value in terms.values())
    assert set(draw.batch_terms) == set(model.batch_weights)
    if model.bound.uses_weights:
        ratio = (draw.training_log_ratio or draw.log_ratio)()
        expected = model.bound.bound(log_likelihood + ratio)
        np.testing.assert_allclose(terms[model.bound.name], expected, rtol=1e-5)
    assert model.log_weights(x, 3, seed=1).shape == (3, 4)
    assert model.generate(2, seed=0).shape == (2, draw.latents.shape[-1])


def check_misuse(name, case, images):
    model = tiny(name, case)
    contract.assert_misuse_is_explained(model, images, [model.sample_posterior])


FIRST = [(name, next(iter(models.get(name).example_cases))) for name in models.names()]


@pytest.mark.parametrize(("name", "case"), slow_but(FIRST, cases()))
def test_fits_predicts_reloads_and_goes_on(name, case, binary_images, tmp_path):
    check_training(name, case, binary_images, tmp_path)


@pytest.mark.parametrize(("name", "case"), cases())
def test_every_weight_gets_a_finite_gradient(name, case, binary_images):
    check_gradients(name, case, binary_images)


@pytest.mark.parametrize(("name", "case"), cases())
def test_terms_are_those_of_the_draws(name, case, binary_images):
    check_draws(name, case, binary_images)


@pytest.mark.parametrize(
    ("name", "case"),
    # (Not "dvae#", whose training has a bound of its own in place of the weights.)
    [
        (name, case)
        for name, case in cases()
        if name != "discrete_vae"
        and models.get(name).example_cases[case].get("objective") == "iwae"
    ],
)
def test_iwae_objective_is_the_log_mean_weight(name, case, binary_images):
    model = built(eagerly(tiny(name, case)))
    if name == "cp_vae":
        model.prior.kl_weight.assign(1.0)  # held categories count more
    if not model.batch_weights:  # the loss is the bound alone
        contract.assert_iwae_is_the_log_mean_weight(model, binary_images)


@pytest.mark.parametrize("name", models.names())
def test_bad_data_and_unbuilt_models_are_explained(name, binary_images):
    check_misuse(name, None, binary_images)


@pytest.mark.parametrize("objective", WEIGHTED, ids=["iwae", "renyi"])
@pytest.mark.parametrize("name", models.names())
def test_objectives_of_weights(name, objective, binary_images):
    """Every model has them, or says why not."""
    settings = {"discrete_vae": {"variant": "dvae#", "smoothing": "gaussian_integral"}}
    options = dict(objective=objective, num_samples=3, **settings.get(name, {}))
    if name in ("decomposed_vae", "sparse_vae", "tmc_vae"):
        with pytest.raises(ValueError, match="objective '(elbo|iwae|renyi)'"):
            models.get(name).example(**options)
        return
    model = built(eagerly(models.get(name).example(**options)))
    x = binary_images[:6]
    with model.seeds.at(3):
        terms = model(x)
    with model.seeds.at(3):
        draw = model.infer(tf.constant(x), 3, model.seeds)
    log_weights = (
        model.log_likelihood(x, draw.latents) + (draw.training_log_ratio or draw.log_ratio)()
    )
    bound = terms[model.bound.name]
    if objective == "iwae":
        expected = tf.reduce_logsumexp(log_weights, axis=0) - np.log(3)
    else:
        expected = (tf.reduce_logsumexp(0.7 * log_weights, axis=0) - np.log(3)) / 0.7
    np.testing.assert_allclose(bound, expected, rtol=1e-5)
    loss = model.compute_loss(x, y_pred=terms, training=False)
    extra = sum(float(np.mean(terms[k])) * w for k, w in model.batch_weights.items())
    if name != "cp_vae":  # whose held categories count more
        np.testing.assert_allclose(loss, extra - np.mean(bound), rtol=1e-5)


def test_a_model_registered_elsewhere_is_covered(binary_images, tmp_path, monkeypatch):
    registry = models.names.__self__
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))  # as before, afterwards

    @models.register("narrow_vae")
    class NarrowVAE(models.VAE):
        """A VAE with half the spread."""

        example_cases = {"narrow": {}}  # noqa: RUF012

        def infer(self, x, num_samples, seed=None, training=False):
            draw = super().infer(x, num_samples, seed, training)
            return draw._replace(kl={"kl": draw.kl["kl"] + 1.0})

    assert ("narrow_vae", "narrow") in cases()
    check_training("narrow_vae", "narrow", binary_images, tmp_path)
    check_gradients("narrow_vae", "narrow", binary_images)
    check_draws("narrow_vae", "narrow", binary_images)
    check_misuse("narrow_vae", "narrow", binary_images)


def test_examples_are_tiny_and_named():
    for name in models.names():
        model = models.get(name)
        assert issubclass(model, StructuredVAE)
        assert model.example_cases
        assert model.example().latent_dim <= 6


@pytest.mark.parametrize("name", [n for n in models.names() if models.get(n).fixed_arguments])
def test_a_part_that_a_model_has_of_its_own_is_not_taken(name):
    with pytest.raises(ValueError, match="has a prior of its own and does not take 'prior'.*vamp"):
        tiny(name, None, prior="vamp")
