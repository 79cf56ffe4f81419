"""The recognition network of LORACs: a bound on log p(z) from one attachment time per edge."""

import collections
import itertools
import math

import keras
import numpy as np
import tensorflow as tf

from tfsp import arguments, gradients, shapes
from tfsp.random import as_seed, check_seed, short_seed
from tfsp.tmc import ops

# Smooth limits of the network's outputs. They keep logits below about 160, where every length on an
# edge is a float64 number whose square is one too, and are far wider than any posterior of a time.
LOC_LIMIT = 30.0
LOG_SCALE_LIMIT = 3.0
NUM_SCALARS = 6  # inputs for each edge beside the means

Draw = collections.namedtuple("Draw", "logit log_weight")
Draw.__doc__ = """One attachment time for every example and edge, `[B, V]` float64 each.

logit: of the stick x = (t - t_u) / (t_v - t_u) on the edge above v; 0 at the root. log_weight:
log w_e in nats; -inf at the root.
"""

_Edges = collections.namedtuple(
    "_Edges", "upper lower log_prob to_end length cavity upward second shift log_norm scalars"
)


@keras.saving.register_keras_serializable("tfsp")
class Recognition(keras.layers.Layer):
    """q(t | e, z), the time at which z attaches to each edge, and the bound that comes with it.

    Edge e runs from u = parent(v) down to v and is named by v; its stick is x = (t - t_u) / (t_v -
    t_u). A network with ReLU units gives q(logit x | e, z) = N(loc, scale^2) for every edge from
    z, the posterior means M_u and M_v, the variances of the two messages and the times. For each
    example one time is drawn on every edge, reparametrised:

        log w_e = log p(e) + log p(t_e | e) + log N(z; m(t_e), var(t_e) I) - log q(t_e | e, z)

    The part of the ELBO that holds e and t is sum_e q(e) [log w_e - log q(e)]. Its optimum, eq.
    (15), is q*(e) = w_e / sum_e w_e, and there it has the value

        bound = log sum_e w_e        [nats]

    E[w_e] over t_e ~ q is p(e) p(z | e) whatever q is, so E[sum_e w_e] = p(z), and by Jensen's
    inequality E[bound] <= log p(z): p(z) in continuous time, which `ops.predictive_log_prob`
    sums out and cuts at a floor of the variance next to each leaf (here there is none). Equality
    holds if q is the exact posterior of t on every edge: w_e is then the same for every t.

    Args:
      hidden: widths of the hidden layers.
      concentration1, concentration0: a, b of the Beta prior of the times.
      edge_weights: "prior" (the paper's) or "bayes", see `ops.edge_log_prob`.
      seed: int, for the start of the network; None draws one. At the start loc is 0 and scale 1
        everywhere, close to a stick's Beta(2, 2).
      max_entries: largest number of hidden units, over examples and edges, that a layer holds at
        once. More, and batches of unknown size in a traced function, are computed in blocks of
        examples, whose hidden units are computed again for the gradient instead of being kept (a
        third more work). Default 2^25, 128 MB in float32.

    `build((None, D))` makes the weights; the first call does so where it has not been done. The
    first layer is split by its inputs, and costs O((B + V) D H); the second costs O(B V H^2), 20
    GFLOP for B = 100, N = 200, H = 500. The network runs in the layer's dtype, all densities
    in float64.

    Raises:
      ValueError: for bad widths, concentrations, edge weights, block sizes.

    Source: Vikram et al. 2018, arXiv:1810.06891, eqs. (14), (15), section 6, appendix C.3. The
    prose of C.3 leaves -log q(t) out of q*(e); eq. (C.16) for p(t | e) is not a density (see
    `_edges`).
    """

    supports_jit = False  # native ops

    def __init__(
        self,
        hidden=(500, 500),
        concentration1=2.0,
        concentration0=2.0,
        edge_weights="prior",
        seed=None,
        max_entries=2**25,
        **kwargs,
    ):
        # Never in half precision, as all densities.
        kwargs.setdefault("dtype", keras.config.dtype_policy().variable_dtype)
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.hidden = arguments.integers("hidden", hidden, meaning="widths of layers")
        if not self.hidden:
            raise ValueError("`hidden` must name at least one layer. Received: ().")
        self.concentration1 = arguments.number("concentration1", concentration1, "(0, inf)")
        self.concentration0 = arguments.number("concentration0", concentration0, "(0, inf)")
        if edge_weights not in ("prior", "bayes"):
            raise ValueError(
                f"`edge_weights` must be 'prior' or 'bayes'. Received: {edge_weights!r}."
            )
        self.edge_weights = edge_weights
        self.seed = check_seed(seed, optional=True)
        self.max_entries = arguments.integer("max_entries", max_entries)

    def build(self, input_shape):
        """Makes the weights. Args: input_shape: `(..., D)`, the shape of z."""
        dim = input_shape[-1]
        if dim is None:
            raise ValueError(f"The last axis of z must be known. Received: {tuple(input_shape)}.")
        self.latent_dim = int(dim)
        widths = [3 * self.latent_dim + NUM_SCALARS, *self.hidden, 2]
        self.layer_weights = []
        for i, (rows, columns) in enumerate(itertools.pairwise(widths)):
            last = i == len(self.hidden)
            start = keras.initializers.GlorotUniform(short_seed(self.seed, i))
            self.layer_weights += [
                self.add_weight(
                    name=f"{kind}_{i}",
                    shape=shape,
                    initializer="zeros" if last or kind == "bias" else start,
                    autocast=False,
                )
                for kind, shape in (("kernel", (rows, columns)), ("bias", (columns,)))
            ]
        self.built = True

    def bound(self, z, parent, time, leaves, seed=None, added_variance=0.0):
        """A stochastic lower bound on log p(z) for one tree: `[B]` nats, in the type of `z`.

        Gradients: to `z`, `leaves` and the weights; none to the tree.

        Args:
          z: `[B, D]`, float32 or float64.
          parent, time: int32, float64 `[V]`, the tree; V >= 3.
          leaves: `[N, D]`, the inducing points.
          seed: None, an int, an int32 pair or a `SeedStream`; the times' noise.
          added_variance: added to every var(t); a number or a scalar tensor.

        Raises:
          ValueError: for shapes that do not fit together.
          tf.errors.InvalidArgumentError: for a bad tree.
        """
        z = tf.convert_to_tensor(z)
        _, log_weight, _ = self._draw(z, parent, time, leaves, seed, added_variance)
        return tf.cast(tf.reduce_logsumexp(log_weight, axis=1), z.dtype)

    def draw(self, z, parent, time, leaves, seed=None, added_variance=0.0):
        """The times and weights behind `bound`: a `Draw`. Arguments as there."""
        edges, log_weight, logit = self._draw(
            tf.convert_to_tensor(z), parent, time, leaves, seed, added_variance
        )
        return Draw(_by_node(logit, edges, 0.0), _by_node(log_weight, edges, -math.inf))

    def edge_log_prob(self, z, parent, time, leaves, seed=None, added_variance=0.0):
        """log q*(e_v | z) of the same draws, eq. (15): `[B, V]` in the type of `z`.

        -inf at the root. Arguments as in `bound`.
        """
        z = tf.convert_to_tensor(z)
        edges, log_weight, _ = self._draw(z, parent, time, leaves, seed, added_variance)
        log_prob = tf.cast(tf.nn.log_softmax(log_weight, axis=1), z.dtype)
        return _by_node(log_prob, edges, -math.inf)

    def stick_parameters(self, z, parent, time, leaves):
        """q(t | e_v, z): (loc, scale) of the normal logit of the stick, `[B, V]` each.

        (0, 1) at the root, which is not an edge. Arguments as in `bound`.
        """
        z, leaves = self._check(tf.convert_to_tensor(z), parent, leaves)
        edges = self._edges(parent, time)
        mean, _ = ops.node_posterior(parent, time, tf.cast(leaves, tf.float64))
        loc, scale = self._stick(z, mean, edges)
        return _by_node(loc, edges, 0.0), _by_node(scale, edges, 1.0)

    def _draw(self, z, parent, time, leaves, seed, added_variance):
        """The edges, and log w and the sticks' logits `[B, E]`, float64."""
        z, leaves = self._check(z, parent, leaves)
        edges = self._edges(parent, time)
        mean, _ = ops.node_posterior(parent, time, tf.cast(leaves, tf.float64))
        loc, scale = (tf.cast(p, tf.float64) for p in self._stick(z, mean, edges))
        noise = tf.random.stateless_normal(
            tf.shape(loc), as_seed(seed), dtype=tf.float64, alg="philox"
        )
        logit = loc + scale * noise
        log_q = -0.5 * noise**2 - tf.math.log(scale) - 0.5 * math.log(2 * math.pi)
        # Both densities are those of the logit: the Jacobian to t is the same and cancels.
        log_time = (
            self.concentration1 * tf.math.log_sigmoid(logit)
            + edges.second * tf.math.log_sigmoid(edges.shift - logit)
            - edges.log_norm
        )
        log_location = _location_log_prob(
            tf.cast(z, tf.float64), logit, mean, edges, added_variance
        )
        return edges, edges.log_prob + log_time + log_location - log_q, logit

    def _edges(self, parent, time):
        """All that depends on the tree alone, for the E = V - 1 edges: the root is left out.

        p(t | e) is, on a leaf's edge, Beta(x; a, b), and on an internal one proportional to (t -
        t_u)^(a-1) (t_v - t)^(a-1) (1 - t)^(-a). In y = logit x, Jacobian included:

            leaf:      sigmoid(y)^a sigmoid(-y)^b / B(a, b)
            internal:  [sigmoid(y) sigmoid(delta - y)]^a / (B(a, a) 2F1(a, a; 2a; 1 - exp(-delta)))

        with delta = log (1 - t_u) / (1 - t_v). Source: eq. (2); (C.16) lacks 1 / (1 - t), is off by
        a factor for each edge, and is zero on leaves' edges.
        """
        a, b = self.concentration1, self.concentration0
        cavity, upward = ops.edge_variances(parent, time)
        log_prob = ops.edge_log_prob(parent, time, a, b, self.edge_weights)
        parent, time = tf.convert_to_tensor(parent, tf.int32), _float64(time)
        lower = tf.cast(tf.where(parent >= 0)[:, 0], tf.int32)
        if parent.shape[0] is not None:
            lower = shapes.known(lower, [parent.shape[0] - 1])
        upper = tf.gather(parent, lower)
        start, end = tf.gather(time, upper), tf.gather(time, lower)
        cavity, upward, log_prob = (tf.gather(x, lower) for x in (cavity, upward, log_prob))
        leaf = lower < tf.shape(parent)[0] // 2 + 1
        to_end, length = 1.0 - end, end - start
        # delta is infinite on a leaf's edge, where it has no use.
        delta = tf.math.log1p(length / tf.where(leaf, tf.ones_like(end), to_end))
        delta = tf.where(leaf, tf.zeros_like(end), delta)
        log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
        log_norm = tf.where(leaf, tf.constant(log_beta, tf.float64), log_normalizer(delta, a))
        # Variances as logarithms: they range over decades.
        scalars = [start, end, *map(tf.math.log, (length, 1.0 - start, cavity, upward + length))]
        return _Edges(
            upper=upper,
            lower=lower,
            log_prob=log_prob,
            to_end=to_end,
            length=length,
            cavity=cavity,
            upward=upward,
            second=tf.where(leaf, tf.constant(b, tf.float64), tf.constant(a, tf.float64)),
            shift=delta,
            log_norm=log_norm,
            scalars=tf.stack(scalars, axis=1),
        )

    def _stick(self, z, mean, edges):
        """The network: (loc, scale) `[B, E]` in the layer's dtype."""
        dtype, dim = self.variable_dtype, self.latent_dim
        weights = [tf.convert_to_tensor(w) for w in self.layer_weights]
        parts = tf.split(weights[0], [dim, dim, dim, NUM_SCALARS])
        z, mean, scalars = (tf.cast(x, dtype) for x in (z, mean, edges.scalars))
        rows = tf.matmul(z, parts[0])
        columns = (
            tf.gather(tf.matmul(mean, parts[1]), edges.upper)
            + tf.gather(tf.matmul(mean, parts[2]), edges.lower)
            + tf.matmul(scalars, parts[3])
            + weights[1]
        )
        outputs = _in_blocks(rows, columns, weights[2:], self.max_entries, max(self.hidden))
        loc, log_scale = tf.unstack(outputs, axis=-1)
        loc = LOC_LIMIT * tf.tanh(loc / LOC_LIMIT)
        return loc, tf.exp(LOG_SCALE_LIMIT * tf.tanh(log_scale / LOG_SCALE_LIMIT))

    def _check(self, z, parent, leaves):
        leaves = tf.convert_to_tensor(leaves)
        if z.shape.rank != 2 or leaves.shape.rank != 2 or not z.dtype.is_floating:
            raise ValueError(
                "`z` must be [B, D] and `leaves` [N, D], floating. Received: "
                f"z.shape={z.shape}, leaves.shape={leaves.shape}, z.dtype={z.dtype.name}."
            )
        if not self.built:
            self.build(z.shape)
        if not all(x.shape[1] in (None, self.latent_dim) for x in (z, leaves)):
            raise ValueError(
                f"This network was built for D = {self.latent_dim}. Received: z.shape={z.shape}, "
                f"leaves.shape={leaves.shape}."
            )
        shape = tf.convert_to_tensor(parent).shape
        if shape.rank == 1 and shape[0] == 1:
            raise ValueError(
                "A tree of one leaf has no edge to attach to. Use at least two inducing points, "
                "or the collapsed density."
            )
        return z, leaves

    def get_config(self):
        names = ("concentration1", "concentration0", "edge_weights", "seed", "max_entries")
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), "hidden": list(self.hidden), **own}


