"""tfsp: structured priors for variational autoencoders."""

from tfsp import distributions, likelihoods, models, networks, priors

__version__ = "0.1.0"

__all__ = ["distributions", "likelihoods", "models", "networks", "priors"]
