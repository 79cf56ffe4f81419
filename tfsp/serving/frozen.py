"""A signature as a graph of its own, the weights as constants."""

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2


class Frozen:
    """A function whose variables are constants: what converters take.

    Args:
      function: of tensors as `specs` tell, to a dict of tensors.
      specs: `tf.TensorSpec`s with names.

    Attributes:
      specs: as given.
      dtypes: of the results.
    """

    def __init__(self, function, specs):
        concrete = tf.function(function, input_signature=specs).get_concrete_function()
        self.specs = specs
        self._results = sorted(concrete.structured_outputs)  # the order of the graph's outputs
        self._frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
        self._graph = self._frozen.graph.as_graph_def()
        self._outputs = [tensor.name for tensor in self._frozen.outputs]
        self.dtypes = [tensor.dtype for tensor in self._frozen.outputs]
        self._names = [spec.name for spec in specs]

    def __call__(self, *arguments):
        """The function's results, from tensors as `specs` tell."""
        known = {f"{name}:0": x for name, x in zip(self._names, arguments, strict=True)}
        return self._import_results(known)

    def _import_results(self, known):
        return dict(zip(self._results, self._import(known, self._outputs), strict=True))

    def _import(self, known, names):
        """Tensors of the graph, where `known`, name -> tensor, take the place of its own."""
        if not names:
            return []
        used = {name for node in self._graph.node for name in map(_tensor_name, node.input)}
        known = {name: tensor for name, tensor in known.items() if name in used}
        return tf.graph_util.import_graph_def(self._graph, known, names, name="frozen")


def _tensor_name(name):
    return name if ":" in name else f"{name}:0"