def log_normalizer(delta, concentration):
    """log B(a, a) 2F1(a, a; 2a; kappa), delta = -log(1 - kappa) >= 0: `[E]` -> `[E]` float64.

    Euler's integral over the logit of its variable is that of [sigmoid(y) sigmoid(delta - y)]^a,
    even about delta / 2, with its nearest singularities at a distance of pi from the real line for
    every delta: the trapezoid rule is exact to rounding with some 100 nodes (a = 2), also for kappa
    next to 1, where the series fails.
    """
    a = float(concentration)
    delta = tf.cast(delta, tf.float64)
    half = 0.5 * delta[:, tf.newaxis]
    # Beyond delta / 2 the integrand dies as exp(-a s), or as exp(-a s^2 / 4) where a is large.
    tail = 40.0 / a + 13.0 / math.sqrt(a)
    widest = 0.5 * math.log(2.0**53) + tail  # 1 - t >= 2^-53 for t < 1 in float64
    count = math.ceil(widest / min(0.4, 0.7 / math.sqrt(a)))
    step = (half + tail) / count
    s = step * np.arange(count + 1.0)
    log_twice = np.where(np.arange(count + 1) == 0, 0.0, math.log(2.0))
    log_terms = a * (tf.math.log_sigmoid(half + s) + tf.math.log_sigmoid(half - s)) + log_twice
    return tf.reduce_logsumexp(log_terms, axis=1) + tf.math.log(step[:, 0])


