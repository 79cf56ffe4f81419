"""Signs of how LORACs does: values against brute force, warnings, logs."""

import warnings

import numpy as np
import pytest
from reference import loracs as reference

from priors.loracs_cases import images, leaves_of, model, on_trees, trees
from tfsp import callbacks, experiment
from tfsp.config import default_config
from tfsp.history_file import read_history
from tfsp.priors import loracs_health
from tfsp.run_directory import RunDirectory

NAMES = {
    "predictive_variance",
    "leaf_edge_mass",
    "inducing_norm",
    *("time_10", "time_50", "time_90"),
    *("chain_agreement", "r_hat"),
}


@pytest.mark.parametrize("edge_weights", ["prior", "bayes"])
def test_values_by_brute_force(edge_weights):
    some = trees(2, num_leaves=6)
    leaves = leaves_of(some[0], 3)
    prior = on_trees(some, leaves, edge_weights=edge_weights, added_variance=0.05)
    prior.annealed_variance.assign(0.4)  # must not look like a blob
    rng = np.random.default_rng(0)
    codes = leaves[rng.integers(6, size=20)] + 0.3 * rng.normal(size=(20, 3))
    health = prior.health(codes.astype("float32"))
    assert set(health) == NAMES
    assert all(isinstance(value, float) for value in health.values())
    parent, time = some[0]
    options = dict(bayes=edge_weights == "bayes", added=0.05)
    rule = reference.discrete(parent, time, (8, 4), **options)  # as coarse as the measure is
    share = reference.responsibilities(codes, leaves, rule)
    on_leaves = share[:, rule.edge < 6].sum(axis=1).mean()
    assert 0.05 < on_leaves < 0.95
    inner = np.array([time[v] for v in range(6, 11) if parent[v] >= 0])
    expected = dict(
        predictive_variance=(share @ rule.variance).mean(),
        leaf_edge_mass=on_leaves,
        inducing_norm=np.linalg.norm(leaves, axis=1).mean(),
        **{f"time_{p}": np.percentile(inner, p) for p in (10, 50, 90)},
    )
    for name, value in expected.items():
        np.testing.assert_allclose(health[name], value, rtol=1e-4, err_msg=name)
    rule = reference.continuous(parent, time, **options)
    share = reference.responsibilities(codes, leaves, rule)
    fine = (share @ rule.variance).mean(), share[:, rule.edge < 6].sum(axis=1).mean()
    np.testing.assert_allclose([health[k] for k in list(expected)[:2]], fine, rtol=0.1)


def test_acceptance_of_the_moves_of_this_epoch():
    tree = trees(1)[0]
    prior = on_trees([tree], leaves_of(tree, 2), moves_per_step=500, move_mixture=(1, 0, 3, 0))
    prior.update()
    prior.update()
    accepted, proposed = prior.move_counts.numpy()
    health = prior.health(np.zeros((3, 2)))
    assert set(health) - NAMES == {"acceptance_spr", "acceptance_slide"}
    assert health["acceptance_slide"] == accepted[2] / proposed[2]
    assert 0 < health["acceptance_slide"] < 1
    assert 0 < health["acceptance_spr"] < 1


@pytest.mark.parametrize("leaves", [2, 3])
def test_the_smallest_trees_have_health_too(leaves):
    tree = trees(1, num_leaves=leaves)[0]
    prior = on_trees([tree], leaves_of(tree, 2), moves_per_step=10)
    prior.update()
    health = prior.health(np.zeros((3, 2)))
    assert np.isfinite(list(health.values())).all()


@pytest.mark.parametrize("points", ["fixed", "learned"])
def test_chains_are_followed_no_more_often_than_it_tells(points, monkeypatch):
    tree = trees(1)[0]
    prior = on_trees([tree], leaves_of(tree, 2), inducing_points=points, start_epoch=3)
    followed = []
    summary = prior.summary_tree
    monkeypatch.setattr(
        prior, "summary_tree", lambda *a, **k: followed.append(1) or summary(*a, **k)
    )
    codes, measured = np.zeros((3, 2)), []
    for epoch in range(3, 16):
        prior.begin_epoch(epoch)
        if "r_hat" in prior.health(codes):
            measured.append(epoch)
        if points == "learned":
            prior._inducing.assign(prior._inducing * 1.01)
    if points == "fixed":
        assert measured == list(range(3, 16))
        assert len(followed) == 1
        before = prior.health(codes)["r_hat"]
        assert before == prior.health(codes)["r_hat"]
        prior.start(leaves_of(tree, 2, seed=1), burn_in=0)  # other points, another posterior
        assert prior.health(codes)["r_hat"] != before
        assert len(followed) == 2
    else:
        assert measured == [3, 13]
        assert len(followed) == 2


