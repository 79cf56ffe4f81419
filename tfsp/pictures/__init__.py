"""What is drawn of a run, by name: one file a picture or a family, which registers itself."""

import importlib
import pkgutil

from tfsp.pictures.registry import PICTURES, Picture, draw, flag_help, markdown, names, register
from tfsp.pictures.subject import Subject

__all__ = [
    "PICTURES",
    "Picture",
    "Subject",
    "discover",
    "draw",
    "flag_help",
    "markdown",
    "names",
    "register",
]


def discover():
    """Imports every module of this package, which registers the pictures in it."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


discover()
