"""constraints.json, read with what is wrong in it named by its place."""

import copy
import json

import numpy as np
import pytest
from coded import points, table

from tfsp import explorer
from tfsp.explorer import identity


def item(row, name="same"):
    return {"row": row, "name": f"r{row}" if name == "same" else name}


DATA = {"name": "table", "rows": 40, "fingerprint": "0123456789abcdef"}
CONTENT = {
    "format": "tfsp-constraints",
    "version": 1,
    "data": DATA,
    "triplets": [
        {"pair": [item(3), item(1)], "odd": item(7)},
        {"pair": [item(1), item(3)], "odd": item(7)},
        {"pair": [item(0), item(2)], "odd": item(1)},
    ],
    "must_links": [[item(9), item(4)], [item(4), item(5)]],
    "cannot_links": [[item(9), item(1)]],
}


def write(tmp_path, content):
    path = tmp_path / "constraints.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_values(tmp_path):
    found = explorer.read_constraints(write(tmp_path, CONTENT))
    assert found.triplets.tolist() == [[1, 3, 7], [0, 2, 1]]
    assert found.must_links.tolist() == [[4, 9], [4, 5]]
    assert found.cannot_links.tolist() == [[1, 9]]
    assert found.names == {row: f"r{row}" for row in (0, 1, 2, 3, 4, 5, 7, 9)}
    assert found.data == DATA
    assert found.triplets.dtype == np.int64


def test_nothing_said_is_empty_arrays(tmp_path):
    content = {**CONTENT, "triplets": [], "must_links": [], "cannot_links": []}
    found = explorer.read_constraints(write(tmp_path, content))
    assert [part.shape for part in found[:3]] == [(0, 3), (0, 2), (0, 2)]


def test_rows_without_names(tmp_path):
    content = {**CONTENT, "must_links": [[item(1, None), item(2, None)]]}
    content |= {"triplets": [], "cannot_links": []}
    assert explorer.read_constraints(write(tmp_path, content)).names == {1: None, 2: None}


def changed(place, value):
    content = copy.deepcopy(CONTENT)
    part = content
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    return content


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("format",), "tfsp-names", '`format` must be "tfsp-constraints". Received: "tfsp-names"'),
        (("version",), 2, "`version` must be 1, which this version of tfsp reads. Received: 2"),
        (("version",), True, "`version` must be 1"),
        (("data",), [], "`data` must be a dict"),
        (("data", "rows"), "40", "`data.rows` must be a whole number"),
        (("data", "rows"), 0, "`data.rows` must be a number of rows above 0"),
        (("data", "fingerprint"), None, "`data.fingerprint` must be a string"),
        (("triplets",), {}, "`triplets` must be a list"),
        (("triplets", 0), [1, 2, 3], r"`triplets\[0\]` must be a dict"),
        (("triplets", 1, "pair"), [item(1)], r"`triplets\[1\].pair` must be a list of two items"),
        (("triplets", 2, "odd"), item(0), r"`triplets\[2\].odd` must be another row"),
        (("must_links", 1, 0), item(5), r"`must_links\[1\]` must be two different rows"),
        (("must_links", 0, 0), 9, r"`must_links\[0\]\[0\]` must be an item .*Received: 9"),
        (("must_links", 0, 0, "row"), -1, r"`must_links\[0\]\[0\].row` must be a whole number"),
        (("must_links", 0, 0, "row"), 10**30, "must be a whole number"),
        (("must_links", 0, 0, "row"), 9.0, "must be a whole number from 0 on. Received: 9.0"),
        (("must_links", 0, 0, "row"), True, "must be a whole number"),
        (("cannot_links", 0, 1, "name"), 5, r"`cannot_links\[0\]\[1\].name` must be a string"),
        (
            ("cannot_links", 0, 1, "name"),
            "x",
            r"calls row 1 'x', and triplets\[0\].pair\[1\] calls",
        ),
        (("cannot_links", 0), [item(4), item(9)], r"rows \(4, 9\) are both in must_links and"),
        (
            ("cannot_links", 0),
            [item(5), item(9)],
            "rows 5 and 9 are in cannot_links, and must_links",
        ),
        (("triplets", 1), {"pair": [item(1), item(7)], "odd": item(3)}, r"rows \[1, 3, 7\] that 7"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, place, value, message):
    with pytest.raises(ValueError, match=message) as caught:
        explorer.read_constraints(write(tmp_path, changed(place, value)))
    assert str(tmp_path / "constraints.json") in str(caught.value)


@pytest.mark.parametrize("key", CONTENT)
def test_every_entry_is_needed(tmp_path, key):
    content = {name: value for name, value in CONTENT.items() if name != key}
    with pytest.raises(ValueError, match=f"`{key}` must be an entry"):
        explorer.read_constraints(write(tmp_path, content))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\x80"])
def test_what_is_no_json(tmp_path, text):
    with pytest.raises(ValueError, match="is not valid JSON"):
        explorer.read_constraints(write(tmp_path, text))
    with pytest.raises(ValueError, match="the file must be a dict. Received: 5"):
        explorer.read_constraints(write(tmp_path, "5"))


def test_data_are_compared(tmp_path):
    data = table(points())
    numbers, names = identity.all_rows(data)
    own = {"name": data.info.name, "rows": 40, "fingerprint": identity.of_rows(numbers, names)}
    path = write(tmp_path, {**CONTENT, "data": own})
    assert len(explorer.read_constraints(path, data).triplets) == 2
    with pytest.raises(ValueError, match="is about other data: .*These data: .*40 rows"):
        explorer.read_constraints(path, table(points(), names="s"))
    away = {**CONTENT, "data": own, "cannot_links": [[item(9), item(40)]]}
    with pytest.raises(ValueError, match="names row 40, which these data do not have"):
        explorer.read_constraints(write(tmp_path, away), data)
    with pytest.raises(ValueError, match="`data` must be a tfsp.data.Data"):
        explorer.read_constraints(path, points())


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        explorer.read_constraints(tmp_path / "absent.json")


def test_fingerprints_know_rows_and_names_not_their_order():
    one = identity.of_rows([2, 0, 1], ["c", "a", "b"])
    assert one == identity.of_rows(np.arange(3), ["a", "b", "c"])
    assert (
        len({one, identity.of_rows([0, 1, 2], ["a", "b", "d"]), identity.of_rows([0, 1, 2], None)})
        == 3
    )
