"""What is read of a folder: hidden files, links, other files; one warning tells what is not."""

import os
import pathlib
import warnings

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfsp import data as tfsp_data

PARTS = ("train", "validation", "test")


def put(path, level):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((2, 2), level, np.uint8)).save(path)


def load(folder):
    """(levels by order of the files, labels, text of the warning or None)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = tfsp_data.load(folder, validation_size=0, test_size=0)
    texts = [str(warning.message) for warning in caught if warning.category is UserWarning]
    assert len(texts) <= 1, texts
    images, labels = data.arrays("train")
    found = np.rint(images[:, 0, 0, 0] * 255).astype(int).tolist()
    return found, None if labels is None else labels.tolist(), texts[0] if texts else None


def test_hidden_files_and_folders_within_a_class(tmp_path):
    put(tmp_path / "a" / "1.png", 11)
    put(tmp_path / "a" / ".ipynb_checkpoints" / "1-checkpoint.png", 200)
    put(tmp_path / "a" / "x" / ".cache" / "deep" / "1.png", 201)
    put(tmp_path / "a" / "._1.png", 202)
    put(tmp_path / "b" / "__MACOSX" / "1.png", 203)
    put(tmp_path / "b" / "2.png", 12)
    (tmp_path / "b" / ".DS_Store").write_text("of a system")
    (tmp_path / "b" / "Thumbs.db").write_text("of a system")
    levels, labels, told = load(tmp_path)
    assert (levels, labels) == ([11, 12], [0, 1])
    assert "4 hidden" in told
    for name in ("a/.ipynb_checkpoints", "a/x/.cache", "a/._1.png", "b/__MACOSX"):
        assert name in told
    assert "DS_Store" not in told
    assert "Thumbs" not in told


def test_nothing_left_out_is_nothing_told(tmp_path):
    put(tmp_path / "a" / "1.PNG", 11)
    put(tmp_path / "b" / "1.JPeG", 12)
    assert load(tmp_path)[1:] == ([0, 1], None)


def test_a_class_of_new_formats_keeps_its_number(tmp_path):
    put(tmp_path / "a" / "1.png", 11)
    put(tmp_path / "b" / "1.webp", 12)
    put(tmp_path / "b" / "2.tif", 13)
    put(tmp_path / "c" / "1.png", 14)
    levels, labels, told = load(tmp_path)
    assert (labels, told) == ([0, 1, 1, 2], None)
    np.testing.assert_allclose(levels, [11, 12, 13, 14], atol=1)  # webp loses a little


def test_other_files_are_counted_and_named(tmp_path):
    put(tmp_path / "a" / "1.png", 11)
    for i in range(7):
        (tmp_path / "a" / f"{i}.heic").write_text("not read")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "1.svg").write_text("not read")
    put(tmp_path / "c" / "1.png", 12)
    levels, labels, told = load(tmp_path)
    assert (levels, labels) == ([11, 12], [0, 1])
    assert "8 other than images" in told
    assert "a/0.heic" in told
    assert "and 3 more" in told
    assert "1 without images in them (b)" in told


def test_links_are_followed_once(tmp_path):
    folder, store = tmp_path / "set", tmp_path / "store"
    put(folder / "a" / "1.png", 11)
    put(store / "more" / "2.png", 12)
    put(store / "more" / "deep" / "3.png", 13)
    put(store / "alone.png", 14)
    put(store / "class" / "5.png", 15)
    (folder / "a" / "linked").symlink_to(store / "more")  # a folder within a class
    (folder / "a" / "linked again").symlink_to(store / "more" / "deep")
    (folder / "a" / "up").symlink_to(folder)  # a loop
    (folder / "a" / "self").symlink_to(folder / "a" / "self")
    (folder / "a" / "alone.png").symlink_to(store / "alone.png")  # a file
    (folder / "a" / "alone 2.png").symlink_to(store / "alone.png")
    (folder / "a" / "1 again.png").symlink_to(folder / "a" / "1.png")
    (folder / "a" / "gone.png").symlink_to(store / "gone.png")
    (folder / "b").symlink_to(store / "class")  # a class
    levels, labels, told = load(folder)
    assert sorted(levels) == [11, 12, 13, 14, 15]
    assert sorted(zip(levels, labels, strict=True))[-1] == (15, 1)
    assert "2 dangling links (a/gone.png, a/self)" in told
    assert "4 linked but there already" in told
    for name in ("a/linked again", "a/up", "a/1 again.png"):
        assert name in told


def test_a_real_folder_comes_before_a_link_to_it(tmp_path):
    put(tmp_path / "b" / "1.png", 11)
    (tmp_path / "a").symlink_to(tmp_path / "b")
    put(tmp_path / "c" / "1.png", 12)
    levels, labels, told = load(tmp_path)
    assert (levels, labels) == ([11, 12], [0, 1])  # b, c
    assert "1 linked but there already (a)" in told


def test_a_linked_root_and_linked_parts(tmp_path):
    for i in range(3):
        put(tmp_path / "set" / "train" / f"{i}.png", 11 + i)
        put(tmp_path / "set" / "test" / f"{i}.png", 21 + i)
    (tmp_path / "set" / "val").symlink_to(tmp_path / "set" / "test")  # meant, so kept
    (tmp_path / "set" / "train" / "loop").symlink_to(tmp_path / "set")
    (tmp_path / "root").symlink_to(tmp_path / "set")
    with pytest.warns(UserWarning, match="train/loop"):
        data = tfsp_data.load(tmp_path / "root")
    found = [np.rint(data.arrays(part)[0][:, 0, 0, 0] * 255).tolist() for part in PARTS]
    assert found == [[11, 12, 13], [21, 22, 23], [21, 22, 23]]


def test_a_store_that_is_hidden_is_reached_by_links(tmp_path):
    for i in range(3):
        put(tmp_path / ".store" / f"{i}.png", 11 + i)
        (tmp_path / f"{i}.png").symlink_to(tmp_path / ".store" / f"{i}.png")
    levels, _, told = load(tmp_path)
    assert levels == [11, 12, 13]
    assert "hidden (.store)" in told


def test_only_hidden_images_are_no_images(tmp_path):
    put(tmp_path / "a" / ".1.png", 11)
    put(tmp_path / ".b" / "1.png", 11)
    with pytest.raises(tfsp_data.DataFormatError, match="holds no images"):
        tfsp_data.load(tmp_path)


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    """As root one may read everything: the system's answer is imitated."""
    put(tmp_path / "a" / "1.png", 11)
    put(tmp_path / "b" / "1.png", 11)
    real = os.scandir

    def scandir(path):
        if pathlib.Path(path).name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(tfsp_data.DataFormatError, match=r"/b cannot be read \(Permission denied\)"):
        tfsp_data.load(tmp_path)


