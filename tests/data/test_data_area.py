"""Area averaging against exact fractions."""

import numpy as np
import pytest

from tfsp.data import area


@pytest.mark.parametrize("size", [(28, 28), (5, 7), (14, 2), (15, 15), (1, 1), (20, 31)])
def test_area_average_matches_exact_fractions(area_reference, size):
    image = np.random.default_rng(0).integers(0, 256, (15, 13)).astype(np.uint8)
    exact = area_reference.area_average(image, *size)
    floats = area.area_average((image / np.float32(255))[None, ..., None], size)
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats[0, ..., 0] * 255, exact, rtol=0, atol=1e-3)
    rounded = area.area_average(image[None, ..., None], size)
    assert rounded.dtype == np.uint8
    np.testing.assert_allclose(rounded[0, ..., 0], exact, rtol=0, atol=0.5 + 1e-3)


def test_omniglots_reduction_is_exact(area_reference):
    ink = (np.random.default_rng(1).random((105, 105)) < 0.1).astype(np.uint8) * np.uint8(255)
    exact = np.rint(area_reference.area_average(ink, 28, 28))
    np.testing.assert_array_equal(
        area.area_average(ink[None, ..., None], (28, 28))[0, ..., 0], exact
    )


def test_channels_and_images_stay_apart():
    images = np.random.default_rng(2).integers(0, 256, (3, 8, 6, 3)).astype(np.uint8)
    together = area.area_average(images, (4, 3))
    for n in range(3):
        for c in range(3):
            alone = area.area_average(images[n : n + 1, :, :, c : c + 1], (4, 3))
            np.testing.assert_array_equal(together[n, :, :, c], alone[0, :, :, 0])
    blocks = images.reshape(3, 4, 2, 3, 2, 3).mean((2, 4))
    np.testing.assert_allclose(together, blocks, rtol=0, atol=0.5)


def test_white_stays_in_range():
    white = np.ones((1, 105, 105, 1), np.float32)
    reduced = area.area_average(white, (28, 28))
    assert reduced.max() <= 1.0
    np.testing.assert_allclose(reduced, 1.0, rtol=1e-5)


@pytest.mark.parametrize("bad", [0, -3, (8,), (8, 8, 8), "big", 2.5, (8, 0), True])
def test_bad_image_size(bad):
    with pytest.raises(ValueError, match="image_size"):
        area.parse_size(bad)


def test_good_image_size():
    assert area.parse_size(8) == (8, 8)
    assert area.parse_size([8, 9]) == (8, 9)
    assert area.parse_size(None) is None