def _location_log_prob(z, logit, mean, edges, added_variance):
    """log N(z; m(t), var(t) I) at the sticks `logit` `[B, E]`, float64."""
    x, rest = tf.sigmoid(logit), tf.sigmoid(-logit)  # x and 1 - x, neither by a difference
    # One distance to each node serves all times; centred, and in float64, against cancellation.
    centre = tf.stop_gradient(tf.reduce_mean(mean, axis=0))
    z, mean = z - centre, mean - centre
    distance = (
        tf.reduce_sum(z**2, axis=1)[:, tf.newaxis]
        + tf.reduce_sum(mean**2, axis=1)
        - 2.0 * tf.matmul(z, mean, transpose_b=True)
    )
    to_upper = tf.gather(distance, edges.upper, axis=1)
    to_lower = tf.gather(distance, edges.lower, axis=1)
    spread = tf.reduce_sum(
        (tf.gather(mean, edges.upper) - tf.gather(mean, edges.lower)) ** 2, axis=1
    )
    squares = tf.maximum(rest * (to_upper - x * spread) + x * to_lower, 0.0)
    # The new leaf's own branch, and the edge's location at t between its two messages: a sum of
    # positive terms, precise as it falls to 0 at a leaf.
    above, below = edges.cavity + edges.length * x, edges.upward + edges.length * rest
    total = edges.cavity + edges.upward + edges.length
    variance = edges.to_end + edges.length * rest + above * below / total
    variance += _float64(added_variance)
    dim = tf.cast(tf.shape(z)[1], tf.float64)
    return -0.5 * (squares / variance + dim * tf.math.log(2 * math.pi * variance))


