"""What a SavedModel with a tree prior answers about its tree."""

import math

import numpy as np
import tensorflow as tf

from tfsp.tmc import lasting_clusters
from tfsp.tmc.density.blocks import map_rows
from tfsp.tmc.density.table import build_table
from tfsp.tmc.phylogeny import cuts

_MAX_IMAGES = 256  # decoded at once
_MAX_ENTRIES = 2**22  # numbers held at once by `attach`


def signatures(prior, model):
    """Signatures about the tree, of priors whose tree has started. Nodes are 0..V-1, leaves first.

    | signature | arguments | results |
    | --- | --- | --- |
    | attach | images `[B, *data_shape]` float32 | edge_log_prob `[B, V]`, edge `[B]` int32 |
    | members | images | node `[B]` int32, probability `[B]`, cluster `[B]` int32 |
    | sample_subtree | node, num_samples, seed, int32 | mean `[n, *data_shape]`, latent `[n, D]` |
    | hierarchy | none | parent int32 `[V]`, time float64 `[V]`, leaves `[N, D]`,
      node_mean `[V, D]`, mean `[V, *data_shape]`, newick string; summary_parent, summary_time,
      support, clade_support `[V]`, summary_newick |

    `attach` tells where on the tree the encoded x belongs: log q*(e_v given z) of the edge above
    each node v (-inf at the root; they sum to one), and the most probable edge. `sample_subtree`
    draws what attaches below `node`; one outside [0, V) is an `InvalidArgumentError`. `hierarchy`
    is the tree itself: `leaves` where its leaves lie, `node_mean` where its nodes are given the
    leaves, `mean` these decoded, and the tree as Newick text with the leaves' numbers. It is the
    draw that defines the density; `summary_...` is the expected tree over the same leaves
    (`TreePrior.summary_tree`), with the transfer support of the clade below each node, in
    `summary_newick` too, and `clade_support`, the share of draws that have just this clade.

    All numbers of nodes are those of the draw but for `summary_...` and `members`, which answers as
    `tfsp.evaluation.attach` does, and as the table members.csv of a run has it: `node`, its
    `probability` and the `cluster` (of as many as last) on the summary. Trees of more than 2,000
    leaves are served without summary, and `members` is then of the draw, as that table is.

    With several chains all of this is about the first one's tree.

    Args:
      prior: a `TreePrior` that has started.
      model: the model that holds it: `encode`, `decode`, `data_shape`.

    Returns:
      dict of name -> (function, input specs).
    """
    images = tf.TensorSpec([None, *model.data_shape], tf.float32, name="images")
    node, count, seed = (
        tf.TensorSpec([], tf.int32, name=name) for name in ("node", "num_samples", "seed")
    )

    # The tree as it is now, all parts of one moment.
    tree, table = prior.phylogeny(), prior.tables()[0]
    leaves = tf.identity(prior.leaf_locations())
    node_mean = tf.cast(table.mean, leaves.dtype)
    summary = prior.summary_tree() if tree.num_leaves <= prior.most_summarised else None
    attachment = _Attachment(table, prior.variable_dtype)
    shown, attachment_shown = tree, attachment
    if summary is not None:
        shown = summary.tree
        table = build_table(shown.parent, shown.time, leaves, **prior.options())
        attachment_shown = _Attachment(table, prior.variable_dtype)
    clusters = tf.constant(cuts.shares(shown, lasting_clusters(shown)), prior.variable_dtype)

    def attach(images):
        edge_log_prob = attachment(model.encode(images))
        edge = tf.argmax(edge_log_prob, axis=-1, output_type=tf.int32)
        return {"edge_log_prob": edge_log_prob, "edge": edge}

    def members(images):
        edges = tf.exp(attachment_shown(model.encode(images)))
        return {
            "node": tf.argmax(edges, axis=-1, output_type=tf.int32),
            "probability": tf.reduce_max(edges, axis=-1),
            "cluster": tf.argmax(edges @ clusters, axis=-1, output_type=tf.int32),
        }

    def sample_subtree(node, num_samples, seed):
        latent = prior.sample(num_samples, seed, subtree=node)
        return {"mean": model.decode(latent).mean(), "latent": latent}

    def hierarchy():
        mean = map_rows(
            lambda z: model.decode(z).mean(), node_mean, _MAX_IMAGES, shape=model.data_shape
        )
        answer = {
            "parent": tf.constant(tree.parent),
            "time": tf.constant(tree.time),
            "leaves": leaves,
            "node_mean": node_mean,
            "mean": mean,
            "newick": tf.constant(tree.to_newick()),
        }
        if summary is None:
            return answer
        return answer | {
            "summary_parent": tf.constant(summary.tree.parent),
            "summary_time": tf.constant(summary.tree.time),
            "support": tf.constant(summary.transfer),
            "clade_support": tf.constant(summary.support),
            "summary_newick": tf.constant(summary.tree.to_newick()),
        }

    return {
        "attach": (attach, [images]),
        "members": (members, [images]),
        "sample_subtree": (sample_subtree, [node, count, seed]),
        "hierarchy": (hierarchy, []),
    }


