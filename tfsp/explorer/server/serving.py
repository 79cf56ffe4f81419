"""Runs the server, for this machine alone."""

import contextlib
import secrets
import signal
import socket

from tfsp import experiment
from tfsp.config import default_config, of_run
from tfsp.explorer import page_file
from tfsp.explorer.generations import Generations
from tfsp.explorer.run import explore_run
from tfsp.explorer.server.jobs import Refinements
from tfsp.run_directory import RunDirectory

HOST = "127.0.0.1"
_GRACE = 3  # seconds that requests under way have when the server ends


def serve(run_dir, port=0, data_dir=None, announce=print, **options):
    """Serves the page of a run until Ctrl-C, with "learn from my corrections".

    Only this machine can connect (127.0.0.1), only by the address that is printed, which holds a
    random token, and only pages of that address may ask for changes. Files outside of the run are
    never served. A terminal that closes ends it as Ctrl-C does.

    Args:
      run_dir: the run's folder. Refinements become runs in its folder `refined`.
      port: of the server; 0 takes a free one.
      data_dir: as in training; by default where the data were then.
      announce: function of the address, once the server listens.
      **options: of `explore_run`, for pages that are not there yet.

    Raises:
      ImportError: without Starlette and uvicorn (`pip install 'tfsp[explorer]'`).
      OSError: if the port is taken.
      ValueError: see `explore_run` and `Generations.current`.
    """
    uvicorn = _uvicorn()
    from tfsp.explorer.server.application import PAGE, application
    from tfsp.explorer.server.guard import Guard

    generations = Generations(run_dir)
    shown = generations.path(generations.current())
    page_file.check_free(shown / PAGE)
    if not (shown / PAGE).exists():
        explore_run(shown, data_dir=data_dir, **options)
    run = RunDirectory(run_dir, of_run)
    config = run.config(like=default_config().to_dict())
    data = experiment.load_data(config, data_dir or run.data_dir())
    refinements = Refinements(generations)
    with _listening(port) as listening:
        port = listening.getsockname()[1]
        token = secrets.token_urlsafe(24)
        hosts = [f"{name}:{port}" for name in (HOST, "localhost")]
        app = Guard(application(refinements, data), token, hosts)
        settings = {"log_level": "warning", "ws": "none", "timeout_graceful_shutdown": _GRACE}
        server = uvicorn.Server(uvicorn.Config(app, **settings))
        announce(f"http://{HOST}:{port}/{token}/")
        try:
            with _ended_by_hangup(server):
                server.run(sockets=[listening])
        finally:
            refinements.stop()


def _listening(port):
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise OSError(
            f"Port {port} of {HOST} cannot be had: {error.strerror}. Give another by --port, or "
            "leave it out for one that is free."
        ) from error


@contextlib.contextmanager
def _ended_by_hangup(server):
    """A terminal that is closed ends the server as Ctrl-C does, which stops what it has begun."""
    known = getattr(signal, "SIGHUP", None)  # not on Windows
    if known is None or signal.getsignal(known) != signal.SIG_DFL:  # ignored, as by nohup
        yield
        return

    def end(*_):
        server.should_exit = True

    before = signal.signal(known, end)
    try:
        yield
    finally:
        signal.signal(known, before)


def _uvicorn():
    try:
        import starlette  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise ImportError(
            "Serving the page needs Starlette and uvicorn: pip install 'tfsp[explorer]'. Without "
            "them, `tfsp explore` writes a page that opens from disk, and `tfsp refine "
            "--constraints=constraints.json` learns from what it lets you download."
        ) from error
    return uvicorn
