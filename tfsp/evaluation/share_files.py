"""Files of shares: each is there whole or not at all, and says what it is a share of."""

import hashlib
import itertools
import json
import pathlib
import re
import warnings
import zipfile
import zlib

import numpy as np

from tfsp import atomic

_BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


class Files:
    """The files of the shares of one computation: `<name>-<digest>-<index>-of-<count>.npz`.

    The digest is of the identity, so that shares of another seed or checkpoint lie beside these and
    not in their place. A file holds the identity in full, the numbers of its batches, a digest of
    the examples of each, and what was computed.

    Args:
      folder: where they are; made when the first is written.
      name: what is computed.
      identity: dict of plain values, all that the numbers depend on but the examples.
    """

    def __init__(self, folder, name, identity):
        self.folder = pathlib.Path(folder)
        self.name = name
        self.identity = json.loads(json.dumps(identity))  # tuples become lists, as in the files
        text = json.dumps(self.identity, sort_keys=True)
        self._stem = f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def path(self, share):
        """The file of the share (index, count)."""
        return self.folder / f"{self._stem}-{share[0]}-of-{share[1]}.npz"

    def read(self, share=None):
        """What is there: of one share, or of all: dict number of batch -> (digest, dict of arrays).

        A file that is damaged or is about something else is passed over with a warning.
        """
        if share is not None:
            paths = [self.path(share)] if self.path(share).exists() else []
        else:
            paths = [self.path(each) for each in self._there(self._stem)]
            if not paths:
                self._tell_of_others()
        found = {}
        for path in paths:
            try:
                identity, batches = _read(path)
            except _BROKEN as error:
                warnings.warn(f"{path} is damaged, and computed again: {error}", stacklevel=4)
                continue
            if identity != self.identity:
                warnings.warn(
                    f"{path} is not taken: {_differences(identity, self.identity)}.", stacklevel=4
                )
                continue
            found |= batches
        return found

    def missing(self):
        """Shares, such as "3/16", that others of the same count are there without: the first 20."""
        there = set(self._there(self._stem))
        counts = sorted({count for _, count in there})
        whole = ((index, count) for count in counts for index in range(count))
        lacking = (f"{share[0]}/{share[1]}" for share in whole if share not in there)
        return list(itertools.islice(lacking, 20))

    def write(self, share, batches):
        """Writes the file of a share, atomically; `batches` as `read` returns them.

        Raises:
          WriteError: if it cannot be written.
        """
        numbers = sorted(batches)
        values = [batches[number][1] for number in numbers]
        keys = list(values[0]) if values else []
        arrays = {f"value/{key}": np.concatenate([each[key] for each in values]) for key in keys}
        sizes = [len(each[keys[0]]) for each in values]
        digests = np.frombuffer(b"".join(batches[number][0] for number in numbers), np.uint8)
        with atomic.replacing(self.path(share)) as partial:
            np.savez(
                partial,
                identity=json.dumps(self.identity),
                numbers=np.array(numbers, np.int64),
                sizes=np.array(sizes, np.int64),
                digests=digests.reshape(len(numbers), 16),
                **arrays,
            )

    def _there(self, stem):
        """Pairs (index, count) of the files with this stem, sorted."""
        name = re.compile(re.escape(stem) + r"-([0-9]+)-of-([0-9]+)\.npz")
        names = (path.name for path in self.folder.glob("*.npz"))
        found = (name.fullmatch(each) for each in names)
        return sorted((int(match[1]), int(match[2])) for match in found if match)

    def _tell_of_others(self):
        """Warns where there are shares of the same name, and none that could be taken."""
        name = re.compile(re.escape(self.name) + r"-[0-9a-f]{8}-[0-9]+-of-[0-9]+\.npz")
        others = sorted(path for path in self.folder.glob("*.npz") if name.fullmatch(path.name))
        for path in others[:1]:
            try:
                why = _differences(_read(path)[0], self.identity)
            except _BROKEN as error:
                why = f"it is damaged: {error}"
            warnings.warn(
                f"None of the {len(others)} shares of {self.name!r} in {self.folder} is taken, and "
                f"all is computed here. Of {path.name}: {why}.",
                stacklevel=5,
            )


def _read(path):
    """(identity, batches as `Files.read` returns them) of a file."""
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    identity = json.loads(str(arrays["identity"]))
    numbers, sizes, digests = arrays["numbers"], arrays["sizes"], arrays["digests"]
    ends = np.cumsum(sizes)
    values = {key[6:]: array for key, array in arrays.items() if key.startswith("value/")}
    rows = int(ends[-1]) if len(ends) else 0
    if not len(numbers) == len(sizes) == len(digests) or any(
        len(array) != rows for array in values.values()
    ):
        raise ValueError("its arrays do not fit together.")
    batches = {
        int(number): (
            digest.tobytes(),
            {key: array[end - size : end] for key, array in values.items()},
        )
        for number, size, end, digest in zip(numbers, sizes, ends, digests, strict=True)
    }
    return identity, batches


def _differences(there, here):
    """What two identities differ in, in words."""
    if not isinstance(there, dict):
        return "it does not say what it is a share of"
    lines = [
        f"{key} is {there.get(key)!r} there, {here.get(key)!r} here"
        for key in sorted({*there, *here})
        if there.get(key) != here.get(key)
    ]
    return ", ".join(lines)
