"""Names of very many files, held at some bytes each."""

import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np


class FileNames(Sequence[str]):
    """Paths of files relative to one folder: a sequence of strings that are made when asked for.

    Args:
      folder: pathlib.Path of the folder.
      names: NumPy array of bytes, the relative paths, with "/" between their parts.
    """

    def __init__(self, folder: pathlib.Path, names: np.ndarray) -> None:
        self.folder = folder
        self.names = names

    @classmethod
    def of(cls, folder: pathlib.Path, names: Sequence[str]) -> "FileNames":
        """From relative paths as strings."""
        return cls(folder, np.array([os.fsencode(name) for name in names], np.bytes_))

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> "FileNames": ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.at(np.arange(len(self))[index])
        return os.fsdecode(bytes(self.names[index]))

    def at(self, rows: np.ndarray) -> "FileNames":
        """Those at some places: integers, or bools."""
        return FileNames(self.folder, self.names[rows])

    def path(self, index: int) -> pathlib.Path:
        """The whole path of one."""
        return self.folder / self[index]

    def paths(self) -> Iterator[pathlib.Path]:
        """The whole paths of all."""
        return (self.path(i) for i in range(len(self)))

    def __repr__(self) -> str:
        return f"FileNames({len(self):,} files in {self.folder})"
