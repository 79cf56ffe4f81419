"""Programs of other environments, given arrays and asked for arrays."""

import pathlib
import subprocess
import tempfile

import numpy as np


def run(python, script, *arguments):
    """Runs a script by the Python of another environment.

    Args:
      python: path of that Python.
      script: path of the script.
      *arguments: of the script.

    Raises:
      FileNotFoundError: if there is no such Python.
      ValueError: if the script fails, with the end of what it says.
    """
    command = [str(part) for part in (python, script, *arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"There is no Python {python}. The docstring of {pathlib.Path(script).name} says what "
            "environment it needs."
        ) from None
    if done.returncode:
        raise ValueError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")


def ask(python, script, **given):
    """Runs `PYTHON SCRIPT IN.npz OUT.npz`, arrays to arrays.

    Args:
      python, script: see `run`.
      **given: what IN.npz holds.

    Returns:
      dict of what OUT.npz holds.

    Raises:
      FileNotFoundError: if there is no such Python.
      ValueError: if the script fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = (pathlib.Path(folder) / name for name in ("in.npz", "out.npz"))
        np.savez(source, **given)
        run(python, script, source, target)
        with np.load(target) as found:
            return dict(found)
