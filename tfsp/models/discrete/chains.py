"""Images along the Gibbs chains of a discrete VAE."""

import tensorflow as tf

from tfsp import arguments
from tfsp.random import as_seed, split_seed


def rows(model, num_chains, num_rows, chain_steps, num_draws, seed=None):
    """See `DiscreteVAE.sample_chains`."""
    num_chains = arguments.count("num_chains", num_chains, 1)
    num_rows = arguments.integer("num_rows", num_rows)
    num_draws = arguments.count("num_draws", num_draws, 1)
    seeds = split_seed(as_seed(seed), 1 + 2 * num_rows)
    z = model.prior.sample_units(num_chains, seeds[0], chain_steps)
    found = []
    for i in range(num_rows):
        if i:
            z = model.prior.move(z, chain_steps, seeds[2 * i])
        latents = model.generate_given(tf.repeat(z, num_draws, axis=0), seeds[2 * i + 1])
        x = model.decode(latents).mean()
        found.append(tf.reshape(x, [num_chains, num_draws, *model.data_shape]))
    return tf.stack(found)
