"""Every config builds and takes two steps, with every prior."""

import importlib.util
import pathlib

import keras
import numpy as np
import pytest

from tfsp import experiment, models, priors
from tfsp.config import to_dict

ROOT = pathlib.Path(__file__).parents[1] / "configs"
FILES = sorted(ROOT.rglob("*.py"))
SHAPES = {
    "mnist": (28, 28, 1),
    "omniglot": (28, 28, 1),
    "digits": (8, 8, 1),
    "cifar10": (32, 32, 3),
}


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.__doc__
    return module.get_config()


def test_there_are_configs():
    assert len(FILES) >= 6


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
@pytest.mark.parametrize("prior", priors.names())
def test_config_builds_and_takes_two_steps(path, prior):
    settings = load(path)
    if getattr(models.get(settings.model.name), "only_prior", prior) != prior:
        pytest.skip(f"the model {settings.model.name} takes no other prior than its own")
    settings.prior.name = prior
    settings.train.jit_compile = False
    if prior == "vamp":
        settings.prior.num_components = 20  # the shape of things is the same, the time is not
    config = to_dict(settings)
    shape = SHAPES[config["data"]["name"]]
    x = np.random.default_rng(0).random((4, *shape)).astype("float32")
    if config["data"]["binarization"] != "none":
        x = np.round(x)
    model = experiment.build_model(config, shape)
    experiment.compile_model(model, config, steps_per_epoch=2)
    history = model.fit(
        np.concatenate([x, x]), batch_size=4, epochs=1, verbose=0, shuffle=False
    ).history
    assert np.isfinite(history["loss"]).all()
    assert model.optimizer.iterations.numpy() == 2
    assert model.latent_dim == config["model"]["latent_dim"]
    keras.backend.clear_session()
