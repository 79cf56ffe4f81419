"""What a discrete VAE promises beside `test_contract.py`: its bound, its chains, serving."""

import model_contract as contract
import numpy as np
import pytest
import tensorflow as tf
from model_contract import built, eagerly

from tfsp import models, networks

CASES = {
    "dvae": {},
    "letter": {"sum_out_later": False, "num_groups": 3},
    "sbn": {"boltzmann": False, "num_groups": 1},
    "gaussian_slab": {"smoothing": "spike_and_gaussian"},
    "tempered": {"num_replicas": 3, "smoothing": "spike_and_slab"},
    "layers": {
        "num_continuous_layers": 4,
        "continuous_size": 3,
        "num_sharing_groups": 2,
        "smoothing": {"name": "spike_and_exponential", "trainable_beta": True},
    },
    "layer": {"num_continuous_layers": 1, "continuous_size": 2, "num_groups": 1},
    "dvae++": {"variant": "dvae++", "decoder_hidden": (7,)},
    "dvae#": {"variant": "dvae#", "objective": "iwae", "num_samples": 3},
    "gaussian": {"variant": "dvae#", "smoothing": "gaussian_integral"},
}


def tiny(case, **kwargs):
    defaults = dict(latent_dim=6, num_groups=2, num_chains=10, num_sweeps=2, seed=0)
    settings = {**defaults, "encoder": networks.MLP(hidden=(5,)), **CASES[case], **kwargs}
    return models.build({"name": "discrete_vae", **settings})


@pytest.mark.parametrize(("case", "size"), [("layer", 8), ("tempered", 6), ("dvae#", 6)])
def test_representations_hold_units_then_layers(case, size):
    model = tiny(case)
    assert (model.latent_dim, model.representation_dim) == (6, size)


@pytest.mark.parametrize("case", CASES)
def test_every_weight_gets_a_finite_gradient(case, binary_images):
    model = built(eagerly(tiny(case)))
    contract.shake(model)
    model.update()
    contract.assert_every_weight_learns(model, binary_images)


def test_terms_are_the_kl_and_weights_scale_the_loss_alone(binary_images):
    model = built(eagerly(tiny("layer")))
    scores = {}
    for weight, of_units in ((1.0, 1.0), (0.25, 1.0), (0.5, 0.4)):
        model.kl_weight.assign(weight)
        model.prior.kl_weight.assign(of_units)
        with model.seeds.at(0):
            score = model.evaluate(binary_images, verbose=0, return_dict=True)
        expected = of_units * score["kl_discrete"] + score["kl_continuous"]
        expected = weight * expected - score["log_likelihood"]
        np.testing.assert_allclose(score["loss"], expected, rtol=1e-5)
        scores[weight] = score["elbo"]
    np.testing.assert_allclose(list(scores.values()), scores[1.0], rtol=1e-6)


def test_evaluation_refreshes_log_z_and_moves_nothing_else(binary_images):
    model = eagerly(tiny("dvae"))
    model.fit(binary_images, batch_size=32, verbose=0)
    prior = model.prior
    assert int(prior.log_z_age) == 2
    chains, tracked = prior.chains.numpy(), float(prior.log_z)
    model.evaluate(binary_images, verbose=0)
    assert int(prior.log_z_age) == 0
    np.testing.assert_allclose(tracked, float(prior.log_z), atol=0.01)
    np.testing.assert_allclose(float(prior.log_z), float(prior.machine().log_z_exact()))
    model.sample(3, seed=0, chain_steps=4)
    assert model.sample_chains(2, 3, chain_steps=1, num_draws=4, seed=0).shape == (3, 2, 4, 8, 8, 1)
    np.testing.assert_array_equal(prior.chains, chains)


