"""Pixels, sizes and labels of the image grids."""

import matplotlib.image
import numpy as np
import pytest
import tensorflow as tf

from tfsp import viz
from tfsp.viz import style
from tfsp.viz.images import images as grids


def make_images(count, height=5, width=4, channels=1, seed=0):
    return np.random.default_rng(seed).uniform(size=(count, height, width, channels))


def read_png(figure, tmp_path):
    path = viz.save(figure, tmp_path / "figure.png")
    return matplotlib.image.imread(path)[..., :3]


# The grey colour map has 256 entries and the file 8 bits: at most two grey levels are lost.
GREY_LEVELS = 2 / 255


def assert_drawn(axes, picture, array):
    """`array` [H', W', C], each pixel enlarged by one whole factor, fills `axes` in `picture`."""
    left, top = axes.bbox.x0, picture.shape[0] - axes.bbox.y1
    scale = axes.bbox.width / array.shape[1]
    for value in (left, top, scale, axes.bbox.height / array.shape[0]):
        assert value == pytest.approx(round(value), abs=1e-3)
    left, top, scale = round(left), round(top), round(scale)
    assert scale >= 1
    enlarged = np.repeat(np.repeat(array, scale, 0), scale, 1)
    height, width = enlarged.shape[:2]
    window = picture[top : top + height, left : left + width]
    expected = np.broadcast_to(enlarged, (height, width, 3))
    np.testing.assert_allclose(window, expected, rtol=0, atol=GREY_LEVELS)
    # No pixel of an image spills over: what surrounds it is paper.
    np.testing.assert_array_equal(picture[top - 1, left : left + width], 1.0)
    np.testing.assert_array_equal(picture[top + height, left : left + width], 1.0)
    np.testing.assert_array_equal(picture[top : top + height, left - 1], 1.0)
    np.testing.assert_array_equal(picture[top : top + height, left + width], 1.0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("pad", [0, 1, 3])
def test_tile_places_every_pixel(channels, pad):
    images = make_images(5, channels=channels)
    actual = viz.tile(images, rows=2, columns=3, pad=pad, pad_value=0.25)
    assert actual.shape == (2 * 5 + pad, 3 * 4 + 2 * pad, channels)
    expected = np.full(actual.shape, 0.25)  # the sixth cell stays empty
    for i in range(5):
        for row in range(5):
            for column in range(4):
                y, x = (i // 3) * (5 + pad) + row, (i % 3) * (4 + pad) + column
                expected[y, x] = images[i, row, column]
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    ("count", "rows", "columns", "expected"),
    [
        (1, None, None, (1, 1)),
        (2, None, None, (1, 2)),
        (4, None, None, (2, 2)),
        (5, None, None, (2, 3)),
        (9, None, None, (3, 3)),
        (10, None, None, (3, 4)),
        (7, 2, None, (2, 4)),
        (7, None, 3, (3, 3)),
        (3, 2, 4, (2, 4)),
    ],
)
def test_layout(count, rows, columns, expected):
    assert grids.layout(count, rows, columns) == expected


def test_too_few_cells():
    with pytest.raises(ValueError, match=r"6 cells, for 10 images.*images\[:6\]"):
        viz.tile(make_images(10), rows=2, columns=3)


@pytest.mark.parametrize(("width", "pad"), [(4, 1), (28, 1), (32, 2), (64, 4)])
def test_default_pad_is_a_sixteenth(width, pad):
    assert viz.tile(np.zeros((2, 3, width, 1)), rows=1).shape == (3, 2 * width + pad, 1)


def test_default_padding_is_white():
    assert viz.tile(np.zeros((2, 3, 4, 1)), rows=1)[:, 4].min() == 1.0


@pytest.mark.parametrize(("channels", "invert"), [(1, False), (1, True), (3, False)])
def test_grid_is_drawn_pixel_by_pixel(channels, invert, tmp_path):
    images = make_images(5, channels=channels)
    figure = viz.image_grid(images, columns=3, title="Five", invert=invert)
    shown = 1 - images if invert else images
    assert_drawn(figure.axes[0], read_png(figure, tmp_path), viz.tile(shown, columns=3))


def test_grid_has_its_title_above_the_images():
    figure = viz.image_grid(make_images(4), title="A rather long title over a small grid")
    text = figure.axes[0].title
    assert text.get_text() == "A rather long title over a small grid"
    box = text.get_window_extent(figure.canvas.get_renderer())
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert figure.axes[0].bbox.y1 < box.y0
    assert box.y1 <= figure.bbox.height


def test_very_large_grid_keeps_a_device_pixel_per_pixel(tmp_path):
    images = make_images(60 * 80, height=28, width=28).astype(np.float32)
    figure = viz.image_grid(images, rows=60, columns=80, pad=1)
    picture = read_png(figure, tmp_path)
    array = viz.tile(images, rows=60, columns=80, pad=1)
    assert figure.axes[0].bbox.width == pytest.approx(array.shape[1])
    assert_drawn(figure.axes[0], picture, array)


def test_reconstructions_pair_rows(tmp_path):
    images, means = make_images(5), make_images(5, seed=1)
    figure = viz.reconstructions(images, means, columns=3)
    assert len(figure.axes) == 2
    for axes in figure.axes:
        texts = {text.get_text(): text.xy[1] for text in axes.texts}
        assert list(texts) == ["data", "reconstruction"]
        assert texts["data"] == 2.5
        assert texts["reconstruction"] == 5 + 1 + 2.5
    first, second = (axes.images[0].get_array() for axes in figure.axes)
    np.testing.assert_allclose(first[:5, :4], images[0, ..., 0])
    np.testing.assert_allclose(first[6:, 5:9], means[1, ..., 0])
    np.testing.assert_allclose(second[:5, 5:9], images[4, ..., 0])
    np.testing.assert_allclose(second[6:, 5:9], means[4, ..., 0])
    assert second[:, 9:].min() == 1.0  # the missing sixth pair is paper
    assert figure.axes[0].bbox.y0 > figure.axes[1].bbox.y1
    picture = read_png(figure, tmp_path)
    assert_drawn(figure.axes[0], picture, np.asarray(first)[..., None])
    assert_drawn(figure.axes[1], picture, np.asarray(second)[..., None])


def test_missing_pairs_stay_white_when_inverted():
    figure = viz.reconstructions(make_images(3), make_images(3), columns=2, invert=True)
    assert figure.axes[1].images[0].get_array()[:, 4:].min() == 1.0


def test_row_labels_lie_left_of_the_images_and_inside_the_figure():
    figure = viz.reconstructions(make_images(4), make_images(4))
    renderer = figure.canvas.get_renderer()
    for text in figure.axes[0].texts:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0
        assert box.x1 < figure.axes[0].bbox.x0


def test_means_may_overshoot_but_data_may_not():
    images = make_images(4)
    means = images * 1.4 - 0.2
    assert means.max() > 1
    assert means.min() < 0
    figure = viz.reconstructions(images, means, columns=4)
    drawn = figure.axes[0].images[0].get_array()
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    viz.prior_samples(means)
    np.testing.assert_array_equal(
        viz.tile(means, pad=0, clip=True), viz.tile(np.clip(means, 0, 1), pad=0)
    )
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\].*255"):
        viz.image_grid(means)


