"""Files of arrays: .npz, .npy, .mat and .amat."""

import collections.abc
import pathlib
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tfsp.data.errors import DataFormatError, DataNotFoundError

_PIXELS = 784


class NpzFile(collections.abc.Mapping):
    """The arrays of an .npz file, each read when it is asked for, so that others do not matter.

    Args:
      path: pathlib.Path.

    Raises:
      DataFormatError: names the file, here if it is no archive, later if an array is damaged or
        holds Python objects.
    """

    def __init__(self, path: pathlib.Path) -> None:
        _must_exist(path)
        self._path = path
        self._keys = self._read(lambda file: list(file.files))

    def __getitem__(self, key: Any) -> np.ndarray:
        if key not in self._keys:
            raise KeyError(key)
        return self._read(lambda file: file[key], key)

    def __contains__(self, key: Any) -> bool:  # the inherited one would read the array
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def _read(self, reader, key=None):
        try:
            with np.load(self._path, allow_pickle=False) as file:
                if not hasattr(file, "files"):  # a lone .npy under another name
                    raise DataFormatError(
                        f"{self._path} holds one array and is not an .npz archive."
                    )
                return reader(file)
        except DataFormatError:
            raise
        except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            what = f"{key} of {self._path}" if key else self._path
            raise _unreadable(what, "an .npz archive of plain arrays", error) from error


def read_npy(path: pathlib.Path) -> np.ndarray:
    """The array of an .npy file. Raises DataFormatError if it cannot be read."""
    _must_exist(path)
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise _unreadable(path, "an .npy file of one plain array", error) from error
    if not isinstance(array, np.ndarray):
        raise DataFormatError(f"{path} is an archive; name it .npz.")
    return array


def read_mat(path: pathlib.Path) -> dict[str, Any]:
    """dict of the variables of a MATLAB file (up to version 7).

    Raises:
      DataFormatError: if it cannot be read.
    """
    _must_exist(path)
    import scipy.io

    try:
        variables = scipy.io.loadmat(path)
    except NotImplementedError as error:  # version 7.3 is HDF5
        raise DataFormatError(f"{path}: {error} Save it with MATLAB's -v7.") from error
    except Exception as error:  # a damaged file shows as nearly any kind of error
        raise _unreadable(path, "a MATLAB file (version 4 to 7)", error) from error
    return {key: value for key, value in variables.items() if not key.startswith("__")}


def read_amat(path: pathlib.Path) -> np.ndarray:
    """Images of a binary .amat file: text, one image of 784 zeros and ones to a line.

    Returns:
      uint8 [n, 28, 28, 1], 0 or 255.

    Raises:
      DataFormatError: names the file and the first bad line.
    """
    _must_exist(path)
    images = []
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            values = line.translate(None, b" \t\r\n")
            if not values:
                continue
            if len(values) != _PIXELS or values.translate(None, b"01"):
                raise DataFormatError(
                    f"{path}, line {number}: expected {_PIXELS} values 0 or 1 separated by "
                    f"spaces. Received {len(line.split())} values, beginning {line[:24]!r}. The "
                    "file is cut short or holds another data set."
                )
            images.append(values)
    if not images:
        raise DataFormatError(f"{path} is empty.")
    pixels = np.frombuffer(b"".join(images), np.uint8) - np.uint8(ord("0"))
    return (pixels * np.uint8(255)).reshape(-1, 28, 28, 1)


def need_keys(path: pathlib.Path, arrays: Mapping[str, Any], keys: Iterable[str]) -> None:
    """Refuses a file without some of `keys`.

    Args:
      path: of the file, for the error.
      arrays: dict of what the file holds.
      keys: names that must be among them.

    Raises:
      DataFormatError: if any is missing, with those that are there.
    """
    if missing := [key for key in keys if key not in arrays]:
        raise DataFormatError(
            f"{path} lacks {', '.join(missing)}. Expected: {', '.join(keys)}. "
            f"Found: {', '.join(arrays) or 'nothing'}."
        )


def _must_exist(path):
    if not path.is_file():
        raise DataNotFoundError(
            f"There is no file {path}. Put it there, or give the folder that holds "
            f"{path.name} by data_dir (flag --data_dir)."
        )


def _unreadable(what, expected, error):
    if "allow_pickle" in str(error):
        return DataFormatError(
            f"{what} holds pickled Python objects, which are not opened: they can run any program. "
            "Save it as an array of numbers, for example x.astype('float32')."
        )
    return DataFormatError(
        f"{what} cannot be read as {expected}: it is damaged, cut short or something else. "
        f"({type(error).__name__}: {error})"
    )
