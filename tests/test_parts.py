"""A prior, a likelihood and a model are one file each: in the registry, --help, the docs, tests.

(Measures, tasks and pictures: tests/measures, tests/evaluation and tests/pictures.)
"""

import contextlib
import importlib.util
import inspect
import pathlib
import sys

import numpy as np
import pytest
from script_runs import loaded

from tfsp import config, discovery, experiment, likelihoods, models, parts, priors, registry

ROOT = pathlib.Path(__file__).parents[1]

PRIOR = '''"""A prior of independent Laplace distributions."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp.priors.base import Prior, register

tfd = tfp.distributions


@register("own_laplace")
class OwnLaplace(Prior):
    """p(z) = prod_d exp(-|z_d| / b) / (2 b)."""

    def __init__(self, latent_dim, width=1.0, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.width = width

    def distribution(self, training=False):
        zeros = tf.zeros([self.latent_dim], self.variable_dtype)
        return tfd.Independent(tfd.Laplace(zeros, self.width * tf.ones_like(zeros)), 1)

    def get_config(self):
        return {**super().get_config(), "width": self.width}
'''

LIKELIHOOD = '''"""Bernoulli by the probit link."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp.likelihoods.base import Likelihood, register
from tfsp.sample_shape import IntegerDraws


class _Bernoulli(IntegerDraws, tfp.distributions.Bernoulli):
    pass


@register("own_coins")
class OwnCoins(Likelihood):
    """p(x = 1) = sigmoid(2 output)."""

    kind = "discrete"
    num_levels = 2

    def pixel_distribution(self, logits):
        return _Bernoulli(logits=2.0 * logits, dtype=logits.dtype)
'''

MODEL = '''"""A VAE whose posterior counts twice."""

from tfsp.models.core.assembly import EncoderDecoder
from tfsp.models.core.contract import register


@register("own_vae")
class OwnVAE(EncoderDecoder):
    """q(z|x) = N(mu(x), sigma(x)^2), the KL counted `times`."""

    example_cases = {"twice": {"times": 2.0}}

    def __init__(self, encoder="mlp", decoder=None, times=1.0, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self._config = {"times": times}
        self.times = times

    def infer(self, x, num_samples, seed=None, training=False):
        draw = super().infer(x, num_samples, seed, training)
        return draw._replace(kl={"kl": self.times * draw.kl["kl"]})
'''


@contextlib.contextmanager
def added(package, name, source, folder):
    """The package with a file more, and its registry as it was afterwards."""
    of_package = package.names.__self__
    before, folder = dict(of_package._classes), folder / package.__name__
    folder.mkdir()
    (folder / f"{name}.py").write_text(source)
    try:
        discovery.import_all(package.__name__, [str(folder), *package.__path__])
        yield
    finally:
        of_package._classes = before
        sys.modules.pop(f"{package.__name__}.{name}", None)
        if hasattr(package, name):
            delattr(package, name)


@pytest.fixture
def search_path(monkeypatch, tmp_path):
    """A package's path that takes folders more."""
    for package in (priors, likelihoods, models):
        more = str(tmp_path / package.__name__)
        monkeypatch.setattr(package, "__path__", [*package.__path__, more])
    return tmp_path


def contract_of(*path):
    """A module of contract tests, read now that the part is registered."""
    file = ROOT.joinpath("tests", *path)
    spec = importlib.util.spec_from_file_location(f"now_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_by_name(module, name, **fixtures):
    """Runs the tests of a module that take a registered name and nothing else but fixtures."""
    ran = []
    for test, function in vars(module).items():
        marks = getattr(function, "pytestmark", [])
        parametrized = [mark.args for mark in marks if mark.name == "parametrize"]
        needed = set(inspect.signature(function).parameters) if test.startswith("test_") else ()
        if "name" in needed and needed <= {"name", *fixtures}:
            (values,) = (values for argument, values in parametrized if argument == "name")
            if name in values:
                function(name, **{key: fixtures[key] for key in needed - {"name"}})
                ran.append(test)
    return ran


def assert_known(section, name, setting):
    """In the registry of the section, in configs, in --help and on the page of the docs."""
    assert name in config.SECTIONS[section].names()
    settings = config.default_config()
    settings[section].name = name
    assert (setting in settings[section]) == (setting is not None)
    experiment.make_model(settings.to_dict())
    with loaded("train") as (_, flags):
        lines = flags["config"].help.splitlines()
    (line,) = (line for line in lines if line.startswith(f"config.{section}.name: "))
    assert name in line.rstrip(".").split(": ")[1].split(", ")
    rows = [row for row in parts.markdown().splitlines() if row.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    assert setting is None or f"`{setting}`" in rows[0]


def test_a_prior_is_one_file(search_path):
    with added(priors, "own_laplace", PRIOR, search_path):
        assert_known("prior", "own_laplace", "width")
        contract = contract_of("priors", "test_prior_contract.py")
        ran = run_by_name(contract, "own_laplace", tmp_path=search_path)
        assert len(ran) >= 8
        assert "test_density_integrates_to_one_and_samples_follow_it" in ran
    assert "own_laplace" not in priors.names()


def test_a_likelihood_is_one_file(search_path):
    with added(likelihoods, "own_coins", LIKELIHOOD, search_path):
        assert_known("likelihood", "own_coins", None)
        contract = contract_of("likelihoods", "test_likelihood_contract.py")
        assert "own_coins" in contract.SPECS
        ran = 0
        for name, function in vars(contract).items():
            if name.startswith("test_") and list(inspect.signature(function).parameters) == [
                "likelihood"
            ]:
                function(likelihoods.build("own_coins"))
                ran += 1
        assert ran >= 8


def test_a_model_is_one_file(search_path, binary_images):
    with added(models, "own_vae", MODEL, search_path):
        assert_known("model", "own_vae", "times")
        contract = contract_of("models", "test_contract.py")
        assert ("own_vae", "twice") in contract.cases()
        contract.check_training("own_vae", "twice", binary_images, search_path)
        contract.check_gradients("own_vae", "twice", binary_images)
        contract.check_draws("own_vae", "twice", binary_images)
        contract.check_misuse("own_vae", "twice", binary_images)


def test_the_page_of_the_docs_is_that_of_the_registries():
    written = (ROOT / "docs" / "parts.md").read_text()
    assert written == parts.markdown(), "make it again, by the command that stands in it"


def test_every_part_has_a_line_and_its_settings():
    for section, of_section in config.SECTIONS.items():
        for name in of_section.names():
            assert of_section.get(name).__doc__.strip(), name
            known = registry.defaults(of_section.get(name))
            assert set(config.section_defaults(section, name)) <= set(known)
    assert np.all([len(line) < 400 for line in parts.flag_help().splitlines()])
