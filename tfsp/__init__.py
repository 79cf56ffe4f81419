"""tfsp: structured priors for variational autoencoders.

`import tfsp` registers every model, prior, likelihood and network, so that saved models load
(`tfsp.load`); the other parts load when they are first used. Where TensorFlow is not installed,
`tfsp.tmc` still serves NumPy users.
"""

import importlib

from tfsp.version import __version__

__all__ = [
    "__version__",
    "bijectors",
    "callbacks",
    "config",
    "data",
    "distribute",
    "distributions",
    "evaluation",
    "experiment",
    "explorer",
    "export",
    "likelihoods",
    "load",
    "mappings",
    "measures",
    "models",
    "networks",
    "pictures",
    "priors",
    "refinement",
    "studies",
    "tmc",
    "visualize",
    "viz",
]


try:
    import tensorflow  # noqa: F401
except ImportError:
    pass
else:
    importlib.import_module("tfsp.models")


def __getattr__(name):
    if name == "load":
        return importlib.import_module("tfsp.saved").load
    if name in __all__:
        return importlib.import_module(f"tfsp.{name}")
    raise AttributeError(f"module 'tfsp' has no attribute {name!r}")


def __dir__():
    return __all__
