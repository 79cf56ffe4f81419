"""What a folder holds that is not loaded: counted, named, and told in one warning."""

import collections
import pathlib
import warnings
from collections.abc import Sequence

_NAMED = 5  # of each kind


class LeftOut:
    """Gathers what is left out of a folder, kind by kind.

    Args:
      folder: pathlib.Path, whose name begins the warning and is cut off the others.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._kinds: dict[str, list[pathlib.Path]] = collections.defaultdict(list)
        self._notes: list[str] = []

    def add(self, kind: str, path: pathlib.Path) -> None:
        """Notes a path of a kind: words that follow a number, such as "hidden"."""
        self._kinds[kind].append(path)

    def of(self, kind: str) -> list[pathlib.Path]:
        """The paths of a kind."""
        return self._kinds.get(kind, [])

    def note(self, sentence: str) -> None:
        """Adds a sentence of its own to the warning."""
        self._notes.append(sentence)

    def warn(self) -> None:
        """One warning about everything; none where nothing was noted."""
        if not self._kinds and not self._notes:
            return
        kinds = [f"{len(p):,} {kind} ({self._names(p)})" for kind, p in self._kinds.items()]
        sentences = [f"Not loaded: {'; '.join(kinds)}."] if kinds else []
        text = " ".join(sentences + self._notes)
        warnings.warn(f"Folder {self._folder}: {text}", stacklevel=7)  # where `load` was called

    def _names(self, paths):
        return listed([self._relative(path) for path in paths], _NAMED)

    def _relative(self, path):
        return str(path.relative_to(self._folder) if self._folder in path.parents else path)


def listed(names: Sequence[str], most: int, between: str = ", ") -> str:
    """The names, joined; of more than `most`, how many more there are."""
    more = len(names) - most
    return between.join(names[:most]) + (f" and {more:,} more" if more > 0 else "")
