"""Graph VAE: nodes of latents whose dependency structure is learned along with everything else."""

from typing import ClassVar

import keras
import tensorflow as tf

from tfsp import arguments, networks
from tfsp.models.core import network_checks
from tfsp.models.core.assembly import EncoderDecoder
from tfsp.models.core.contract import register
from tfsp.models.core.draw import Draw
from tfsp.models.graph.posterior import GraphPosterior
from tfsp.precision import variable_dtype
from tfsp.priors.graph import GraphPrior
from tfsp.priors.graph_networks import NodeNetworks, TopDown
from tfsp.random import as_seed, split_seed


@register("graph_vae")
class GraphVAE(EncoderDecoder):
    """z = (z_1, ..., z_N), a Bayesian network of nodes of M / N dimensions; x ~ p(x | z).

        log p(x) >= E_q[log p(x|z)] - sum_n E_q[KL(q(z_n | x, parents) || p(z_n | parents))]

    Parents of node n are among n+1..N. Posterior and prior have the same edges, and each factor of
    q is the product of a top-down prediction, a network of the parents, and a bottom-up prediction,
    a network of x (eq. 18). The KL of a node is closed form given its parents. With
    structure="learned" a gate on each edge is trained too (`GraphPrior`): one relaxed draw of all
    gates for each batch in training, the most probable gates elsewhere, so that `log_weights` and
    evaluation are about the one graph that `graph()` tells.

    | structure | model | edges |
    | --- | --- | --- |
    | "independent" | VAE | none; p(z) = N(0, I) |
    | "chain" | ladder VAE | n + 1 -> n |
    | "full" | FC-VAE | all |
    | "learned" | Graph VAE | those whose gates stay open |
    | an array | | where it is 1 |

    Batch normalisation in the node networks makes the terms of training depend on the whole batch;
    everything else takes its moving averages. `encode` gives the posterior means, each node's given
    its parents' means: nodes 1..N side by side, `[B, M]`. `model.prior`, that of z, is a
    `GraphPrior`; node N has N(0, I).

    Args:
      encoder: a name, a dict, a `NetworkPair`, or any Keras model `[B, *data_shape]` -> `[B, F]`,
        features from which each node's parameters are predicted. Of "graph_vae_mlp" it is the part
        up to its linear feature layer.
      decoder: the same; None takes the encoder's name. A Keras model takes what `decoder_input`
        says.
      likelihood: a name (`tfsp.likelihoods.names()`), a dict or a `Likelihood`.
      latent_dim: M, a multiple of num_nodes.
      num_nodes: N.
      structure: see the table; an array `[N, N]` of 0 and 1 has 1 at [i, j] where node i + 1 is a
        parent of node j + 1.
      num_features: F of encoders that are asked for it (all names but "graph_vae_mlp", which brings
        its own).
      node_hidden: width of the hidden layer of each node's networks.
      gate_start: where the means of learned gates start.
      temperature, temperature_decay, min_temperature: of the relaxed gates in epoch e,
        max(min_temperature, temperature * temperature_decay**e).
      decoder_input: "all" nodes, or "bottom", node 1 alone.
      shared_top_down: whether one set of top-down networks serves prior and posterior; otherwise
        the posterior has its own.
      **kwargs: of `StructuredVAE`: objective, num_samples, seed, name, dtype. Node networks compute
        in float32 or better whatever the dtype.

    Raises:
      ValueError: for settings outside their ranges.

    Source: He et al. 2019, "Variational autoencoders with jointly optimized latent dependency
      structure", ICLR; ladder VAE: Sonderby et al. 2016, arXiv:1602.02282.
    """

    fixed_arguments = ("prior",)
    capabilities = EncoderDecoder.capabilities | {"graph"}
    example_settings: ClassVar = {
        **EncoderDecoder.example_settings,
        "encoder": {
            "name": "graph_vae_mlp",
            "encoder_hidden": (5,),
            "decoder_hidden": (4,),
            "num_features": 3,
        },
        "latent_dim": 6,
        "num_nodes": 3,
        "node_hidden": 4,
    }
    example_cases: ClassVar = {
        "learned": {},
        "chain": {"structure": "chain", "decoder_input": "bottom", "shared_top_down": False},
        "full": {"structure": "full", "objective": "iwae", "num_samples": 7},
    }

    def __init__(
        self,
        encoder="graph_vae_mlp",
        decoder=None,
        likelihood="bernoulli",
        latent_dim=80,
        num_nodes=5,
        structure="learned",
        num_features=128,
        node_hidden=128,
        gate_start=0.5,
        temperature=1.0,
        temperature_decay=0.99,
        min_temperature=0.1,
        decoder_input="all",
        shared_top_down=True,
        **kwargs,
    ):
        self.refuse_fixed(kwargs)
        dtype = variable_dtype(kwargs.get("dtype"))
        graph = GraphPrior(
            latent_dim,
            num_nodes,
            structure,
            node_hidden,
            gate_start,
            temperature,
            temperature_decay,
            min_temperature,
            dtype=dtype,
        )
        if decoder_input not in ("all", "bottom"):
            raise ValueError(
                "`decoder_input` must be 'all' (every node) or 'bottom' (node 1). Received: "
                f"{decoder_input!r}."
            )
        num_features = arguments.integer("num_features", num_features)
        super().__init__(encoder, decoder, graph, likelihood, latent_dim, **kwargs)
        self._config = dict(
            num_nodes=graph.num_nodes,
            structure=graph.get_config()["structure"],
            num_features=num_features,
            node_hidden=node_hidden,
            gate_start=gate_start,
            temperature=temperature,
            temperature_decay=temperature_decay,
            min_temperature=min_temperature,
            decoder_input=decoder_input,
            shared_top_down=bool(shared_top_down),
        )
        self.num_nodes, self.node_dim = graph.num_nodes, graph.node_dim
        if decoder_input == "bottom":
            self.decoder_inputs = self.node_dim, "node 1"
        else:
            self.decoder_inputs = latent_dim, "all nodes"
        self.bottom_up = self.own_top_down = None

    def make_encoder(self, data_shape):
        shape = self.likelihood.encoder_shape(data_shape)
        if self.encoder is None:
            pair = networks.build(self._specs["encoder"])
            with network_checks.dtype_policy(self.dtype_policy):
                self.encoder = (
                    pair.features(shape)
                    if isinstance(pair, networks.GraphVAEMLP)
                    else pair.encoder(shape, self._config["num_features"])
                )
        self._encoder_width = _num_features(self.encoder, shape)

    def make_networks(self, data_shape):
        super().make_networks(data_shape)
        options = dict(hidden=self._config["node_hidden"], dtype=self.variable_dtype)
        self.bottom_up = NodeNetworks(self.num_nodes, self._encoder_width, self.node_dim, **options)
        if not self._config["shared_top_down"]:
            parents = self.prior.top_down.parents
            self.own_top_down = TopDown(parents, self.node_dim, **options)
            self.own_top_down.build()
        self.bottom_up.build()

    def posterior(self, x, training=False, gates=None):
        """q(z | x), a `GraphPosterior`, with these gates `[E]`; None takes the most probable."""
        loc, log_variance = self.bottom_up(self._encode(x, training), training=training)
        if gates is None:
            gates = self.prior.gates()
        return GraphPosterior(self.prior, loc, log_variance, self.own_top_down, gates, training)

    def infer(self, x, num_samples, seed=None, training=False):
        draw = self.draw(x, num_samples, seed, training)
        kl = tf.reduce_sum(draw.node_kl(self.num_nodes), axis=-1)
        return Draw(draw.z, {"kl": kl}, draw.log_ratio)

    def node_kl(self, x, seed=None):
        """Mean over examples of each node's KL(q(z_n | x, parents) || p(z_n | parents)): `[N]`.

        One draw of the parents for each example, nats; the sum is the mean of the term `kl`.
        """
        draw = self.draw(self._check_data(x), 1, seed)
        return tf.reduce_mean(draw.node_kl(self.num_nodes), axis=[0, 1])

    def draw(self, x, num_samples, seed=None, training=False):
        """S draws of all nodes with their conditionals, a `GraphDraw`; see `infer`."""
        gate_seed, seed = split_seed(as_seed(seed))
        gates = self.prior.gates(gate_seed) if training else None
        return self.posterior(x, training, gates).draw(num_samples, seed)

    # The graph.

    def graph(self, threshold=0.5):
        """The dependency structure, a `LatentGraph`: edges whose gate has a mean above this."""
        return self.prior.graph(threshold)

    def freeze_graph(self, graph=None):
        """Fixes the learned gates at 0 and 1, in training too. Kept over saving and reloading.

        Where gates had not converged, train on for an epoch at least: the averages of batch
        normalisation are those of relaxed gates, and the networks have not met the graph alone.

        Args:
          graph: a `LatentGraph`, an adjacency `[N, N]` or a name ("chain", ...); None takes the
            most probable graph.

        Raises:
          ValueError: for a fixed structure and for a graph of another number of nodes.
        """
        self.prior.freeze(graph)

    def unfreeze_graph(self):
        """Lets frozen gates be trained again, from the means they had before."""
        self.prior.unfreeze()

    def _decode_rows(self, rows, training):
        return super()._decode_rows(rows[:, : self.decoder_inputs[0]], training)


def _num_features(encoder, data_shape):
    """F of an encoder `[B, *data_shape]` -> `[B, F]`; raises ValueError if it is none."""
    wanted = f"The encoder must map data of shape {data_shape} to a vector of features, [B, F]."
    try:
        outputs = encoder(keras.KerasTensor((None, *data_shape), dtype="float32"))
    except Exception as error:
        raise ValueError(f"{wanted} It does not accept its input: {error}") from error
    shape = getattr(outputs, "shape", None)
    if shape is None or len(shape) != 2 or shape[-1] is None:
        raise ValueError(f"{wanted} It outputs {shape if shape is not None else outputs}.")
    return int(shape[-1])
