"""Different maps for different stretches of a vector."""

from collections.abc import Sequence

from tensorflow_probability import bijectors as tfb

from tfsp import arguments


def blockwise(
    bijectors: Sequence[tfb.Bijector], sizes: Sequence[int], total: int | None = None
) -> tfb.Bijector:
    """Applies each bijector to its own stretch of the last axis.

    Args:
      bijectors: for vectors that keep their size.
      sizes: the length of each stretch.
      total: size of the whole vector. What `sizes` leave over passes unchanged. None takes
        their sum.

    Returns:
      a `tfb.Bijector`, `[..., total]` -> `[..., total]`.

    Raises:
      ValueError: where the numbers do not fit or the sizes exceed `total`.
    """
    bijectors = list(bijectors)
    sizes = list(arguments.integers("sizes", sizes, meaning="the length of each stretch"))
    if len(bijectors) != len(sizes) or not sizes:
        raise ValueError(
            f"Each bijector needs a size. Received: {len(bijectors)} bijectors, {len(sizes)} sizes."
        )
    rest = 0 if total is None else total - sum(sizes)
    if rest < 0:
        raise ValueError(
            f"`sizes` {sizes} sum to {sum(sizes)}, more than the {total} dimensions that there are."
        )
    if rest:
        bijectors.append(tfb.Identity())
        sizes.append(rest)
    if len(bijectors) == 1:
        return bijectors[0]
    return tfb.Blockwise(bijectors, sizes, maybe_changes_size=False)
