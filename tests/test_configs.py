"""Every config builds and takes two steps."""

import importlib.util
import inspect
import pathlib

import keras
import numpy as np
import pytest
from heap import freeze_heap

from tfsp import experiment, priors
from tfsp.config import SECTIONS, read_config, to_dict

ROOT = pathlib.Path(__file__).parents[1] / "configs"
FILES = sorted(ROOT.rglob("*.py"))
SHAPES = {
    "mnist": (28, 28, 1),
    "omniglot": (28, 28, 1),
    "digits": (8, 8, 1),
    "cifar10": (32, 32, 3),
    "celeb_a": (64, 64, 3),
    "fashion_mnist": (28, 28, 1),
    "mnist_01": (28, 28, 1),
    "caltech101_silhouettes": (28, 28, 1),
    **dict.fromkeys(("circle", "square", "star", "infinity", "two_gaussians"), (2,)),
    "two_modes": (1,),
}


def module_of(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.__doc__
    return module


def load(path):
    return module_of(path).get_config()


def shrink(settings):
    """Takes away what costs time and memory and leaves the shape of things as it is."""
    if settings.prior.name == "vamp":
        settings.prior.num_components = 20
    if settings.model.name == "discrete_vae":  # networks of a gigabyte
        settings.network.hidden = (8,) * len(settings.network.hidden)
        settings.model.update(num_chains=20, num_sweeps=2)
        for name in ("prior_hidden", "decoder_hidden"):
            settings.model[name] = (8,) * len(settings.model[name])
        # Two layers in as many groups of shared parameters tell what twenty would.
        if settings.model.num_continuous_layers:
            groups = settings.model.num_sharing_groups
            assert not groups or settings.model.num_continuous_layers % groups == 0
            settings.model.num_continuous_layers = 2
            settings.model.continuous_size = 4


@pytest.fixture(autouse=True)
def _no_old_models():
    """Some are large: each is let go before the next is built."""
    yield
    keras.backend.clear_session()
    freeze_heap()


def test_there_are_configs():
    assert len(FILES) >= 6


def cases():
    """Every config with its own prior, one of the plain VAE (a name in a flag) with every one.

    Graphs take several times as long to make as these steps to run: one of each kind of model, by
    `make test-all`; models make theirs in tests of their own as well.
    """
    for path in FILES:
        own = load(path).prior.name
        for prior in priors.names() if path == ROOT / "vae" / "mnist.py" else [own]:
            name = f"{path.relative_to(ROOT)}-{prior}"
            marks = () if prior == own else pytest.mark.slow
            yield pytest.param(path, prior, False, id=name, marks=marks)
        if path.stem == "digits":
            yield pytest.param(path, own, True, id=f"{name}-graph", marks=pytest.mark.slow)


@pytest.mark.parametrize(("path", "prior", "graph"), list(cases()))
def test_config_builds_and_takes_two_steps(path, prior, graph):
    settings = load(path)
    settings.prior.name = prior
    settings.train.jit_compile = False
    shrink(settings)
    config = to_dict(settings)
    shape = SHAPES[config["data"]["name"]]
    x = np.random.default_rng(0).random((4, *shape)).astype("float32")
    if config["data"]["binarization"] != "none" or config["likelihood"]["name"] == "bernoulli":
        x = np.round(x)
    model = experiment.build_model(config, shape)
    experiment.compile_model(model, config, steps_per_epoch=2)
    model.run_eagerly = not graph
    history = model.fit(
        np.concatenate([x, x]), batch_size=4, epochs=1, verbose=0, shuffle=False
    ).history
    assert np.isfinite(history["loss"]).all()
    assert model.optimizer.iterations.numpy() == 2
    assert model.latent_dim == config["model"]["latent_dim"]


def rows():
    """Configs that serve several rows of a table, `--config=file.py:row`, with each other row.

    Of rows of a file that name the same data set and classes the first is to be built.
    """
    for path in FILES:
        module, seen = module_of(path), set()
        own = inspect.signature(module.get_config).parameters
        for row in getattr(module, "ROWS", ()):
            if row != own["row"].default:
                config = module.get_config(row)
                names = tuple(config[section].name for section in ("data", *SECTIONS))
                build = names not in seen
                seen.add(names)
                yield pytest.param(path, row, build, id=f"{path.relative_to(ROOT)}:{row}")


@pytest.mark.parametrize(
    "path", [path for path in FILES if hasattr(module_of(path), "ROWS")], ids=lambda p: p.stem
)
def test_an_unknown_row_is_told_those_there_are(path):
    module = module_of(path)
    first = next(iter(module.ROWS))
    with pytest.raises(ValueError, match=rf"There is no row 'fo'\. Rows: {first}"):
        module.get_config("fo")


@pytest.mark.parametrize(("path", "row", "build"), list(rows()))
def test_every_row_names_what_exists(path, row, build):
    """The settings are good for the classes; of each set of classes one is built, but small."""
    settings = module_of(path).get_config(row)
    shrink(settings)
    settings.network.update(name="mlp", hidden=(4,), gated=False)
    if settings.prior.name == "vamp":
        settings.prior.num_components = 3
    config = to_dict(settings)
    model = experiment.make_model(config)
    assert model.latent_dim == config["model"]["latent_dim"]
    if build:
        shape = SHAPES[config["data"]["name"]]
        if model.consistency is None:  # images are shifted, a row of one is enough for the others
            shape = shape[:1]
        model.build((None, *shape))
        x = np.random.default_rng(0).integers(0, 2, (3, *model.data_shape)).astype("float32")
        assert all(np.all(np.isfinite(term)) for term in model(x).values())


def test_a_config_is_read_as_the_scripts_read_it():
    path = ROOT / "vae" / "clusters.py"
    assert to_dict(read_config(f"{path}:digits")) == to_dict(module_of(path).get_config("digits"))
    assert to_dict(read_config(path)) == to_dict(module_of(path).get_config())


def test_what_is_no_config(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.py"):
        read_config(tmp_path / "nothing.py:row")
    empty = tmp_path / "empty.py"
    empty.write_text("rows = 3\n")
    with pytest.raises(ValueError, match="must define `get_config"):
        read_config(empty)
    with pytest.raises(ValueError, match="no row 'fo'"):
        read_config(f"{ROOT / 'vae' / 'clusters.py'}:fo")
