"""Projection to spheres and circles."""

from collections.abc import Sequence
from typing import Any

from tensorflow_probability import bijectors as tfb

from tfsp import arguments
from tfsp.bijectors import SphereProjection, blockwise
from tfsp.mappings.base import Mapping, register


@register("sphere")
class SphereMapping(Mapping):
    """z = y / (||y|| + epsilon), on the whole of y or on stretches of it: `SphereProjection`.

    Args:
      latent_dim: D.
      sizes: dimensions of each stretch that is projected by itself, with the sum D: (2, 2) is a
        torus. Empty for one sphere in D dimensions.
      epsilon: positive float.

    Raises:
      ValueError: for sizes that do not sum to D, or an `epsilon` that is not positive.

    Source: Miao et al. 2022 (InteL-VAE), section 6.1.
    """

    def __init__(
        self, latent_dim: int, sizes: Sequence[int] = (), epsilon: float = 1e-3, **kwargs: Any
    ) -> None:
        super().__init__(latent_dim, **kwargs)
        self.sizes = check_sizes(sizes, latent_dim)
        self.epsilon = arguments.number("epsilon", epsilon, "(0, inf)")

    def bijector(self) -> tfb.Bijector:
        sizes = self.sizes or (self.latent_dim,)
        return blockwise([SphereProjection(self.epsilon) for _ in sizes], sizes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sizes": self.sizes, "epsilon": self.epsilon}


@register("circle")
class CircleMapping(Mapping):
    """The first plane of y goes to the circle (`SphereProjection`), other dimensions stay.

    With D = 2 the same as "sphere".

    Args:
      latent_dim: D, at least 2 for each circle.
      num_circles: how many planes, from the first two dimensions on, are projected; several make
        a torus.
      epsilon: positive float.

    Raises:
      ValueError: for fewer dimensions than the circles need, or values out of range.

    Source: Miao et al. 2022 (InteL-VAE), section 6.1.
    """

    def __init__(
        self, latent_dim: int, num_circles: int = 1, epsilon: float = 1e-3, **kwargs: Any
    ) -> None:
        super().__init__(latent_dim, **kwargs)
        self.num_circles = arguments.integer("num_circles", num_circles)
        self.epsilon = arguments.number("epsilon", epsilon, "(0, inf)")
        if 2 * self.num_circles > self.latent_dim:
            raise ValueError(
                f"{self.num_circles} circle(s) need {2 * self.num_circles} dimensions. Received: "
                f"latent_dim={latent_dim}."
            )

    def bijector(self) -> tfb.Bijector:
        circles = [SphereProjection(self.epsilon) for _ in range(self.num_circles)]
        return blockwise(circles, [2] * self.num_circles, self.latent_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_circles": self.num_circles,
            "epsilon": self.epsilon,
        }


def check_sizes(sizes: Any, latent_dim: int) -> tuple[int, ...]:
    """`sizes` as a tuple; raises ValueError where they are given and do not sum to D."""
    meaning = f"the dimensions of each stretch, with the sum latent_dim={latent_dim}"
    sizes = arguments.integers("sizes", sizes, meaning=meaning)
    if sizes and sum(sizes) != latent_dim:
        raise ValueError(
            f"`sizes` must sum to latent_dim={latent_dim}. Received: {sizes}, sum {sum(sizes)}."
        )
    return sizes
