"""Pictures of another shape than `image_size`: squashed, cropped or padded."""

import numpy as np
import pytest
from PIL import Image

from tfsp import data as tfsp_data


@pytest.mark.parametrize(
    ("shape", "size", "grey"),
    [
        ((40, 30), (6, 4), True),
        ((9, 31), (5, 8), False),
        ((3, 2), (5, 8), True),
        ((12, 8), (6, 4), False),
    ],
)
def test_crop_and_pad_by_hand(tmp_path, area_reference, shape, size, grey):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, shape if grey else (*shape, 3)).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    planes = image[..., None] if grey else image
    (rows, columns), (height, width) = shape, size

    def load(**options):
        options = {"image_size": size, "validation_size": 0, "test_size": 0, **options}
        return tfsp_data.load(tmp_path, **options).arrays("train")[0][0] * 255

    def averaged(part, height, width):
        each = [
            area_reference.area_average(part[..., c], height, width) for c in range(part.shape[2])
        ]
        return np.stack(each, -1)

    close = dict(rtol=0, atol=0.5 + 1e-3)
    np.testing.assert_allclose(load(), averaged(planes, *size), **close)
    np.testing.assert_array_equal(load(), load(fit="squash"))
    # The largest window of the shape of `size`, then the largest picture that fits into it.
    h = min(rows, int(columns * height / width + 0.5))
    w = min(columns, int(rows * width / height + 0.5))
    top, left = (rows - h) // 2, (columns - w) // 2
    window = planes[top : top + h, left : left + w]
    np.testing.assert_allclose(load(fit="crop"), averaged(window, *size), **close)
    scale = min(height / rows, width / columns)
    h, w = (max(1, int(side * scale + 0.5)) for side in shape)
    expected = np.empty((*size, 3))
    expected[:] = (10, 100, 200)
    top, left = (height - h) // 2, (width - w) // 2
    expected[top : top + h, left : left + w] = averaged(planes, h, w)
    np.testing.assert_allclose(load(fit="pad", background="#0a64c8"), expected, **close)
    assert load(fit="pad", background="black").shape[-1] == (1 if grey else 3)
