"""What a user sees of mistakes, full disks and interrupts: one line, and an exit code."""

import errno
import os
import pathlib
import signal
import threading
import time

import pytest
from absl import app, flags

from tfsp import atomic, config
from tfsp.command_line import Terminated, define_config, plain_errors

CONFIGS = pathlib.Path(__file__).parents[1] / "configs"
# How ml_collections loads a config file.
LOADING = pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")


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


def config_of(file, *arguments):
    """What `scripts/train.py` makes of `--config=file` and further flags."""
    argv = ["train.py", f"--config={CONFIGS / file}", *arguments]
    values = flags.FlagValues()
    define_config(None, "What to train.", flag_values=values, sys_argv=argv)
    values(argv)
    return values.config


@LOADING
@pytest.mark.parametrize(
    ("file", "arguments", "section", "expected"),
    [
        ("mnist.py", ["prior.name=vamp"], "prior", dict(name="vamp", num_components=500)),
        ("mnist.py:vamp", ["prior.start=data"], "prior", dict(name="vamp", start="data")),
        (
            "mnist.py",
            ["prior.name=vamp", "prior.num_components=50", "prior.learned=false"],
            "prior",
            dict(name="vamp", num_components=50, learned=False),
        ),
        ("digits.py", ["prior.name=mixture"], "prior", dict(name="mixture", num_components=50)),
        ("digits.py", ["prior.name=normal"], "prior", dict(name="normal")),
        (
            "digits.py",
            ["model.name=gm_vae", "model.style_dim=3", "model.min_information=1"],
            "model",
            dict(name="gm_vae", latent_dim=10, style_dim=3, min_information=1.0),
        ),
        ("digits.py", ["network.hidden=(8,4)", "network.gated"], "network", dict(hidden=(8, 4))),
        ("digits.py", ["train.epochs=7"], "train", dict(epochs=7, batch_size=100)),
        ("digits.py", ["data.proportion=.3"], "data", dict(proportion=0.3)),
    ],
)
def test_flags_change_a_config(file, arguments, section, expected):
    found = config_of(f"vae/{file}", *(f"--config.{argument}" for argument in arguments))
    found = config.to_dict(found)
    config.check_section(found, "prior")
    assert expected.items() <= found[section].items()


@LOADING
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train.epoch=3"], r"Unknown setting train\.epoch\. Known: .*epochs"),
        (["epochs=3"], r"Unknown setting 'epochs'\. Known: .*train"),
        (["prior.num_flows=7"], r"'vamp' does not take 'num_flows'\. It takes: .*num_components"),
        (["prior.name=flow", "prior.bounded=False"], "'flow' does not take 'bounded'.*num_flows"),
        (["prior.name=vam"], r"Unknown prior: 'vam'\. Known: .*vamp"),
        (["prior.latent_dim=3"], "'vamp' does not take 'latent_dim'"),
    ],
)
def test_flags_for_what_is_not_there_are_told_what_is(arguments, message):
    found = config_of("vae/digits.py", *(f"--config.{argument}" for argument in arguments))
    with pytest.raises(ValueError, match=message):
        config.check_section(config.to_dict(found), "prior")
