"""Levels of a hierarchy: which dimension moves in which row, and how far."""

import numpy as np
import pytest

from tfsp import viz

CODES = np.random.default_rng(0).normal(size=(200, 6)) * np.array([1, 2, 1, 1, 3, 1])


class Decoder:
    def __init__(self):
        self.seen = []

    def __call__(self, z):
        self.seen.append(np.asarray(z))
        return np.broadcast_to(np.abs(np.tanh(z[:, :1, None, None])), (len(z), 4, 4, 1))


@pytest.mark.parametrize(("dims", "expected"), [(None, (1, 4)), ([0, 5], (0, 5))])
def test_one_dimension_of_each_level_moves(dims, expected):
    decoder = Decoder()
    figure = viz.level_traversals(decoder, CODES, [2, 4], start=3, dims=dims, steps=5, title="Up")
    z = np.concatenate(decoder.seen).reshape(2, 5, 6)
    for row, dim in enumerate(expected):
        values = np.linspace(*np.quantile(CODES[:, dim], [0.01, 0.99]), 5)
        np.testing.assert_allclose(z[row, :, dim], values, rtol=1e-5)
        for other in set(range(6)) - {dim}:
            np.testing.assert_allclose(z[row, :, other], CODES[3, other], rtol=1e-5)
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.texts]
    assert texts == [f"level {i + 1}, $z_{{{d}}}$" for i, d in enumerate(expected)]
    (axes,) = viz.level_traversals(decoder, CODES, [2, 4], dims=dims, symbol="y").axes
    assert [text.get_text() for text in axes.texts] == [text.replace("z", "y") for text in texts]


def test_errors():
    with pytest.raises(ValueError, match=r"sum to the 6 dimensions.*\[2, 3\], which sum to 5"):
        viz.level_traversals(Decoder(), CODES, [2, 3])
    with pytest.raises(
        ValueError, match="one dimension of each of the 2 levels.*levels \\[0, 0\\]"
    ):
        viz.level_traversals(Decoder(), CODES, [2, 4], dims=[0, 1])
    with pytest.raises(ValueError, match="integers from 0 to 5"):
        viz.level_traversals(Decoder(), CODES, [2, 4], dims=[0, 6])
    with pytest.raises(ValueError, match="`start` .* from 0 to 199: .*Received: 200"):
        viz.level_traversals(Decoder(), CODES, [2, 4], start=200)
    with pytest.raises(ValueError, match="level_sizes"):
        viz.level_traversals(Decoder(), CODES, [6, 0])
    with pytest.raises(ValueError, match="one image per latent"):
        viz.level_traversals(lambda z: np.zeros((1, 4, 4, 1)), CODES, [2, 4])
