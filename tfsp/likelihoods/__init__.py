"""Likelihoods p(x | z): what a decoder's outputs mean.

A newcomer adds one by a file here with a class under `@register("name")`; the contract tests
cover it unasked.
"""

from tfsp import discovery
from tfsp.likelihoods.base import Likelihood, build, get, names, register
from tfsp.likelihoods.bernoulli import Bernoulli
from tfsp.likelihoods.categorical import Categorical
from tfsp.likelihoods.columns import Columns
from tfsp.likelihoods.continuous_bernoulli import ContinuousBernoulli
from tfsp.likelihoods.gaussian import Gaussian
from tfsp.likelihoods.laplace import Laplace
from tfsp.likelihoods.logistic import Logistic
from tfsp.likelihoods.negative_binomial import NegativeBinomial, ZeroInflatedNegativeBinomial
from tfsp.likelihoods.poisson import Poisson

__all__ = [
    "Bernoulli",
    "Categorical",
    "Columns",
    "ContinuousBernoulli",
    "Gaussian",
    "Laplace",
    "Likelihood",
    "Logistic",
    "NegativeBinomial",
    "Poisson",
    "ZeroInflatedNegativeBinomial",
    "build",
    "get",
    "names",
    "register",
]

discovery.import_all(__name__, __path__)
