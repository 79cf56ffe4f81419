"""The code of docs/tmc.md runs and prints what it says."""

import pathlib
import re


def test_the_page_tells_the_truth(capsys):
    page = (pathlib.Path(__file__).parents[2] / "docs" / "tmc.md").read_text()
    code = "".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    exec(compile(code, "docs/tmc.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    promised = re.findall(r"^print.*?# (.*)$", code, re.MULTILINE)
    assert len(promised) == 8
    for said, line in zip(promised, printed, strict=True):
        assert line.startswith(said.removesuffix("...)")), (said, line)
