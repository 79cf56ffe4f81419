"""The categories of a CP-VAE: held, then started from the codes."""

import keras
import numpy as np
import pytest

from tfsp import models, networks
from tfsp.priors import conditional_start


def separable(n=240):
    """Three noisy patterns of 36 pixels, and which one each is."""
    rng = np.random.default_rng(0)
    which = rng.integers(0, 3, n)
    means = np.where(np.repeat(np.eye(3), 12, axis=1), 0.95, 0.05)
    return (rng.random((n, 36)) < means[which]).astype("float32"), which


class Watch(keras.callbacks.Callback):
    """The largest deviation of q(c|x) from uniform, and whether it is held, after each epoch."""

    def __init__(self, x):
        super().__init__()
        self.x, self.deviations, self.held = x, [], []

    def on_epoch_end(self, epoch, logs=None):
        r = self.model.responsibilities(self.x).numpy()
        self.deviations.append(np.abs(r - 1 / 3).max())
        self.held.append(self.model.prior.wants_data)


def separating(**kwargs):
    model = models.CPVAE(
        networks.MLP(hidden=(16,)), latent_dim=2, num_categories=3, gate_units=8, seed=1, **kwargs
    )
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    return model


@pytest.mark.graphs
def test_categories_are_held_then_started(monkeypatch, tmp_path):
    x, which = separable()
    started = []

    fit_components = conditional_start.components

    def components(loc, *args):
        started.append(len(loc))
        return fit_components(loc, *args)

    monkeypatch.setattr(conditional_start, "components", components)
    model, watch = separating(start_epoch=10), Watch(x)
    history = model.fit(x, epochs=18, batch_size=24, verbose=0, callbacks=[watch]).history
    assert watch.held == [True] * 10 + [False] * 8
    assert started == [len(x)]
    # Held near 1/3 to the last epoch before the start, though the data are separable.
    assert max(watch.deviations[4:10]) < 0.1
    assert history["kl_discrete"][9] < 2e-3
    # Then they tell the patterns apart: log 3 = 1.1 nats.
    assert history["kl_discrete"][-1] > 0.8
    found = model.responsibilities(x).numpy().argmax(axis=1)
    table = np.array([[np.sum((found == k) & (which == c)) for c in range(3)] for k in range(3)])
    assert table.max(axis=0).sum() > 0.95 * len(x)
    assert sorted(table.argmax(axis=0)) == [0, 1, 2]
    assert history["categories_perplexity"][-1] > 2.5

    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert not again.prior.wants_data
    again.compile(run_eagerly=True)
    again.fit(x, epochs=32, initial_epoch=31, batch_size=120, verbose=0)
    assert len(started) == 1


def test_a_random_start_holds_nothing():
    x, _ = separable()
    model, watch = separating(start="random", start_epoch=20), Watch(x)
    model.fit(x, epochs=4, batch_size=24, verbose=0, callbacks=[watch])
    assert watch.held == [False] * 4
    assert watch.deviations[-1] > 0.4


def test_adapt_by_hand_starts_what_is_held():
    """As generators need it; `fit` does so too where the epoch has passed."""
    x, _ = separable()
    model = separating()
    model.compile(run_eagerly=True)
    model.build((None, 36))
    with pytest.raises(ValueError, match=r"starts from data.*Received: generator"):
        model.fit(((x[:24],) for _ in range(2)), steps_per_epoch=1, verbose=0)
    places = model.prior.loc.numpy()
    model.adapt(x)
    assert not model.prior.wants_data
    assert np.all(model.prior.loc.numpy() != places)
    batches = ((x[:24],) for _ in range(9))
    history = model.fit(batches, steps_per_epoch=1, verbose=0, shuffle=False).history
    assert "categories_perplexity" in history
    late = separating(start_epoch=3)
    late.compile(run_eagerly=True)
    late.fit(x, epochs=7, initial_epoch=6, batch_size=120, verbose=0)
    assert not late.prior.wants_data
