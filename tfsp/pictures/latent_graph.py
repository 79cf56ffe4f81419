"""The picture "latent_graph"."""

from tfsp import viz
from tfsp.pictures.registry import register


@register("latent_graph", needs=("graph",), place=12)
def of_subject(subject):
    """The graph of a Graph VAE, its nodes as large as their KL."""
    model = subject.model
    return viz.latent_graph(model.graph(), model.node_kl(subject.images, subject.seed))
