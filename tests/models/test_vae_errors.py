"""The VAE: what it says of arguments, data, networks and priors that cannot be."""

import keras
import model_contract as contract
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import models, networks, priors

tfd = tfp.distributions


def tiny(**kwargs):
    return models.VAE(networks.MLP(hidden=(16,)), latent_dim=3, seed=0, **kwargs)


def dense(inputs, outputs):
    return keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(outputs)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"encoder": "mpl"}, r"Unknown network: 'mpl'\. Known: .*mlp"),
        ({"encoder": {"name": "mlp", "widths": 3}}, "'mlp' does not take 'widths'"),
        ({"prior": "vampire"}, "Unknown prior: 'vampire'"),
        ({"likelihood": "gauss"}, "Unknown likelihood: 'gauss'"),
        ({"objective": "iwea"}, "Unknown objective: 'iwea'. Known: elbo, iwae, renyi"),
        ({"num_samples": 0}, "positive integer"),
        ({"prior": "none", "objective": "iwae"}, "prior with a density"),
        ({"prior": priors.NormalPrior(3), "latent_dim": 5}, "`latent_dim` is 5.*3 dimensions"),
        ({"encoder": dense(6, 6)}, "`decoder` must be given"),
        (
            {"encoder": dense(6, 5), "decoder": "mlp", "latent_dim": 3},
            r"encoder must map \(6,\) to \(6,\).*latent_dim=3.*data of shape \(6,\).*\(5,\)",
        ),
        (
            {"encoder": dense(4, 6), "decoder": "mlp", "latent_dim": 3},
            r"encoder must map \(6,\).*does not accept",
        ),
        (
            {"encoder": "mlp", "decoder": dense(3, 7), "latent_dim": 3},
            r"decoder must map \(3,\) to \(6,\).*data of shape \(6,\).*latent_dim=3.*\(7,\)",
        ),
        ({"encoder": "loracs_conv"}, "convolutional and needs images"),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        models.VAE(**arguments).build((None, 6))


def test_bad_data_are_explained(binary_images):
    model = tiny()
    model.compile()
    with pytest.raises(ValueError, match="Data must be floating"):
        model.fit((255 * binary_images).astype("uint8"), verbose=0)
    model.build((None, 8, 8, 1))
    with pytest.raises(ValueError, match=r"examples of shape \(8, 8, 1\).*\(7, 8, 1\)"):
        model.encode(binary_images[:, 1:])
    with pytest.raises(ValueError, match="every size but the first known"):
        tiny().build((None, None, 8, 1))
    with pytest.raises(ValueError, match="brings its own loss"):
        model.compile(loss="mse")


def test_data_that_cannot_be_are_refused(binary_images):
    model = tiny()
    model.compile()
    with pytest.raises(ValueError, match=r"Bernoulli needs data in \[0, 1\].* to 255"):
        model.fit(255 * binary_images, verbose=0)
    broken = binary_images.copy()
    broken[3, 4, 5, 0] = np.nan
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=r"x\[3, 4, 5, 0\] = nan"):
            call(broken, verbose=0)
    dataset = tf.data.Dataset.from_tensor_slices(2 * binary_images - 1).batch(8)
    with pytest.raises(ValueError, match="from -1 to 1"):
        model.fit(dataset, verbose=0)
    with pytest.warns(UserWarning, match="not binary.*Bernoulli"):
        model.fit(0.5 * binary_images, verbose=0)
    gaussian = tiny(likelihood="gaussian")
    gaussian.compile()
    gaussian.fit(3 * binary_images - 1, verbose=0)  # a Gaussian takes any real number


def test_nan_stops_a_plain_fit(binary_images):
    model = tiny(likelihood="gaussian")
    model.compile(keras.optimizers.SGD(1e30))
    with pytest.raises(ArithmeticError, match="became NaN or infinite"):
        model.fit(binary_images, batch_size=8, epochs=3, verbose=0)


@pytest.mark.parametrize("prior", priors.names())
def test_bad_data_and_unbuilt_models_are_explained(prior, binary_images):
    contract.assert_misuse_is_explained(tiny(prior=prior), binary_images)


class Shapeless(priors.Prior):
    def distribution(self, training=False):
        return tfd.Normal(tf.zeros([self.latent_dim]), 1.0)


class Forgetful(priors.Prior):
    def __init__(self, latent_dim, scale, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.scale = scale

    def distribution(self, training=False):
        return tfd.MultivariateNormalDiag(tf.zeros([self.latent_dim]), scale_diag=[self.scale] * 3)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (Shapeless(3), r"`Shapeless.distribution\(\)` must have event shape \[3\]"),
        (Forgetful(3, 2.0), "could not be made again from its own `get_config"),
        (keras.layers.Dense(3), "a `tfsp.priors.Prior`. Received: Dense"),
    ],
)
def test_priors_that_break_the_contract_are_named(prior, message):
    with pytest.raises(ValueError, match=message):
        models.VAE("mlp", prior=prior, latent_dim=3).build((None, 6))


@pytest.mark.parametrize("spec", ["conv", {"name": "mlp", "hiden": 3}, keras.layers.Dense(3), None])
def test_networks_that_cannot_be_are_refused_at_once(spec):
    with pytest.raises(ValueError, match="network|encoder"):
        models.VAE(spec, "mlp")


def test_what_is_no_array_of_examples_is_explained(binary_images):
    model = models.VAE(networks.MLP(hidden=(4,)), latent_dim=3)
    model.build((None, 8, 8, 1))
    with pytest.raises(ValueError, match=r"The decoder takes latent_dim=3 numbers.*\(5, 2\)"):
        model.decode(np.zeros((5, 2), "float32"))
    dataset = tf.data.Dataset.from_tensors(binary_images)
    for wrong in (dataset, (binary_images, np.zeros(len(binary_images)))):
        with pytest.raises(ValueError, match=r"without labels.*tfsp\.evaluation"):
            model.encode(wrong)
    with pytest.raises(ValueError, match="must be floating"):
        model.posterior((binary_images * 255).astype("uint8"))
    with pytest.raises(ValueError, match=r"an array \[n, \.\.\.\], a pair"):
        model.adapt("digits")
