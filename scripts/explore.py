"""The page of a run's tree: branches, members, names, corrections; a file, or served.

    python scripts/explore.py --run_dir=runs/digits            # RUN_DIR/explorer.html
    python scripts/explore.py --run_dir=runs/digits --serve    # a page that the model learns from

The file opens from disk without a network. Served (on this machine alone, at an address with a
random token) the page has a button that trains the run on with what you have said, and one that
takes that back; refined runs stand in RUN_DIR/refined/. The extra `explorer` brings the server.
"""

from absl import app, flags

from tfsp.command_line import plain_errors
from tfsp.explorer import explore_run
from tfsp.explorer.server.serving import serve

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of the run.")
_OUTPUT = flags.DEFINE_string("output", None, "File of the page. Default: RUN_DIR/explorer.html.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the data sets, as in training.")
_DOWNLOAD = flags.DEFINE_bool("download", False, "Fetch the data set if it is not in data_dir.")
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "best", "'best' (on the validation data), 'last', or the number of an epoch."
)
_LIMIT = flags.DEFINE_integer("limit", None, "Rows of each part at most, a random subset of more.")
_NUM_CLUSTERS = flags.DEFINE_integer(
    "num_clusters", None, "Into how many clusters the tree is cut; without it as many as last."
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the summary of the tree and of the samples.")
_QUESTIONS = flags.DEFINE_integer(
    "num_questions", 12, "How many questions the page asks, of a prior that is a tree."
)
_SERVE = flags.DEFINE_bool(
    "serve", False, "Serve the page on 127.0.0.1 until Ctrl-C, with its newest refinement."
)
_PORT = flags.DEFINE_integer("port", 0, "Of the server; 0 takes a free one.", 0, 65535)


@plain_errors
def main(_):
    if _SERVE.value:
        _serve()
        return
    paths = explore_run(
        _RUN_DIR.value,
        _OUTPUT.value,
        _DATA_DIR.value,
        _DOWNLOAD.value,
        _CHECKPOINT.value,
        _LIMIT.value,
        _NUM_CLUSTERS.value,
        _SEED.value,
        _QUESTIONS.value,
    )
    for path in paths:
        print(path)


def _serve():
    if _OUTPUT.value is not None:
        raise ValueError("--output is of the file; with --serve the page stands in the run.")
    serve(
        _RUN_DIR.value,
        _PORT.value,
        _DATA_DIR.value,
        announce=lambda address: print(f"{address}\nCtrl-C ends it.", flush=True),
        download=_DOWNLOAD.value,
        checkpoint=_CHECKPOINT.value,
        limit=_LIMIT.value,
        num_clusters=_NUM_CLUSTERS.value,
        seed=_SEED.value,
        num_questions=_QUESTIONS.value,
    )


if __name__ == "__main__":
    flags.mark_flags_as_required(["run_dir"])
    app.run(main)
