"""What the baselines promise beside `test_contract.py`: compiling, serving, slopes, errors."""

import keras
import model_contract as contract
import numpy as np
import pytest
from marks import slow_but
from model_contract import built, eagerly

from tfsp import likelihoods, models, networks

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
MODELS = ["gm_vae", "sparse_vae", "decomposed_vae", "sylvester_vae"]


def tiny(case, **kwargs):
    spec = {**CASES.get(case, {"name": case}), **kwargs}
    defaults = {"encoder": networks.MLP(hidden=(8,), activation="tanh"), "latent_dim": 3}
    return models.build(spec, **defaults, seed=0)


@pytest.mark.graphs
@pytest.mark.parametrize(
    "case", slow_but(["gm_vae"], ["gm_vae", "sparse_vae", "decomposed_vae", "householder"])
)
def test_the_training_loss_compiles(case, binary_images):
    contract.assert_loss_compiles(built(eagerly(tiny(case))), binary_images)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["gm_vae", "householder"])
def test_served(case, binary_images, tmp_path):
    contract.served(built(tiny(case)), binary_images, tmp_path)


@pytest.mark.parametrize("case", CASES)
def test_gradient_of_the_loss_against_finite_differences(case, float64):
    x = (np.random.default_rng(0).random((4, 6)) < 0.5).astype("float64")
    model = eagerly(tiny(case, dtype="float64"))
    model.build((None, 6))
    model.kl_weight.assign(0.7)
    if case == "sparse_vae":
        model.step.assign(3)  # in the midst of both warm-ups
    assert len(model.trainable_weights) >= 8
    contract.assert_gradient_is_the_slope(model, x)


@pytest.mark.parametrize("case", ["gm_vae", "sparse_vae", "orthogonal"])
def test_kl_weight_scales_the_loss_and_not_the_metrics(case, binary_images):
    contract.assert_kl_weight_scales_the_loss_alone(built(eagerly(tiny(case))), binary_images)


@pytest.mark.slow
@pytest.mark.graphs
def test_trains_mirrored_in_mixed_precision(binary_images):
    """The sparse VAE, which counts its steps by a weight."""
    contract.trained_mirrored_in_mixed_precision(
        lambda **kwargs: tiny("sparse_vae", **kwargs), binary_images
    )


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
        (
            "gm_vae",
            {"min_information": -1.0},
            "`min_information` must be a non-negative num.*: nats.*-1.0",
        ),
        (
            "gm_vae",
            {"min_information": "1"},
            "`min_information` must be a non-negative num.*: nats.*'1'",
        ),
        ("gm_vae", {"min_information": 1.0, "objective": "iwae"}, "belongs to the objective"),
        ("gm_vae", {"prior": "vamp"}, "'gm_vae' does not take 'prior'"),
        ("sparse_vae", {"prior": {"name": "mixture"}}, "'sparse_vae' does not take 'prior'"),
        ("sparse_vae", {"objective": "iwae"}, "spikes are discrete"),
        ("sparse_vae", {"alpha": 0.0}, r"`alpha` must be a number in \(0, 1\).*: 0.0"),
        ("sparse_vae", {"alpha": 1.0}, r"`alpha` must be a number in \(0, 1\).*: 1.0"),
        ("sparse_vae", {"alpha": "a"}, r"`alpha` must be a number in \(0, 1\).*: 'a'"),
        ("sparse_vae", {"sharpness": 0.0}, "`sharpness` must be a positive number.*: 0.0"),
        ("sparse_vae", {"sharpness": None}, "`sharpness` must be a positive number.*: None"),
        (
            "sparse_vae",
            {"sharpness": 5.0, "sharpness_start": 6.0},
            r"`sharpness_start` must be a number in \(0, 5.0\]: it rises to `sharpness`.*: 6.0",
        ),
        ("sparse_vae", {"sharpness_start": "5"}, r"`sharpness_start` must be .* \(0, 50.0\].*'5'"),
        ("sparse_vae", {"warmup_steps": -1}, "`warmup_steps` must be a non-negative integer.*: -1"),
        (
            "sparse_vae",
            {"slab_warmup_steps": "9"},
            "`slab_warmup_steps` must be a non-negative int.*: '9'",
        ),
        ("decomposed_vae", {"alpha": -1.0}, "`alpha` must be a non-negative number.*: -1.0"),
        ("decomposed_vae", {"alpha": "x"}, "`alpha` must be a non-negative number.*'x'"),
        ("decomposed_vae", {"beta": None}, "`beta` must be a non-negative number.*None"),
        ("decomposed_vae", {"scales": ("x",)}, "`scales` must be a positive number.*: 'x'"),
        ("decomposed_vae", {"beta": float("nan")}, "`beta` must be a non-negative number.*: nan"),
        ("decomposed_vae", {"scales": ()}, r"`scales` must hold at least one number.*: \(\)"),
        ("decomposed_vae", {"scales": 0.0}, "`scales` must be a positive number.*: 0.0"),
        ("decomposed_vae", {"prior": "none"}, "prior with a density"),
        ("decomposed_vae", {"objective": "iwae"}, "has the objective 'elbo' alone"),
        ("sylvester_vae", {"flow": "planar"}, "`flow` must be one of orthogonal"),
        ("sylvester_vae", {"num_flows": 0}, "`num_flows` must be a positive integer"),
        ("sylvester_vae", {"num_columns": 4}, "from 1 to 3: at most latent_dim.*: 4"),
        ("sylvester_vae", {"num_columns": 2.5}, "`num_columns` must be .* from 1 to 3: .*2.5"),
        ("sylvester_vae", {"num_columns": True}, "`num_columns` must be .* from 1 to 3: .*True"),
        ("sylvester_vae", {"num_iterations": 0}, "`num_iterations` must be a positive integer"),
        ("sylvester_vae", {"prior": "vamp"}, "VampPrior is made of posteriors that are normal"),
        ("sylvester_vae", {"prior": "loracs"}, "made of posteriors that are normal"),
    ],
)
def test_bad_arguments_are_explained(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        models.build({"name": name, "latent_dim": 3, **arguments})
