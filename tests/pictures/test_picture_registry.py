"""A picture is one file, found in the registry, the help, the checks, the run and the docs."""

import pathlib
import sys
import types

import matplotlib.image
import numpy as np
import pytest
from script_runs import loaded

from tfsp import experiment, models, networks, pictures
from tfsp.evaluation import needs
from tfsp.visualize import visualize_run

ROOT = pathlib.Path(__file__).parents[2]
SPOTS = '''"""The pictures "spots"."""

from tfsp import viz
from tfsp.pictures.registry import register


@register("spots", needs=("images", "spotted"), place=3.5)
def of_subject(subject):
    """Spots in images.

    Two pictures, spots and stains.
    """
    grid = viz.image_grid(subject.images[:6], columns=3)
    return {"spots": grid, "stains": viz.image_grid(subject.images[:4], columns=2)}
'''


@pytest.fixture
def spots(tmp_path, monkeypatch):
    """A family of pictures in a file of its own, there for one test."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "spots.py").write_text(SPOTS)
    monkeypatch.setattr(pictures, "__path__", [*pictures.__path__, str(folder)])
    before = dict(pictures.PICTURES)
    pictures.discover()
    yield
    pictures.PICTURES.clear()
    pictures.PICTURES.update(before)
    del sys.modules["tfsp.pictures.spots"], pictures.spots


@pytest.fixture
def run_dir(monkeypatch, tmp_path):
    """A run as far as pictures ask: an untrained model of random images, and a history."""
    x = np.random.default_rng(0).integers(0, 2, (12, 8, 8, 1)).astype(np.float32)
    info = types.SimpleNamespace(image_shape=(8, 8, 1), num_classes=None, name="x", source="y")
    data = types.SimpleNamespace(info=info, arrays=lambda part, limit=None: (x[:limit], None))
    model = models.VAE(networks.MLP(hidden=(4,)), latent_dim=2, seed=0)
    model.build((None, 8, 8, 1))
    config = {"evaluate": dict(num_samples=1, num_examples=0), "model": dict(name="vae")}
    config["prior"] = dict(name="normal")
    monkeypatch.setattr(experiment, "load_run", lambda *_: (model, config))
    monkeypatch.setattr(experiment, "load_data", lambda *_: data)
    monkeypatch.setattr(experiment, "history", lambda _: {"elbo": [-3.0, -2.0]})
    folder = tmp_path / "run"
    folder.mkdir()
    return folder, model


def help_of_script():
    """The help of the flag --pictures of scripts/visualize.py."""
    with loaded("visualize") as (_, flags):
        return flags["pictures"].help


@pytest.mark.usefixtures("spots")
def test_a_picture_is_one_file(run_dir):
    folder, model = run_dir
    names = pictures.names()
    assert names[names.index("spots") - 1] == "reconstructions"
    assert "spots: Spots in images." in help_of_script()
    page = pictures.markdown()
    assert "| `spots` | Spots in images. | images, spotted |" in page.splitlines()
    assert "### spots\n\nTwo pictures, spots and stains.\n" in page
    # The model does not have what it needs: left out, with a warning if it was asked for.
    with pytest.warns(UserWarning, match="'spots' is left out. It needs 'spotted', which is not"):
        paths = visualize_run(folder, data_dir="there", only=["spots", "training_curves"])
    assert set(paths) == {"training_curves"}
    model.capabilities = model.capabilities | {"spotted"}
    paths = visualize_run(folder, data_dir="there")
    usual = {
        "training_curves",
        "latent_map",
        "neighbours",
        "reconstructions",
        "traversal",
        "samples",
    }
    assert set(paths) == usual | {"spots", "stains"}
    assert paths["spots"].name == "spots.png"
    assert matplotlib.image.imread(paths["stains"]).std() > 0.01
    with pytest.raises(ValueError, match="`pictures` must be some of.*spots.*Received: 'spot'"):
        visualize_run(folder, data_dir="there", only=["spot"])


def test_nothing_is_written_if_a_picture_fails(run_dir, monkeypatch):
    folder, _ = run_dir

    def fails(subject):
        """Fails."""
        raise ValueError("no such picture")

    picture = pictures.Picture("last", fails)
    monkeypatch.setitem(pictures.PICTURES, "last", picture)
    with pytest.raises(ValueError, match="no such picture"):
        visualize_run(folder, data_dir="there")
    assert not (folder / "figures").exists()


def test_the_page_of_the_docs_is_that_of_the_registry():
    written = (ROOT / "docs" / "pictures.md").read_text()
    assert written == pictures.markdown(), "make it anew, by the command that stands in it"


def test_every_picture_is_a_file_with_its_name_and_a_line_of_help():
    folder = pathlib.Path(pictures.__file__).parent
    for name in pictures.names():
        picture = pictures.PICTURES[name]
        assert (folder / f"{name}.py").exists()
        assert picture.help.endswith(".")
        assert f"{name}: {picture.help}" in pictures.flag_help().splitlines()
        assert set(picture.needs) <= {*needs.NEEDS, "graph", "mapping", "category_priors"}


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="picture name 'samples' is taken"):
        pictures.register("samples")(test_a_name_is_taken_once)
