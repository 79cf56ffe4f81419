"""Images in grids: samples, reconstructions, traversals, chains."""

from tfsp.viz.images.chains import gibbs_chains
from tfsp.viz.images.images import image_grid, prior_samples, reconstructions, samples_beside, tile
from tfsp.viz.images.levels import level_traversals
from tfsp.viz.images.traversal import decoder_mean, traversal_grid, traversal_rows

__all__ = [
    "decoder_mean",
    "gibbs_chains",
    "image_grid",
    "level_traversals",
    "prior_samples",
    "reconstructions",
    "samples_beside",
    "tile",
    "traversal_grid",
    "traversal_rows",
]
