"""Results as JSON and as a table."""

import json
import os
import pathlib


def write_json(path, results):
    """Writes `results` to `path` at one stroke: a reader never sees half a file."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(results, indent=2) + "\n")
    os.replace(partial, path)


def read_json(path):
    """What `write_json` wrote."""
    return json.loads(pathlib.Path(path).read_text())


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
