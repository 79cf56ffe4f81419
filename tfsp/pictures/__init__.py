"""What is drawn of a run, by name: one file a picture or a family, which registers itself."""

from tfsp import discovery
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
    discovery.import_all(__name__, __path__)


discover()
