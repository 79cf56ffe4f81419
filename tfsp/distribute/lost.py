"""What is said, and done, when a worker is lost."""

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

import tensorflow as tf

from tfsp.distribute.cluster import several_workers

_ALWAYS = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
_AT_TIMES = (
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
)
_SIGNS = ("ollective", "oordination", "heartbeat", "Connection reset", "Socket closed")
_TASK = re.compile(r"/job:(\w+)/replica:\d+/task:(\d+)")


class WorkerLost(ConnectionError):
    """Another worker has stopped, so that training cannot go on in this one."""

    def leave(self) -> NoReturn:
        """Ends the process with exit code 1, at once.

        Otherwise TensorFlow waits up to half a minute for the lost worker when the interpreter
        ends.
        """
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


@contextlib.contextmanager
def losses_explained(
    strategy: tf.distribute.Strategy | None, state: Callable[[], str | None] = lambda: None
) -> Iterator[None]:
    """Within this context TensorFlow's errors about a lost worker become `WorkerLost`.

    Args:
      state: function that returns a sentence about what is kept, or None.
    """
    try:
        yield
    except (*_ALWAYS, *_AT_TIMES) as error:
        if not several_workers(strategy) or not _is_loss(error):
            raise
        sentences = [
            f"Another worker has stopped{_named(strategy, error)}: its own output says why. Start "
            "all workers again, with the same command.",
            state(),
        ]
        raise WorkerLost(" ".join(filter(None, sentences))) from error


def _is_loss(error):
    return isinstance(error, _ALWAYS) or any(sign in str(error) for sign in _SIGNS)


def _named(strategy, error):
    """The lost workers, as far as the error names others than this one."""
    resolver = strategy.cluster_resolver
    own = (resolver.task_type, str(resolver.task_id))
    found = dict.fromkeys(task for task in _TASK.findall(str(error)) if task != own)
    return f" ({', '.join(map(' '.join, found))})" if found else ""
