"""The code of docs/tables.md runs and prints what it says."""

import pathlib
import re

import pytest


@pytest.mark.slow
def test_the_page_tells_the_truth(capsys):
    pytest.importorskip("pandas")
    page = (pathlib.Path(__file__).parents[1] / "docs" / "tables.md").read_text()
    code = "".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    exec(compile(code, "docs/tables.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    promised = re.findall(r"^print.*?  # (.*)$", code, re.MULTILINE)
    assert len(promised) == 6
    assert printed == promised
