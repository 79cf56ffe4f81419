"""Version of the package; a file of its own, so that building needs no TensorFlow."""

__version__ = "0.1.0"
