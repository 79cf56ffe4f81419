"""`make test-cc` builds and runs every program in tests/cc, and a wrong check makes it fail."""

import re
import subprocess

import pytest

from tmc import compiler

MAKEFILE = (compiler.PROGRAMS / "Makefile").read_text()


def test_every_program_is_run():
    units = re.search(r"^UNITS := (.*)$", MAKEFILE, re.MULTILINE)[1].split()
    programs = {path.stem for path in compiler.PROGRAMS.glob("*.cc")} - set(units)
    # The last by test_native_memory.py.
    assert programs == {"sampler_fuzz", "team_stress", "failing_new"}
    for command in ("units", "sampler_fuzz 200", "team_stress 200", "team_stress_tsan 200"):
        assert f"$(OUT)/{command}\n" in MAKEFILE.replace(";", "\n"), command
    assert " test-cc\n" in (compiler.ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize(
    ("case", "fails"),
    [("CHECK(1 + 1 == 2)", 0), ("CHECK(1 + 1 == 3)", 1), ("CHECK_NEAR(1.0, NAN, 1.0)", 1)]
    + [('CHECK_ERROR(tfsp::tmc::Error(), "x")', 1), ('CHECK_ERROR("a x", "x")', 0)],
)
def test_a_wrong_check_fails_the_program(case, fails, tmp_path):
    source = tmp_path / "one.cc"
    source.write_text(
        '#include "custom_ops/tmc/core/error.h"\n#include "tests/cc/main.cc"\n'
        f"CASE(One) {{ {case}; }}\n"
    )
    program = compiler.build_file(source, tmp_path)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == fails
    assert f"1 cases, {fails} failures" in done.stdout
    assert ("FAILED One" in done.stdout) == bool(fails)
