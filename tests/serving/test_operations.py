"""What is served keeps to operations that other runtimes have, TensorFlow.js among them."""

import pytest
import tensorflow as tf

from serving import cases

# TensorFlow.js fails on the first; LiteRT has none of them, ONNX few.
LACKING = {
    "EnsureShape",
    "MatrixBandPart",
    "MatrixDiagPartV3",
    "MatrixSetDiagV3",
    "UnsortedSegmentMax",
    "UnsortedSegmentSum",
}
DETERMINISTIC = ("encode", "decode", "reconstruct", "attach", "members", "categories", "graph")


@pytest.mark.parametrize("case", cases.CASES)
def test_signatures_do_without(case):
    model = cases.make(case)
    with model.prior.portable():
        signatures = model.signatures()
        for name in set(DETERMINISTIC) & set(signatures):
            function, specs = signatures[name]
            concrete = tf.function(function, input_signature=specs).get_concrete_function()
            graph = concrete.graph.as_graph_def()
            nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
            found = {node.op for node in nodes}
            assert not found & LACKING, name
            types = {attr.type for node in nodes for attr in node.attr.values()}
            assert name == "graph" or tf.float64.as_datatype_enum not in types, name


@pytest.mark.parametrize("likelihood", ["continuous_bernoulli", "logistic"])
def test_means_do_without_expm1(likelihood):
    case = next(case for case in cases.CASES if case.endswith(likelihood))
    function, specs = cases.make(case).signatures()["decode"]
    graph = tf.function(function, input_signature=specs).get_concrete_function().graph
    nodes = graph.as_graph_def().node
    inner = [n for f in graph.as_graph_def().library.function for n in f.node_def]
    assert not [n.name for n in [*nodes, *inner] if n.op in ("Expm1", "Log1p", "Xlogy", "Lgamma")]
