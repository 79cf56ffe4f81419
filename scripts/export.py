"""Writes a trained run as a SavedModel that needs TensorFlow and nothing else.

python scripts/export.py --run_dir=runs/mnist-vamp
saved_model_cli show --dir runs/mnist-vamp/export --all
"""

from absl import app, flags

from tfsp.command_line import plain_errors
from tfsp.export import describe, export_run

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of the run.")
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder for the SavedModel; must be new or empty. Default: RUN_DIR/export."
)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "best", "'best' (on the validation data), 'last', or the number of an epoch."
)


@plain_errors
def main(_):
    path, signatures = export_run(_RUN_DIR.value, _OUTPUT.value, _CHECKPOINT.value)
    print(f"{path}: {', '.join(signatures)}")
    lines = describe(path)
    for name in signatures:
        print(f"  {name}: {lines[name]}")


if __name__ == "__main__":
    flags.mark_flags_as_required(["run_dir"])
    app.run(main)
