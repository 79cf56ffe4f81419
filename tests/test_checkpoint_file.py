"""Checkpoint files: metrics beside the model, damage found before Keras meets it."""

import io
import math
import os
import zipfile

import keras
import numpy as np
import pytest

from tfsp import checkpoint_file


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoints") / "model.keras"
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(50)])
    rows = [{"epoch": 0, "elbo": -1.5}, {"epoch": 1, "elbo": math.nan, "kl": 1 / 3}]
    checkpoint_file.save(model, path, rows)
    return path.read_bytes()


def test_model_and_metrics_come_back(content, tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    assert checkpoint_file.damage(path) == ""
    assert checkpoint_file.load(path).weights[0].shape == (3, 50)
    first, second = checkpoint_file.rows(path)
    assert first == {"epoch": 0, "elbo": -1.5}
    assert (second["epoch"], second["kl"]) == (1, 1 / 3)
    assert math.isnan(second["elbo"])
    with zipfile.ZipFile(path) as archive:  # with more parts Keras unpacks it to load it
        assert sorted(archive.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]
    keras.saving.load_model(path).save(path)  # as earlier versions did
    assert checkpoint_file.rows(path) is None
    assert checkpoint_file.damage(path) == ""


def flipped(content, position):
    changed = bytearray(content)
    changed[position] ^= 0xFF
    return bytes(changed)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: content[1000:],
        lambda content: bytes(len(content)),
        lambda content: content[:4000] + bytes(len(content) - 4000),
        lambda content: b"",
        lambda content: b"config",
        lambda content: content.replace(b"model.weights", b"model_weights"),
    ],
    ids=["half", "last byte", "head off", "zeros", "zero tail", "empty", "text", "renamed"],
)
def test_damage_is_found(damage, content, tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(damage(content))
    assert checkpoint_file.damage(path)
    with pytest.raises(checkpoint_file.DamagedError, match="model.keras is damaged: it"):
        checkpoint_file.load(path)


def half(part):
    return part[: len(part) // 2]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("metadata.json", half),
        ("metadata.json", lambda part: b"[]"),
        ("metadata.json", lambda part: b'{"history": [{"elbo": 1.0}]}'),
        ("metadata.json", None),
        ("config.json", half),
        ("config.json", lambda part: b""),
        ("config.json", lambda part: b"{}"),
        ("model.weights.h5", half),
        ("model.weights.h5", lambda part: b""),
        ("model.weights.h5", lambda part: bytes(len(part))),
    ],
)
def test_a_garbled_part_in_a_whole_archive_is_found(name, change, content, tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    part = parts.pop(name)
    if change is not None:
        parts[name] = change(part)
    with zipfile.ZipFile(path, "w") as archive:
        for key, value in parts.items():
            archive.writestr(key, value)
    assert name in checkpoint_file.damage(path)
    with pytest.raises(checkpoint_file.DamagedError, match=f"model.keras is damaged: it.*{name}"):
        checkpoint_file.load(path)


def test_no_flipped_byte_is_met_by_surprise(content, tmp_path):
    """Either it is found, or it changes nothing that is read."""
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(_written(path, content)) as archive:
        expected = {name: archive.read(name) for name in archive.namelist()}
    positions = np.random.default_rng(0).integers(len(content), size=150)
    found = 0
    for position in [*positions, *range(len(content) - 60, len(content))]:
        if checkpoint_file.damage(_written(path, flipped(content, position))):
            found += 1
            continue
        with zipfile.ZipFile(path) as archive:
            assert expected == {name: archive.read(name) for name in archive.namelist()}, position
    assert found > 140


def _written(path, content):
    path.write_bytes(content)
    return path


def test_what_is_not_there_is_not_called_damaged_but_what_is_no_file_is(tmp_path):
    with pytest.raises(FileNotFoundError):
        checkpoint_file.damage(tmp_path / "none.keras")
    os.mkdir(tmp_path / "folder.keras")
    assert checkpoint_file.damage(tmp_path / "folder.keras") == "it is no file, but a folder"
    (tmp_path / "link.keras").symlink_to("none.keras")
    assert "link to a file that is not there" in checkpoint_file.damage(tmp_path / "link.keras")
