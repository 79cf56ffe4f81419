"""The HTML file of a page: its sources and what it shows in one, with nothing to fetch."""

import base64
import hashlib
import json
import pathlib
import re
import secrets
import shutil

from tfsp import atomic

_FOLDER = pathlib.Path(__file__).with_name("page")
_MARK = '<meta name="generator" content="tfsp explorer">'
_MOST_WITHIN = 40_000_000  # characters of sprite sheets that the file itself holds
_SHEETS = re.compile(r"sheets-[0-9a-f]{8}")
_URI = re.compile(r"data:image/(\w+);base64,(.*)", re.DOTALL)


def write(structure, path, most_within=_MOST_WITHIN):
    """Writes the page of a structure of `collect`.

    Args:
      structure: of `tfsp.explorer.collect`.
      path: of the file, which ends in .html.
      most_within: characters of sprite sheets that the file itself may hold. If there are more they
        stand beside it, in the folder NAME_tiles, which must stay beside it.

    Returns:
      the paths written: the file, and the folder if there is one.

    Raises:
      ValueError: for a path that does not end in .html.
      FileExistsError: for a file, or a folder for the sheets, that this function has not written.
      WriteError: an OSError, if something cannot be written.
    """
    path = pathlib.Path(path).expanduser()
    check_free(path)
    structure, folder = dict(structure), path.with_name(f"{path.stem}_tiles")
    sheets = structure.get("pictures", {}).get("sheets", [])
    outside = sum(map(len, sheets)) > most_within
    fresh = None
    if outside:
        fresh = folder / f"sheets-{secrets.token_hex(4)}"
        names = _write_sheets(sheets, fresh)
        urls = [f"{_quoted(folder.name)}/{fresh.name}/{name}" for name in names]
        structure["pictures"] = {**structure["pictures"], "sheets": urls, "beside": folder.name}
    atomic.write(path, html(structure))
    _remove_old(folder, fresh)
    return [path, folder] if outside else [path]


def check_free(path):
    """Raises an error, see `write`, for a path that no page can be written to."""
    path = pathlib.Path(path).expanduser()
    if path.suffix.lower() != ".html":
        raise ValueError(f"The page must be a file NAME.html. Received: {path}.")
    folder = path.with_name(f"{path.stem}_tiles")
    if path.exists():
        if not path.is_file():
            raise FileExistsError(f"{path} is no file. Name another one.")
        with path.open("rb") as file:
            if _MARK.encode() not in file.read(1000):
                raise FileExistsError(
                    f"{path} exists and is no page of the explorer. Name another file, or move "
                    "this one away."
                )
    if folder.exists():
        others = [
            each.name
            for each in (folder.iterdir() if folder.is_dir() else [folder])
            if not (_SHEETS.fullmatch(each.name) or atomic.is_partial(each.name))
        ]
        if others:
            raise FileExistsError(
                f"{folder} holds {others[0]}, which is none of the explorer's. Name another file, "
                "or move this folder away."
            )


def html(structure):
    """The text of the page."""
    script, style = _source("explorer.js"), _source("explorer.css")
    structure = dict(structure)
    sets = {}
    for key in ("pictures", "means", "samples"):
        if key not in structure:
            continue
        entry = structure[key]
        pictures = entry if key == "pictures" else entry["pictures"]
        if "beside" in pictures:
            continue
        sets[key] = pictures["sheets"]
        bare = {**pictures, "sheets": len(pictures["sheets"])}
        structure[key] = bare if key == "pictures" else {**entry, "pictures": bare}
    beside = "beside" in structure.get("pictures", {})
    content = _source("explorer.html")
    parts = {
        "generator": _MARK,
        "policy": _policy(script, style, beside),
        "title": _escaped(f"{structure['title']} \N{MIDDLE DOT} tfsp explorer"),
        "style": style,
        "data": json.dumps(structure, ensure_ascii=False, separators=(",", ":")).replace(
            "<", "\\u003c"
        ),
        "script": script,
        "sheets": "\n".join(
            f'<script type="text/plain" class="sheet" data-set="{key}" data-number="{i}">{uri}'
            "</script>"
            for key, uris in sets.items()
            for i, uri in enumerate(uris)
        ),
    }
    return re.sub(r"<!--\{(\w+)\}-->", lambda match: parts[match[1]], content)


def _policy(script, style, beside):
    """What the page may do: run its own script and style, show its own pictures, nothing else."""
    images = "data: blob: 'self' file:" if beside else "data: blob:"
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        f"img-src {images}; base-uri 'none'; form-action 'none'"
    )


def _hash(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _source(name):
    return (_FOLDER / name).read_text(encoding="utf-8")


def _escaped(text):
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(sign, entity)
    return text


def _quoted(name):
    from urllib.parse import quote

    return quote(name)


def _write_sheets(sheets, folder):
    names = []
    with atomic.new_folder(folder) as partial:
        for i, uri in enumerate(sheets):
            kind, text = _URI.fullmatch(uri).groups()
            names.append(f"{i:05d}.{kind}")
            (partial / names[-1]).write_bytes(base64.b64decode(text))
    return names


def _remove_old(folder, kept):
    if folder.is_dir():
        for old in folder.iterdir():
            if old != kept and _SHEETS.fullmatch(old.name):
                shutil.rmtree(old, ignore_errors=True)
        if kept is None and not any(folder.iterdir()):
            folder.rmdir()
