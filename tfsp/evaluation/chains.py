"""Classes along the Gibbs chains of a discrete prior."""

import numpy as np

from tfsp import arguments

_AT_ONCE = 10_000  # images classified at once


def chain_classes(
    model, labeller, num_chains=100, num_rows=50, chain_steps=100, num_draws=2, seed=0
):
    """Classes of the means of x along Gibbs chains of the units.

    Args:
      model: a `DiscreteVAE`.
      labeller: `Labeller` of images.
      num_chains, num_rows, chain_steps, num_draws, seed: see `DiscreteVAE.sample_chains`.

    Returns:
      indices into `labeller.classes`, integers `[num_rows, num_chains, num_draws]`.

    Raises:
      ValueError: for a model without Gibbs chains, or a count below 1.
    """
    if "gibbs_chains" not in model.capabilities:
        raise ValueError(
            f"Chains need a model with discrete units, such as 'discrete_vae'. Received: "
            f"{type(model).__name__}."
        )
    for name, value in (
        ("num_chains", num_chains),
        ("num_rows", num_rows),
        ("chain_steps", chain_steps),
        ("num_draws", num_draws),
    ):
        arguments.integer(name, value)
    means = np.asarray(model.sample_chains(num_chains, num_rows, chain_steps, num_draws, seed))
    flat = means.reshape(-1, *means.shape[3:])
    parts = [flat[i : i + _AT_ONCE] for i in range(0, len(flat), _AT_ONCE)]
    classes = np.concatenate([np.asarray(labeller(part)).argmax(axis=1) for part in parts])
    return classes.reshape(means.shape[:3])