@pytest.mark.parametrize("function", [viz.image_grid, viz.prior_samples, viz.tile])
def test_bytes_are_refused(function):
    with pytest.raises(ValueError, match=r"from 0 to 255.*divided by 255"):
        function(np.array([0, 255], np.uint8).reshape(1, 2, 1, 1))


def test_models_are_asked():
    class Model:
        def reconstruct(self, x):
            return tf.constant(1 - x, tf.float32)

        def sample(self, n, seed=None):
            return tf.fill([n, 5, 4, 1], seed / 10)

    images = make_images(2)
    pair = viz.reconstructions(images, Model()).axes[0].images[0].get_array()
    np.testing.assert_allclose(pair[6:, :4], 1 - images[0, ..., 0], rtol=1e-6)
    samples = viz.prior_samples(Model(), num_samples=6, seed=3, pad=0, title=None)
    drawn = samples.axes[0].images[0].get_array()
    assert drawn.shape == (2 * 5, 3 * 4)
    np.testing.assert_allclose(drawn, 0.3, rtol=1e-6)


def test_prior_samples_title():
    assert viz.prior_samples(make_images(4)).axes[0].get_title() == "Samples from the prior"
    assert viz.prior_samples(make_images(4), title=None).axes[0].get_title() == ""


def test_differing_shapes_name_both():
    with pytest.raises(ValueError, match=r"images.shape=\(4, .*means.shape=\(3, "):
        viz.reconstructions(make_images(4), make_images(3))