def spoilt(folder):
    """A folder of eight images, of which four cannot be read."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    for i in range(8):
        folder.joinpath("ab"[i % 2]).mkdir(exist_ok=True)
        Image.fromarray(noise).save(folder / "ab"[i % 2] / f"{i}.{'jpg' if i == 3 else 'png'}")
    for file in ("b/3.jpg", "a/4.png"):
        (folder / file).write_bytes((folder / file).read_bytes()[:200])
    (folder / "b" / "5.png").write_bytes(b"")
    (folder / "b" / "7.png").write_text("plain text")
    return folder


def test_all_unreadable_files_are_named_at_once(tmp_path):
    with pytest.raises(tfsp_data.DataFormatError, match="errors='skip'") as caught:
        tfsp_data.load(spoilt(tmp_path))
    assert "4 of 8 files" in str(caught.value)
    for file in ("b/3.jpg", "a/4.png", "b/5.png", "b/7.png"):
        assert f"{tmp_path / file} is not a readable image" in str(caught.value)
    assert "a/0.png" not in str(caught.value)


def test_unreadable_files_may_be_skipped(tmp_path):
    folder = spoilt(tmp_path)
    with pytest.warns(UserWarning, match=r"4 that cannot be read \(a/4.png, b/3.jpg, b/5.png, b/7"):
        data = tfsp_data.load(folder, errors="skip", validation_size=0, test_size=0)
    assert data.arrays("train")[1].tolist() == [0, 0, 0, 1]
    with pytest.raises(ValueError, match="'raise' or 'skip'"):
        tfsp_data.load(folder, errors="ignore")


def test_skipped_files_leave_the_parts_as_they_are(tmp_path):
    for part, count in (("train", 4), ("val", 2), ("test", 3)):
        for i in range(count):
            put(tmp_path / part / f"{i}.png", 10 * count + i)
    (tmp_path / "train" / "1.png").write_bytes(b"")
    (tmp_path / "test" / "0.png").write_bytes(b"")
    with pytest.warns(UserWarning, match="2 that cannot be read"):
        data = tfsp_data.load(tmp_path, errors="skip")
    found = [np.rint(data.arrays(part)[0][:, 0, 0, 0] * 255).tolist() for part in PARTS]
    assert found == [[40, 42, 43], [20, 21], [31, 32]]
    for i in range(2):
        (tmp_path / "val" / f"{i}.png").write_bytes(b"")
    with pytest.raises(tfsp_data.DataFormatError, match="val: none of the images"):
        tfsp_data.load(tmp_path, errors="skip")
    for file in tmp_path.rglob("*.png"):
        file.write_bytes(b"")
    with pytest.raises(tfsp_data.DataFormatError, match="9 of 9 files"):
        tfsp_data.load(tmp_path, errors="skip")


def test_options_of_a_folder_are_for_folders(tmp_path, coded):
    images, _ = coded(20)
    np.save(tmp_path / "a.npy", images)
    with pytest.raises(ValueError, match=r"errors"):
        tfsp_data.load(tmp_path / "a.npy", errors="skip")
    with pytest.raises(ValueError, match=r"errors"):
        tfsp_data.load(images, errors="skip")
    put(tmp_path / "set" / "1.png", 11)
    with pytest.raises(ValueError, match=r"'backround'. It takes: background, errors, bit_depth"):
        tfsp_data.load(tmp_path / "set", backround="white")


def test_odd_names_of_files(tmp_path):
    """Bytes that are no UTF-8, and a folder that is called like a picture."""
    put(tmp_path / "a.png" / "1.png", 11)
    content = tf.io.encode_png(np.full((2, 2, 1), 12, np.uint8)).numpy()
    with open(bytes(tmp_path / "a.png") + b"/2\xff.png", "wb") as file:
        file.write(content)
    assert load(tmp_path)[0] == [11, 12]
