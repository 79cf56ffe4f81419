"""A folder of large pictures is not held at full size."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from tfsp import data as tfsp_data

_STATUS = pathlib.Path("/proc/self/status")
_RESET = pathlib.Path("/proc/self/clear_refs")
_MB = 2**20


def _resident(name):
    """Bytes of a line of the process's status: VmRSS now, VmHWM at most."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not _RESET.exists(), reason="needs Linux's account of memory")
@pytest.mark.parametrize("bits", [8, 16])
def test_pictures_shrink_as_they_are_read(tmp_path, bits):
    """16 pictures of 9 MB, or of 6 that are 12 as floats, are 144 MB and more at full size."""
    if bits == 16:
        picture = Image.fromarray(
            (np.arange(2000 * 1500) % 65536).astype(np.uint16).reshape(1500, 2000)
        )
    else:
        picture = Image.new("RGB", (2000, 1500), (90, 30, 200))
    for name, count in (("one", 1), ("many", 16)):
        folder = tmp_path / name
        folder.mkdir()
        picture.save(folder / "0.png")
        for i in range(1, count):
            (folder / f"{i}.png").hardlink_to(folder / "0.png")
    sizes = {"image_size": 32, "validation_size": 0, "test_size": 0}
    tfsp_data.load(tmp_path / "one", **sizes)  # what TensorFlow sets up once
    _RESET.write_text("5")
    before = _resident("VmRSS")
    data = tfsp_data.load(tmp_path / "many", **sizes)
    result = 16 * 32 * 32 * (4 if bits == 16 else 3)
    assert _resident("VmHWM") - before < 3 * result + 100 * _MB
    assert data.info.image_shape == (32, 32, 1 if bits == 16 else 3)
