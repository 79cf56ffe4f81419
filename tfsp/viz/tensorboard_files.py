"""Codes for TensorBoard's projector: points in three dimensions, with labels and images."""

import math
import os
import pathlib
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from tfsp import atomic
from tfsp.viz import checks
from tfsp.viz.images import tile

_LARGEST_SPRITE = 8192  # pixels a side, the most that TensorBoard's page takes


def projector(
    folder: str | os.PathLike[str],
    codes: Any,
    metadata: dict[str, Iterable[Any]] | None = None,
    images: Any = None,
) -> pathlib.Path:
    """Writes codes for `tensorboard --logdir FOLDER` (tab "Projector").

    Args:
      folder: to be made; one that is there must be empty.
      codes: `[n, D]`, such as of `tfsp.evaluation.encode`.
      metadata: dict from the name of a column to `[n]` values, what a point is shown with and
        searched by: classes, names, files, clusters.
      images: `[n, H, W, C]` in [0, 1], C = 1 or 3: drawn in place of the points. Shrunk where all
        together would pass the 8,192 pixels a side that the page takes.

    Returns:
      The folder, a `pathlib.Path`, with codes.tsv, metadata.tsv, sprite.png and
      projector_config.pbtxt.

    Raises:
      FileExistsError: for a folder that holds something.
      ValueError: for codes, columns or images of other lengths or values.
    """
    codes = checks.as_matrix(codes, "codes")
    columns = {_cell(name): [_cell(v) for v in values] for name, values in (metadata or {}).items()}
    for name, values in columns.items():
        if len(values) != len(codes):
            raise ValueError(
                f"`metadata[{name!r}]` must have one value for each of the {len(codes)} codes. "
                f"Received: {len(values)}."
            )
    if images is not None:
        images = checks.as_images(images, clip=True)
        if len(images) != len(codes):
            raise ValueError(
                f"`images` must hold one image per code, {len(codes)}. Received: {len(images)}."
            )
    folder = atomic.unused(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with atomic.new_folder(folder) as new:
        config = ['embeddings {\n  tensor_name: "codes"\n  tensor_path: "codes.tsv"\n']
        (new / "codes.tsv").write_text(_table(codes))
        if columns:
            (new / "metadata.tsv").write_text(_metadata(columns))
            config.append('  metadata_path: "metadata.tsv"\n')
        if images is not None:
            height, width = _write_sprite(new / "sprite.png", images)
            config.append(
                '  sprite {\n    image_path: "sprite.png"\n'
                f"    single_image_dim: {width}\n    single_image_dim: {height}\n  }}\n"
            )
        (new / "projector_config.pbtxt").write_text("".join([*config, "}\n"]))
    return folder


def _cell(value):
    """Text of one line without tabs, which would begin another cell."""
    return re.sub(r"\s+", " ", str(value)).strip()


def _table(codes):
    return "".join("\t".join(f"{v:.7g}" for v in row) + "\n" for row in codes)


def _metadata(columns):
    """A column alone has no line with its name: so the page wants it."""
    rows = ["\t".join(row) for row in zip(*columns.values(), strict=True)]
    head = ["\t".join(columns)] if len(columns) > 1 else []
    return "\n".join([*head, *rows]) + "\n"


def _write_sprite(path, images):
    """All images in rows of a square, the first at the top left. Returns (height, width) of one."""
    from PIL import Image

    from tfsp.data.area import area_average

    side = math.ceil(math.sqrt(len(images)))
    height, width = images.shape[1:3]
    shrunk = min(1.0, _LARGEST_SPRITE / (side * max(height, width)))
    if shrunk < 1:
        height, width = (max(1, int(length * shrunk)) for length in (height, width))
        images = area_average(np.asarray(images, np.float32), (height, width))
    sheet = np.rint(255 * tile(images, side, side, pad=0, clip=True)).astype(np.uint8)
    Image.fromarray(sheet[..., 0] if sheet.shape[-1] == 1 else sheet).save(path)
    return height, width
