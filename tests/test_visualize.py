"""The pictures of a run, on tiny runs of the digits: what is written, with and without a tree."""

import matplotlib.image
import numpy as np
import pytest

from tfsp import experiment
from tfsp.config import default_config
from tfsp.tmc import Phylogeny
from tfsp.visualize import visualize_run

ALWAYS = {"latent_map", "neighbours", "reconstructions", "samples", "training_curves", "traversal"}
OF_A_TREE = {
    "induced_hierarchy",
    "inducing_points",
    "latent_tree",
    "slices",
    "subtree",
    "subtree_samples",
    "summary_tree",
    "tree",
}


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """Two epochs: the first with the normal prior, the second with a tree over 9 points."""
    settings = default_config()
    settings.data.update(train_size=200, validation_size=50, test_size=40)
    settings.model.latent_dim = 3
    settings.network.hidden = (16,)
    settings.prior.update(name="loracs", num_inducing=9, start_epoch=1, burn_in=500)
    settings.prior.moves_per_step = 50
    settings.train.update(
        batch_size=50, epochs=2, jit_compile=False, steps_per_execution=2, kl_warmup_epochs=0
    )
    path = tmp_path_factory.mktemp("visualize") / "run"
    experiment.train(settings, path, verbose=0)
    return path


@pytest.mark.slow
def test_a_run_with_a_tree(run_dir):
    paths = visualize_run(run_dir, checkpoint="last")
    assert set(paths) == ALWAYS | OF_A_TREE | {"newick", "summary_newick"}
    figures = run_dir / "figures"
    for name in ALWAYS | OF_A_TREE:
        assert paths[name] == figures / f"{name}.png"
        assert matplotlib.image.imread(paths[name]).std() > 0.01
    assert paths["newick"] == figures / "tree.nwk"
    text = paths["newick"].read_text()
    assert text.endswith(";\n")
    model, _ = experiment.load_run(run_dir, "last")
    tree = Phylogeny.from_newick(text)
    assert tree == model.prior.phylogeny()
    assert tree.num_leaves == 9
    summary = Phylogeny.from_newick(paths["summary_newick"].read_text())
    expected = model.prior.summary_tree().tree
    assert summary == expected
    np.testing.assert_array_equal(np.sort(summary.support), np.sort(expected.support))


@pytest.mark.slow
def test_a_run_whose_tree_has_not_started(run_dir):
    (run_dir / "figures" / "tree.nwk").unlink(missing_ok=True)
    paths = visualize_run(run_dir, checkpoint=1, suffix=".pdf")
    assert set(paths) == ALWAYS
    assert not (run_dir / "figures" / "tree.nwk").exists()
    assert all(path.read_bytes().startswith(b"%PDF") for path in paths.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "also"),
    [
        (
            dict(name="cp_vae", num_categories=3, start_epoch=1),
            {"category_samples", "category_usage"},
        ),
        (dict(name="graph_vae", num_nodes=2), {"latent_graph", "gate_curves"}),
        (dict(name="graph_vae", num_nodes=2, structure="chain"), {"latent_graph"}),
        (dict(name="vae"), {"distribution"}),
    ],
    ids=["cp_vae", "graph_vae", "ladder", "line"],
)
def test_a_run_with_categories_or_a_graph(model, also, tmp_path):
    settings = default_config()
    settings.data.update(train_size=100, validation_size=20, test_size=40)
    settings.model.update(latent_dim=4, **model)
    settings.network.hidden = (16,)
    settings.train.update(batch_size=50, epochs=2, jit_compile=False)
    if also == {"distribution"}:
        settings.data.update(name="two_modes", binarization="none")
        settings.likelihood.name = "gaussian"
    experiment.train(settings, tmp_path / "run", verbose=0)
    paths = visualize_run(tmp_path / "run", checkpoint="last")
    images = {"reconstructions", "samples", "traversal"}
    drawn = ALWAYS - images if settings.data.name == "two_modes" else ALWAYS
    assert set(paths) == drawn | also
    for path in paths.values():
        assert matplotlib.image.imread(path).std() > 0.01
