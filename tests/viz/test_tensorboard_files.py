"""Files for TensorBoard's projector, read back as its page reads them."""

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector import ProjectorConfig

from tfsp import viz


def read(folder):
    text = (folder / "projector_config.pbtxt").read_text()
    (entry,) = text_format.Parse(text, ProjectorConfig()).embeddings
    codes = np.loadtxt(folder / entry.tensor_path, delimiter="\t", ndmin=2)
    return entry, codes


def test_codes_metadata_and_sprite(tmp_path):
    rng = np.random.default_rng(0)
    codes, images = rng.normal(size=(5, 3)), rng.random((5, 4, 6, 1))
    metadata = {"digit": [3, 1, 4, 1, 5], "file": ["a\tb.png", "c\nd", " e ", "f", "g"]}
    folder = viz.projector(tmp_path / "new" / "points", codes, metadata, images)
    entry, found = read(folder)
    np.testing.assert_allclose(found, codes, rtol=1e-6)
    lines = (folder / entry.metadata_path).read_text().split("\n")
    assert lines == ["digit\tfile", "3\ta b.png", "1\tc d", "4\te", "1\tf", "5\tg", ""]
    assert list(entry.sprite.single_image_dim) == [6, 4]  # width, height
    sheet = np.asarray(Image.open(folder / entry.sprite.image_path))
    assert sheet.shape == (12, 18)  # three rows of three, of which four are empty
    for i, image in enumerate(images[..., 0]):
        row, column = divmod(i, 3)
        cell = sheet[4 * row : 4 * row + 4, 6 * column : 6 * column + 6]
        np.testing.assert_array_equal(cell, np.rint(255 * image))
    assert (sheet[8:] == 255).all()


def test_a_single_column_has_no_heading(tmp_path):
    folder = viz.projector(tmp_path / "points", np.eye(2), {"class": "ab"})
    assert (folder / "metadata.tsv").read_text() == "a\nb\n"
    entry, _ = read(folder)
    assert not entry.HasField("sprite")


def test_many_images_are_shrunk_to_what_the_page_takes(tmp_path, monkeypatch):
    monkeypatch.setattr("tfsp.viz.tensorboard_files._LARGEST_SPRITE", 8)
    images = np.zeros((4, 8, 8, 3))
    images[1] = 1.0
    folder = viz.projector(tmp_path / "points", np.eye(4), images=images)
    entry, _ = read(folder)
    assert list(entry.sprite.single_image_dim) == [4, 4]
    sheet = np.asarray(Image.open(folder / "sprite.png"))
    assert sheet.shape == (8, 8, 3)
    assert (sheet[:4, 4:] == 255).all()
    assert (sheet[:4, :4] == 0).all()
    assert not entry.metadata_path


def test_bad_input_is_refused_and_nothing_is_written(tmp_path):
    folder = tmp_path / "points"
    for wrong, message in (
        (dict(codes=[1.0, 2.0]), "`codes` must have shape"),
        (dict(codes=np.eye(2), metadata={"class": [1]}), r"`metadata\['class'\]`.*2 codes.*: 1"),
        (dict(codes=np.eye(2), images=np.zeros((3, 2, 2, 1))), "one image per code, 2.*: 3"),
    ):
        with pytest.raises(ValueError, match=message):
            viz.projector(folder, **wrong)
    assert not folder.exists()
    viz.projector(folder, np.eye(2))
    with pytest.raises(FileExistsError, match="points"):
        viz.projector(folder, np.eye(3))
    assert read(folder)[1].shape == (2, 2)
