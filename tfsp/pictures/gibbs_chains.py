"""The picture "gibbs_chains"."""

import numpy as np

from tfsp import viz
from tfsp.pictures.registry import register

_NUM_CHAINS, _NUM_ROWS, _CHAIN_STEPS = 5, 24, 100


@register("gibbs_chains", needs=("images", "gibbs_chains"), place=4)
def of_subject(subject):
    """Samples along Gibbs chains of the discrete units, 100 sweeps from row to row."""
    model = subject.model
    means = model.sample_chains(_NUM_CHAINS, _NUM_ROWS, _CHAIN_STEPS, seed=subject.seed)
    title = f"Gibbs chains of the prior, {_CHAIN_STEPS} sweeps from row to row"
    return viz.gibbs_chains(np.asarray(means), title=title)
