"""The image files of a folder: hidden parts left out, links followed once."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any, Self

from tfsp.data.errors import DataFormatError
from tfsp.data.left_out import LeftOut

IMAGE_SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".webp"),
    *(".tif", ".tiff", ".pgm", ".ppm", ".pbm", ".pnm"),
)
# Folders and files that systems put beside the user's own.
_SYSTEM_FOLDERS = frozenset(("__macosx", "@eadir", "$recycle.bin", "system volume information"))
_SYSTEM_FILES = frozenset(("thumbs.db", "desktop.ini"))


@dataclasses.dataclass(eq=False)
class Folder:
    """A folder with the image files in it and the subfolders that hold any.

    Attributes:
      path: pathlib.Path.
      files: list of names, sorted. Of very many files paths would take a hundred megabytes.
      folders: dict name -> Folder.
    """

    path: pathlib.Path
    files: list
    folders: dict

    def all_files(self) -> list[str]:
        """Image files of the folder and of all below it, relative to it, sorted as paths are."""
        below = [
            f"{name}/{file}" for name, folder in self.folders.items() for file in folder.all_files()
        ]
        if not below:
            return self.files
        return sorted(self.files + below, key=lambda name: name.replace("/", "\0"))

    def all_folders(self) -> Iterator[Self]:
        """All folders below this one."""
        for folder in self.folders.values():
            yield folder
            yield from folder.all_folders()


def scan(
    path: pathlib.Path, left_out: LeftOut, keep_apart: Callable[[str], Any] = lambda name: False
) -> Folder:
    """The `Folder` of a path.

    Files and folders whose names begin with a dot, and those of systems (`__MACOSX`), are left
    out. A link to a folder is followed unless that folder, or one above it, is there already; a
    link to a file counts unless that file is there already. Links come after real folders, so
    that a linked folder is where it lies.

    Args:
      path: pathlib.Path.
      left_out: LeftOut that records everything that is skipped.
      keep_apart: function of a name: subfolders of `path` that may share files with others, such
        as a validation part that is a link to the test part.

    Raises:
      DataFormatError: for a folder that cannot be read.
    """
    try:
        root = _group(path, left_out, lambda name: not keep_apart(name))
        apart = sorted(name for name in os.listdir(path) if keep_apart(name))
        for entry in (path / name for name in apart):
            if entry.is_dir() and not _hidden(entry.name):
                root.folders[entry.name] = _group(entry, left_out, lambda name: True)
    except OSError as error:
        raise DataFormatError(
            f"The folder {error.filename or path} cannot be read ({error.strerror}). Make it "
            "readable, or move it out of the data."
        ) from error
    _prune(root, left_out)
    return root


def _group(path, left_out, wanted):
    scanner = _Scanner(path, left_out)
    folder = scanner.folder(path, wanted)
    scanner.follow_links()
    return folder


class _Scanner:
    """One group of folders in which nothing is read twice."""

    def __init__(self, path, left_out):
        self._left_out = left_out
        self._found = []  # every `Folder`
        above = [path.resolve(), *path.resolve().parents]
        self._folders = {_identity(folder) for folder in above}
        self._files = None  # identities, once a link asks for them
        self._links = []  # (Folder, path): links not looked at yet

    def folder(self, path, wanted=lambda name: True):
        """`Folder` of a real folder; the links in it are put aside."""
        found = Folder(path, [], {})
        self._found.append(found)
        self._folders.add(_identity(path))
        others = []
        with os.scandir(path) as entries:
            for entry in entries:  # most are plain images, of which the name is all that is kept
                if _is_image(entry.name) and not _hidden(entry.name) and _is_plain(entry):
                    found.files.append(entry.name)
                else:
                    others.append(entry.name)
        for entry in sorted(path / name for name in others):
            is_folder = entry.is_dir()
            if _hidden(entry.name):
                if is_folder or _is_image(entry.name):
                    self._left_out.add("hidden", entry)
            elif is_folder and not wanted(entry.name):
                continue
            elif entry.is_symlink():
                self._links.append((found, entry))
            elif is_folder:
                if _identity(entry) in self._folders:  # reached by a link before
                    self._left_out.add("linked but there already", entry)
                else:
                    found.folders[entry.name] = self.folder(entry)
            elif entry.name.lower() not in _SYSTEM_FILES:
                self._left_out.add("other than images by their names", entry)
        if self._files is not None:
            self._files.update(_identity(path / name) for name in found.files)
        return found

    def follow_links(self):
        """Adds what links lead to, once each; links found on the way come last."""
        while self._links:
            links, self._links = self._links, []
            for folder, link in links:
                self._follow(folder, link)

    def _follow(self, folder, link):
        if not link.exists():
            self._left_out.add("dangling links", link)
        elif link.is_dir():
            if _identity(link) in self._folders:
                self._left_out.add("linked but there already", link)
            else:
                folder.folders[link.name] = self.folder(link)
        elif not (_is_image(link.name) and link.is_file()):
            self._left_out.add("other than images by their names", link)
        elif _identity(link) in self._identities():
            self._left_out.add("linked but there already", link)
        else:
            folder.files.append(link.name)
            self._identities().add(_identity(link))

    def _identities(self):
        """Of all files so far; without a link nobody asks, and no file is looked at for it."""
        if self._files is None:
            found = (folder.path / name for folder in self._found for name in folder.files)
            self._files = {_identity(file) for file in found}
        return self._files


def _prune(folder, left_out):
    """Sorts files and folders, and drops the subfolders without any image."""
    folder.files.sort()
    for name, sub in sorted(folder.folders.items()):
        del folder.folders[name]
        if sub.files or any(below.files for below in sub.all_folders()):
            folder.folders[name] = sub
            _prune(sub, left_out)
        else:
            left_out.add("without images in them", sub.path)


def _hidden(name):
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS


def _is_image(name):
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def _is_plain(entry):
    return entry.is_file(follow_symlinks=False)


def _identity(path):
    status = os.stat(path)
    return status.st_dev, status.st_ino
