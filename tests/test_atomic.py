"""Files that are whole or not at all: errors, kills, what dead processes have left."""

import errno
import os
import resource
import socket
import subprocess
import sys
import time
import zlib

import pytest
import tensorflow as tf

from tfsp import atomic

HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_and_its_folder_made(tmp_path):
    path = tmp_path / "new" / "file.txt"
    atomic.write(path, "one é")
    atomic.write(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["file.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_fails_in_the_middle_leaves_the_file_of_before(error, tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write():
        with atomic.replacing(path) as partial:
            partial.write_text("half")
            assert path.read_text() == "old"
            assert partial.name == "file.txt"  # Keras looks at the suffix
            raise error

    with pytest.raises(error):
        write()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "file.txt"
    with atomic.replacing(path) as one, atomic.replacing(path) as two:
        assert one != two
        one.write_text("one")
        two.write_text("two")
    assert path.read_text() == "one"  # the context that ends last


def test_a_file_beyond_the_limit_is_one_line(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(atomic.WriteError) as caught:
            atomic.write(path, "new" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(caught.value) == (
        f"{path} could not be written: File too large. Raise the limit on the size of files "
        "(`ulimit -f`), or choose another disk."
    )
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "No space left on device. Free some space"),
        (errno.EDQUOT, "quota exceeded. Free some space"),
        (errno.EROFS, "Read-only file system. Choose a folder on a disk that can be written"),
        (errno.EACCES, "Permission denied. Change the permissions, or choose another folder"),
        (errno.EIO, "could not be written: (shard-0; )?Input/output error."),
    ],
)
def test_errors_name_file_reason_and_remedy(number, advice, tmp_path):
    path = tmp_path / "file.txt"
    for cause in (
        OSError(number, os.strerror(number)),  # as of a write, which knows no name
        tf.errors.UnknownError(None, None, f"shard-0; {os.strerror(number)}"),
    ):
        with pytest.raises(atomic.WriteError, match=advice) as caught, atomic.replacing(path):
            raise cause
        assert caught.value.errno == number
        assert str(caught.value).startswith(f"{path} could not be written: ")
        assert names(tmp_path) == []
    caught.value.state = "Epoch 3 is kept."
    assert str(caught.value).endswith(" Epoch 3 is kept.")


def test_names_that_cannot_be(tmp_path):
    with pytest.raises(atomic.WriteError, match="File name too long. Choose a shorter name") as c:
        atomic.write(tmp_path / ("x" * 2000), "text")
    assert len(str(c.value)) < 500
    atomic.write(tmp_path / ("x" * 255), "text")  # the longest name that may be
    (tmp_path / "file").touch()
    with pytest.raises(atomic.WriteError, match="A part of the path is a file"):
        atomic.write(tmp_path / "file" / "below", "text")
    with pytest.raises(atomic.WriteError, match="It is a folder"):
        atomic.write(tmp_path, "text")


@pytest.mark.parametrize("there", [False, True])
def test_folders_appear_whole(there, tmp_path):
    path = tmp_path / "model"
    if there:
        path.mkdir()
        number = path.stat().st_ino
    for error in (RuntimeError, None):
        try:
            with atomic.new_folder(path) as partial:
                (partial / "variables").mkdir()
                (partial / "variables" / "data").write_text("1")
                (partial / "saved_model.pb").write_text("2")
                assert not (path / "saved_model.pb").exists()
                if error:
                    raise error
        except RuntimeError:
            assert (names(path) == []) if there else (names(tmp_path) == [])
    assert names(tmp_path) == ["model"]
    assert names(path) == ["saved_model.pb", "variables"]
    assert (path / "variables" / "data").read_text() == "1"
    if there:  # it may be a mount
        assert path.stat().st_ino == number


def test_a_folder_that_was_made_meanwhile_is_kept(tmp_path):
    path = tmp_path / "model"

    def make():
        with atomic.new_folder(path):
            path.mkdir()
            (path / "thesis.tex").write_text("precious")

    with pytest.raises(atomic.WriteError, match="Something was written there meanwhile"):
        make()
    assert names(tmp_path) == ["model"]
    assert names(path) == ["thesis.tex"]


def test_what_dead_processes_left_is_removed(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    day = 86_400

    def left(host, process, age=0.0):
        folder = tmp_path / f"partial-{host}-{process}-0123abcd"
        folder.mkdir()
        (folder / "model.keras").write_text("half")
        then = time.time() - age
        os.utime(folder, (then, then))
        return folder.name

    dead = left(HOST, gone.pid)
    own = left(HOST, os.getpid())  # of an earlier process of the same number
    alive = left(HOST, os.getppid())
    elsewhere = left("00000000", gone.pid)
    old = left("00000001", gone.pid, 2 * day)
    (tmp_path / "partial-notes.txt").write_text("mine")
    with atomic.replacing(tmp_path / "file.txt") as partial:
        partial.write_text("new")
        atomic.clean(tmp_path)
        assert partial.exists()
    assert names(tmp_path) == sorted(["file.txt", "partial-notes.txt", alive, elsewhere])
    assert not {dead, own, old} & set(names(tmp_path))
