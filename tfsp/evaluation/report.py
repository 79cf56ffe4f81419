"""Results as JSON and as a table."""

import json
import pathlib

from tfsp import atomic


def write_json(path, results):
    """Writes `results` to `path` atomically: a reader never sees half a file."""
    atomic.write(path, json.dumps(results, indent=2) + "\n")


def read_json(path):
    """What `write_json` wrote.

    Raises:
      ValueError: with the path, for a file that is not JSON.
    """
    try:
        return json.loads(pathlib.Path(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from error


def read_rows(path):
    """The results in a run's `metrics.json`, a list of dicts; [] if there is no file.

    Raises:
      ValueError: with the path, for a file that holds anything else.
    """
    if not pathlib.Path(path).exists():
        return []
    content = read_json(path)
    rows = content.get("results") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(
            f"{path} holds no results of an evaluation: expected {{'results': [...]}}. Move the "
            "file away, and evaluate again."
        )
    return rows


def format_table(rows, columns=None):
    """A plain-text table; numbers to the right, text to the left.

    Args:
      rows: list of dicts.
      columns: which keys, in order; None takes those of the first row.
    """
    if not rows:
        return "(no results)"
    columns = list(columns or rows[0])
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    numeric = [all(_is_numeric(row.get(name)) for row in rows) for name in columns]
    widths = [max(len(name), *(len(line[i]) for line in cells)) for i, name in enumerate(columns)]

    def line(values):
        padded = [
            value.rjust(width) if right else value.ljust(width)
            for value, width, right in zip(values, widths, numeric, strict=True)
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([line(columns), line(["-" * width for width in widths]), *map(line, cells)])


def format_upright(rows, columns, names):
    """The same table with a line for each key and a column for each row, headed by `names`."""
    lines = [
        {"measure": name, **dict(zip(names, (_cell(row.get(name)) for row in rows), strict=True))}
        for name in columns
    ]
    return format_table(lines, ["measure", *names])


def _is_numeric(value):
    return value is None or isinstance(value, (int, float))


def _cell(value):
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 1000 else f"{value:.1f}"
    return str(value)