@pytest.mark.parametrize("function", [viz.image_grid, viz.prior_samples, viz.tile])
def test_flat_data_are_refused_with_a_remedy(function):
    with pytest.raises(ValueError, match=r"Flat data of shape \(64,\) cannot be drawn as images"):
        function(np.zeros((3, 64)))
    with pytest.raises(ValueError, match=r"reshape\(-1, 8, 8, 1\)"):
        function(np.zeros((3, 64)))


@pytest.mark.parametrize(
    ("shape", "match"),
    [
        ((3, 8, 8), r"images\[..., None\]"),
        ((3, 8, 8, 2), "C = 1 .* or 3"),
        ((3, 8, 8, 1, 1), r"\[n, H, W, C\]"),
        ((0, 8, 8, 1), "empty"),
    ],
)
def test_wrong_shapes(shape, match):
    with pytest.raises(ValueError, match=match):
        viz.image_grid(np.zeros(shape))


def test_non_finite_images_are_located():
    images = make_images(3)
    images[1, 2, 3, 0] = np.nan
    with pytest.raises(ValueError, match=r"1 NaN or infinite values of 60.*\(1, 2, 3, 0\)"):
        viz.image_grid(images)


def test_text_and_ragged_input():
    with pytest.raises(TypeError, match="real numbers"):
        viz.image_grid("digits.png")
    with pytest.raises(ValueError, match="differ in shape"):
        viz.image_grid([[1.0], [1.0, 2.0]])


def test_reduced_precision_tensors_are_drawn():
    array = viz.tile(tf.fill([1, 2, 2, 1], tf.constant(0.5, tf.bfloat16)))
    np.testing.assert_array_equal(array, 0.5)


@pytest.mark.parametrize("pixels", [1, 29, 57, 58, 113, 1161])
def test_inches_make_whole_canvases(pixels):
    with style.paper_style():
        figure = style.new_figure(style.inches(pixels), style.inches(pixels))
    assert figure.canvas.get_width_height() == (pixels, pixels)
    assert int(style.inches(pixels) * style.DPI) == pixels


def test_samples_of_models_one_below_the_other(tmp_path):
    samples = {"vae": make_images(7), "other": make_images(6, seed=1) * 1.2}  # cut to [0, 1]
    figure = viz.samples_beside(samples, rows=2, columns=3, pad=1, title="samples")
    picture = read_png(figure, tmp_path)
    first, second = figure.axes
    assert first.bbox.y0 > second.bbox.y1
    for axes, images in ((first, samples["vae"]), (second, samples["other"])):
        assert_drawn(axes, picture, viz.tile(images[:6], 2, 3, 1, clip=True))
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert [text for text in texts if text] == ["vae", "other"]
    with pytest.raises(ValueError, match="need 8 samples of each model. Received: 7 of 'vae'"):
        viz.samples_beside(samples, rows=2, columns=4)
    with pytest.raises(TypeError, match="dict from a model's name"):
        viz.samples_beside([make_images(3)])
    with pytest.raises(ValueError, match=r"samples\['vae'\]"):
        viz.samples_beside({"vae": np.zeros((3, 4))}, 1, 1)
