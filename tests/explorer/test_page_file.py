"""The file: whole, closed to the net, and never over what somebody else has made."""

import base64
import hashlib
import html.parser
import json
import re

import numpy as np
import pytest
from coded import Codes, points, table
from explorer_cases import Plain

from tfsp import explorer
from tfsp.explorer import page_file


class Elements(html.parser.HTMLParser):
    """Elements of a page with their attributes and texts."""

    def __init__(self, text):
        super().__init__()
        self.found, self._open = [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self._open = [tag, dict(attrs), ""]
        self.found.append(self._open)

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open:
            self._open[2] += data

    def of(self, tag, **attributes):
        return [
            (attrs, text)
            for name, attrs, text in self.found
            if name == tag and all(attrs.get(k) == v for k, v in attributes.items())
        ]


@pytest.fixture(scope="module")
def tabular():
    return explorer.collect(Codes(Plain()), table(points(30, 3)))


@pytest.fixture(scope="module")
def pictured():
    images = np.random.default_rng(0).random((30, 8, 8, 1)).astype(np.float32)
    return explorer.collect(Codes(Plain()), images)


def test_what_was_collected_is_in_the_file(tmp_path, tabular):
    (path,) = page_file.write(tabular, tmp_path / "a.html")
    elements = Elements(path.read_text())
    ((_, text),) = elements.of("script", id="data")
    assert json.loads(text) == tabular


def test_pictures_stand_in_elements_of_their_own(pictured):
    elements = Elements(page_file.html(pictured))
    ((_, text),) = elements.of("script", id="data")
    assert json.loads(text)["pictures"]["sheets"] == len(pictured["pictures"]["sheets"])
    texts = [text for _, text in elements.of("script", **{"class": "sheet"})]
    assert texts == pictured["pictures"]["sheets"]


def test_the_policy_allows_what_is_there_and_nothing_else(pictured):
    elements = Elements(page_file.html(pictured))
    ((policy, _),) = elements.of("meta", **{"http-equiv": "Content-Security-Policy"})
    rules = dict(rule.split(" ", 1) for rule in policy["content"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data: blob:"
    ((_, style),) = elements.of("style")
    runs = [text for attrs, text in elements.of("script") if "type" not in attrs]
    for name, (text,) in {"script-src": runs, "style-src": [style]}.items():
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"
    for _, attrs, _ in elements.found:
        assert not {"src", "style"} & set(attrs)
        assert attrs.get("href", "#").startswith("#")
        assert not [name for name in attrs if name.startswith("on")]


def test_markup_in_data_is_text():
    x = points(4, 2)
    evil = "</script><script>alert(1)</script><!--"
    frame_names = [evil, "a&b", '"', "\u2028"]
    data = table(x)
    data._index = {part: np.array(frame_names)[data.rows(part)] for part in data._parts}
    structure = explorer.collect(Codes(Plain()), data, title=evil)
    text = page_file.html(structure)
    assert "alert(1)</script>" not in text
    assert "<!--{" not in text
    elements = Elements(text)
    ((_, content),) = elements.of("script", id="data")
    assert sorted(json.loads(content)["rows"]["name"]) == sorted(frame_names)
    assert len(elements.of("script")) == 2


def test_nothing_of_others_is_overwritten(tmp_path, tabular):
    path = tmp_path / "page.html"
    path.write_text("<html>mine</html>")
    with pytest.raises(FileExistsError, match="is no page of the explorer"):
        page_file.write(tabular, path)
    with pytest.raises(FileExistsError, match="is no page of the explorer"):
        explorer.write(None, None, path)  # before it looks at anything else
    assert path.read_text() == "<html>mine</html>"
    path.unlink()
    page_file.write(tabular, path)
    page_file.write({**tabular, "title": "again"}, path)
    assert "again" in path.read_text()
    with pytest.raises(ValueError, match=r"must be a file NAME.html. Received: .*page.txt"):
        page_file.write(tabular, tmp_path / "page.txt")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(FileExistsError, match="is no file"):
        page_file.write(tabular, tmp_path / "folder.html")


def test_very_many_pictures_stand_beside_the_file(tmp_path, pictured):
    path, folder = page_file.write(pictured, tmp_path / "a b.html", most_within=10)
    assert folder == tmp_path / "a b_tiles"
    elements = Elements(path.read_text())
    ((_, text),) = elements.of("script", id="data")
    urls = json.loads(text)["pictures"]["sheets"]
    assert elements.of("script", **{"class": "sheet"}) == []
    for url, uri in zip(urls, pictured["pictures"]["sheets"], strict=True):
        assert re.fullmatch(r"a%20b_tiles/sheets-[0-9a-f]{8}/\d{5}\.(png|webp)", url)
        file = tmp_path / url.replace("%20", " ")
        assert file.read_bytes() == base64.b64decode(uri.split(",", 1)[1])
    # The next page has its own, and those of the one before are gone.
    page_file.write(pictured, path, most_within=10)
    assert len(list(folder.iterdir())) == 1
    page_file.write(pictured, path)
    assert not folder.exists()
    folder.mkdir()
    (folder / "notes.txt").touch()
    with pytest.raises(FileExistsError, match=r"holds notes.txt, which is none of the explorer's"):
        page_file.write(pictured, path)
