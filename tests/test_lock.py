"""Locks between processes: refused, waited for, gone with a killed process."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings

import pytest

from tfsp import lock


def hold(path, message="It is trained"):
    with lock.locked(path, message):
        pass


HOLD = """
import fcntl, json, sys, time
file = open(sys.argv[1], "a+")
fcntl.flock(file, fcntl.LOCK_EX)
file.write(json.dumps({"process": 4711, "host": "node17", "since": "noon"}))
file.flush()
print("held", flush=True)
time.sleep(600)
"""


def test_a_second_holder_is_refused_with_process_and_host(tmp_path):
    path = tmp_path / "lock"
    for _ in range(2):
        with lock.locked(path, "It is trained"):
            with pytest.raises(
                lock.InUseError,
                match=rf"It is trained by process {os.getpid()} on {socket.gethostname()} since 2",
            ):
                hold(path)
            assert path.exists()
        assert not path.exists()


def test_a_killed_process_locks_nothing(tmp_path):
    path = tmp_path / "lock"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(lock.InUseError, match="by process 4711 on node17 since noon"):
            hold(path)
        process.send_signal(signal.SIGKILL)
    assert "node17" in path.read_text()
    with lock.locked(path, "It is trained"):
        assert "node17" not in path.read_text()
    assert not path.exists()


def test_garbled_owners_do_not_matter(tmp_path):
    path = tmp_path / "lock"
    for content in (b"\xff\x00", b"[]", b"{}"):
        with lock.locked(path, "It is trained"):
            path.write_bytes(content)
            with pytest.raises(lock.InUseError, match="It is trained by another process"):
                hold(path)


def test_who_waits_comes_next(tmp_path):
    path, order = tmp_path / "lock", []

    def later():
        with lock.locked(path, "It is written", wait=True):
            order.append("later")

    with lock.locked(path, "It is written"):
        threads = [threading.Thread(target=later) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        order.append("first")
    for thread in threads:
        thread.join()
    assert order == ["first", "later", "later", "later"]
    assert not path.exists()


def test_without_locks_of_the_file_system_there_is_a_warning(tmp_path, monkeypatch):
    def flock(file, how):
        raise OSError(lock.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    with pytest.warns(UserWarning, match="cannot be locked on this file system"):
        hold(tmp_path / "lock")
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hold(tmp_path / "lock")
