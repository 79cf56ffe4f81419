"""Which latents are decoded, and where their images stand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tfsp import viz
from tfsp.viz.images import traversal


class Recorder:
    """A decoder of 2-by-2 images that keeps its input; all pixels are a sigmoid of one entry."""

    def __init__(self, dim=0):
        self.dim = dim
        self.calls = []

    def __call__(self, z):
        self.calls.append(np.array(z))
        level = 1 / (1 + np.exp(-z[:, self.dim]))
        return np.broadcast_to(level[:, None, None, None], (len(z), 2, 2, 1))

    @property
    def z(self):
        return np.concatenate(self.calls)


@pytest.mark.parametrize("count", [1, 2, 5, 8, 15])
@pytest.mark.parametrize("quantile", [False, True])
def test_positions_increase_and_are_symmetric(count, quantile):
    values = traversal.positions(count, 2.5, quantile)
    assert values.shape == (count,)
    assert (np.diff(values) > 0).all()
    np.testing.assert_allclose(values, -values[::-1], atol=1e-12)
    if count > 1:
        assert values[-1] == pytest.approx(2.5, rel=1e-9)
        if quantile:
            steps = np.diff([0.5 * math.erfc(-z / math.sqrt(2)) for z in values])
        else:
            steps = np.diff(values)
        np.testing.assert_allclose(steps, steps[0], rtol=1e-8)


def test_extreme_quantiles_stay_finite():
    assert np.isfinite(traversal.positions(9, 8.0, True)).all()


def test_grid_decodes_the_plane():
    recorder = Recorder()
    base = np.array([9.0, 8.0, 7.0, 6.0])
    viz.traversal_grid(recorder, 5, 4, base, dims=(2, 0), span=1.0, quantile=False)
    z = recorder.z.reshape(5, 5, 4)
    values = np.linspace(-1, 1, 5)
    assert (z[..., 1] == 8).all()
    assert (z[..., 3] == 6).all()
    for row in range(5):
        np.testing.assert_allclose(z[row, :, 2], values, rtol=1e-6)  # to the right
        np.testing.assert_allclose(z[row, :, 0], values[4 - row], rtol=1e-6)  # upwards


def test_grid_draws_what_it_decodes_and_labels_the_axes():
    figure = viz.traversal_grid(Recorder(dim=1), 3, 2, span=2.0, quantile=False)
    (axes,) = figure.axes
    drawn = axes.images[0].get_array()
    assert drawn.shape == (6, 6)
    for row, value in enumerate([2.0, 0.0, -2.0]):
        np.testing.assert_allclose(drawn[2 * row : 2 * row + 2], 1 / (1 + np.exp(-value)), 1e-5)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$z_{0}$", "$z_{1}$")
    x = {t.get_text(): p for t, p in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)}
    y = {t.get_text(): p for t, p in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)}
    assert x == {"\N{MINUS SIGN}2": 1.0, "0": 3.0, "2": 5.0}
    assert y == {"2": 1.0, "0": 3.0, "\N{MINUS SIGN}2": 5.0}  # image rows count downwards


@pytest.mark.parametrize("count", range(1, 41))
def test_ticks_name_few_places_symmetrically(count):
    texts = traversal._ticks(traversal.positions(count, 3.0, False))
    places = sorted(texts)
    assert 1 <= len(places) <= 12
    assert places[0] == 0
    assert places[-1] == count - 1
    assert places == sorted(count - 1 - place for place in places)


def test_rows_move_one_dimension_each():
    recorder = Recorder()
    codes = np.array([[0.5, -0.5, 1.5], [2.5, 3.5, 4.5]])
    figure = viz.traversal_rows(recorder, codes, dims=(2, 0), span=1.0, steps=3)
    z = recorder.z.reshape(2, 2, 3, 3)
    for index, code in enumerate(codes):
        for row, dim in enumerate((2, 0)):
            for step, value in enumerate([-1.0, 0.0, 1.0]):
                expected = code.copy()
                expected[dim] = value
                np.testing.assert_allclose(z[index, row, step], expected)
    assert len(figure.axes) == 2
    for axes in figure.axes:
        assert [text.get_text() for text in axes.texts] == ["$z_{2}$", "$z_{0}$"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "value of the latent dimension"]
    assert len(figure.axes[1].get_xticks()) == 3


def test_a_single_code_moves_all_dimensions():
    figure = viz.traversal_rows(Recorder(), np.zeros(4), steps=5)
    assert [t.get_text() for t in figure.axes[0].texts] == [f"$z_{{{i}}}$" for i in range(4)]


def test_large_grids_are_decoded_in_chunks():
    recorder = Recorder()
    viz.traversal_grid(recorder, 20)
    assert len(recorder.calls) == 2
    assert max(map(len, recorder.calls)) == 256
    assert recorder.z.shape == (400, 2)
    assert recorder.z.dtype == np.float32


def test_a_model_is_asked_to_decode():
    class Distribution:
        def __init__(self, z):
            self.z = z

        def mean(self):
            return tf.sigmoid(tf.reshape(self.z[:, 0], [-1, 1, 1, 1])) * tf.ones([1, 2, 2, 1])

    class Model:
        def decode(self, z):
            return Distribution(tf.convert_to_tensor(z))

    actual = viz.traversal_grid(Model(), 3).axes[0].images[0].get_array()
    expected = viz.traversal_grid(Recorder(), 3).axes[0].images[0].get_array()
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


def flat(z):
    return np.zeros((len(z), 64))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"decode_mean": flat}, r"Flat data of shape \(64,\)"),
        ({"decode_mean": lambda z: np.zeros((1, 2, 2, 1))}, "one image per latent"),
        ({"decode_mean": lambda z: np.full((len(z), 2, 2, 1), np.nan)}, "NaN"),
        ({"base": np.zeros(3)}, r"\(2,\).*base.shape=\(3,\)"),
        ({"dims": (0, 2)}, "from 0 to 1"),
        ({"dims": (-1, 0)}, "from 0 to 1"),
        ({"dims": (1, 1)}, "two different"),
        ({"dims": (0,)}, "two different"),
        ({"span": 0}, "span"),
        ({"grid_size": 0}, "grid_size"),
        ({"latent_dim": 1}, "latent_dim"),
    ],
)
def test_grid_errors(arguments, match):
    with pytest.raises(ValueError, match=match):
        viz.traversal_grid(**{"decode_mean": Recorder(), **arguments})


def test_rows_errors():
    with pytest.raises(ValueError, match=r"\[D\] or \[n, D\].*\(1, 2, 3\)"):
        viz.traversal_rows(Recorder(), np.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match="dims"):
        viz.traversal_rows(Recorder(), np.zeros(3), dims=())


def test_a_decoder_must_decode():
    with pytest.raises(TypeError, match=r"decode_mean.*ndarray"):
        viz.traversal_grid(np.zeros(3))
    with pytest.raises(ValueError, match="`grid_size` must be a positive integer.*: 2.5"):
        viz.traversal_grid(Recorder(), grid_size=2.5)
