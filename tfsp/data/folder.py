"""A user's folder of images: its classes, its parts, and where the images are kept."""

import math
import os
import pathlib

import numpy as np

from tfsp.data import disk, folder_tree, image_files, image_fit, image_survey, part_names, splits
from tfsp.data.errors import DataFormatError
from tfsp.data.file_images import FileImages
from tfsp.data.file_names import FileNames
from tfsp.data.left_out import LeftOut, listed
from tfsp.data.sources import ImageSet

_NAMED = 10  # names in a message
_HELD = 512 * 2**20  # bytes of decoded images that are held in memory unless told otherwise
_FEW, _MANY = 16, 1024  # images looked at, first and later


def from_folder(
    path: pathlib.Path,
    image_size: tuple[int, int] | None,
    cache: str | None = None,
    background: str | tuple[int, int, int] = "white",
    errors: str = "raise",
    bit_depth: int | None = None,
    fit: str = "squash",
    cache_dir: str | os.PathLike[str] | None = None,
) -> ImageSet:
    """ImageSet of a folder of images: PNG, JPEG, BMP, GIF, WebP, TIFF and PGM or PPM files.

    Images directly in the folder have no labels. If there are subfolders instead, each is a
    class, numbered from 0 in the order of their names, with all images at any depth below it.

    Subfolders called train, validation (or val, dev, ...) and test, in any case and wording
    (Training, val2017, test_images), are the parts, each with or without class folders; classes
    are then numbered over all parts. A part that is not there is held out of the training part,
    which must be there. Part folders beside other folders with images are refused: those would be
    classes. So is a class that is called like a part.

    Hidden files and folders (`.ipynb_checkpoints`, `__MACOSX`) and folders without images are
    left out; links are followed, once each. One warning counts and names what is not loaded.

    Images are grey if all are, else RGB; colours are what `image_files` says. Files of 16 bits make
    all images floats: values are divided by 2^b - 1, where b is `bit_depth` or, if that is None,
    the first of 8, 10, 12, 14, 16 that holds the largest value in all files of 16 bits. So data of
    10 bits that are stored in 16 come out in [0, 1]; b is told in `info.source`, and in the warning
    if it is not 16. A PGM whose header says another maxval than 65535 is divided by that.
    TIFF files of colours with more than 8 bits are refused, being read with 8 only.

    All files are looked at first, of most formats at their first bytes (see `image_survey`); errors
    that only decoding shows are raised here if the images are cached, else by whoever reads them.

    Args:
      path: pathlib.Path of the folder.
      image_size: (height, width); without it all images must have one size.
      cache: "memory" holds the decoded images, "disk" writes them to one file, "none" decodes them
        anew each time. None takes "memory" up to 512 MiB, else "none". The images are the same.
      background: colour behind what is transparent and around what is padded, a name or "#rrggbb".
      errors: "raise" for an error that names all files that cannot be read, "skip" to leave
        them out with a warning.
      bit_depth: bits that files of 16 bits make use of, from 8 to 16, or None.
      fit: what `image_size` does to pictures of another shape: "squash", "crop" or "pad", see
        `image_fit.bring`.
      cache_dir: folder for cache="disk", in which the file stays for later runs; it is made anew
        when a file of `path` or an option changes. None for a temporary file, which goes with the
        process.

    Raises:
      DataFormatError: names the files that cannot be read, two files of two sizes, or folders of
        which one cannot say whether they are parts or classes.
      WriteError: an OSError, if the file for cache="disk" cannot be written.
      ValueError: for another option.
    """
    options = image_files.Options(background, errors, bit_depth)
    image_fit.check_fit(fit)
    if cache_dir is not None and cache != "disk":
        raise ValueError(f"`cache_dir` is for cache='disk'. Received: cache={cache!r}.")
    left_out = LeftOut(path)
    parts, classes = _find(path, left_out)
    files, labels, sizes = _files(path, parts, classes)
    survey = image_survey.survey(files, image_size is not None, options, left_out)
    files = files.at(survey.kept)
    split = _split(path, parts, sizes, survey.kept)
    images = FileImages(files, survey, image_size, fit, options)
    facts = f" ({len(classes)} classes)" if classes else ""
    facts += f", 16-bit files read as {survey.depth}-bit" if survey.depth else ""
    if image_size is not None and images.is_resized:
        facts += f", {image_fit.FITS[fit]} to {image_size[0]}x{image_size[1]}"
    kept, where = _cached(images, files, cache, cache_dir, (image_size, fit, options))
    _note_black(kept, left_out)
    left_out.warn()
    return ImageSet(
        kept,
        labels[survey.kept] if classes else None,
        {"standard": split},
        f"folder {path}{facts}, {where}",
        class_names=tuple(classes) if classes else None,
        files=files,
    )


