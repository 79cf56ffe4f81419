"""Measures of arrays, each registered with a line of help and a small example."""

import dataclasses
from collections.abc import Callable

from tfsp.entries import Entries, Entry


@dataclasses.dataclass(frozen=True)
class Measure(Entry):
    """A function of arrays that returns a number, or a dict or array of numbers.

    Attributes:
      example: `np.random.Generator` -> arguments, a tuple: small ones, for the contract tests.
    """

    example: Callable | None = None


MEASURES = Entries("measure", Measure)
register = MEASURES.register
names = MEASURES.names
get = MEASURES.__getitem__


def markdown():
    """The page docs/measures.md: a table of all measures."""
    rows = ["| measure | what it is |", "| --- | --- |"]
    rows += [f"| `{name}` | {MEASURES[name].cell} |" for name in names()]
    return "\n".join([_HEAD, *rows, ""])


_HEAD = """# Measures: arrays in, numbers out

`tfsp.measures.NAME` (more in its docstring), without a model or a run; docs/tasks.md lists what is
computed from them for a run. This page is made from the registry (`tfsp/measures`, one file for a
measure or a family of them; a new file is found) by
`python -c "from tfsp import measures; print(measures.markdown(), end='')" > docs/measures.md`.
"""
