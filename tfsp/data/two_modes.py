"""A mixture of two Gaussians on the line, whose two modes a model is to draw again.

Source: Lavda et al. 2020, "Improving VAE generations of multimodal data through data-dependent
conditional priors", section 5.1.
"""

from tfsp.data.sources import GeneratedSet, Request, register
from tfsp.data.synthetic import two_clusters

_SIZES = {"train": 50_000, "validation": 10_000, "test": 10_000}
_CENTRES = ((0.1,), (1.0,))


@register("two_modes")
def two_modes(request: Request, noise: float = 0.1, proportion: float = 0.5) -> GeneratedSet:
    """x ~ (1 - proportion) N(0.1, noise²) + proportion N(1, noise²), labelled 0 and 1; x is `[1]`.

    The paper draws 50,000 examples from 1/2 N(0.1, 0.1) + 1/2 N(1, 0.1); here 50,000 make a
    training epoch, every epoch others, so that no model can learn a sample by heart. The paper
    does not say which its second number is: it is read as the standard deviation. (Were it the
    variance, the two modes would overlap: `noise=0.316`.) Values lie on either side of [0, 1], so
    the likelihood must be one for the whole line, such as "gaussian".

    Args:
      noise: standard deviation of each Gaussian, non-negative.
      proportion: in [0, 1], the probability of the second.
    """
    del request
    return two_clusters(_CENTRES, noise, proportion, _SIZES)
