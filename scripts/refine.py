"""Trains a run on with what a person has said about its tree.

    python scripts/explore.py --run_dir=runs/a     # a page; it lets you download constraints.json
    python scripts/refine.py --run_dir=runs/a --constraints=constraints.json

The refined run stands in runs/a/refined/1 (then 2, ...) and is a run like any other; the one it was
made from stays as it is. What is named becomes leaves of the tree, the tree is kept within what was
said, and the codes follow it. A run with the prior loracs, or a TMC-VAE.
"""

import pathlib

from absl import app, flags

from tfsp import results
from tfsp.command_line import plain_errors
from tfsp.config import of_run
from tfsp.explorer import explore_run
from tfsp.explorer.generations import Generations
from tfsp.refinement import refine_run
from tfsp.run_directory import RunDirectory

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of the run; its newest refinement is used.")
_CONSTRAINTS = flags.DEFINE_string(
    "constraints", None, "constraints.json, as the explorer's page writes it."
)
_EPOCHS = flags.DEFINE_integer("epochs", 10, "How many epochs of training.", lower_bound=1)
_OUT = flags.DEFINE_string(
    "out",
    None,
    "Folder of the refined run; default: RUN_DIR/refined/NUMBER. Then exactly the run "
    "in RUN_DIR is refined. A refinement that was stopped in the same folder goes on.",
)
_EXPLORE = flags.DEFINE_bool("explore", True, "Whether the refined run gets a page of its own.")
_RESULTS = flags.DEFINE_bool(
    "results",
    None,
    "Whether members.csv, pictures and the served model of the refined run are written too. "
    "Default: where the run has a members.csv.",
)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the data sets, as in training.")
_DOWNLOAD = flags.DEFINE_bool("download", False, "Fetch the data set if it is not in data_dir.")


@plain_errors
def main(_):
    run_dir, number = pathlib.Path(_RUN_DIR.value), None
    generations = Generations(run_dir)
    if _OUT.value is None:
        parent = generations.current()
        run_dir = generations.path(parent)
        RunDirectory(run_dir, of_run).config()  # before a folder is made in what is no run
        number, out = generations.reserve()
    else:
        out = pathlib.Path(_OUT.value)
    try:
        found = refine_run(
            run_dir,
            _CONSTRAINTS.value,
            out,
            _EPOCHS.value,
            _DATA_DIR.value,
            _DOWNLOAD.value,
        )
    finally:
        if number is not None:
            generations.release(number)
    if number is not None:  # it is complete; a page can be written later, too
        generations.finish(number, parent)
    pages = explore_run(out, data_dir=_DATA_DIR.value) if _EXPLORE.value else []
    wanted = (run_dir / "members.csv").exists() if _RESULTS.value is None else _RESULTS.value
    written = results.format_written(results.write(out)) if wanted else None
    print(
        f"{found.path}: {found.num_triplets} triplets, which its tree satisfies. By their codes "
        f"alone rows satisfied {found.satisfied_before} before and satisfy {found.satisfied} now; "
        f"{found.num_leaves} rows became leaves, {found.num_added} of them beside those there were."
    )
    if found.num_idle:
        print(
            f"{found.num_idle} links ask for nothing: what belongs together does so only against "
            "something that does not, and the other way round. Say that too, or name the odd one "
            "out of three."
        )
    for page in pages:
        print(f"Page: {page}")
    if written:
        print(written)


if __name__ == "__main__":
    flags.mark_flags_as_required(["run_dir", "constraints"])
    app.run(main)
