"""Pictures for papers and logs, drawn without a display.

Every function takes arrays (or a model that offers `sample`, `reconstruct` or `decode`) and
returns a `matplotlib.figure.Figure`; `save` writes it.

    figure = viz.reconstructions(images, model, columns=10)
    viz.save(figure, "figures/reconstructions.pdf")
"""

from tfsp.viz.charts import (
    answer_curves,
    calibration_curve,
    category_usage,
    class_magnitudes,
    distribution_grid,
    few_shot_curves,
    gate_curves,
    histograms,
    latent_graph,
    latent_map,
    mapping_planes,
    retrieval_curves,
    samples_per_category,
    scatter_2d,
    training_curves,
)
from tfsp.viz.images import (
    decoder_mean,
    gibbs_chains,
    image_grid,
    level_traversals,
    prior_samples,
    reconstructions,
    samples_beside,
    tile,
    traversal_grid,
    traversal_rows,
)
from tfsp.viz.style import paper_style, save
from tfsp.viz.tensorboard_files import projector
from tfsp.viz.trees import (
    disjoint_subtrees,
    hierarchy_pictures,
    inducing_points,
    largest_subtree,
    latent_tree,
    slices,
    subtree,
    subtree_samples,
    tree,
)

__all__ = [
    "answer_curves",
    "calibration_curve",
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
    "projector",
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
