"""From a run directory to a SavedModel, or to files of other runtimes."""

import pathlib

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tfsp import atomic, experiment
from tfsp.priors.log_partition import has_log_partition, refresh_log_partition
from tfsp.run_directory import RunDirectory


def export_run(run_dir, path=None, checkpoint="best", format="tf_saved_model"):
    """Writes a run's model for processes that know nothing of tfsp.

    Args:
      run_dir: the run's folder.
      path: where to; None takes `export/` in the run's folder. Must not hold anything yet.
      checkpoint: "best", "last" or an epoch.
      format: "tf_saved_model", "onnx", "openvino" or "litert"; see `models.core.serving`.

    A discrete VAE's log Z is computed anew first (`refresh_log_partition`, seed 0, as in the
    evaluation of the run), and its `sample` starts from the chains of the checkpoint.

    Returns:
      (path, names of the signatures). See `tfsp.models.core.serving.signatures`.

    Raises:
      FileExistsError: if `path` holds something already.
    """
    model, _ = experiment.load_run(run_dir, checkpoint)
    # Before log Z, which may take a minute.
    path = atomic.unused(path or RunDirectory(run_dir).export)
    if has_log_partition(model.prior):
        refresh_log_partition(model.prior)
    return path, model.export(path, format)


def describe(path):
    """Arguments and results of each signature of a SavedModel: dict of name -> one line.

        sample  num_samples int32 [], seed int32 [] -> mean float32 [?, 28, 28, 1]

    Read from the file alone, nothing is loaded.

    Raises:
      FileNotFoundError: where there is no SavedModel.
    """
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((pathlib.Path(path) / "saved_model.pb").read_bytes())
    lines = {}
    for name, signature in saved.meta_graphs[0].signature_def.items():
        # Not TensorFlow's own initialiser, nor its second name for the first signature.
        if name not in ("__saved_model_init_op", "serving_default"):
            parts = (_tensors(signature.inputs), _tensors(signature.outputs))
            lines[name] = " -> ".join(part for part in parts if part)
    return lines


def _tensors(infos):
    return ", ".join(
        f"{name} {tf.as_dtype(info.dtype).name} {_shape(info.tensor_shape)}"
        for name, info in sorted(infos.items())
    )


def _shape(proto):
    if proto.unknown_rank:
        return "[...]"
    return f"[{', '.join('?' if d.size < 0 else str(d.size) for d in proto.dim)}]"
