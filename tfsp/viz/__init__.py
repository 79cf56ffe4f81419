"""Pictures for papers and logs, drawn without a display.

Every function takes arrays (or a model that offers `sample`, `reconstruct` or `decode`) and
returns a `matplotlib.figure.Figure`; `save` writes it.

    figure = viz.reconstructions(images, model, columns=10)
    viz.save(figure, "figures/reconstructions.pdf")
"""

from tfsp.viz.categories import category_usage, histograms, samples_per_category
from tfsp.viz.chains import gibbs_chains
from tfsp.viz.comparison import few_shot_curves, retrieval_curves
from tfsp.viz.curves import training_curves
from tfsp.viz.distributions import distribution_grid
from tfsp.viz.graphs import gate_curves, latent_graph
from tfsp.viz.hierarchy import hierarchy_pictures
from tfsp.viz.images import image_grid, prior_samples, reconstructions, samples_beside, tile
from tfsp.viz.latent import latent_map
from tfsp.viz.levels import level_traversals
from tfsp.viz.magnitudes import class_magnitudes
from tfsp.viz.planes import mapping_planes
from tfsp.viz.scatter import scatter_2d
from tfsp.viz.style import paper_style, save
from tfsp.viz.subtrees import (
    disjoint_subtrees,
    inducing_points,
    largest_subtree,
    subtree,
    subtree_samples,
)
from tfsp.viz.traversal import decoder_mean, traversal_grid, traversal_rows
from tfsp.viz.tree_map import latent_tree
from tfsp.viz.tree_slices import slices
from tfsp.viz.trees import tree

__all__ = [
    "category_usage",
    "class_magnitudes",
    "decoder_mean",
    "disjoint_subtrees",
    "distribution_grid",
    "few_shot_curves",
    "gate_curves",
    "gibbs_chains",
    "hierarchy_pictures",
    "histograms",
    "image_grid",
    "inducing_points",
    "largest_subtree",
    "latent_graph",
    "latent_map",
    "latent_tree",
    "level_traversals",
    "mapping_planes",
    "paper_style",
    "prior_samples",
    "reconstructions",
    "retrieval_curves",
    "samples_beside",
    "samples_per_category",
    "save",
    "scatter_2d",
    "slices",
    "subtree",
    "subtree_samples",
    "tile",
    "training_curves",
    "traversal_grid",
    "traversal_rows",
    "tree",
]
