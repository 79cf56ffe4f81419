"""tfsp: structured priors for variational autoencoders.

Parts load when they are first used: `import tfsp` costs little more than TensorFlow itself.
"""

import importlib

from tfsp.version import __version__

__all__ = [
    "__version__",
    "callbacks",
    "config",
    "data",
    "distributions",
    "evaluation",
    "experiment",
    "export",
    "likelihoods",
    "models",
    "networks",
    "priors",
    "tmc",
    "visualize",
    "viz",
]


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"tfsp.{name}")
    raise AttributeError(f"module 'tfsp' has no attribute {name!r}")


def __dir__():
    return __all__
