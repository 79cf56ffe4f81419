"""Clusters by sectors that move apart."""

import math
import numbers

import numpy as np
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfsp import arguments
from tfsp.bijectors import Halves, Push, Sectors, blockwise
from tfsp.mappings.base import Mapping, register

# The offset of a line is this times its weight, so that Adam, whose steps do not depend on the size
# of the gradient, moves it as many times faster than the weights of networks.
_SCALE = 10.0
_WHY_TWO = "one is no clustering"


@register("sectors")
class SectorsMapping(Mapping):
    """K clusters: planes of y torn into sectors (`Sectors`), a line into halves (`Halves`).

    Args:
      latent_dim: D.
      num_sectors: K, at least 2, for the plane of the first two dimensions; or K_1, K_2, ... for
        the plane of dimensions (0, 1), that of (2, 3), and so on: prod K_i clusters. Dimensions
        beyond stay as they are. With D = 1 there are two halves.
      probs: proportions of the clusters (where they start, if learned): for one plane (or a
        line) a vector of K, for several one vector each. Empty for equal ones. They are the
        probabilities of the clusters under a standard normal prior.
      learned: whether the proportions are trained: the angles by 2 pi softmax(logits), on a line
        the offset.
      strength, exponent, softening: c_1, c_2 and the width of the rounding at the borders:
        `tfsp.bijectors.Push`.
      rotation: angle of the middle of the first sector, radians.

    Raises:
      ValueError: for K < 2, more planes than D has room for, D = 1 with another K than 2, and
        probabilities that do not fit.

    Source: Miao et al. 2022 (InteL-VAE), section 6.2 and appendix C.2.
    """

    capabilities = frozenset({"clusters"})

    def __init__(
        self,
        latent_dim,
        num_sectors=(2,),
        probs=(),
        learned=False,
        strength=5.0,
        exponent=0.2,
        softening=1e-2,
        rotation=0.0,
        **kwargs,
    ):
        super().__init__(latent_dim, **kwargs)
        if np.ndim(num_sectors) == 0:
            sizes = [arguments.integer("num_sectors", num_sectors, 2, meaning=_WHY_TWO)]
        else:
            sizes = list(arguments.integers("num_sectors", num_sectors, 2, meaning=_WHY_TWO))
        _check_room(sizes, self.latent_dim)
        Push(strength, exponent, softening)  # checks them
        probs = _starting_probs(probs, sizes)
        self._config = dict(
            num_sectors=tuple(sizes),
            probs=[p.tolist() for p in probs],
            learned=bool(learned),
            strength=strength,
            exponent=exponent,
            softening=softening,
            rotation=arguments.number("rotation", rotation),
        )
        self.num_sectors = tuple(sizes)
        self._push = dict(strength=strength, exponent=exponent, softening=softening)
        if self.latent_dim == 1:
            from scipy.special import ndtri

            self._start = ndtri(probs[0][0])
            self._scaled_offset = self._constant("scaled_offset", self._start / _SCALE, learned)
        else:
            self.logits = [
                self._constant(f"logits_{i}", np.log(p), learned) for i, p in enumerate(probs)
            ]

    def _parts(self):
        if self.latent_dim == 1:
            return [Halves(self.offset(), **self._push)]
        rotation = self._config["rotation"]
        return [
            Sectors(probs=tf.nn.softmax(logits), rotation=rotation, **self._push)
            for logits in self.logits
        ]

    def bijector(self):
        if self.latent_dim == 1:
            return tfb.Chain(self._parts())
        return blockwise(self._parts(), [2] * len(self.num_sectors), self.latent_dim)

    def offset(self):
        """On a line, the right half begins at -offset: a scalar.

        Raises:
          ValueError: with `latent_dim` above 1.
        """
        if self.latent_dim > 1:
            raise ValueError(
                f"Only a line has an offset. Received: latent_dim={self.latent_dim}; see "
                "`proportions`."
            )
        return _SCALE * tf.convert_to_tensor(self._scaled_offset)

    def shift(self):
        """On a line with a learned offset, minus its way since the start: `[1]`; else None.

        Moving the tear then changes KL(q(y|x) || p(y)) alone, whose gradient has no noise. With
        posterior means that stay where they are it comes through the steep slope at the tear,
        with so much noise that the offset of MNIST-01 hardly moves.
        """
        if self.latent_dim > 1 or not self._config["learned"]:
            return None
        return tf.reshape(self._start - self.offset(), [1])

    def proportions(self):
        """Probabilities of the clusters under y ~ N(0, I): `[prod K_i]`, the last plane fastest."""
        if self.latent_dim == 1:
            offset = self.offset()
            signed = tf.stack([offset, -offset])
            return 0.5 * tf.math.erfc(-signed / math.sqrt(2.0))
        total = tf.ones([1], self.variable_dtype)
        for logits in self.logits:
            total = tf.reshape(total[:, tf.newaxis] * tf.nn.softmax(logits), [-1])
        return total

    def component(self, y):
        """The cluster of each y `[..., D]`: int32 `[...]`, numbered as `proportions`.

        z = g(y) lies in the same one.
        """
        y = tf.cast(y, self.variable_dtype)
        if self.latent_dim == 1:
            return self._parts()[0].component(y)[..., 0]
        number = tf.zeros(tf.shape(y)[:-1], tf.int32)
        for i, part in enumerate(self._parts()):
            number = number * part.num_sectors + part.component(y[..., 2 * i : 2 * i + 2])
        return number

    @classmethod
    def example(cls):
        return cls(latent_dim=2, num_sectors=3, probs=(0.5, 0.3, 0.2), learned=True)

    def get_config(self):
        return {**super().get_config(), **self._config}


def _check_room(sizes, latent_dim):
    if not sizes:
        raise ValueError("`num_sectors` must name at least one plane. Received: ().")
    if latent_dim == 1:
        if sizes != [2]:
            raise ValueError(
                f"On a line there are two halves, num_sectors=2. Received: {sizes} with "
                "latent_dim=1. More clusters need a plane, latent_dim of 2 or more."
            )
    elif 2 * len(sizes) > latent_dim:
        raise ValueError(
            f"Each of the {len(sizes)} numbers of sectors {sizes} needs a plane, two dimensions. "
            f"Received: latent_dim={latent_dim}; take at least {2 * len(sizes)}, or fewer planes."
        )


def _starting_probs(probs, sizes):
    """One float vector for each plane, checked."""
    probs = [probs] if isinstance(probs, numbers.Real) else list(probs)
    if not probs:
        return [np.full(size, 1.0 / size) for size in sizes]
    vectors = [probs] if np.ndim(probs[0]) == 0 else probs
    vectors = [np.asarray(vector, np.float64) for vector in vectors]
    right = [v.ndim == 1 and np.all(v > 0) and np.isclose(v.sum(), 1.0, atol=1e-4) for v in vectors]
    if [len(v) for v in vectors] != sizes or not all(right):
        raise ValueError(
            "`probs` must be positive and sum to 1, one vector for each plane with as many "
            f"entries as `num_sectors` {sizes}. Received: {probs}."
        )
    return [vector / vector.sum() for vector in vectors]
