"""Answers that a person has given on the page, read back: constraints.json."""

import json
import pathlib
from typing import NamedTuple

import numpy as np

from tfsp import atomic
from tfsp.data import Data
from tfsp.explorer import identity

FORMAT, VERSION = "tfsp-constraints", 1
_KEYS = ("format", "version", "data", "triplets", "must_links", "cannot_links")


class Constraints(NamedTuple):
    """What a person says about rows of data, by their numbers in the source (`Data.rows`).

    Attributes:
      triplets: ints `[T, 3]`, (a, b, c): a and b belong together rather than either with c.
      must_links: ints `[M, 2]`, pairs that belong together.
      cannot_links: ints `[C, 2]`, pairs that do not.
      names: dict from the rows that occur to the names that the file gives them, or None.
      data: dict, which data the file is about: name, rows, fingerprint.
    """

    triplets: np.ndarray
    must_links: np.ndarray
    cannot_links: np.ndarray
    names: dict
    data: dict


def read_constraints(path, data=None):
    """The constraints in a file that the explorer's page has written.

    The file holds a dict, as docs/explorer.md shows: format "tfsp-constraints", version 1, data
    (name, rows, fingerprint), triplets ({"pair": [item, item], "odd": item}), must_links and
    cannot_links ([item, item]); an item is {"row": number in the source, "name": string or null}.

    Args:
      path: of the file.
      data: a `tfsp.data.Data` that the constraints must be about, or None.

    Returns:
      `Constraints`. What is said twice is there once; pairs and the first two of a triplet are
      sorted.

    Raises:
      FileNotFoundError: if there is no file.
      ValueError: with the place in the file, for anything but the format above, a row under two
        names, pairs that both belong together and do not, triplets that say opposite things of the
        same three rows, and other data than `data`.
    """
    path = pathlib.Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from error
    return parse_constraints(content, path, data)


def write_constraints(path, data, triplets=(), must_links=(), cannot_links=()):
    """Writes what is known of rows as the page does, for `read_constraints` and `tfsp refine`.

    Args:
      path: of the file.
      data: the `tfsp.data.Data`.
      triplets: `[T, 3]`, numbers of rows in the source (`Data.rows`): a and b belong together
        rather than either with c.
      must_links, cannot_links: `[M, 2]`, pairs that belong together, or do not.

    Raises:
      ValueError: as `read_constraints`, for what it would not read; nothing is written.
      WriteError: an OSError, if the file cannot be written.
    """
    numbers, names = identity.all_rows(data)
    names = [None] * len(numbers) if names is None else names.tolist()
    known = dict(zip(numbers.tolist(), names, strict=True))

    def item(row):
        row = int(row)
        if row not in known:
            raise ValueError(f"Row {row} is none of these data, which have {len(known)} rows.")
        return {"row": row, "name": known[row]}

    content = {
        "format": FORMAT,
        "version": VERSION,
        "data": {
            "name": data.info.name,
            "rows": len(numbers),
            "fingerprint": identity.fingerprint(data),
        },
        "triplets": [{"pair": [item(a), item(b)], "odd": item(c)} for a, b, c in triplets],
        "must_links": [[item(a), item(b)] for a, b in must_links],
        "cannot_links": [[item(a), item(b)] for a, b in cannot_links],
    }
    parse_constraints(content, path, data)
    atomic.write(path, json.dumps(content, indent=1) + "\n")


def parse_constraints(content, source, data=None):
    """As `read_constraints`, of what such a file holds.

    Args:
      content: what JSON has been read as.
      source: what errors call it.
      data: as there.

    Raises:
      ValueError: as there.
    """
    found = _Reader(source, content).constraints()
    if data is not None:
        _check_data(source, found, data)
    return found


