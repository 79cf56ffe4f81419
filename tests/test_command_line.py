"""What a user sees of mistakes, full disks and interrupts: one line, and an exit code."""

import errno
import os
import signal
import threading
import time

import pytest
from absl import app

from tfsp import atomic
from tfsp.command_line import Terminated, plain_errors


def run(action):
    return plain_errors(lambda _: action())([""])


def raiser(error):
    def action():
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("`epochs` must be positive."), "ValueError: `epochs` must be positive."),
        (FileNotFoundError("No run there."), "FileNotFoundError: No run there."),
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/data/mnist.npz"),
            "PermissionError: /data/mnist.npz cannot be used: Permission denied. Change the "
            "permissions, or choose another folder.",
        ),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
            "OSError: A file cannot be used: No space left on device. Free some space there, or "
            "choose a folder on another disk.",
        ),
        (
            atomic.WriteError("run/a", OSError(errno.EROFS, os.strerror(errno.EROFS))),
            "WriteError: run/a could not be written: Read-only file system. Choose a folder on a "
            "disk that can be written.",
        ),
    ],
)
def test_mistakes_are_one_line(error, line, capsys):
    assert run(raiser(error)) == 1
    assert capsys.readouterr().err == f"{line}\n"


def test_faults_of_the_program_show_where(capsys):
    with pytest.raises(TypeError):
        run(raiser(TypeError("a bug")))
    with pytest.raises(app.UsageError):
        plain_errors(lambda _: None)(["", "stray"])


@pytest.fixture
def _ctrl_c():
    """Ctrl-C as in a terminal: a shell has what it runs in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c")
def test_interrupts_are_a_sentence_and_an_exit_code(capsys):
    before = signal.getsignal(signal.SIGTERM)
    assert run(raiser(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "Stopped by Ctrl-C.\n"
    assert run(raiser(KeyboardInterrupt("epoch 3 is kept."))) == 130
    assert capsys.readouterr().err == "Stopped by Ctrl-C: epoch 3 is kept.\n"
    for number, code, line in (
        (signal.SIGINT, 130, "Stopped by Ctrl-C.\n"),
        (signal.SIGTERM, 143, "Stopped by SIGTERM.\n"),
    ):

        def wait(number=number):
            os.kill(os.getpid(), number)
            time.sleep(10)

        assert run(wait) == code
        assert capsys.readouterr().err == line
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_ends_what_is_being_written(tmp_path):
    def save():
        with atomic.replacing(tmp_path / "file.txt") as partial:
            partial.write_text("half")
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)

    assert run(save) == 143
    assert list(tmp_path.iterdir()) == []
    assert issubclass(Terminated, KeyboardInterrupt)


def test_other_threads_run_without_signals():
    codes = []
    thread = threading.Thread(target=lambda: codes.append(run(lambda: 0)))
    thread.start()
    thread.join()
    assert codes == [0]
