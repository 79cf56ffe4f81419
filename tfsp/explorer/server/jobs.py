"""One refinement at a time, in a process of its own."""

import contextlib
import re
import signal
import subprocess
import sys
import threading

from tfsp import atomic

_EPOCH = re.compile(r"^epoch (\d+)/(\d+)", re.MULTILINE)
_ANSWERS, _LOG = "constraints.json", "refinement.log"
_GRACE = 10.0  # seconds that a stopped process has to end by itself
_TAIL = 4000  # characters of a log that are looked at


class BusyError(RuntimeError):
    """A refinement is under way."""


def refine_command(run_dir, answers, folder):
    """The command that refines `run_dir` by the file `answers` into the empty `folder`."""
    return [
        *(sys.executable, "-m", "tfsp", "refine"),
        *(
            f"--run_dir={run_dir}",
            f"--constraints={answers}",
            f"--out={folder}",
            "--explore",
            "--noresults",
        ),
    ]


class Refinements:
    """Starts, watches and stops refinements, and shows what they have made.

    Args:
      generations: `Generations`.
      command: function of (run folder, file of answers, new folder) -> list of strings, the
        command to run. Its output is followed for lines "epoch 3/10"; it ends with code 0 when
        the new folder is complete.
    """

    def __init__(self, generations, command=refine_command):
        self.generations = generations
        self._command = command
        self._lock = threading.Lock()
        self._process = self._log = self._thread = None
        self._state = {"state": "idle", "message": ""}

    def state(self):
        """What the page asks for, again and again.

        Returns:
          dict: state ("idle", "running", "done", "failed" or "stopped"), message, epoch and epochs
          (ints, or None while they are unknown), current (the generation that is shown) and undo
          (whether there is one before it).
        """
        with self._lock:
            state, log = dict(self._state), self._log
        current = self.generations.current()
        epochs = _EPOCH.findall(_tail(log)) if state["state"] == "running" else []
        epoch, total = map(int, epochs[-1]) if epochs else (None, None)
        undo = bool(current) and state["state"] != "running"
        return {**state, "epoch": epoch, "epochs": total, "current": current, "undo": undo}

    def start(self, answers):
        """Begins a refinement of the generation that is shown.

        Args:
          answers: bytes of a constraints.json, which has been read and found good.

        Raises:
          BusyError: if one is under way.
          WriteError: if the new folder cannot be written.
        """
        with self._lock:
            self._require_rest()
            parent = self.generations.current()
            number, folder = self.generations.reserve()
            try:
                self._process, self._log = self._begin(number, folder, parent, answers)
            except BaseException:
                self.generations.release(number)
                raise
            self._state = {"state": "running", "message": ""}
            arguments = self._process, number, parent
            self._thread = threading.Thread(target=self._watch, args=arguments, daemon=True)
            self._thread.start()

    def _begin(self, number, folder, parent, answers):
        """(process, its log), of a refinement of `parent` into a folder that is reserved."""
        # Beside the folder, which has to be empty for what trains in it.
        beside = folder.with_name(f"{number}-{_ANSWERS}")
        atomic.write(beside, answers)
        path = folder.with_name(f"{number}-{_LOG}")
        with atomic.explained(path):
            log = path.open("wb")
        with log:
            process = subprocess.Popen(
                self._command(self.generations.path(parent), beside, folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C ends the server, which then stops this
            )
        return process, path

    def undo(self):
        """Shows the generation before; nothing is removed.

        Raises:
          BusyError: if a refinement is under way.
          LookupError: if the run itself is shown.
        """
        with self._lock:
            self._require_rest()
            parent = self.generations.parent(self.generations.current())
            if parent is None:
                raise LookupError("The run itself is shown: there is nothing to undo.")
            self.generations.show(parent)
            self._state = {"state": "idle", "message": ""}

    def stop(self):
        """Ends the refinement that is under way, if there is one, and waits for that."""
        with self._lock:
            process, thread = self._process, self._thread
            if process is None or process.poll() is not None:
                process = None
            else:
                self._state = {"state": "stopped", "message": "Stopped; nothing was changed."}
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                pass
            finally:  # also where a second Ctrl-C ends the waiting; nothing if it has ended
                process.kill()
        if thread is not None:
            thread.join()

    def _require_rest(self):
        if self._state["state"] == "running":
            raise BusyError("A refinement is under way: wait for it, or stop it.")

    def _watch(self, process, number, parent):
        code = process.wait()
        with self._lock:
            if self._state["state"] == "stopped":
                return
            if code:
                self._state = {"state": "failed", "message": _reason(_tail(self._log), code)}
                return
            try:
                self.generations.finish(number, parent)
                self._state = {"state": "done", "message": ""}
            except (OSError, ValueError) as error:
                self._state = {"state": "failed", "message": str(error)}


def _tail(path):
    if path is None:
        return ""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read().decode("utf-8", "replace")
    return ""


def _reason(text, code):
    """The last line that names an error, as the scripts print it, or the last line at all."""
    lines = [line for line in text.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"\w*Error: ", line)]
    return (named or lines or [f"The refinement ended with code {code}."])[-1]