def find_files(path: pathlib.Path, left_out: LeftOut) -> tuple[FileNames, list[str]]:
    """(names of all image files, names of the classes or []), without opening any file.

    Raises:
      DataFormatError: for a folder without images, and for folders of which one cannot say what
        they are; see `from_folder`.
    """
    parts, classes = _find(path, left_out)
    return _files(path, parts, classes)[0], classes


def _find(path, left_out):
    """(dict part -> Folder, names of the classes or [])."""
    root = folder_tree.scan(path, left_out, keep_apart=part_names.part_of)
    parts = _parts(root)
    _note_empty_parts(parts, left_out)
    return parts, _class_names(parts, left_out)


def _files(path, parts, classes):
    """(FileNames of all parts, int32 labels, dict part -> number of files)."""
    names, labels, sizes = [], [], {}
    number = {name: i for i, name in enumerate(classes)}
    for part in splits.PARTS:
        if part not in parts:
            continue
        folder = parts[part]
        above = "" if folder.path == path else f"{folder.path.name}/"
        start = len(names)
        for name, sub in sorted(folder.folders.items()) if classes else [(None, folder)]:
            own = sub.all_files()
            below = above if name is None else f"{above}{name}/"
            names += [below + file for file in own]
            labels.append(np.full(len(own), number.get(name, 0), np.int32))
        sizes[part] = len(names) - start
    return FileNames.of(path, names), np.concatenate(labels), sizes


def _cached(images, files, cache, cache_dir, facts):
    """(images as they are kept, how that is, in words)."""
    size = math.prod(images.shape) * images.dtype.itemsize
    cache = cache or ("memory" if size <= _HELD else "none")
    if cache == "memory":
        return images.read(np.arange(len(files))), "held in memory"
    if cache == "none":
        return images, "decoded in every epoch"
    folder = None if cache_dir is None else pathlib.Path(cache_dir).expanduser()
    name = "" if folder is None else disk.file_name(files, (facts, images.shape, images.dtype))
    kept, where = disk.kept_on_disk(images, folder, name)
    return kept, f"decoded once into {where}"


def _note_black(images, left_out):
    """Tells of masks of zeros and ones, which as grey levels would all be black."""
    if images.dtype != np.uint8:
        return
    rows = np.arange(images.shape[0])
    largest = 0
    for some in np.split(rows, range(_FEW, len(rows), _MANY)):  # of other images the first tell it
        own = images[some] if isinstance(images, np.ndarray) else images.read(some)
        largest = max(largest, int(own.max()))
        if largest > 1:
            return
    if largest == 1:
        left_out.note(
            "The largest value of all images is 1 of 255, so that all are black. If they are "
            "masks of zeros and ones, save them as images of one bit, or load them as bools."
        )


def _split(path, parts, sizes, kept):
    """The parts as consecutive rows, without the files that were skipped."""
    ends = np.cumsum([sizes.get(part, 0) for part in splits.PARTS])
    rows = [int(part.sum()) for part in np.split(kept, ends[:-1])]
    for part, count in zip(splits.PARTS, rows, strict=True):
        if part in parts and not count:
            raise DataFormatError(f"{parts[part].path}: none of the images of {path} can be read.")
    counts = zip(splits.PARTS, rows, strict=True)
    return splits.consecutive(*(count if part in parts else None for part, count in counts))


