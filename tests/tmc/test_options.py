"""The options of the density and the moves: spelled once, and the same in the C++ core."""

import inspect

import numpy as np
import pytest

from tfsp import priors
from tfsp.tmc import native_sampler, ops
from tfsp.tmc.native import library, options
from tmc import sampler_testing


def test_the_core_has_the_same_defaults():
    density, concentrations, mixture = sampler_testing.defaults()
    assert density == options.DENSITY._asdict()
    assert concentrations == (options.A, options.B)
    assert mixture == list(options.MIXTURE)
    assert options.MIXTURE._asdict() == native_sampler.DEFAULT_MIXTURE
    assert tuple(options.MIXTURE) == ops.DEFAULT_MIXTURE
    assert native_sampler.MOVES == ops.MOVE_KINDS == options.MIXTURE._fields


def test_the_ops_have_the_same_defaults():
    known = inspect.signature(library.load().tfsp_tmc_quadrature).parameters
    leaf_nodes, internal_nodes = options.DENSITY.num_nodes
    assert known["leaf_nodes"].default == leaf_nodes
    assert known["internal_nodes"].default == internal_nodes
    assert known["edge_weights"].default == options.DENSITY.edge_weights


@pytest.mark.parametrize("prior", [priors.LORACs, priors.TMCPrior])
def test_the_priors_take_them(prior):
    known = inspect.signature(prior).parameters
    for name, value in options.DENSITY._asdict().items():
        assert known[name].default == value, name


def test_mixtures_by_the_number_of_leaves():
    assert options.mixture_of_inducing_points(50) == (50, 25, 25, 0.5)
    np.testing.assert_allclose(options.mixture_of_inducing_points(1000), (50, 25, 25, 0.1))
    assert options.mixture_of_data(10) == options.MIXTURE
    np.testing.assert_allclose(options.mixture_of_data(10_000), (50, 25, 25, 0.01))
    assert options.Mixture.by_name({"slide": 2.0}) == (0, 0, 2.0, 0)


def test_an_unknown_option_is_told_with_the_right_ones():
    with pytest.raises(TypeError, match="'nodes'. Known: concentration1, .*, edge_weights"):
        options.Density.of({"nodes": (3, 4)})
    given = options.Density.of({"num_nodes": [np.int64(3), 4], "edge_weights": "bayes"})
    assert given == options.DENSITY._replace(num_nodes=(3, 4), edge_weights="bayes")