def _in_blocks(rows, columns, weights, max_entries, width):
    """The layers after the first on all pairs of `rows` `[B, H]` and `columns` `[E, H]`.

    In one piece, or in blocks of rows where that would hold more than `max_entries` hidden units,
    or might: a graph may be traced for any number of rows.
    """
    known = None not in (rows.shape[0], columns.shape[0])
    if known and rows.shape[0] * columns.shape[0] * width <= max_entries:
        return _layers(rows, columns, *weights)
    num_rows, num_columns = tf.shape(rows)[0], tf.shape(columns)[0]
    row_entries = tf.cast(num_columns, tf.int64) * width
    most = tf.cast(tf.maximum(max_entries // row_entries, 1), tf.int32)
    count = tf.maximum(-(-num_rows // most), 1)
    size = -(-num_rows // count)
    padded = tf.pad(rows, [[0, count * size - num_rows], [0, 0]])
    blocks = tf.reshape(padded, [count, size, rows.shape[1]])
    out = _recomputed(blocks, columns, *weights)
    return tf.reshape(out, [count * size, num_columns, 2])[:num_rows]


def _recomputed_gradient(upstream, value, blocks, columns, *weights):
    def step(k, to_blocks, sums):
        inputs = [blocks[k], columns, *weights]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            out = _layers(*inputs)
        to_block, *others = tape.gradient(out, inputs, upstream[k])
        sums = [a + b for a, b in zip(sums, others, strict=True)]
        return k + 1, to_blocks.write(k, to_block), sums

    count = tf.shape(blocks)[0]
    start = tf.TensorArray(blocks.dtype, count, element_shape=blocks.shape[1:])
    zeros = [tf.zeros_like(x) for x in (columns, *weights)]
    _, to_blocks, sums = tf.while_loop(
        lambda k, *_: k < count, step, (0, start, zeros), parallel_iterations=1
    )
    return to_blocks.stack(), *sums


@gradients.explicit(_recomputed_gradient)
def _recomputed(blocks, columns, *weights):
    """`_layers` on each of `blocks` `[K, size, H]`: `[K, size, E, 2]`. Keeps no hidden units.

    A gradient of its own: TensorFlow cannot differentiate a loop over `tf.recompute_grad` inside a
    `tf.cond`, where a prior that starts later calls this.
    """
    return tf.map_fn(lambda block: _layers(block, columns, *weights), blocks, parallel_iterations=1)


def _layers(rows, columns, *weights):
    values = tf.nn.relu(rows[:, tf.newaxis] + columns)
    shape = tf.shape(values)
    values = tf.reshape(values, [-1, rows.shape[1]])  # one large product for each layer
    pairs = list(zip(weights[::2], weights[1::2], strict=True))
    for kernel, bias in pairs[:-1]:
        values = tf.nn.relu(tf.matmul(values, kernel) + bias)
    kernel, bias = pairs[-1]
    return tf.reshape(tf.matmul(values, kernel) + bias, [shape[0], shape[1], 2])


def _by_node(values, edges, at_root):
    """`[B, E]`, in the order of the edges, as `[B, V]` with `at_root` where no edge is."""
    filler = tf.fill([tf.shape(values)[0], 1], tf.constant(at_root, values.dtype))
    num_edges = tf.shape(edges.lower)[0]
    place = tf.tensor_scatter_nd_update(
        tf.fill([num_edges + 1], num_edges), edges.lower[:, tf.newaxis], tf.range(num_edges)
    )
    return tf.gather(tf.concat([values, filler], axis=1), place, axis=1)


def _float64(value):
    """As float64, a Python number exactly: `tf.cast` would go through float32."""
    if hasattr(value, "dtype"):
        return tf.cast(value, tf.float64)
    return tf.constant(value, tf.float64)
