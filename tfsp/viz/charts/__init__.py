"""Charts: curves, distributions, maps of codes, graphs."""

from tfsp.viz.charts.answers import answer_curves
from tfsp.viz.charts.calibration import calibration_curve
from tfsp.viz.charts.categories import category_usage, histograms, samples_per_category
from tfsp.viz.charts.comparison import few_shot_curves, retrieval_curves
from tfsp.viz.charts.curves import training_curves
from tfsp.viz.charts.distributions import distribution_grid
from tfsp.viz.charts.graphs import gate_curves, latent_graph
from tfsp.viz.charts.latent import latent_map
from tfsp.viz.charts.magnitudes import class_magnitudes
from tfsp.viz.charts.planes import mapping_planes
from tfsp.viz.charts.scatter import scatter_2d

__all__ = [
    "answer_curves",
    "calibration_curve",
    "category_usage",
    "class_magnitudes",
    "distribution_grid",
    "few_shot_curves",
    "gate_curves",
    "histograms",
    "latent_graph",
    "latent_map",
    "mapping_planes",
    "retrieval_curves",
    "samples_per_category",
    "scatter_2d",
    "training_curves",
]
