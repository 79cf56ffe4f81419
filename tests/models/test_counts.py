"""How many draws: an integer, wherever draws are asked for."""

import numpy as np
import pytest
import tensorflow as tf
from model_contract import IMAGE, built

from tfsp import arguments, models, networks, priors
from tfsp.models.gm_vae import GMPrior
from tfsp.models.sparse_vae import SpikeAndSlabPrior
from tfsp.priors.boltzmann import BoltzmannPrior
from tfsp.priors.conditional_normal import ConditionalNormalPrior
from tfsp.priors.graph import GraphPrior

WRONG = [2.5, 2.0, -1, True, "3", None, np.float32(2), tf.constant(2.5)]
DENSITIES = [priors.get(name) for name in priors.names() if priors.get(name).is_density]
OWN = [BoltzmannPrior, ConditionalNormalPrior, GMPrior, GraphPrior, SpikeAndSlabPrior]


@pytest.mark.parametrize("cls", [*DENSITIES, *OWN], ids=lambda cls: cls.__name__)
def test_priors(cls):
    prior = cls.example()
    for n in WRONG:
        with pytest.raises(ValueError, match="`n` must be a non-negative integer"):
            prior.sample(n)
    if cls is not GMPrior:  # its networks are made by the model
        for n in (2, np.int64(2), tf.constant(2)):
            assert prior.sample(n, seed=0).shape[0] == 2


def test_models():
    hidden = networks.MLP(hidden=(4,))
    discrete = models.DiscreteVAE(hidden, latent_dim=2, num_chains=2, num_groups=1, num_sweeps=1)
    category = models.CPVAE(hidden, latent_dim=2, num_categories=2)
    others = [models.get(n) for n in ("vae", "hierarchical_vae", "gm_vae", "sylvester_vae")]
    x = np.zeros((1, *IMAGE), "float32")
    for model in (discrete, category, *(cls(hidden, latent_dim=2) for cls in others)):
        built(model)
        for n in WRONG[:4]:
            with pytest.raises(ValueError, match="`n` must be a non-negative integer"):
                model.sample(n)
            with pytest.raises(ValueError, match="`num_samples` must be a positive integer"):
                model.log_weights(x, n)
    with pytest.raises(ValueError, match="`n` must be a non-negative integer"):
        category.sample_categories(0.5)
    with pytest.raises(ValueError, match="`chain_steps` must be a non-negative integer.* 1.5"):
        discrete.sample(2, chain_steps=1.5)
    with pytest.raises(ValueError, match="`num_rows` must be a positive integer"):
        discrete.sample_chains(2, 1.5)


def test_a_traced_function_may_learn_of_the_number_late():
    count = tf.function(lambda n: tf.zeros([arguments.count("n", n)]))
    assert count(tf.constant(3)).shape == (3,)