class _Attachment:
    """log q*(e_v given z): `[B, D]` -> `[B, V]`, as `table_attachment`, for any runtime.

    Runtimes of served models have neither float64 nor sums over segments. The entries of the table
    are hence grouped by edge beforehand, `[V, W]` with weight zero where an edge has fewer than W,
    and squared distances are sums of squares: the faster |z|^2 + |m|^2 - 2 z.m needs float64.

    Args:
      table: a `tfsp.tmc.density.table.Table`, of values.
      dtype: of z.
    """

    def __init__(self, table, dtype):
        edge, upper, log_weight, x, variance, mean = (np.asarray(part) for part in table)
        num_nodes, dim = mean.shape
        counts = np.bincount(edge, minlength=num_nodes)
        order = np.argsort(edge, kind="stable")
        first = np.repeat(np.cumsum(counts) - counts, counts)
        places = edge[order], np.arange(len(edge)) - first  # node, and which of its entries

        def grouped(values, filler):
            groups = np.full([num_nodes, max(1, counts.max())], filler)
            groups[places] = values[order]
            return groups

        spread = np.sum((mean[upper] - mean[edge]) ** 2, axis=-1)
        constant = log_weight + 0.5 * (
            x * (1 - x) * spread / variance - dim * np.log(2 * math.pi * variance)
        )
        above = np.zeros(num_nodes, np.int32)
        above[edge] = upper
        self._above = tf.constant(above)
        self._present = tf.constant(grouped(np.ones(len(edge)), 0.0)[np.newaxis], dtype)
        # log p(e, t) + log N(z; m(t), var(t) I) = constant - above |z - M_u|^2 - below |z - M_v|^2
        self._constant, self._of_upper, self._of_lower = (
            tf.constant(grouped(values, filler)[np.newaxis], dtype)
            for values, filler in (
                (constant, -math.inf),
                ((1 - x) * 0.5 / variance, 0.0),
                (x * 0.5 / variance, 0.0),
            )
        )
        self._centre = tf.constant(mean.mean(axis=0), dtype)
        self._mean = tf.constant((mean - mean.mean(axis=0))[np.newaxis], dtype)
        self._block = max(1, _MAX_ENTRIES // (num_nodes * max(dim, int(counts.max()))))

    def __call__(self, z):
        return map_rows(self._log_prob, z, self._block, [self._mean.shape[1]])

    def _log_prob(self, z):
        difference = (z - self._centre)[:, tf.newaxis] - self._mean
        distance = tf.reduce_sum(difference**2, axis=-1)  # [B, V]
        upper = tf.gather(distance, self._above, axis=1)
        entries = (
            self._constant
            - upper[..., tf.newaxis] * self._of_upper
            - distance[..., tf.newaxis] * self._of_lower
        )  # [B, V, W]
        # log 0 = -inf is the root's: LiteRT's converter makes constants of -inf finite.
        top = tf.maximum(tf.reduce_max(entries, axis=-1, keepdims=True), entries.dtype.min)
        total = tf.reduce_sum(self._present * tf.exp(entries - top), axis=-1)
        log_edge = top[..., 0] + tf.math.log(total)
        best = tf.reduce_max(log_edge, axis=-1, keepdims=True)
        log_sum = tf.math.log(tf.reduce_sum(tf.exp(log_edge - best), axis=-1, keepdims=True))
        return log_edge - best - log_sum
