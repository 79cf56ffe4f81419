"""Every `seed` of the package: integers of any kind and size are taken, all else is refused."""

import functools

import numpy as np
import pytest

from tfsp import data, evaluation, models, priors
from tfsp.mappings.hierarchy import HierarchyMapping
from tfsp.mappings.selector import SelectorMapping
from tfsp.networks import MADE
from tfsp.priors import conditional_normal, conditional_start, loracs_start, recognition, tmc_start
from tfsp.tmc import native_sampler, ops, place_points
from tfsp.viz.charts import latent

RNG = np.random.default_rng(0)
CODES, LABELS = RNG.normal(size=(40, 3)), np.arange(40) % 2
MANY = RNG.normal(size=(300, 2))
PARENT, TIME = native_sampler.sample_prior(6, seed=1)
LEAVES = RNG.normal(size=(6, 3))
TREE = (PARENT, TIME, LEAVES)


@functools.cache
def vae():
    model = models.VAE(latent_dim=2)
    model(np.zeros((1, 4, 4, 1), np.float32))
    return model


def loracs(seed):
    prior = priors.LORACs(3, num_inducing=6, burn_in=20, seed=seed)
    prior.start(LEAVES)
    return prior.time


# Each returns numbers; most follow from the seed.
CALLS = {
    "LORACs": loracs,
    "inducing_points": lambda s: loracs_start.inducing_points(CODES, 5, "kmeans", s),
    "ward_tree": lambda s: tmc_start.ward_tree(MANY, s, limit=10)[1],
    "TMCPrior": lambda s: priors.TMCPrior(3, num_points=6, seed=s).time,
    "MixturePrior": lambda s: priors.MixturePrior(3, seed=s).loc,
    "VampPrior": lambda s: priors.VampPrior(3, num_components=2, seed=s).get_config()["seed"],
    "FlowPrior": lambda s: priors.FlowPrior(3, hidden=(4,), seed=s).get_config()["seed"],
    "ConditionalNormalPrior": lambda s: conditional_normal.ConditionalNormalPrior(3, seed=s).loc,
    "conditional_start": lambda s: conditional_start.components(CODES, 0 * CODES, 2, s)[0],
    "Recognition": lambda s: recognition.Recognition(seed=s).seed,
    "MADE": lambda s: MADE(3, hidden=(4,), seed=s).get_config()["seed"],
    "HierarchyMapping": lambda s: HierarchyMapping(5, hidden=(4,), seed=s)(np.ones((1, 5))),
    "SelectorMapping": lambda s: SelectorMapping(5, hidden=(4,), seed=s)(np.ones((1, 5))),
    "VAE": lambda s: models.VAE(latent_dim=2, seed=s).seeds.next(),
    "VAE.sample": lambda s: vae().sample(2, seed=s),
    "data.load": lambda s: data.load("digits", seed=s).info.num_classes,
    "native": lambda s: native_sampler.sample_prior(6, seed=s)[1],
    "ops": lambda s: ops.sample_prior(6, seed=s)[1],
    "place_points": lambda s: place_points(CODES, *TREE, seed=s).time,
    "ops.sample_posterior": lambda s: ops.sample_posterior(*TREE, num_moves=9, seed=s).time,
    "few_shot": lambda s: list(
        evaluation.few_shot(
            CODES, LABELS, CODES, LABELS, labels_per_class=(2,), num_label_sets=1, seed=s
        )
    ),
    "retrieval": lambda s: list(evaluation.retrieval(CODES, LABELS, num_queries=5, seed=s)),
    "log_likelihood": lambda s: evaluation.log_likelihood(
        vae(), np.zeros((3, 4, 4, 1), np.float32), num_samples=2, seed=s, per_example=True
    )["log_p_per_example"],
    "project": lambda s: latent.project(CODES, method="pca", seed=s)[0],
}


def first(value):
    return np.asarray(value[0] if isinstance(value, tuple | list) else value)


@pytest.mark.parametrize("name", CALLS)
def test_every_seed(name):
    call = CALLS[name]
    for seed in (-1, 2**40, np.int32(-1), np.uint64(2**63)):
        if seed < 0 and name == "native":  # its seeds are words of 64 bits
            with pytest.raises(ValueError, match="seed must be an integer in"):
                call(seed)
        else:
            assert first(call(seed)).size
    np.testing.assert_array_equal(first(call(np.int64(3))), first(call(3)))
    for wrong in (2.5, np.float64(2), "3", True, [1.0, 2.0]):
        with pytest.raises(ValueError, match=r"`?seed`? must be .*integer.*Received: "):
            call(wrong)
