"""Files and folders that are there whole or not at all, whatever stops their writer."""

import contextlib
import errno
import os
import pathlib
import re
import secrets
import shutil
import socket
import time
import zlib
from collections.abc import Iterator

_HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
_NAME = re.compile(r"partial-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}")
_LONGEST = 86_400  # seconds that writing may take
_mine: set[str] = set()

_NO_SPACE = "Free some space there, or choose a folder on another disk."
_ADVICE = {
    errno.ENOSPC: _NO_SPACE,
    errno.EDQUOT: _NO_SPACE,
    errno.EFBIG: "Raise the limit on the size of files (`ulimit -f`), or choose another disk.",
    errno.EROFS: "Choose a folder on a disk that can be written.",
    errno.EACCES: "Change the permissions, or choose another folder.",
    errno.EPERM: "Change the permissions, or choose another folder.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ENOTDIR: "A part of the path is a file: choose another folder.",
    errno.EEXIST: "A part of the path is a file: choose another folder.",
    errno.EISDIR: "It is a folder: choose another name, or remove it.",
    errno.ENOTEMPTY: "Something was written there meanwhile: choose another name.",
}


class WriteError(OSError):
    """A file that could not be written: which one, why, what is left, what to do.

    Args:
      path: the file or folder.
      cause: the OSError or `tf.errors.OpError` that was met.

    `state` may be set to a sentence about what is left.
    """

    def __init__(self, path: str | os.PathLike[str], cause: Exception) -> None:
        number, reason = _reason(cause)
        super().__init__(number, reason, str(path))
        self.state = ""

    def __str__(self) -> str:
        return " ".join(filter(None, [explain(self, "could not be written"), self.state]))


def explain(error: OSError, what: str = "cannot be used") -> str:
    """One line for an OSError: the file, the reason, and what to do about it."""
    if not error.errno:
        return str(error)
    name = _shortened(str(error.filename)) if error.filename is not None else "A file"
    parts = [f"{name} {what}: {error.strerror}.", _ADVICE.get(error.errno)]
    return " ".join(filter(None, parts))


@contextlib.contextmanager
def explained(path: str | os.PathLike[str]) -> Iterator[None]:
    """Within this context what fails to be written raises `WriteError`, which names `path`."""
    try:
        yield
    except WriteError:
        raise
    except Exception as error:
        # `tf.errors.OpError` by its attributes: trees and pictures are used without TensorFlow.
        if isinstance(error, OSError) or hasattr(error, "error_code"):
            raise WriteError(path, error) from error
        raise


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Yields the path of a partial file to be written, which then takes the place of `path`.

    A reader sees the file of before or the new one; a kill, a full disk or an error within the
    context leave the one of before. The new file is on the disk before it gets its name. Missing
    folders are made.

    Raises:
      WriteError: if the file cannot be written.
    """
    path = pathlib.Path(path)
    with explained(path), _partial_folder(path.parent) as folder:
        partial = folder / path.name
        yield partial
        _sync(partial)
        os.replace(partial, path)
        _sync(path.parent)


def write(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Writes `content`, str or bytes, to the file `path`; see `replacing`."""
    with replacing(path) as partial:
        partial.write_bytes(content if isinstance(content, bytes) else content.encode())


@contextlib.contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Yields a folder to be filled, which then becomes `path`: new, or an empty folder until now.

    An empty folder is kept (it may be a mount, or the only place that may be written); what was
    made moves into it, folders before files.

    Raises:
      WriteError: if the folder cannot be written.
    """
    path = pathlib.Path(path)
    there = path.is_dir()
    with explained(path), _partial_folder(path if there else path.parent) as folder:
        partial = folder / path.name
        partial.mkdir()
        yield partial
        for part in (*partial.rglob("*"), partial):
            _sync(part)
        if there:
            for part in sorted(partial.iterdir(), key=lambda part: (part.is_file(), part.name)):
                os.rename(part, path / part.name)
        else:
            os.rename(partial, path)
        _sync(path)
        _sync(path.parent)


def unused(path: str | os.PathLike[str]) -> pathlib.Path:
    """`path` with ~ expanded, a folder that nobody has used: new, or empty.

    Raises:
      FileExistsError: for one that holds something, or a file.
    """
    path = pathlib.Path(path).expanduser()
    clean(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"{path} exists already. Name another folder, or remove it first.")
    return path


def clean(folder: str | os.PathLike[str]) -> None:
    """Removes what dead processes have left half-written in `folder`."""
    for entry in pathlib.Path(folder).glob("partial-*"):
        if is_partial(entry.name) and _abandoned(entry):
            shutil.rmtree(entry, ignore_errors=True)


def is_partial(name: str) -> bool:
    """Whether a folder of this name holds what a process is writing, or has left half-written."""
    return _NAME.fullmatch(name) is not None


@contextlib.contextmanager
def _partial_folder(parent):
    parent.mkdir(parents=True, exist_ok=True)
    clean(parent)
    folder = parent / f"partial-{_HOST}-{os.getpid()}-{secrets.token_hex(4)}"
    _mine.add(folder.name)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _mine.discard(folder.name)


def _abandoned(entry):
    with contextlib.suppress(FileNotFoundError):
        if time.time() - entry.stat().st_mtime > _LONGEST:
            return True
    host, process = _NAME.fullmatch(entry.name).groups()
    if host != _HOST:
        return False
    if int(process) == os.getpid():  # or of a dead process that had the same number
        return entry.name not in _mine
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _sync(path):
    """Has the kernel write a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems without it
            raise
    finally:
        os.close(descriptor)


def _reason(cause):
    """(error number, text); those of TensorFlow tell the number in words, or not at all."""
    if isinstance(cause, OSError):
        return cause.errno or errno.EIO, cause.strerror or str(cause)
    words = cause.message.lower()
    number = next((n for n in _ADVICE if os.strerror(n).lower() in words), None)
    return (number, os.strerror(number)) if number else (errno.EIO, _shortened(cause.message))


def _shortened(name, longest=300):
    return name if len(name) <= longest else f"{name[:100]}...{name[-100:]}"
