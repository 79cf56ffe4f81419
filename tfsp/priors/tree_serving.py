"""What a SavedModel with a tree prior answers about its tree."""

import tensorflow as tf

from tfsp.tmc.attachment_table import table_attachment
from tfsp.tmc.blocks import map_rows

_MAX_IMAGES = 256  # decoded at once


def signatures(prior, model):
    """Signatures about the tree, of priors whose tree has started. Nodes are 0..V-1, leaves first.

    | signature | arguments | results |
    | --- | --- | --- |
    | attach | images `[B, *data_shape]` float32 | edge_log_prob `[B, V]`, edge `[B]` int32 |
    | sample_subtree | node, num_samples, seed, int32 | mean `[n, *data_shape]`, latent `[n, D]` |
    | hierarchy | none | parent int32 `[V]`, time float64 `[V]`, leaves `[N, D]`,
      node_mean `[V, D]`, mean `[V, *data_shape]`, newick string |

    `attach` tells where on the tree the encoded x belongs: log q*(e_v given z) of the edge above
    each node v (-inf at the root; they sum to one), and the most probable edge. `sample_subtree`
    draws what attaches below `node`; one outside [0, V) is an `InvalidArgumentError`. `hierarchy`
    is the tree itself: `leaves` where its leaves lie, `node_mean` where its nodes are given the
    leaves, `mean` these decoded, and the tree as Newick text with the leaves' numbers.

    With several chains all of this is about the first one's tree.

    Args:
      prior: a `TreePrior` that has started.
      model: the model that holds it: `encode`, `decode`, `data_shape`.

    Returns: dict of name -> (function, input specs).
    """
    images = tf.TensorSpec([None, *model.data_shape], tf.float32, name="images")
    node, count, seed = (
        tf.TensorSpec([], tf.int32, name=name) for name in ("node", "num_samples", "seed")
    )

    def attach(images):
        edge_log_prob = table_attachment(model.encode(images), prior.tables()[0])
        edge = tf.argmax(edge_log_prob, axis=-1, output_type=tf.int32)
        return {"edge_log_prob": edge_log_prob, "edge": edge}

    def sample_subtree(node, num_samples, seed):
        latent = prior.sample(num_samples, seed, subtree=node)
        return {"mean": model.decode(latent).mean(), "latent": latent}

    def hierarchy():
        with tf.init_scope():  # the tree as it is now, all parts of one moment
            tree = prior.phylogeny()
            leaves = tf.identity(prior.leaf_locations())
            node_mean = tf.cast(prior.tables()[0].mean, leaves.dtype)
        mean = map_rows(
            lambda z: model.decode(z).mean(), node_mean, _MAX_IMAGES, shape=model.data_shape
        )
        return {
            "parent": tf.constant(tree.parent),
            "time": tf.constant(tree.time),
            "leaves": leaves,
            "node_mean": node_mean,
            "mean": mean,
            "newick": tf.constant(tree.to_newick()),
        }

    return {
        "attach": (attach, [images]),
        "sample_subtree": (sample_subtree, [node, count, seed]),
        "hierarchy": (hierarchy, []),
    }
