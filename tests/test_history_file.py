"""The file of a run's metrics: what is written is read, and what cannot be meant is refused."""

import math

import pytest

from tfsp.history_file import columns, read_history, write_history


@pytest.fixture(name="path")
def make_path(tmp_path):
    return tmp_path / "history.csv"


def test_what_is_written_is_read(path):
    assert read_history(path) == []
    rows = [{"epoch": 0, "elbo": -0.1}, {"epoch": 1, "elbo": math.inf, "health": 1e-300}]
    write_history(path, rows)
    assert read_history(path) == rows
    loose = read_history(path, strict=False)
    assert math.isnan(loose[0].pop("health"))
    assert loose == rows


def test_columns_have_a_value_for_each_row():
    found = columns([{"epoch": 0}, {"epoch": 1, "kl": 2.0}])
    assert found["epoch"] == [0, 1]
    assert math.isnan(found["kl"][0])
    assert found["kl"][1] == 2.0
    assert columns([]) == {}


LOOSE = {
    "no epochs": ("epoch,elbo\n", []),
    "cut": ("epoch,elbo\n0,1\n1", [{"epoch": 0, "elbo": 1}]),
    "cut in the last value": (
        "epoch,elbo\n0,1\n1,-2.",
        [{"epoch": 0, "elbo": 1}, {"epoch": 1, "elbo": -2}],
    ),
    "empty lines": ("\nepoch,elbo\r\n\n0,1\r\n", [{"epoch": 0, "elbo": 1}]),
    "a vector": ('epoch,a\n0,"[1, 2]"\n1,3\n', [{"epoch": 0}, {"epoch": 1}]),
    "an epoch left out": ("epoch\n0\n2\n", [{"epoch": 0}, {"epoch": 2}]),
}


@pytest.mark.parametrize("case", LOOSE)
def test_logs_of_keras_are_read_where_asked_for_alone(case, path):
    text, expected = LOOSE[case]
    path.write_bytes(text.encode())
    assert read_history(path, strict=False) == expected
    if case == "no epochs":
        assert read_history(path) == []
    else:
        with pytest.raises(ValueError, match=r"history\.csv"):
            read_history(path)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is empty"),
        ("a,b\n", "line 1: .*'epoch'.*'a,b'"),
        ("epoch,a,a\n0,1,2\n", "line 1: .*'epoch,a,a'"),
        ("epoch,a\n0,1,2\n1,2\n", "line 2: expected 2 values.*: 3"),
        ("epoch,a\n0,1\n1,x\n", "line 3: expected a number for 'a'.*'x'"),
        ("epoch,a\n0,1\n1," + "9" * 200_000 + "\n", "line 3: field larger"),
        ('epoch,a\n0,1\n1,"2\n2,3\n', "line 3: "),
    ],
)
def test_what_is_garbled_is_refused_with_its_line(text, match, strict, path):
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"history\.csv,? {match}"):
        read_history(path, strict)


@pytest.mark.parametrize("strict", [True, False])
def test_what_is_no_file_of_text_is_refused(strict, path):
    path.write_bytes(b"epoch\n\xff\n")
    with pytest.raises(ValueError, match=r"history\.csv is not a text file"):
        read_history(path, strict)
    with pytest.raises(ValueError, match="is not a file, but a folder"):
        read_history(path.parent, strict)


def test_no_file(path):
    with pytest.raises(FileNotFoundError):
        read_history(path, strict=False)
