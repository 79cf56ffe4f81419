"""A lock on a folder or file that processes share; it ends with the process that holds it."""

import contextlib
import datetime
import errno
import fcntl
import json
import os
import pathlib
import socket
import warnings
from collections.abc import Iterator

from tfsp import atomic

_UNSUPPORTED = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)


class InUseError(ValueError):
    """What is to be locked is locked by another process."""


@contextlib.contextmanager
def locked(path: str | os.PathLike[str], message: str, wait: bool = False) -> Iterator[None]:
    """Holds the lock file `path` within the context.

    The kernel holds the lock (`flock`), not the file: what a killed process leaves behind locks
    nothing. On file systems without locks there is a warning, and no lock.

    Args:
      path: of the lock file; made here, and removed at the end.
      message: how the error begins, such as "runs/a is being trained".
      wait: wait for the other process instead of raising InUseError.

    Raises:
      InUseError: if another process holds it, with that process and its host.
      WriteError: if the lock's file cannot be written.
    """
    path = pathlib.Path(path)
    with atomic.explained(path):
        file = _acquire(path, message, wait)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: who waits for this file looks again
        file.close()


def _acquire(path, message, wait):
    while True:
        file = path.open("a+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            with file:
                raise InUseError(f"{message} {_owner(file)}.") from None
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                file.close()
                raise
            warnings.warn(
                f"{path} cannot be locked on this file system ({error.strerror}). Make sure that "
                "one process alone writes there.",
                stacklevel=5,
            )
            return file
        if _is(file, path):
            started = datetime.datetime.now().isoformat(sep=" ", timespec="seconds")
            owner = {"process": os.getpid(), "host": socket.gethostname(), "since": started}
            with contextlib.suppress(OSError):  # a full disk: locked, but namelessly
                file.truncate(0)
                file.write(f"{json.dumps(owner)}\n".encode())
            return file
        file.close()


def _is(file, path):
    """Whether `path` still names the open file: who held it before has removed it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _owner(file):
    file.seek(0)
    try:
        owner = json.loads(file.read())
        return f"by process {owner['process']} on {owner['host']} since {owner['since']}"
    except (ValueError, KeyError, TypeError):
        return "by another process"
