"""HTML for notebooks: what `_repr_html_` of models, priors, trees and results is put together from.

Everything that is shown is escaped here. Colours are those of the notebook, light or dark, and what
is shown is at most some tens of kB.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tfsp import arguments

_CELL = "padding:1px 8px;text-align:left;vertical-align:top;border:0;"
_LINE = "border-bottom:1px solid rgba(128,128,128,.5);"
_BLOCK = "color:inherit;background:transparent;font-size:13px;"
_LONGEST = 200  # characters of a cell
_MOST = 30_000  # characters of a table


class Results(dict[str, Any]):
    """A dict of results that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        return card("Results", listing(self))


def escaped(value: Any, limit: int = _LONGEST) -> str:
    """`str(value)` as text of HTML and XML, shortened in its middle."""
    text = arguments.shorten(str(value), limit)
    return html.escape("".join(c if c.isprintable() else "\ufffd" for c in text))


def number(value: Any) -> str:
    """A value of a result as text: floats with three decimals, as in tables of results."""
    if isinstance(value, float):
        return f"{value:.3f}" if 1e-3 <= abs(value) < 1e6 or value == 0 else f"{value:.3g}"
    return "-" if value is None else str(value)


def card(title: Any, *parts: str) -> str:
    """A block under a title.

    Args:
      title: text, not yet escaped.
      *parts: HTML.
    """
    head = f'<div style="font-weight:bold;{_LINE}">{escaped(title)}</div>'
    return f'<div style="{_BLOCK}max-width:100%;overflow-x:auto;">{head}{"".join(parts)}</div>'


def note(text: Any) -> str:
    """A line of text."""
    return f'<div style="padding:2px 0;">{escaped(text)}</div>'


def table(rows: Iterable[Sequence[Any]], columns: Sequence[Any] = ()) -> str:
    """A table; rows for which there is no room are counted below it.

    Args:
      rows: values of cells, not yet escaped.
      columns: names, or none for a table without a head.
    """
    rows = list(rows)
    head = "".join(f'<th style="{_CELL}{_LINE}">{escaped(name)}</th>' for name in columns)
    lines, room = [f"<tr>{head}</tr>"] if columns else [], _MOST
    left_out = 0
    for row in rows:
        line = "".join(f'<td style="{_CELL}">{escaped(number(value))}</td>' for value in row)
        room -= len(line)
        if room < 0:
            left_out += 1
        else:
            lines.append(f"<tr>{line}</tr>")
    body = f'<table style="{_BLOCK}border-collapse:collapse;border:0;">{"".join(lines)}</table>'
    return body + (note(f"... and {left_out:,} more") if left_out else "")


def listing(values: Mapping[str, Any]) -> str:
    """A table with a line for each name and its value."""
    return table(values.items())


def settings(config: Mapping[str, Any], left_out: Iterable[str] = ()) -> str:
    """Settings of a part in one line of text: `name=value, ...`; not escaped."""
    skipped = {"name", "trainable", "dtype", *left_out}
    return ", ".join(f"{k}={arguments.shown(v, 80)}" for k, v in config.items() if k not in skipped)


def weights(variables: Iterable[Any]) -> str:
    """A table of Keras variables: name, shape, how many numbers, and whether they are trained."""
    rows = (
        (each.path, tuple(each.shape), f"{size(each):,}", "yes" if each.trainable else "no")
        for each in variables
    )
    return table(rows, ("weight", "shape", "numbers", "trained"))


def size(variable: Any) -> int:
    """How many numbers a Keras variable holds."""
    total = 1
    for side in variable.shape:
        total *= int(side)
    return total
