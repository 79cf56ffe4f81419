"""The networks of a graph of latent nodes: one for each node, bottom-up and top-down."""

import math

import keras
import tensorflow as tf

from tfsp import distribute

# As of Gaussian posteriors: exp(-10/2) = 0.007 is tight enough, and nothing overflows.
LOG_VARIANCE_RANGE = (-10.0, 10.0)


class NodeNetworks(keras.layers.Layer):
    """K networks on the same inputs: means and log-variances of K nodes.

        fc(F, H) -> batch norm -> ELU -> fc(H, N') -> fc(N', N') for means and log-variances each

    The hidden layers of all nodes are one product, what follows is one batched product.

    Args:
      num_nodes: K.
      num_inputs: F.
      node_dim: N', dimensions of a node.
      hidden: H.

    Source: graph_vae.txt, appendix B.1.
    """

    def __init__(self, num_nodes, num_inputs, node_dim, hidden=128, **kwargs):
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.num_nodes, self.num_inputs = num_nodes, num_inputs
        self.node_dim, self.hidden = node_dim, hidden
        self.dense = keras.layers.Dense(
            num_nodes * hidden,
            kernel_initializer=_glorot(num_inputs, hidden),  # as of one node's layer
            dtype=self.variable_dtype,
        )
        self.norm = keras.layers.BatchNormalization(dtype=self.variable_dtype)

    def build(self, input_shape=None):
        if self.built:
            return
        k, h, d = self.num_nodes, self.hidden, self.node_dim
        self.dense.build((None, self.num_inputs))
        self.norm.build((None, k * h))
        self.kernel = self._add("kernel", (k, h, d), _glorot(h, d))
        self.bias = self._add("bias", (k, 1, d), "zeros")
        self.output_kernel = self._add("output_kernel", (k, d, 2 * d), _glorot(d, d))
        self.output_bias = self._add("output_bias", (k, 1, 2 * d), "zeros")
        self.built = True

    def _add(self, name, shape, initializer):
        return self.add_weight(name=name, shape=shape, initializer=initializer, autocast=False)

    def call(self, inputs, training=False):
        """Means and log-variances: `[R, F]` -> two of `[K, R, N']`."""
        inputs = tf.cast(inputs, self.variable_dtype)
        h = tf.nn.elu(distribute.apply_to_rows(self.norm, self.dense(inputs), training))
        kernels = [tf.convert_to_tensor(w) for w in (self.kernel, self.output_kernel)]
        biases = [tf.convert_to_tensor(w) for w in (self.bias, self.output_bias)]
        if self.num_nodes == 1:
            h = h[tf.newaxis]
        else:
            h = tf.transpose(tf.reshape(h, [-1, self.num_nodes, self.hidden]), [1, 0, 2])
        for kernel, bias in zip(kernels, biases, strict=True):
            h = tf.matmul(h, kernel) + bias
        loc, log_variance = tf.split(h, 2, axis=-1)
        return loc, tf.clip_by_value(log_variance, *LOG_VARIANCE_RANGE)


class TopDown(keras.layers.Layer):
    """Mean and log-variance of each node from its parents, a network for each node.

    Args:
      parents: for each node the nodes that may be its parents, counted from 0; all larger.
      node_dim: N'.
      hidden: width of each network's hidden layer.

    Attributes:
      edges: (parent, child) pairs counted from 0, by child and then by parent; the order of gates.
    """

    def __init__(self, parents, node_dim, hidden=128, **kwargs):
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.parents = tuple(tuple(p) for p in parents)
        self.node_dim = node_dim
        self.edges = [(i, n) for n, of_node in enumerate(self.parents) for i in of_node]
        # Networks stand in the order of the nodes that have parents.
        self.networks = [
            NodeNetworks(1, len(p) * node_dim, node_dim, hidden, dtype=self.variable_dtype)
            for p in self.parents
            if p
        ]

    def build(self, input_shape=None):
        for network in self.networks:
            network.build()
        self.built = True

    def parameters(self, n, nodes, gates=None, training=False):
        """Mean and log-variance `[R, N']` of node n, counted from 0; None if it has no parents.

        Args:
          nodes: list of N, the values `[R, N']` of the nodes so far; those of the parents of n
            are used.
          gates: `[E]` in the order of `edges`, by which parents are multiplied; None for 1.
        """
        parents = self.parents[n]
        if not parents:
            return None
        inputs = tf.concat([nodes[i] for i in parents], axis=-1)
        if gates is not None:
            start = sum(len(p) for p in self.parents[:n])
            inputs *= tf.repeat(gates[start : start + len(parents)], self.node_dim)
        place = sum(bool(p) for p in self.parents[:n])
        loc, log_variance = self.networks[place](inputs, training=training)
        return loc[0], log_variance[0]


def _glorot(fan_in, fan_out):
    # Keras takes the first axis of a stack of kernels for a part of the fans.
    limit = math.sqrt(6.0 / (fan_in + fan_out))
    return keras.initializers.RandomUniform(-limit, limit)
