"""Data sets: named, from files of the field, or the user's own.

data = tfsp.data.load("digits", binarization="dynamic")
model.fit(data.train, validation_data=data.validation, epochs=10)
"""

# The modules that register named sources.
from tfsp.data import field_files, image_sets, mnist_01, synthetic, two_modes  # noqa: F401
from tfsp.data.dataset import Data
from tfsp.data.errors import DataFormatError, DataNotFoundError
from tfsp.data.first_look import Look, look
from tfsp.data.info import DataInfo
from tfsp.data.loading import load
from tfsp.data.sources import GeneratedSet, ImageSet, Request, StreamSet, names, register

__all__ = [
    "Data",
    "DataFormatError",
    "DataInfo",
    "DataNotFoundError",
    "GeneratedSet",
    "ImageSet",
    "Look",
    "Request",
    "StreamSet",
    "load",
    "look",
    "names",
    "register",
]
