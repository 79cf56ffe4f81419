"""A Bayesian network over nodes of latents, its structure fixed or learned by gates."""

import math

import keras
import numpy as np
import tensorflow as tf

from tfsp import arguments, shapes
from tfsp.distributions.normal import stateless_normal
from tfsp.priors.base import Prior
from tfsp.priors.graph_networks import TopDown
from tfsp.priors.latent_graph import LatentGraph, adjacency_of
from tfsp.priors.temperature import Temperature
from tfsp.random import as_seed

_LARGEST_LOGIT = 10.0  # means of gates stay in [4.5e-5, 1 - 4.5e-5]: none is out of reach
_CONVERGED = 0.1  # a gate with a mean this near 0 or 1 counts as closed or open
_MOST_GATES = 200  # up to which each has a column of its own in the history


@keras.saving.register_keras_serializable("tfsp")
class GraphPrior(Prior):
    """p(z | c) = prod_n N(z_n | m_n, diag(s_n^2)), (m_n, s_n) a network of gated parents of n.

    z = (z_1, ..., z_N), nodes of N' dimensions side by side; parents of node n are among n+1..N.
    Node N, and with a fixed structure every node without parents, has the prior N(0, I).

    With structure="learned" every possible edge i -> j has a gate c_ij, by which z_i is multiplied
    where the network of node j sees it. Gates are Bernoulli with means mu_ij, trained through the
    relaxation (eq. 9, the difference of two Gumbel draws being logistic)

        c_ij = sigmoid((logit(mu_ij) + logit(u)) / temperature),   u ~ uniform(0, 1)

    of which the model draws one for each batch (`gates(seed)`). Outside training the gates are the
    most probable ones, 1 where mu_ij > 1/2: then `log_prob` is the density of one graph.

    Not in the registry: it belongs to `GraphVAE`.

    Args:
      latent_dim: M, a multiple of num_nodes.
      num_nodes: N.
      structure: "learned", "independent", "chain", "full", or an `[N, N]` array of 0 and 1 (or a
        `LatentGraph`) whose entry [i, j] says whether node i + 1 is a parent of node j + 1.
      hidden: width of the hidden layer of each node's network.
      gate_start: where the means of learned gates start.
      temperature, temperature_decay, min_temperature: in epoch e the temperature is
        max(min_temperature, temperature * temperature_decay**e).

    Attributes (weights, with learned gates alone; E = N (N - 1) / 2, ordered as `top_down.edges`):
      gate_logits: `[E]`, trained, kept within 10 of 0.
      temperature: a scalar.
      frozen, frozen_gates, kept_logits: whether gates are fixed (`freeze`), at what, and the
        logits meanwhile.

    Raises:
      ValueError: for settings out of range.

    Source: He et al. 2019, "Variational autoencoders with jointly optimized latent dependency
      structure", section 3, eqs. (6) and (9), appendix B.
    """

    health_needs_codes = False

    def __init__(
        self,
        latent_dim,
        num_nodes=5,
        structure="learned",
        hidden=128,
        gate_start=0.5,
        temperature=1.0,
        temperature_decay=0.99,
        min_temperature=0.1,
        **kwargs,
    ):
        super().__init__(latent_dim, **kwargs)
        num_nodes = arguments.integer("num_nodes", num_nodes)
        hidden = arguments.integer("node_hidden", hidden)
        if self.latent_dim % num_nodes:
            raise ValueError(
                "The latent dimensions are split evenly between the nodes, so `latent_dim` must "
                f"be a multiple of `num_nodes`. Received: latent_dim={latent_dim}, "
                f"num_nodes={num_nodes}."
            )
        self._schedule = Temperature(temperature, temperature_decay, min_temperature)
        self.num_nodes, self.node_dim = num_nodes, self.latent_dim // num_nodes
        named = isinstance(structure, str)
        learned = named and structure == "learned"
        self.adjacency = adjacency_of("full" if learned else structure, self.num_nodes)
        self.learned = learned and self.num_nodes > 1  # one node has no edge to learn
        self._config = dict(
            num_nodes=self.num_nodes,
            structure=structure if named else self.adjacency.astype(int).tolist(),
            hidden=hidden,
            gate_start=arguments.number("gate_start", gate_start, "(0, 1)"),
            **self._schedule.config,
        )
        parents = [np.flatnonzero(column).tolist() for column in self.adjacency.T]
        self.top_down = TopDown(parents, self.node_dim, hidden, dtype=self.variable_dtype)
        if self.learned:
            self._make_gates()

    def _make_gates(self):
        num_edges, start = len(self.top_down.edges), self._config["gate_start"]
        logits = np.full(num_edges, math.log(start / (1 - start)), "float32")
        self.gate_logits = self._constant("gate_logits", logits, constraint=self._bound)
        state = dict(trainable=False, aggregation="only_first_replica")
        for name, value, dtype in (
            ("temperature", self._schedule.at(0), self.variable_dtype),
            ("frozen", False, "bool"),
            ("frozen_gates", np.zeros(num_edges), self.variable_dtype),
            ("kept_logits", logits, self.variable_dtype),
        ):
            setattr(self, name, self._constant(name, value, dtype=dtype, **state))

    def _bound(self, logits):
        """Where the optimiser may leave the logits: within reach, or where they are kept."""
        # An optimiser's momentum moves weights that get no gradient.
        bounded = tf.clip_by_value(logits, -_LARGEST_LOGIT, _LARGEST_LOGIT)
        return tf.where(
            tf.convert_to_tensor(self.frozen), tf.convert_to_tensor(self.kept_logits), bounded
        )

    def build(self, input_shape=None):
        self.top_down.build()
        super().build(input_shape)

    # The gates.

    @property
    def has_health(self):
        return self.learned

    def gate_means(self):
        """Bernoulli means of the gates, `[E]`: 0 or 1 while they are frozen; None if fixed."""
        if not self.learned:
            return None
        means = tf.sigmoid(tf.convert_to_tensor(self.gate_logits))
        frozen = tf.convert_to_tensor(self.frozen)
        return tf.where(frozen, tf.convert_to_tensor(self.frozen_gates), means)

    def gates(self, seed=None):
        """`[E]`: the most probable gates, 0 or 1; with a seed a draw of the relaxed ones (eq. 9).

        Frozen gates are themselves, with no gradient. None where the structure is fixed.
        """
        if not self.learned:
            return None
        if seed is None:
            return tf.cast(self.gate_means() > 0.5, self.variable_dtype)
        logits = tf.convert_to_tensor(self.gate_logits)
        u = tf.random.stateless_uniform(
            logits.shape, as_seed(seed), dtype=logits.dtype, alg="philox"
        )
        u = tf.clip_by_value(u, 2.0**-24, 1.0 - 2.0**-24)
        noise = tf.math.log(u) - tf.math.log1p(-u)
        relaxed = tf.sigmoid((logits + noise) / tf.convert_to_tensor(self.temperature))
        frozen = tf.convert_to_tensor(self.frozen)
        return tf.where(frozen, tf.convert_to_tensor(self.frozen_gates), relaxed)

    def gate_matrix(self):
        """Means of all gates, NumPy float `[N, N]`; those of a fixed structure are 0 and 1."""
        if not self.learned:
            return self.adjacency.copy()
        matrix = np.zeros((self.num_nodes, self.num_nodes))
        matrix[tuple(zip(*self.top_down.edges, strict=True))] = self.gate_means()
        return matrix

    def graph(self, threshold=0.5):
        """The structure as a `LatentGraph`: edges whose gate has a mean above `threshold`."""
        return LatentGraph(self.gate_matrix(), threshold, self.node_dim)

    def freeze(self, graph=None):
        """Fixes the gates at the edges of `graph`; None takes the most probable ones.

        Raises:
          ValueError: if the structure is fixed anyway, or for a graph of other nodes.
        """
        self._require_gates("freeze_graph")
        if graph is None:
            graph = self.graph()
        matrix = adjacency_of(graph, self.num_nodes)
        if not bool(self.frozen.numpy()):
            self.kept_logits.assign(self.gate_logits)
        self.frozen_gates.assign([matrix[edge] for edge in self.top_down.edges])
        self.frozen.assign(True)

    def unfreeze(self):
        """Lets the gates be trained again, from the means they had when they were frozen."""
        self._require_gates("unfreeze_graph")
        self.frozen.assign(False)

    def _require_gates(self, method):
        if not self.learned:
            raise ValueError(
                f"`{method}` is about learned gates, but this structure is fixed: "
                f"{self._config['structure']!r} of {self.num_nodes} node(s). Take "
                "structure='learned' and two nodes or more."
            )

    # The density.

    def log_prob(self, z, training=False):
        """log p(z) of the most probable graph, `[..., M]` -> `[...]`, nats.

        Gates are 0 or 1 and batch normalisation takes its moving averages, in training too: a
        density of z does not depend on a batch.
        """
        self._require_built()
        z = tf.cast(z, self.variable_dtype)
        flat = tf.reshape(z, [-1, self.latent_dim])
        nodes, gates = tf.split(flat, self.num_nodes, axis=-1), self.gates()
        total = tf.zeros_like(flat[:, 0])
        for n, node in enumerate(nodes):
            parameters = self.top_down.parameters(n, nodes, gates)
            loc, log_variance = parameters or (tf.zeros_like(node), tf.zeros_like(node))
            square = tf.exp(-log_variance) * (node - loc) ** 2
            each = square + log_variance + math.log(2 * math.pi)
            total -= 0.5 * tf.reduce_sum(each, axis=-1)
        return shapes.known(tf.reshape(total, tf.shape(z)[:-1]), z.shape[:-1])

    def sample(self, n, seed=None):
        """`n` draws of z from the most probable graph, parents before children, `[n, M]`."""
        self._require_built()
        n = arguments.count("n", n)
        noise = stateless_normal([n, self.latent_dim], as_seed(seed), self.variable_dtype)
        nodes, gates = tf.split(noise, self.num_nodes, axis=-1), self.gates()
        for k in reversed(range(self.num_nodes)):
            parameters = self.top_down.parameters(k, nodes, gates)
            if parameters is not None:
                loc, log_variance = parameters
                nodes[k] = loc + tf.exp(0.5 * log_variance) * nodes[k]
        return tf.concat(nodes, axis=-1)

    def _require_built(self):
        if not self.built:
            raise ValueError(
                "The networks of this GraphPrior have not been made. Build the model that holds "
                "it (`model.build((None, *data_shape))`, or call `fit`), or call `prior.build()`."
            )

    # Training.

    def begin_epoch(self, epoch):
        if self.learned:
            self.temperature.assign(self._schedule.at(epoch))

    def health(self, codes):
        """`temperature`, and `gate_i_j`, the mean of the gate from node i to node j, from 1.

        Above 200 gates their number instead, in three parts: gates_open, gates_closed and
        gates_undecided (means above 0.9, below 0.1 and between).
        """
        if not self.learned:
            return {}
        found = {"temperature": float(self.temperature.numpy())}
        means = np.asarray(self.gate_means(), float)
        if len(means) > _MOST_GATES:
            open_ones, closed = np.sum(means > 1 - _CONVERGED), np.sum(means < _CONVERGED)
            found |= {"gates_open": float(open_ones), "gates_closed": float(closed)}
            return {**found, "gates_undecided": float(len(means) - open_ones - closed)}
        for (i, j), mean in zip(self.top_down.edges, means.tolist(), strict=True):
            found[f"gate_{i + 1}_{j + 1}"] = mean
        return found

    def warnings(self, health, epoch):
        undecided = health.get("gates_undecided", 0.0)
        for name, mean in health.items():
            undecided += name.startswith("gate_") and _CONVERGED < mean < 1 - _CONVERGED
        if undecided and health["temperature"] < 1.001 * self._config["min_temperature"]:
            yield (
                "gates",
                f"The temperature has reached its minimum in epoch {epoch + 1}, but the means of "
                f"{undecided:.0f} gates still lie between 0.1 and 0.9. Evaluation takes the graph "
                "of the gates above 1/2, which is not yet what is trained: train on, let the "
                "temperature fall farther (`min_temperature`), or settle the graph by "
                "`model.freeze_graph()` and train on.",
            )

    def signatures(self, model):
        """graph: no arguments -> adjacency int32 `[N, N]`, gate_mean float32 `[N, N]`.

        Both have zeros on and above the diagonal; [i, j] is the edge from node i + 1 to j + 1.
        """
        edges = np.array(self.top_down.edges, np.int32).reshape(-1, 2)
        shape = [self.num_nodes, self.num_nodes]

        def graph():
            means = tf.ones([len(edges)]) if not self.learned else self.gate_means()
            means = tf.scatter_nd(tf.constant(edges), tf.cast(means, tf.float32), shape)
            return {"adjacency": tf.cast(means > 0.5, tf.int32), "gate_mean": means}

        return {"graph": (graph, [])}

    @classmethod
    def example(cls):
        prior = cls(latent_dim=6, num_nodes=3, hidden=4)
        prior.build()
        return prior

    def get_config(self):
        return {**super().get_config(), **self._config}
