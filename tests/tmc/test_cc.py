"""The programs in tests/tmc/cc: the core by itself, under the sanitizers of the compiler."""

import sys

import pytest

from tmc import compiler

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sanitizers are those of Linux")


@pytest.mark.parametrize(
    ("program", "sanitizer", "rounds"),
    [
        ("sampler_fuzz", "address,undefined", 200),
        ("team_stress", "address,undefined", 200),
        ("team_stress", "thread", 200),
    ],
)
def test_no_fault_under_sanitizers(program, sanitizer, rounds, tmp_path):
    compiler.need_sanitizer(sanitizer, tmp_path)
    flags = [f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all"]
    built = compiler.build(program, tmp_path, *flags)
    assert compiler.run(built, rounds).startswith(f"{rounds} ")


def test_every_program_is_run():
    programs = {path.stem for path in compiler.PROGRAMS.glob("*.cc")}
    # The last by test_native_memory.py.
    assert programs == {"sampler_fuzz", "team_stress", "failing_new"}
