"""Programs in C++ for the tests, compiled when they run; a test skips where no compiler is."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "tmc" / "cc"


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
    """The program `cc/NAME.cc`, compiled into `folder`: its path."""
    out = folder / name
    done = _run(
        [_compiler(), "-std=c++17", "-O0", "-g1", "-w", "-I.", *flags, PROGRAMS / f"{name}.cc"]
        + ["-o", out, "-pthread"]
    )
    assert done.returncode == 0, f"{name}.cc does not compile:\n{done.stderr[-3000:]}"
    return out


def need_sanitizer(name, folder):
    """Skips where an empty program does not run under the sanitizer: it is no part of every
    compiler, and ThreadSanitizer does not run on every kernel."""
    empty = folder / "empty.cc"
    empty.write_text("int main() { return 0; }\n")
    command = [_compiler(), f"-fsanitize={name}", empty, "-o", folder / "empty"]
    for step in (command, [folder / "empty"]):
        done = _run(step)
        if done.returncode:
            pytest.skip(f"needs -fsanitize={name}, which says: {done.stderr.strip()[-300:]}")


def run(program, *arguments):
    """What the program printed; its report where it found a fault."""
    done = _run([program, *arguments])
    assert done.returncode == 0, f"Ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout
