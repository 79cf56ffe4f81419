"""Scripts, run within this process: imports cost more than most of what is looked at."""

import contextlib
import functools
import importlib.util
import io
import pathlib
import sys
import types
import warnings
from unittest import mock

from absl import flags
from ml_collections import config_flags

ROOT = pathlib.Path(__file__).parents[1]


@contextlib.contextmanager
def loaded(script):
    """(The module of `scripts/SCRIPT.py`, the values of its flags, which it shares with nobody)."""
    values = flags.FlagValues()
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())  # of how ml_collections loads a file
        warnings.filterwarnings("ignore", "the load_module", DeprecationWarning)
        for owner in (flags, config_flags):
            for name in dir(owner):
                defines = name.startswith("DEFINE_") and name != "DEFINE_flag"
                if defines or name.endswith("_validator"):
                    own = functools.partial(getattr(owner, name), flag_values=values)
                    stack.enter_context(mock.patch.object(owner, name, own))
        stack.enter_context(mock.patch.object(flags, "FLAGS", values))
        spec = importlib.util.spec_from_file_location(
            f"{script}_by_a_test", ROOT / "scripts" / f"{script}.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module, values


def run(script, *arguments, check=True):
    """What a script answers to arguments: `returncode`, `stdout`, `stderr`.

    Args:
      check: whether it is to end with 0.
    """
    out, err = io.StringIO(), io.StringIO()
    with (
        # ml_collections reads it, for a config by default as soon as its flag is defined.
        mock.patch.object(sys, "argv", [script, *map(str, arguments)]),
        loaded(script) as (module, values),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        contextlib.chdir(ROOT),
    ):
        try:
            left = values(sys.argv)
            code = module.main(left) or 0
        except flags.Error as error:
            print(f"FATAL Flags parsing error: {error}", file=err)
            code = 1
    result = types.SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())
    assert not check or code == 0, result.stderr
    return result
