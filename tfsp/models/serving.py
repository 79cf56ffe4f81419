"""SavedModels with named signatures, for processes that have TensorFlow and nothing else."""

import pathlib

import keras
import tensorflow as tf

from tfsp import gradients
from tfsp.models.importance import importance_log_prob

_CHUNK = 50


def signatures(model):
    """What every exported model answers. Arguments and results by name:

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


def export(model, path):
    """Writes `model` as a SavedModel to the folder `path`; returns the names of its signatures.

    Raises:
      FileExistsError: if `path` exists and is not an empty folder.
      ValueError: if the model has not been built, or its prior asks for native ops even within
        `Prior.portable`.
    """
    path = check_folder(path)
    if not model.built:
        raise ValueError(
            "The model has not been built, so the shape of its data is unknown. Call `fit`, or "
            "`model.build((None, *data_shape))`, before exporting."
        )
    archive = keras.export.ExportArchive()
    archive.track(model)
    with model.prior.portable(), gradients.plain():
        endpoints = model.signatures()
        for name, (function, specs) in endpoints.items():
            function = tf.function(function, input_signature=specs)
            _check_ops(name, function, model.prior)
            archive.add_endpoint(name, function)
        archive.write_out(str(path), verbose=False)
    return list(endpoints)


def check_folder(path):
    """`path` as a `pathlib.Path`; raises FileExistsError unless it is new or an empty folder."""
    path = pathlib.Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"{path} exists already. Name another folder, or remove it first.")
    return path


def _check_ops(name, function, prior):
    graph = function.get_concrete_function().graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    native = sorted({node.op for node in nodes if node.op.startswith("Tfsp")})
    if native:
        raise ValueError(
            f"The signature {name!r} would need the ops {', '.join(native)} of tfsp where it is "
            f"served. Within `portable()` the prior {type(prior).__name__} must do without them."
        )
