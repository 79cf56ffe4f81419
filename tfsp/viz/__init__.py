"""Pictures for papers and logs, drawn without a display.

Every function takes arrays (or a model that offers `sample`, `reconstruct` or `decode`) and
returns a `matplotlib.figure.Figure`; `save` writes it.

    figure = viz.reconstructions(images, model, columns=10)
    viz.save(figure, "figures/reconstructions.pdf")
"""

from tfsp.viz.curves import training_curves
from tfsp.viz.images import image_grid, prior_samples, reconstructions, tile
from tfsp.viz.latent import latent_map
from tfsp.viz.scatter import scatter_2d
from tfsp.viz.style import paper_style, save
from tfsp.viz.traversal import decoder_mean, traversal_grid, traversal_rows
from tfsp.viz.trees import tree

__all__ = [
    "decoder_mean",
    "image_grid",
    "latent_map",
    "paper_style",
    "prior_samples",
    "reconstructions",
    "save",
    "scatter_2d",
    "tile",
    "training_curves",
    "traversal_grid",
    "traversal_rows",
    "tree",
]
