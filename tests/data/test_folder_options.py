"""Options of a folder reach it through the config and the command line."""

import json

import numpy as np
import pytest
from PIL import Image

from tfsp import experiment
from tfsp.config import default_config, to_dict
from tfsp.run_directory import RunDirectory


@pytest.fixture
def folder(tmp_path):
    """Ten images of which one half is clear, and one that cannot be read."""
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:, :2] = [200, 100, 50, 255]
    for i in range(10):
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    (tmp_path / "spoilt.png").write_bytes(b"no image")
    return tmp_path


def test_the_config_hands_them_on(folder):
    config = default_config()
    config.data.name = str(folder)
    config.data.binarization = "none"
    with pytest.raises(ValueError, match=r"spoilt.png.*errors='skip'"):
        experiment.load_data(to_dict(config))
    config.data.errors = "skip"  # a locked config takes no unknown key
    config.data.background = "black"
    config.data.bit_depth = 12
    with pytest.warns(UserWarning, match=r"spoilt.png"):
        data = experiment.load_data(to_dict(config))
    images = data.arrays("train")[0]
    assert "held in memory" in data.info.source
    np.testing.assert_array_equal(images[:, :, 2:], 0)
    np.testing.assert_allclose(images[0, 0, 0], np.array([200, 100, 50]) / 255, rtol=1e-6)


def test_the_config_says_how_images_are_kept_and_fitted(folder):
    (folder / "spoilt.png").unlink()
    config = default_config()
    config.data.update(name=str(folder), binarization="none", image_size=3)
    config.data.update(fit="crop", cache="disk", cache_dir=str(folder / "kept"))
    source = experiment.load_data(to_dict(config)).info.source
    assert "cropped to 3x3" in source
    assert f"decoded once into {folder / 'kept'}" in source


def test_a_named_set_refuses_them():
    config = default_config()
    config.data.background = "black"
    with pytest.raises(ValueError, match=r"'digits' does not take 'background'"):
        experiment.load_data(to_dict(config))


def test_a_run_from_before_these_settings_is_resumed(tmp_path):
    config = to_dict(default_config())
    run = RunDirectory(tmp_path / "run")
    run.start(config)
    run.checkpoint_path(1).write_bytes(b"")
    file = run.path / "config.json"
    stored = json.loads(file.read_text())
    for name in ("background", "errors", "bit_depth", "fit", "cache", "cache_dir"):
        assert stored["data"].pop(name, 0) is None
    file.write_text(json.dumps(stored))
    run.check(config)
    config["data"]["background"] = "black"
    with pytest.raises(ValueError, match=r"data.background: '\(absent\)' in the run, 'black' now"):
        run.check(config)