def test_reads_from_its_own_decoder(binary_images):
    """`decode` of [zeta, y] is p(x | zeta, y): sums of a group's layers where they are shared."""
    model = tiny("layers", batch_norm=False)
    model.build((None, 8, 8, 1))
    code = np.random.default_rng(0).normal(size=(2, 18)).astype("float32")
    zeta, y = code[:, :6], np.split(code[:, 6:], 4, axis=1)
    first, second = (p.kernel.numpy() for p in model.continuous.projections)
    features = np.concatenate([zeta @ first + y[0] + y[1], zeta @ second + y[2] + y[3]], axis=1)
    dense = model.decoder.latent_dense
    logits = features @ dense.kernel.numpy() + dense.bias.numpy()
    expected = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(np.reshape(model.decode(code).mean(), (2, 64)), expected, rtol=1e-4)
    # p(y_4 | ...) sees its own group's layers before it; p(y_2 | ...) and p(y_1 | ...) share.
    loc, _ = model.continuous.prior(3, tf.constant(zeta), [tf.constant(a) for a in y[:3]])
    inputs = np.concatenate([zeta @ first + y[0] + y[1], zeta @ second + y[2]], axis=1)
    np.testing.assert_allclose(
        loc, model.continuous.priors[1](latents=inputs)[:, :3], rtol=1e-4, atol=1e-5
    )
    assert len(model.continuous.priors) == 2


@pytest.mark.slow
def test_served(binary_images, tmp_path):
    model = built(tiny("layer", batch_norm=False))
    contract.served(model, binary_images, tmp_path, chains=True)


@pytest.mark.slow
def test_trains_mirrored_in_mixed_precision(binary_images):
    model = contract.trained_mirrored_in_mixed_precision(
        lambda **kwargs: tiny("dvae", num_groups=1, **kwargs), binary_images
    )
    assert model.prior.log_z_age.numpy() == 0
    assert set(np.unique(model.prior.chains.numpy())) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latent_dim": 5}, "must be even"),
        ({"num_units": 6, "latent_dim": 4}, "two must agree"),
        ({"num_groups": 0}, "`num_groups` must be .* from 1 to 4: groups of units.*: 0"),
        ({"num_groups": 5}, "`num_groups` must be .* from 1 to 4: groups of units.*: 5"),
        ({"latent_dim": "4"}, "`latent_dim` must be a positive integer. Received: '4'"),
        ({"variant": "vae"}, "must be one of 'dvae', 'dvae"),
        ({"smoothing": "sand"}, "one of overlapping_exponential"),
        ({"smoothing": "ramps"}, "'dvae' takes one of the smoothings spike_and_exponential"),
        ({"variant": "dvae++", "smoothing": "spike_and_slab"}, "takes one of the smoothings over"),
        ({"variant": "dvae++", "smoothing": "gaussian_integral"}, "takes one of the smoothings"),
        ({"objective": "iwae"}, "variant 'dvae#'"),
        ({"encoder": "loracs_conv"}, "names a perceptron"),
        ({"encoder": {"name": "mlp", "gated": True}}, "not gated"),
        ({"num_continuous_layers": -1}, "`num_continuous_layers` must be a non-negative integer"),
        ({"num_continuous_layers": 3, "num_sharing_groups": 2}, "must divide the number"),
        ({"prior": "vamp"}, "'discrete_vae' does not take 'prior'"),
        ({"num_chains": 0}, "`num_chains` must be a positive integer"),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    settings = {"latent_dim": 4, "num_groups": 2, **arguments}
    with pytest.raises(ValueError, match=message):
        models.build({"name": "discrete_vae", **settings})


@pytest.mark.slow
def test_draws_of_the_posterior_stand_as_their_means_do(binary_images):
    model = tiny("layer", smoothing="spike_and_exponential")
    model.build((None, 8, 8, 1))
    draws = np.stack([model.sample_posterior(binary_images[:4], seed=s) for s in range(400)])
    assert draws.shape == (400, 4, 8)
    np.testing.assert_array_equal(model.sample_posterior(binary_images[:4], seed=0), draws[0])
    # One group: the means of zeta are exact; those of y are given the mean of zeta, not over it.
    means = model.encode(binary_images[:4]).numpy()
    error = draws[..., :6].std(axis=0) / 20
    # 24 numbers: 5 standard errors are passed by chance once in 70,000 runs.
    assert np.all(np.abs(draws[..., :6].mean(axis=0) - means[:, :6]) < 5 * error)
    assert draws[..., 6:].std() > 0
