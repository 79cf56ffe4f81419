"""The metrics of a run's epochs as a CSV file: written by one function and read by one.

What Keras's `CSVLogger` writes is read by the same function.
"""

import csv
import io
import math
import pathlib
from collections.abc import Iterable
from typing import Any

from tfsp import atomic

_NO_VALUE = ("", "NA")  # of CSVLogger, in an epoch without validation


def write_history(path: pathlib.Path, rows: list[dict[str, Any]]) -> None:
    """Writes rows of metrics to a CSV file.

    Raises:
      WriteError: if the file cannot be written.
    """
    # Not every epoch measures everything: a tree's diagnostics only after its start.
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    atomic.write(path, text.getvalue())


def read_history(path: pathlib.Path, strict: bool = True) -> list[dict[str, Any]]:
    """Rows of a history file, one dict of floats for each epoch.

    Args:
      path: the file.
      strict: whether only what `write_history` writes is read. Then `epoch` is an int, metrics that
        an epoch lacks are left out, and [] is returned if there is no file. Otherwise the file may
        be that of a `CSVLogger`, even one that is still being written: a last line that is cut,
        empty lines and the columns of metrics that are vectors are left out, and metrics that an
        epoch lacks are NaN.

    Returns:
      list of dicts.

    Raises:
      ValueError: with path and line, for a file that is empty or no CSV, a line with more or fewer
        values than names, a value that is not a number; if strict, also for a file that ends within
        a line, or an epoch that does not follow the one before.
      FileNotFoundError: if there is no file, unless strict.
    """
    if strict and not path.exists():
        return []
    (_, names), *lines = _lines(path, strict)
    if "epoch" not in names or len(set(names)) < len(names):
        raise ValueError(
            f"{path}, line 1: expected the names of metrics, 'epoch' among them. "
            f"Received: {','.join(names)[:80]!r}."
        )
    vectors: set[str] = set()
    if not strict:
        if lines and len(lines[-1][1]) < len(names):
            lines.pop()
        # They are written as "[1. 2.]": there is no one curve.
        vectors = {
            name
            for _, texts in lines
            for name, text in zip(names, texts, strict=False)
            if text.strip().lstrip('"').startswith("[")
        }
    rows: list[dict[str, Any]] = []
    for number, texts in lines:
        where = f"{path}, line {number}"
        if len(texts) != len(names):
            raise ValueError(f"{where}: expected {len(names)} values. Received: {len(texts)}.")
        pairs = zip(names, texts, strict=True)
        row = _row(where, (pair for pair in pairs if pair[0] not in vectors), strict)
        if strict and rows and row["epoch"] != rows[-1]["epoch"] + 1:
            raise ValueError(
                f"{where}: expected epoch {rows[-1]['epoch'] + 1}. Received: {row['epoch']}."
            )
        rows.append(row)
    return rows


def columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Dict from name to a list with a value for each row, NaN where the row has none."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name, math.nan) for row in rows] for name in names}


def _lines(path: pathlib.Path, strict: bool) -> list[tuple[int, list[str]]]:
    """(number of the line, texts in it) of every line; empty ones only if strict."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is not a file{', but a folder' if path.is_dir() else ''}.")
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file: {error}.") from error
    if strict and text and not text.endswith("\n"):
        raise ValueError(f"{path} ends within line {text.count(chr(10)) + 1}: it has been cut.")
    found, number = [], 1
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for texts in reader:
            if texts or strict:
                found.append((number, texts))
            number = reader.line_num + 1
    except csv.Error as error:  # such as a field of megabytes
        raise ValueError(f"{path}, line {number}: {error}.") from error
    if not found:
        raise ValueError(f"{path} is empty: it has been cut.")
    return found


def _row(where: str, pairs: Iterable[tuple[str, str]], strict: bool) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, text in pairs:
        whole = strict and name == "epoch"
        if strict and text == "" and not whole:
            continue
        try:
            lacks = not strict and text.strip() in _NO_VALUE
            row[name] = math.nan if lacks else int(text) if whole else float(text)
        except ValueError:
            kind = "an integer" if whole else "a number"
            raise ValueError(
                f"{where}: expected {kind} for {name!r}. Received: {text[:40]!r}."
            ) from None
    return row
