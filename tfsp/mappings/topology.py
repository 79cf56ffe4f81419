"""Which map has the topology of a data set that is known to have holes or clusters."""

from typing import Any

_MAPPINGS: dict[str, dict[str, Any]] = {
    "circle": dict(name="circle"),
    "square": dict(name="circle"),
    "star": dict(name="circle"),
    "infinity": dict(name="glued_circles", num_holes=2),
    "two_gaussians": dict(name="sectors", num_sectors=(2,)),
}


def mapping_for(data_name: str) -> dict[str, Any]:
    """The map with the right number of holes or clusters: a dict for `build`.

    Args:
      data_name: "circle", "square", "star" (one hole), "infinity" (two holes) or "two_gaussians"
        (two clusters).

    Raises:
      ValueError: for other data, whose topology is not known.

    Source: Miao et al. 2022 (InteL-VAE), Figure 4.
    """
    if data_name not in _MAPPINGS:
        raise ValueError(
            f"The mapping 'auto' is there for data of known topology, {', '.join(_MAPPINGS)}. "
            f"Received: data.name={data_name!r}; name a mapping."
        )
    return dict(_MAPPINGS[data_name])
