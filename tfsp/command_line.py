"""What the scripts share: plain messages for a user's mistakes."""

import functools
import sys

from absl import app, logging

# What bad input raises. Anything else is a fault of the program and shows its traceback.
_MISTAKES = (ArithmeticError, FileNotFoundError, FileExistsError, ImportError, ValueError)


def plain_errors(main):
    """Decorator for `main(argv)` of a script.

    Refuses stray arguments, keeps TensorFlow's chatter down, and turns a mistake of the user into
    one message and exit code 1; `--verbosity=1` shows the traceback too.
    """

    @functools.wraps(main)
    def run(argv):
        if len(argv) > 1:
            raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
        verbose = logging.get_verbosity() > logging.INFO
        if not verbose:
            logging.set_verbosity(logging.WARNING)
        try:
            return main(argv)
        except _MISTAKES as error:
            if verbose:
                raise
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 1

    return run
