"""Writes a trained run as a SavedModel, or for ONNX Runtime, OpenVINO or LiteRT.

python scripts/export.py --run_dir=runs/mnist-vamp
saved_model_cli show --dir runs/mnist-vamp/export --all
python scripts/export.py --run_dir=runs/mnist-vamp --format=onnx --output=runs/mnist-vamp/onnx
"""

from absl import app, flags

from tfsp.command_line import plain_errors
from tfsp.export import describe, export_run

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of the run.")
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder for the files; must be new or empty. Default: RUN_DIR/export."
)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "best", "'best' (on the validation data), 'last', or the number of an epoch."
)
_FORMAT = flags.DEFINE_enum(
    "format",
    "tf_saved_model",
    ["tf_saved_model", "onnx", "openvino", "litert"],
    "SavedModel, or one file for each signature (needs the extra 'serving').",
)


@plain_errors
def main(_):
    path, signatures = export_run(_RUN_DIR.value, _OUTPUT.value, _CHECKPOINT.value, _FORMAT.value)
    print(f"{path}: {', '.join(signatures)}")
    lines = describe(path) if _FORMAT.value == "tf_saved_model" else {}
    for name, line in lines.items():
        print(f"  {name}: {line}")


if __name__ == "__main__":
    flags.mark_flags_as_required(["run_dir"])
    app.run(main)
