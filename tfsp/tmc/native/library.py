"""Loads the native TensorFlow ops, or says what is missing."""

import functools
import json
import pathlib

import tensorflow as tf

_FOLDER = pathlib.Path(__file__).parent


@functools.cache
def load():
    """The module of the native ops.

    Raises:
      ImportError: if the library is missing, cannot be loaded, or was built against another version
        of TensorFlow.
    """
    info = _FOLDER / "_build_info.json"
    files = sorted(_FOLDER.glob("_tmc_ops*.so"))
    if not files or not info.exists():
        raise ImportError(
            f"The native TMC ops are not built: there is no _tmc_ops*.so in {_FOLDER}. Build "
            "them with `make build` (needs g++)."
        )
    built = json.loads(info.read_text())["tensorflow"]
    if built != tf.__version__:
        raise ImportError(
            f"The native TMC ops were built against TensorFlow {built}, but TensorFlow "
            f"{tf.__version__} is installed. Rebuild them with `make build`."
        )
    try:
        return tf.load_op_library(str(files[0]))
    except (tf.errors.NotFoundError, OSError) as error:
        raise ImportError(
            f"The native TMC ops in {files[0].name} cannot be loaded. Rebuild them with "
            f"`make build` against the installed TensorFlow {tf.__version__}. The loader said: "
            f"{error}"
        ) from error
