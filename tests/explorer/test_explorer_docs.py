"""The code of docs/explorer.md runs and prints what it says; its example of a file can be read."""

import pathlib
import re

from tfsp import explorer

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "explorer.md").read_text()


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    first, second = blocks("python")
    exec(compile(first, "docs/explorer.md", "exec"), {})
    assert capsys.readouterr().out == blocks("text")[0]
    (tmp_path / "constraints.json").write_text(blocks("json")[0])
    scope = {}
    exec(compile(f"import tfsp\n{second}", "docs/explorer.md", "exec"), scope)
    assert scope["answers"].triplets.tolist() == [[92, 128, 708]]
    assert scope["answers"].must_links.tolist() == [[5, 15]]
    assert scope["answers"].cannot_links.tolist() == [[5, 7]]


def test_pictures_are_there():
    for name in re.findall(r"!\[[^]]+\]\((images/[^)]+)\)", PAGE):
        assert (pathlib.Path(__file__).parents[2] / "docs" / name).exists(), name


def test_keys_are_those_of_the_page():
    """The table of keys names each key that the page's own help does."""
    help_text = (pathlib.Path(explorer.__file__).parent / "page" / "explorer.html").read_text()
    rows = re.search(r"## Keys\n(.*?)\n\n(?!\|)", PAGE.replace("\n\n|", "\n|"), re.DOTALL)[1]
    for terms in re.findall(r"<dt>(.*?)</dt>", help_text):
        for key in re.split(r"[ ,]|\+ (?=arrows)", terms):
            if key and key != "+":
                assert key.lower() in rows.lower(), key
