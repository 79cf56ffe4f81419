"""Rows of loops."""

from typing import Any

from tensorflow_probability import bijectors as tfb

from tfsp import arguments
from tfsp.bijectors import GluedCircles, blockwise
from tfsp.mappings.base import Mapping, register


@register("glued_circles")
class GluedCirclesMapping(Mapping):
    """The first plane of y goes to a row of h loops that touch, other dimensions stay.

    Args:
      latent_dim: D, at least 2.
      num_holes: h, at least 1; 1 is the circle.
      epsilon: positive float. See `tfsp.bijectors.GluedCircles`.

    Raises:
      ValueError: for D < 2, `num_holes` < 1 or an `epsilon` that is not positive.

    Source: Miao et al. 2022 (InteL-VAE), section 6.1, eq. (5).
    """

    def __init__(
        self, latent_dim: int, num_holes: int = 2, epsilon: float = 1e-3, **kwargs: Any
    ) -> None:
        super().__init__(latent_dim, **kwargs)
        if self.latent_dim < 2:
            raise ValueError(
                "Loops lie in a plane: `latent_dim` must be at least 2. Received: "
                f"{latent_dim!r}. On a line the mapping 'sectors' tears data into two halves."
            )
        self.num_holes = arguments.integer("num_holes", num_holes, meaning="a circle has one hole")
        self.epsilon = arguments.number("epsilon", epsilon, "(0, inf)")

    def bijector(self) -> tfb.Bijector:
        return blockwise([GluedCircles(self.num_holes, self.epsilon)], [2], self.latent_dim)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_holes": self.num_holes, "epsilon": self.epsilon}
