"""Models as files with named signatures, for processes that know nothing of tfsp."""

import warnings

import keras
import tensorflow as tf

from tfsp import atomic, serving
from tfsp.models.core.importance import importance_log_prob
from tfsp.tmc.density import blocks

_CHUNK = 50


def signatures(model):
    """What every exported model answers.

    Arguments and results by name:

    | signature | arguments | results |
    | --- | --- | --- |
    | encode | images `[B, *data_shape]` float32 | latent `[B, D]` |
    | decode | latent `[B, D]` | mean `[B, *data_shape]` |
    | reconstruct | images | mean |
    | sample | num_samples int32, seed int32 | mean `[num_samples, *data_shape]` |
    | log_likelihood | images, num_samples int32, seed int32 | log_prob, variance `[B]`, nats |

    `log_likelihood` is the bound by `num_samples` importance samples. Priors without a density
    have no `sample` and no `log_likelihood`. A prior adds signatures of its own
    (`Prior.signatures`; for trees see `tfsp.priors.tree_serving`).
    """
    data = tf.TensorSpec([None, *model.data_shape], tf.float32, name="images")
    latent = tf.TensorSpec([None, model.representation_dim], tf.float32, name="latent")
    count = tf.TensorSpec([], tf.int32, name="num_samples")
    seed = tf.TensorSpec([], tf.int32, name="seed")

    def encode(images):
        return {"latent": model.encode(images)}

    def decode(latent):
        return {"mean": model.decode(latent).mean()}

    def reconstruct(images):
        return {"mean": model.reconstruct(images)}

    def sample(num_samples, seed):
        return {"mean": model.sample(num_samples, seed=seed)}

    def log_likelihood(images, num_samples, seed):
        result = importance_log_prob(model, images, num_samples, _CHUNK, seed)
        return {"log_prob": result["log_prob"], "variance": result["variance"]}

    endpoints = {
        "encode": (encode, [data]),
        "decode": (decode, [latent]),
        "reconstruct": (reconstruct, [data]),
    }
    if model.prior.is_density:
        endpoints["sample"] = (sample, [count, seed])
        endpoints["log_likelihood"] = (log_likelihood, [data, count, seed])
    return {**endpoints, **model.prior.signatures(model.prior_view())}


def export(model, path, format="tf_saved_model"):
    """Writes `model` to the folder `path`; returns the names of its signatures.

    A row (an image, a latent) that is not finite has NaN in all results, and -1 in integer ones;
    the other rows are not touched by it. Of a likelihood with `missing`, NaN in images stands for
    what is missing.

    Args:
      format: "tf_saved_model", a SavedModel, or "onnx", "openvino" or "litert": a file for each
        signature that the runtime can answer. In these `sample` takes its noise as arguments
        (`tfsp.serving.Sampler`). What is left out is named in a warning.

    Raises:
      FileExistsError: if `path` exists and is not an empty folder.
      WriteError: if it cannot be written; nothing is left of it then.
      ImportError: if the format needs a package that is not there.
      ValueError: if the model has not been built, its prior asks for native ops even within
        `Prior.portable`, or the format lacks an operation that a signature needs.
    """
    path = atomic.unused(path)
    kind = None if format == "tf_saved_model" else serving.check(format)
    if not model.built:
        raise ValueError(
            "The model has not been built, so the shape of its data is unknown. Call `fit`, or "
            "`model.build((None, *data_shape))`, before exporting."
        )
    missing = ("images",) if model.likelihood.missing else ()
    with model.prior.portable(), serving.bijector_cache():
        endpoints = {
            name: (serving.marked(function, specs, missing), specs)
            for name, (function, specs) in model.signatures().items()
        }
        if kind is None:
            return _saved_model(model, path, endpoints)
        with blocks.whole():
            return _files(model, path, endpoints, kind)


def _saved_model(model, path, endpoints):
    archive = keras.export.ExportArchive()
    archive.track(model)
    for name, (function, specs) in endpoints.items():
        function = tf.function(function, input_signature=specs)
        _check_ops(name, function, model.prior)
        archive.add_endpoint(name, function)
    with atomic.new_folder(path) as partial:
        archive.write_out(str(partial), verbose=False)
    return list(endpoints)


def _files(model, path, endpoints, kind):
    contents, left_out = {}, []
    for name, (function, specs) in endpoints.items():
        try:
            function = _without_seed(function, specs)
        except ValueError as reason:
            left_out.append(f"{name} ({reason})")
            continue
        contents[name] = serving.converted(kind, name, function)
    if left_out:
        warnings.warn(f"Not written as {kind.name}: {', '.join(left_out)}.", stacklevel=4)
    with atomic.new_folder(path) as partial:
        for name, content in contents.items():
            kind.write(content, partial / name)
    return list(contents)


def _without_seed(function, specs):
    """A signature that other runtimes can answer. Raises ValueError, with the reason, if not."""
    if any(spec.name == "seed" for spec in specs):
        return serving.Sampler(function, specs)
    frozen = serving.Frozen(function, specs)
    if tf.string in frozen.dtypes:
        raise ValueError("it holds text")
    return frozen


def _check_ops(name, function, prior):
    graph = function.get_concrete_function().graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    native = sorted({node.op for node in nodes if node.op.startswith("Tfsp")})
    if native:
        raise ValueError(
            f"The signature {name!r} would need the ops {', '.join(native)} of tfsp where it is "
            f"served. Within `portable()` the prior {type(prior).__name__} must do without them."
        )
