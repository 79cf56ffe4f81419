"""Gibbs chains: where each image stands, and what is refused."""

import matplotlib.image
import numpy as np
import pytest

from tfsp import models, networks, viz


def make_means(channels=1):
    """[2 rows, 3 chains, 2 draws, 4, 5, C]; every image is of one grey, its own."""
    greys = np.arange(12).reshape(2, 3, 2) / 12
    return np.broadcast_to(greys[..., None, None, None], (2, 3, 2, 4, 5, channels))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("invert", [False, True])
def test_every_image_has_its_place(channels, invert):
    means = make_means(channels)
    figure = viz.gibbs_chains(means, pad=1, gap=3, invert=invert, title="Chains")
    (axes,) = figure.axes
    drawn = np.asarray(axes.images[0].get_array()).reshape(9, -1, channels)
    assert drawn.shape[1] == 3 * (2 * 5 + 1) + 2 * 3
    seen = np.zeros(drawn.shape, bool)
    for row, chain, draw in np.ndindex(2, 3, 2):
        top, left = row * 5, chain * 14 + draw * 6
        window = (slice(top, top + 4), slice(left, left + 5))
        grey = means[row, chain, draw, 0, 0, 0]
        np.testing.assert_allclose(drawn[window], 1 - grey if invert else grey, rtol=1e-6)
        seen[window] = True
    np.testing.assert_array_equal(drawn[~seen], 1.0)  # paper between them, inverted or not
    assert figure.axes[0].get_title() == "Chains"


def test_groups_lie_further_apart_than_draws():
    drawn = viz.gibbs_chains(make_means()).axes[0].images[0].get_array()
    assert drawn.shape == (9, 3 * 11 + 2 * (5 // 4 + 1))


def test_chains_of_a_model_can_be_saved(tmp_path):
    network = networks.MLP(hidden=(4,))
    model = models.DiscreteVAE(network, latent_dim=4, num_groups=2, num_chains=3, num_sweeps=1)
    model.build((None, 4, 4, 1))
    means = model.sample_chains(2, 3, chain_steps=1, num_draws=2, seed=0)
    path = viz.save(viz.gibbs_chains(means), tmp_path / "chains.png")
    assert matplotlib.image.imread(path).std() > 0.01


def test_errors():
    with pytest.raises(ValueError, match=r"num_draws, H, W, C\].*means.shape=\(2, 3, 4, 5, 1\)"):
        viz.gibbs_chains(make_means()[:, :, 0])
    with pytest.raises(ValueError, match="colour"):
        viz.gibbs_chains(make_means()[..., [0, 0]])
    with pytest.raises(ValueError, match="`gap`"):
        viz.gibbs_chains(make_means(), gap=-1)
    bad = make_means().copy()
    bad[0, 1, 0, 2, 2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        viz.gibbs_chains(bad)
    # Means may overshoot a little; they are cut.
    assert viz.gibbs_chains(make_means() * 1.2).axes[0].images[0].get_array().max() <= 1
