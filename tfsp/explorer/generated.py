"""What a model draws for the nodes of a tree: decoded means, and fresh samples below them."""

import numpy as np

from tfsp.random import fold_in
from tfsp.tmc import Attachment
from tfsp.tmc.native import numpy as native
from tfsp.viz.images.traversal import decoder_mean

_CHUNK = 256  # decoded at once


def has_tree(model):
    """Whether the prior of a model is a tree that has started."""
    return "tree" in model.prior.capabilities and model.prior.is_started()


def node_locations(prior, places):
    """Where the nodes of a tree over a prior's leaves lie given these: float64 `[V, D]`."""
    leaves = np.asarray(prior.leaf_locations(), np.float64)
    return native.node_posterior(places.parent, places.time, leaves)[0]


def means(view, locations):
    """Decoded means of points `[n, D]`: float32 `[n, *data_shape]`; `view` has `decode`."""
    function, parts = decoder_mean(view), []
    locations = np.asarray(locations, np.float32)
    for start in range(0, len(locations), _CHUNK):
        parts.append(np.asarray(function(locations[start : start + _CHUNK]), np.float32))
    return np.concatenate(parts)


def samples(model, places, nodes, number, seed):
    """Means of fresh draws from below nodes of a tree: float32 `[K, number, *data_shape]`.

    The tree is the one that the rows are on, such as the summary of the prior's trees, whose nodes
    have other numbers than those of the draw that `model.sample(subtree=...)` takes.

    Args:
      model: one whose prior is a tree that has started.
      places: `evaluation.attachment.Places` of rows on that tree.
      nodes: ints `[K]`.
      number: draws from below each.
      seed: an integer.
    """
    prior = model.prior
    drawn = [
        Attachment(
            places.parent, places.time, prior.leaf_locations(), subtree=int(node), **prior.options()
        ).sample(number, seed=fold_in(seed, int(node)))
        for node in nodes
    ]
    decoded = means(model.prior_view(), np.concatenate([np.asarray(part) for part in drawn]))
    return decoded.reshape(len(nodes), number, *decoded.shape[1:])