def kinds(variance, norm, epochs=5, start_norm=3.0):
    health = {"predictive_variance": variance, "inducing_norm": norm}
    found = dict(loracs_health.warnings(health, epochs, start_norm))
    for message in found.values():
        assert message.startswith("LORACs: ")
    return set(found)


def test_what_is_amiss():
    assert kinds(0.2, 3.0) == set()
    assert kinds(0.5, 1.5) == set()
    assert kinds(0.51, 3.0) == {"root blob"}
    assert kinds(0.9, 3.0, epochs=1) == set()  # it may look so at first
    assert kinds(0.9, 3.0, epochs=2) == {"root blob"}
    assert kinds(0.2, 1.49) == {"contraction"}
    assert kinds(0.9, 0.1) == {"root blob", "contraction"}
    assert kinds(0.2, 0.4, start_norm=0.4) == {"early start"}


def test_a_blob_has_an_epoch_of_grace_after_the_start():
    tree = trees(1)[0]
    prior = on_trees([tree], leaves_of(tree, 2), start_epoch=3)
    health = {"predictive_variance": 0.9, "inducing_norm": float(prior.start_norm.numpy())}
    assert "root blob" not in dict(prior.warnings(health, epoch=3))
    assert "root blob" in dict(prior.warnings(health, epoch=4))
    assert not list(prior.warnings({}, epoch=9))


def fit(prior=None, scale=None, epochs=5, **settings):
    """A run with its health; `scale`: what the inducing points shrink to in epoch 3."""
    vae = model({"num_inducing": 4, "moves_per_step": 2000, **(prior or {})}, **settings)
    vae.compile(run_eagerly=True)

    class Shrink(callbacks.KLWarmUp):
        def on_epoch_begin(self, epoch, logs=None):
            prior = self.model.prior
            if epoch == 0:
                prior.start(8 * np.random.default_rng(0).normal(size=(4, 2)))
            if epoch >= 3 and scale is not None:
                prior._inducing.assign(prior._inducing * scale)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = vae.fit(
            images(), batch_size=30, epochs=epochs, verbose=0, callbacks=[Shrink(1, 1.0)]
        ).history
    return history, [str(w.message) for w in caught if "LORACs" in str(w.message)]


@pytest.mark.slow
def test_fit_warns_of_each_thing_once_and_logs_health():
    history, messages = fit(scale=0.3)
    assert sum("have shrunk from a mean length" in message for message in messages) == 1
    assert history["inducing_norm"][2] > 4
    assert history["inducing_norm"][3] < 0.5 * history["inducing_norm"][2]
    assert set(history) >= NAMES
    assert all(len(history[name]) == 5 for name in NAMES)
    # A variance added to all is what a blob looks like: from the second epoch with the tree on.
    _, messages = fit({"added_variance": 0.6})
    assert sum("'root blob'" in message for message in messages) == 1
    assert not any("have shrunk" in message for message in messages)
    _, messages = fit(epochs=2)
    assert not messages


@pytest.mark.slow
def test_a_run_writes_health_into_its_csv(tmp_path):
    """From the epoch of the start; with so few moves that some kinds are missing in an epoch."""
    settings = default_config()
    settings.data.update(train_size=60, validation_size=20, test_size=20)
    settings.model.latent_dim = 2
    settings.network.hidden = (8,)
    settings.prior.update(name="loracs", num_inducing=5, start_epoch=1)
    settings.prior.update(burn_in=100, moves_per_step=2)
    settings.train.update(batch_size=20, epochs=8, jit_compile=False, steps_per_execution=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        experiment.train(settings, tmp_path / "run", verbose=0)
    rows = read_history(RunDirectory(tmp_path / "run").history)
    assert len(rows) == 8
    assert not NAMES & set(rows[0])
    assert all(set(row) >= NAMES for row in rows[1:])
    tried = [{name for name in row if name.startswith("acceptance")} for row in rows[1:]]
    assert any(tried[0] != other for other in tried)
    columns = experiment.history(tmp_path / "run")
    assert set().union(*tried) <= set(columns)
    assert np.isnan(columns["leaf_edge_mass"][0])
    assert np.isfinite(columns["leaf_edge_mass"][1:]).all()