def _parts(root):
    """dict part -> Folder; a folder without parts is all training part."""
    if not root.files and not root.folders:
        raise DataFormatError(
            f"{root.path} holds no images. Expected files "
            f"{', '.join(sorted(folder_tree.IMAGE_SUFFIXES))} in it or in its subfolders."
        )
    named = {name: part_names.part_of(name) for name in root.folders}
    parts = {part: root.folders[name] for name, part in named.items() if part}
    if not parts:
        _refuse_unclear(root)
        _refuse_nested_parts(root)
        return {"train": root}
    others = [name for name, part in named.items() if not part]
    part_folders = ", ".join(name for name, part in named.items() if part)
    if others or root.files:
        beside = listed(others, _NAMED) or f"images ({root.files[0]}, ...)"
        raise DataFormatError(
            f"{root.path} has folders named like parts ({part_folders}), and beside them "
            f"{beside}. If {part_folders} are parts, move the rest out of the folder; if they are "
            "classes, rename them, for example to class_train."
        )
    if len(parts) < len([part for part in named.values() if part]):
        raise DataFormatError(
            f"{root.path} has several folders for one part: {part_folders}. Put their images "
            "into one folder, or move one of them out."
        )
    if "train" not in parts:
        raise DataFormatError(
            f"{root.path} has the folder {part_folders} but none for training. Expected train "
            "beside it. To take images for training from what is there, load "
            f"{next(iter(parts.values())).path} itself."
        )
    _refuse_nested_parts(root)
    return parts


def _note_empty_parts(parts, left_out):
    """Tells of part folders without images: what happens then is as if they were not there."""
    root = parts["train"].path.parent
    empty = [path.name for path in left_out.of("without images in them") if path.parent == root]
    if absent := [name for name in empty if part_names.part_of(name) not in (None, *parts)]:
        left_out.note(
            f"{', '.join(absent)} being empty, some training images are held out in its place."
        )


def _refuse_unclear(root):
    """Refuses names such as mnist_train and mnist_test, which would be two classes."""
    if mixed := part_names.mixed(list(root.folders)):
        names = listed(mixed, _NAMED)
        raise DataFormatError(
            f"{root.path} has folders whose names speak of parts: {names}. Name them train, val "
            "and test if they are parts; if they are classes, give them other names."
        )


def _refuse_nested_parts(root):
    """Refuses parts within classes, parts or another folder, which would be mixed."""
    outer = [sub for sub in root.folders.values() if part_names.part_of(sub.path.name)]
    below = (folder for folder in root.all_folders() if folder not in outer)
    found = {part_names.part_of(folder.path.name): folder.path for folder in below}
    found.pop(None, None)
    if len(found) > 1:
        raise _nested(root, list(found.values()))
    level = list(root.folders.values())
    while level := [sub for folder in level for sub in folder.folders.values()]:
        for folders in (level, *_families(level)):  # cousins too: a/x_train, b/x_test
            if mixed := part_names.mixed([folder.path.name for folder in folders]):
                raise _nested(root, [f.path for f in folders if f.path.name in mixed])


def _families(level):
    """Lists of those folders that lie in one folder."""
    families = {}
    for folder in level:
        families.setdefault(folder.path.parent, []).append(folder)
    return families.values()


def _nested(root, paths):
    return DataFormatError(
        f"{root.path} has folders named like parts further down: "
        f"{listed([str(path) for path in paths], _NAMED)}. Parts must be outermost: load the "
        "folder that holds train, val and test, in which the classes are. If they are no parts, "
        "give them other names."
    )


def _class_names(parts, left_out):
    """Sorted names of the classes of all parts, or [] where images have no class folders."""
    names = {part: sorted(folder.folders) for part, folder in parts.items()}
    for folder in parts.values():
        if folder.files and folder.folders:
            raise DataFormatError(
                f"{folder.path} has images of its own ({folder.files[0]}, ...) and folders "
                f"of images ({listed(sorted(folder.folders), _NAMED)}). Use either one folder, or "
                "one folder for each class."
            )
    if any(names.values()) and not all(names.values()):
        without = ", ".join(str(parts[part].path) for part in names if not names[part])
        raise DataFormatError(
            f"Some parts have class folders, but not {without}. Sort all parts into classes, or "
            "none, or move that folder out."
        )
    classes = sorted(set().union(*names.values()))
    if absent := [name for name in classes if name not in names["train"]]:
        left_out.note(
            f"The training part has no images of {len(absent)} classes that other parts have: "
            f"{listed(absent, _NAMED)}."
        )
    return classes
