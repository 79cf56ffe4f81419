"""The picture "levels"."""

from tfsp import viz
from tfsp.pictures.registry import register


@register("levels", needs=("images",), place=5)
def of_subject(subject):
    """What each level of the latents controls: a row for each, its codes varied, the rest kept.

    Levels are, for a discrete VAE, the units and then each layer of continuous latents, each varied
    between the percentiles of its codes; for an InteL-VAE, those of its map, in y. Not drawn for
    other models.
    """
    model = subject.model
    decode, codes = subject.inner
    if "gibbs_chains" in model.capabilities:
        continuous = model.continuous
        sizes = [model.latent_dim] + [continuous.size] * continuous.num_layers
        return viz.level_traversals(decode, codes, sizes)
    if "mapping" in model.capabilities and "levels" in model.mapping.capabilities:
        return viz.level_traversals(decode, codes, model.mapping.sizes, symbol="y")
    return None
