"""Kills training runs, fills their disk, damages their files, and says what is left of them.

python scripts/faults.py
python scripts/faults.py --folder=/mnt/cluster/faults   # do this disk's renames and locks hold?
"""

import pathlib
import tempfile

from absl import app, flags

from tfsp import evaluation, faults
from tfsp.command_line import plain_errors

_FOLDER = flags.DEFINE_string(
    "folder",
    None,
    "Folder for the runs, new or empty. Default: a temporary one, removed at the end.",
)
_KILLS = flags.DEFINE_integer("kills", 15, "SIGKILLs for each of the two models.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the moments of the kills.")


@plain_errors
def main(_):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(_FOLDER.value or temporary)
        if folder.exists() and any(folder.iterdir()):
            raise FileExistsError(f"{folder} is not empty. Name a new folder.")
        rows = []
        for row in faults.inject(folder, faults.small_runs(), _KILLS.value, seed=_SEED.value):
            rows.append(row)
            print(row, flush=True)
    print(f"\n{evaluation.format_table(rows, faults.COLUMNS)}")
    return int(any(row["lost_epochs"] or row["left_over"] or not row["equal"] for row in rows))


if __name__ == "__main__":
    app.run(main)
