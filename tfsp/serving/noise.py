"""Samplers whose random numbers are an argument, for runtimes without a generator."""

import numpy as np
import tensorflow as tf

from tfsp.serving.frozen import Frozen

_NORMAL, _UNIFORM = "StatelessRandomNormalV2", "StatelessRandomUniformV2"
_INTEGER, _CATEGORY = "StatelessRandomUniformIntV2", "StatelessMultinomial"
_DRAWS = {_NORMAL: "normal", _UNIFORM: "uniform", _INTEGER: "uniform", _CATEGORY: "uniform"}


class Sampler(Frozen):
    """A function of `num_samples` and `seed` made one of its noise.

        normal    standard normal numbers         uniform    uniform numbers on [0, 1)

    Wherever the function draws, one of these arguments, float32, is taken instead: normal and
    uniform numbers as they are, whole numbers and categories by inversion of their distribution
    function. How many draws there are follows from the first one's size.

    Args:
      function: of tensors as `specs` tell, to a dict of tensors.
      specs: `tf.TensorSpec`s of its arguments, `num_samples` and `seed` among them.

    Attributes:
      specs: those of the noise, with None for the number of draws, then of the other arguments.

    Raises:
      ValueError: with a short reason, where the function draws within a loop or not at all, or
        checks its arguments, which no other runtime does.
    """

    def __init__(self, function, specs):
        super().__init__(function, specs)
        for node in self._graph.node:
            if node.op == "MulNoNan":  # no other runtime has it, and noise is finite
                node.op = "Mul"
        self._draws = _find_draws(self._graph, self._outputs)
        if not self._draws:
            raise ValueError("it draws no random numbers")
        few, more = (
            [value.shape for value in self._values({"num_samples": number, "seed": 0})]
            for number in (2, 3)
        )
        sizes = [
            [a if a == b else None for a, b in zip(*shapes, strict=True)]
            for shapes in zip(few, more, strict=True)
        ]
        self._axis = sizes[0].index(None)
        self._others = [spec for spec in specs if spec.name not in ("num_samples", "seed")]
        self.specs = [
            *(
                tf.TensorSpec(shape, tf.float32, name)
                for shape, name in zip(sizes, _noise_names(self._draws), strict=True)
            ),
            *self._others,
        ]

    def __call__(self, *arguments):
        """The function's results, from tensors as `specs` tell."""
        noise, others = arguments[: len(self._draws)], arguments[len(self._draws) :]
        given = {"num_samples": tf.shape(noise[0])[self._axis], "seed": tf.constant(0)}
        given |= {spec.name: value for spec, value in zip(self._others, others, strict=True)}
        known = {f"{name}:0": given[name] for name in self._names}
        for node, numbers in zip(self._draws, noise, strict=True):
            dependencies = self._import(known, _parameters(node))
            known[f"{node.name}:0"] = _drawn(node, numbers, *dependencies)
        return self._import_results(known)

    def noise(self, **arguments):
        """The noise with which the results are those of the function, a list of arrays.

        Args:
          **arguments: the function's, `num_samples` and `seed` among them.
        """
        noise = []
        for node, value in zip(self._draws, self._values(arguments), strict=True):
            parameters = self._values(arguments, _parameters(node))
            noise.append(_undrawn(node, value, *parameters))
        return noise

    def _values(self, arguments, names=None):
        """Arrays of these tensors of the graph (default: the draws); other arguments are 0."""
        names = [f"{node.name}:0" for node in self._draws] if names is None else names
        if not names:
            return []
        graph = self._frozen.graph
        part = self._frozen.prune(
            self._frozen.inputs, [graph.get_tensor_by_name(name) for name in names]
        )
        feeds = [tf.constant(arguments.get(name, 0), tf.int32) for name in self._names]
        return [value.numpy() for value in part(*feeds)]


def _find_draws(graph, outputs):
    """The nodes that draw, in the order of the graph, without those that only make seeds."""
    nodes = {node.name: node for node in graph.node}
    functions = {function.signature.name: function for function in graph.library.function}
    found, seen, left = set(), set(), [_node_name(name) for name in outputs]
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        node = nodes[name]
        if node.op in _DRAWS:
            found.add(name)
            left += [_node_name(parameter) for parameter in _parameters(node)]
            continue
        if node.op.startswith(("StatelessRandom", "Random")) or _calls_random(node, functions):
            raise ValueError("it draws random numbers within a loop")
        if node.op == "Assert":
            raise ValueError("it checks its arguments")
        left += [_node_name(parent) for parent in node.input]
    return [node for node in graph.node if node.name in found]


def _calls_random(node, functions):
    called = [value.func.name for value in node.attr.values() if value.HasField("func")]
    for value in node.attr.values():
        called += [func.name for func in value.list.func]
    return any(
        (inner.op.startswith(("Stateless", "Random")) and "Random" in inner.op)
        or inner.op == _CATEGORY
        or _calls_random(inner, functions)
        for name in called
        for inner in functions[name].node_def
    )


def _node_name(tensor):
    return tensor.removeprefix("^").partition(":")[0]


def _parameters(node):
    """Tensors that say how a draw is distributed."""
    places = {_CATEGORY: [0], _INTEGER: [4, 5]}.get(node.op, [])
    names = [node.input[place] for place in places]
    return [name if ":" in name else f"{name}:0" for name in names]


def _noise_names(nodes):
    """normal, uniform; with numbers where there are several."""
    laws = [_DRAWS[node.op] for node in nodes]
    return [
        law if laws.count(law) == 1 else f"{law}_{laws[:i].count(law) + 1}"
        for i, law in enumerate(laws)
    ]


def _drawn(node, numbers, *parameters):
    """What takes the node's place."""
    if node.op == _CATEGORY:
        steps = tf.cumsum(tf.nn.softmax(tf.cast(parameters[0], tf.float32)), axis=-1)
        # Without the last, which is 1 up to rounding: every number finds a category.
        passed = numbers[:, :, tf.newaxis] >= steps[:, tf.newaxis, :-1]
        return tf.reduce_sum(tf.cast(passed, _dtype(node, "output_dtype")), axis=-1)
    if node.op == _INTEGER:
        low, high = (tf.cast(parameter, tf.float32) for parameter in parameters)
        return tf.cast(tf.floor(low + numbers * (high - low)), _dtype(node, "dtype"))
    return tf.cast(numbers, _dtype(node, "dtype"))


def _undrawn(node, value, *parameters):
    """Noise that `_drawn` makes `value` of, with as much room for rounding as there is."""
    if node.op == _CATEGORY:
        logits = np.float64(parameters[0])
        steps = np.exp(logits - logits.max(axis=-1, keepdims=True)).cumsum(axis=-1)
        steps = np.pad(steps / steps[:, -1:], [[0, 0], [1, 0]])
        middle = (steps[:, 1:] + steps[:, :-1]) / 2
        return np.float32(np.take_along_axis(middle, value, axis=1))
    if node.op == _INTEGER:
        low, high = parameters
        return np.float32((value - low + 0.5) / (high - low))
    return np.float32(value)


def _dtype(node, attribute):
    return tf.as_dtype(node.attr[attribute].type)
