"""How a model's signatures become files: for TensorFlow, and for other runtimes."""

from tfsp.serving.formats import FORMATS, check, converted
from tfsp.serving.frozen import Frozen
from tfsp.serving.memory import bijector_cache
from tfsp.serving.noise import Sampler
from tfsp.serving.rows import marked

__all__ = ["FORMATS", "Frozen", "Sampler", "bijector_cache", "check", "converted", "marked"]
