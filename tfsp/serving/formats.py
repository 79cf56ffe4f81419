"""Signatures as files of other runtimes than TensorFlow."""

import contextlib
import importlib
import logging
import pathlib
import re

import tensorflow as tf

_OPSET = 18  # of ONNX: the first one in which reductions take their axes as tensors


class Format:
    """What turns one signature into one file.

    Attributes:
      name: of the format.
      packages: modules that must be there.
      suffix: of the files.
    """

    name, packages, suffix = None, (), None

    def converted(self, function, specs):
        """The file's content, of a `tf.function`. Raises whatever the converter does."""
        raise NotImplementedError

    def write(self, content, path):
        pathlib.Path(path).with_suffix(self.suffix).write_bytes(content)


class ONNX(Format):
    """Files for ONNX Runtime, one a signature."""

    name, packages, suffix = "onnx", ("tf2onnx", "onnx", "onnxruntime"), ".onnx"

    def converted(self, function, specs):
        import onnxruntime

        content = _onnx(function, specs).SerializeToString()
        onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        return content


class OpenVINO(Format):
    """Files for OpenVINO, two a signature: the graph, and its numbers."""

    name, packages, suffix = "openvino", ("tf2onnx", "onnx", "openvino"), ".xml"

    def converted(self, function, specs):
        import io

        import openvino

        content = openvino.convert_model(io.BytesIO(_onnx(function, specs).SerializeToString()))
        openvino.compile_model(content, "CPU")
        return content

    def write(self, content, path):
        import openvino

        # Not in half precision, which is the default.
        openvino.save_model(content, path.with_suffix(self.suffix), compress_to_fp16=False)


class LiteRT(Format):
    """Files for LiteRT (TensorFlow Lite), one a signature, of its own operations alone."""

    name, packages, suffix = "litert", ("ai_edge_litert",), ".tflite"

    def converted(self, function, specs):
        from ai_edge_litert.interpreter import Interpreter

        concrete = function.get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
        try:
            content = converter.convert()
        except Exception as error:  # names the operations among pages of its own program
            lacking = re.findall(r"^(?:Custom|Flex) ops: (.*)$", str(error), re.MULTILINE)
            if not lacking:
                raise
            raise ValueError(f"LiteRT has no {', '.join(lacking)}.") from error
        Interpreter(model_content=content).allocate_tensors()
        return content


FORMATS = {kind.name: kind() for kind in (ONNX, OpenVINO, LiteRT)}


def check(name):
    """The format of this name.

    Raises:
      ValueError: for an unknown one.
      ImportError: where a package that it needs is missing.
    """
    if name not in FORMATS:
        known = ", ".join(repr(known) for known in ["tf_saved_model", *FORMATS])
        raise ValueError(f"`format` must be one of {known}. Received: {name!r}.")
    missing = [package for package in FORMATS[name].packages if not _present(package)]
    if missing:
        raise ImportError(
            f"The format {name!r} needs {', '.join(missing)}. Install the extra that has all "
            "formats' packages: pip install 'tfsp[serving]'."
        )
    return FORMATS[name]


def converted(kind, name, frozen):
    """The content of the file of signature `name`.

    Args:
      kind: a `Format`.
      frozen: a `Frozen`, what the signature computes.

    Raises:
      ValueError: where the format lacks an operation that the signature needs.
    """
    function = tf.function(frozen, input_signature=frozen.specs)
    try:
        with _quiet():
            return kind.converted(function, frozen.specs)
    except Exception as error:
        raise ValueError(
            f"The signature {name!r} cannot be written as {kind.name}; 'tf_saved_model' takes "
            f"every signature. The converter: {str(error)[-1000:]}"
        ) from error


def _onnx(function, specs):
    import onnx
    import tf2onnx

    model, _ = tf2onnx.convert.from_function(function, input_signature=specs, opset=_OPSET)
    unknown = sorted(
        {
            node.op_type
            for node in _nodes(model.graph)
            if not onnx.defs.has(node.op_type, node.domain)
        }
    )
    if unknown:  # tf2onnx leaves them in, and says so in its log alone
        raise ValueError(f"ONNX has no {', '.join(unknown)}.")
    return model


def _nodes(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def _present(package):
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True


@contextlib.contextmanager
def _quiet():
    """Without the converters' talk, errors apart."""
    loggers = [logging.getLogger(name) for name in ("tensorflow", "tf2onnx", "absl")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
