"""Results in a file: read back, or refused with the path."""

import pytest

from tfsp.evaluation import report


def test_results_come_back(tmp_path):
    path = tmp_path / "new" / "metrics.json"
    assert report.read_rows(path) == []
    report.write_json(path, {"results": [{"elbo": -1.5}]})
    assert report.read_json(path) == {"results": [{"elbo": -1.5}]}
    assert report.read_rows(path) == [{"elbo": -1.5}]
    assert [file.name for file in path.parent.iterdir()] == ["metrics.json"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"results": [', "is not valid JSON"),
        (b"", "is not valid JSON"),
        (b"\xff\x00", "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b"[]", "holds no results of an evaluation"),
        (b'{"rows": []}', "holds no results of an evaluation"),
        (b'{"results": [1]}', "holds no results of an evaluation"),
    ],
)
def test_a_broken_file_is_one_error_with_its_path(content, message, tmp_path):
    path = tmp_path / "metrics.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        report.read_rows(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content