class _Reader:
    """Reads one file; errors name it and the place in it."""

    def __init__(self, path, content):
        self._path, self._content = path, content
        self._names, self._places = {}, {}

    def constraints(self):
        content = self._content
        self._require(isinstance(content, dict), "", "a dict", content)
        for key in _KEYS:
            self._require(key in content, key, "an entry", None)
        self._require(content["format"] == FORMAT, "format", f'"{FORMAT}"', content["format"])
        self._require(
            content["version"] == VERSION and not isinstance(content["version"], bool),
            "version",
            f"{VERSION}, which this version of tfsp reads",
            content["version"],
        )
        self._rows = self._data(content["data"])
        triplets = [self._triplet(f"triplets[{i}]", each) for i, each in self._entries("triplets")]
        must, cannot = (
            [self._pair(f"{key}[{i}]", each) for i, each in self._entries(key)]
            for key in ("must_links", "cannot_links")
        )
        self._check_links(set(must), set(cannot))
        self._check_triplets(triplets)
        return Constraints(
            _array(triplets, 3), _array(must, 2), _array(cannot, 2), self._names, content["data"]
        )

    def _data(self, data):
        self._require(isinstance(data, dict), "data", "a dict", data)
        for key, kind in (("name", str), ("rows", int), ("fingerprint", str)):
            value = data.get(key)
            right = isinstance(value, kind) and not isinstance(value, bool)
            expected = "a whole number" if kind is int else "a string"
            self._require(right, f"data.{key}", expected, value)
        self._require(data["rows"] > 0, "data.rows", "a number of rows above 0", data["rows"])
        return data["rows"]

    def _entries(self, key):
        value = self._content[key]
        self._require(isinstance(value, list), key, "a list", value)
        return enumerate(value)

    def _triplet(self, place, value):
        right = isinstance(value, dict) and set(value) == {"pair", "odd"}
        self._require(right, place, 'a dict {"pair": [item, item], "odd": item}', value)
        pair = self._pair(f"{place}.pair", value["pair"])
        odd = self._item(f"{place}.odd", value["odd"])
        self._require(odd not in pair, f"{place}.odd", "another row than those of the pair", odd)
        return (*pair, odd)

    def _pair(self, place, value):
        right = isinstance(value, list) and len(value) == 2
        self._require(right, place, "a list of two items", value)
        pair = [self._item(f"{place}[{i}]", each) for i, each in enumerate(value)]
        self._require(pair[0] != pair[1], place, "two different rows", pair)
        return tuple(sorted(pair))

    def _item(self, place, value):
        right = isinstance(value, dict) and set(value) == {"row", "name"}
        self._require(right, place, 'an item {"row": number, "name": string or null}', value)
        row, name = value["row"], value["name"]
        whole = isinstance(row, int) and not isinstance(row, bool) and 0 <= row < 2**63
        self._require(whole, f"{place}.row", "a whole number from 0 on", row)
        right = name is None or isinstance(name, str)
        self._require(right, f"{place}.name", "a string or null", name)
        if self._names.setdefault(row, name) != name:
            self._fail(
                f"{place} calls row {row} {name!r}, and {self._places[row]} calls it "
                f"{self._names[row]!r}."
            )
        self._places.setdefault(row, place)
        return row

    def _check_links(self, must, cannot):
        both = must & cannot
        if both:
            self._fail(f"rows {min(both)} are both in must_links and in cannot_links.")
        group = {}

        def top(row):
            while (above := group.get(row, row)) != row:
                row = above
            return row

        for a, b in must:
            group[top(a)] = top(b)
        for a, b in sorted(cannot):
            if top(a) == top(b):
                self._fail(
                    f"rows {a} and {b} are in cannot_links, and must_links join them by other rows."
                )

    def _check_triplets(self, triplets):
        odd = {}
        for *pair, other in triplets:
            rows = frozenset((*pair, other))
            if odd.setdefault(rows, other) != other:
                self._fail(
                    f"triplets say of rows {sorted(rows)} that {odd[rows]} is the odd one, and "
                    f"that {other} is."
                )

    def _require(self, right, place, expected, received):
        if not right:
            shown = json.dumps(received)
            shown = shown if len(shown) <= 100 else f"{shown[:100]}..."
            where = f"`{place}`" if place else "the file"
            self._fail(f"{where} must be {expected}. Received: {shown}.")

    def _fail(self, message):
        raise ValueError(f"{self._path} holds no constraints that tfsp can read: {message}")


def _array(rows, width):
    return np.array(list(dict.fromkeys(rows)), np.int64).reshape(-1, width)


def _check_data(path, found, data):
    if not isinstance(data, Data):
        raise ValueError(f"`data` must be a tfsp.data.Data. Received: {type(data).__name__}.")
    numbers, _ = identity.all_rows(data)
    own = identity.fingerprint(data)
    if own != found.data["fingerprint"]:
        raise ValueError(
            f"{path} is about other data: {found.data['name']!r}, {found.data['rows']} rows, "
            f"fingerprint {found.data['fingerprint']}. These data: {data.info.name!r}, "
            f"{len(numbers)} rows, fingerprint {own}. Load the data as the run does "
            "(`tfsp.experiment.load_data(config)`)."
        )
    unknown = sorted(set(found.names) - set(numbers.tolist()))
    if unknown:
        raise ValueError(f"{path} names row {unknown[0]}, which these data do not have.")
