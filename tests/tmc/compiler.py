"""Programs in C++ for the tests, compiled when they run; a test skips where no compiler is."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "cc"


def _compiler():
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "c++", "clang++"]
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"needs a C++17 compiler; none of these was found: {', '.join(names)}")
    return found


def _run(command, timeout=300):
    return subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        check=False,
    )


def build(name, folder, *flags):
    """The program `tests/cc/NAME.cc`, compiled into `folder`: its path."""
    return build_file(PROGRAMS / f"{name}.cc", folder, *flags)


def build_file(source, folder, *flags):
    """A program of one file, compiled into `folder`: its path."""
    out = folder / source.stem
    done = _run(
        [_compiler(), "-std=c++17", "-O0", "-g1", "-w", "-I.", *flags, source]
        + ["-o", out, "-pthread"]
    )
    assert done.returncode == 0, f"{source.name} does not compile:\n{done.stderr[-3000:]}"
    return out
