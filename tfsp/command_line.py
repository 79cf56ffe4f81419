"""What the scripts share: plain messages for a user's mistakes, full disks and interrupts."""

import contextlib
import functools
import signal
import sys
import threading

from absl import app, flags, logging
from ml_collections import config_flags

from tfsp import atomic, project_files

# What bad input raises. Anything else is a fault of the program and shows its traceback.
_MISTAKES = (ArithmeticError, ImportError, OSError, ValueError)

flags.disclaim_key_flags()  # `--help` of a script shows `--config` as its own


def define_config(default, help_string, **kwargs):
    """The flag `--config=FILE` or `--config=FILE:ROW`, with `--config.SECTION.SETTING=VALUE`.

    A section gets the settings of another class once a flag has named it
    (`--config.prior.name=vamp --config.prior.num_components=50`), so what is set need not be there
    when flags are defined: what does not exist is found fault with by `tfsp.config.to_dict` and
    `tfsp.config.check_section`, with what does.

    Args:
      default: the file that is taken without the flag (`project_files.find_config`), or None.
      help_string: what `--help` says.
      **kwargs: of `config_flags.DEFINE_config_file`.

    Returns:
      The flag's holder, as of `flags.DEFINE_string`.
    """
    default = None if default is None else project_files.find_config(default)
    return config_flags.DEFINE_config_file(
        "config", default, help_string, lock_config=False, accept_new_attributes=True, **kwargs
    )


def given_settings():
    """Names of the settings that flags have set, such as "likelihood.name"."""
    return tuple(config_flags.get_override_values(flags.FLAGS["config"]))


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM); raised in the main thread, as Ctrl-C is."""


def plain_errors(main):
    """Decorator for `main(argv)` of a script.

    Refuses stray arguments, keeps TensorFlow's chatter down, and turns a mistake of the user, or
    a file that cannot be read or written, into one message and exit code 1; `--verbosity=1` shows
    the traceback too. Ctrl-C and SIGTERM end with a sentence and the exit codes that a shell gives
    them, 130 and 143.
    """

    @functools.wraps(main)
    def run(argv):
        if len(argv) > 1:
            raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
        verbose = logging.get_verbosity() > logging.INFO
        if not verbose:
            logging.set_verbosity(logging.WARNING)
        try:
            with _sigterm_as_exception():
                return main(argv)
        except _MISTAKES as error:
            if verbose:
                raise
            print(f"{type(error).__name__}: {_message(error)}", file=sys.stderr)
            getattr(error, "leave", lambda: None)()  # `distribute.WorkerLost`: at once
            return 1
        except KeyboardInterrupt as error:
            by_signal = isinstance(error, Terminated)
            kept = f": {error.args[0]}" if error.args else "."
            print(f"Stopped by {'SIGTERM' if by_signal else 'Ctrl-C'}{kept}", file=sys.stderr)
            return 128 + (signal.SIGTERM if by_signal else signal.SIGINT)

    return run


def _message(error):
    if isinstance(error, OSError) and not isinstance(error, atomic.WriteError):
        return atomic.explain(error)
    return str(error)


@contextlib.contextmanager
def _sigterm_as_exception():
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(*_):
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
