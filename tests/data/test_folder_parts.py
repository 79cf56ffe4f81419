"""Folders of images: which are parts, which are classes, and what is refused."""

import itertools

import numpy as np
import pytest
from PIL import Image

from tfsp import data as tfsp_data
from tfsp.data import part_names

PARTS = ("train", "validation", "test")


@pytest.fixture
def tree(tmp_path):
    """Function that fills a folder and returns it.

    Its argument is a dict folder -> number of images; the images are grey, of levels 1, 2, ... in
    the order of the dict.
    """

    def fill(counts):
        levels = itertools.count(1)
        for name, count in counts.items():
            folder = tmp_path / "set" / name
            folder.mkdir(parents=True, exist_ok=True)
            for i in range(count):
                level = np.full((2, 2), next(levels), np.uint8)
                Image.fromarray(level).save(folder / f"{i:02d}.png")
        return tmp_path / "set"

    return fill


def levels(data, part):
    """Grey levels of a part's images, sorted, and the label of each or None."""
    images, labels = data.arrays(part)
    found = np.rint(images[:, 0, 0, 0] * 255).astype(int)
    order = np.argsort(found)
    return found[order].tolist(), None if labels is None else labels[order].tolist()


@pytest.mark.parametrize(
    "names",
    [
        ("train", "val", "test"),
        ("Train", "Valid", "Test"),
        ("TRAIN", "VALIDATION", "TEST"),
        ("training", "validation", "testing"),
        ("train", "dev", "test"),
        ("train2017", "val2017", "test2017"),
        ("train_images", "dev_images", "test_images"),
        ("trainingSet", "validationSet", "testSet"),
        ("trainset", "devset", "testset"),
        ("Training Data", "Validation Data", "Test Data"),
    ],
)
@pytest.mark.parametrize("classes", [True, False])
def test_parts_in_any_wording(tree, names, classes):
    below = ("/a", "/b") if classes else ("",)
    counts = {f"{name}{sub}": n for name, n in zip(names, (6, 4, 2), strict=True) for sub in below}
    data = tfsp_data.load(tree(counts))
    if classes:
        expected = [[0] * 6 + [1] * 6, [0] * 4 + [1] * 4, [0] * 2 + [1] * 2]
    else:
        expected = [None] * 3
    start = 1
    for part, n, labels in zip(PARTS, (6, 4, 2), expected, strict=True):
        size = n * len(below)
        assert levels(data, part) == (list(range(start, start + size)), labels)
        start += size


@pytest.mark.parametrize("empty", ["logs", "__MACOSX", "deep/er", ".git"])
def test_folders_without_images_do_not_turn_parts_into_classes(tree, empty):
    folder = tree({"train/a": 4, "test/a": 3, empty: 0})
    (folder / empty / "._notes.txt").write_text("no image")
    with pytest.warns(UserWarning, match=empty.split("/")[0]):
        data = tfsp_data.load(folder)
    assert levels(data, "test") == ([5, 6, 7], [0, 0, 0])
    assert data.info.num_validation == 1


def test_hidden_images_beside_parts_are_ignored(tree):
    folder = tree({"train/a": 4, "test/a": 3, "__MACOSX/train/a": 4, ".thumbnails": 2})
    with pytest.warns(UserWarning, match=r"2 hidden \(.thumbnails, __MACOSX\)"):
        data = tfsp_data.load(folder)
    assert sum(data.info.to_dict()[f"num_{part}"] for part in PARTS) == 7


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        # A folder with images beside parts: a part that is not known, or classes.
        ({"train": 3, "test": 3, "extra": 1}, ["extra", "train, ?test|test, train"]),
        ({"train": 3, "evaluation": 3}, ["train", "evaluation"]),
        ({"train": 3, "test": 3, "": 1}, ["train", "00.png"]),
        # A class that is called like a part.
        ({"bus": 3, "car": 3, "train": 3}, ["train", "bus, car", "rename"]),
        ({"cat/test": 3, "cat/train": 3, "dog/train": 2}, ["cat/test", "train", "outermost"]),
        ({"cat/test": 3, "dog/train": 2}, ["cat/test", "dog/train", "outermost"]),
        ({"archive/train": 3, "archive/test": 3}, ["archive/train", "load the folder"]),
        ({"train/train": 3, "test/test": 3}, ["train/train", "test/test", "outermost"]),
        ({"train/a/test": 3, "train/a/val": 3}, ["train/a/test", "outermost"]),
        # Parts without one to train on, or twice.
        ({"val": 3, "test": 3}, ["test, val", "none for training"]),
        ({"test/a": 3}, ["test", "none for training"]),
        ({"train": 3, "Train": 3}, ["Train, train", "several"]),
        ({"train": 3, "val": 3, "dev": 3}, ["dev", "val", "several"]),
        # Names that speak of parts and of something else.
        ({"trainA": 3, "trainB": 3, "testA": 3}, ["trainA", "testA", "speak of parts"]),
        ({"mnist_train": 3, "mnist_eval": 3}, ["mnist_train", "mnist_eval"]),
        ({"images_background": 3, "images_evaluation": 3}, ["images_background", "give them"]),
        ({"seen": 3, "unseen": 3}, ["seen, unseen"]),
        ({"tr": 3, "te": 3}, ["te, tr"]),
        # The same further down.
        ({"mnist/mnist_train": 3, "mnist/mnist_test": 3}, ["mnist/mnist_train", "outermost"]),
        ({"cat/cat_train": 3, "cat/cat_test": 3, "dog": 3}, ["cat/cat_test", "outermost"]),
        ({"cat/a_train": 3, "dog/b_test": 3}, ["cat/a_train", "dog/b_test"]),
        ({"x/a/tr": 3, "x/a/te": 3, "x/b/c": 3}, ["x/a/te", "x/a/tr"]),
        # Labels for some.
        ({"train/a": 3, "train/b": 3, "test": 3}, ["class folders", "test"]),
        ({"train/a": 3, "train": 1}, ["of its own", "train"]),
    ],
)
def test_refused_by_name(tree, counts, words):
    folder = tree(counts)
    with pytest.raises(tfsp_data.DataFormatError) as caught:
        tfsp_data.load(folder)
    for word in words:
        alternatives = [name.replace("?", "") for name in word.split("|")]
        assert any(name in str(caught.value) for name in alternatives), str(caught.value)


def test_words_in_the_names_of_classes_are_no_parts(tree):
    data = tfsp_data.load(tree({"bullet_train": 2, "valley": 2, "testudo": 2, "devil": 2}))
    assert data.info.num_classes == 4
    assert data.info.num_train == 6


def test_words_of_parts_among_others_are_classes(tree):
    data = tfsp_data.load(tree({"tr": 2, "te": 2, "en": 2, "background": 2, "seen": 2}))
    assert data.info.num_classes == 5


@pytest.mark.parametrize(
    ("keys", "dropped"),
    [
        (("x", "y", "x_test", "y_test"), "x_test, y_test"),
        (("x_train", "X_test"), "X_test"),
        (("x_train", "y_train", "y_test"), "y_test"),
        (("images", "images_test"), "images_test"),
        (("x_train", "x_te"), "x_te"),
        (("data", "Xtest"), "Xtest"),
        (("x", "test"), "test"),
        (("x_train", "x_holdout"), "x_holdout"),
    ],
)
@pytest.mark.parametrize("file", [False, True])
def test_arrays_of_parts_are_not_dropped(tmp_path, keys, dropped, file):
    arrays = {key: np.linspace(0, 1, 20).reshape(10, 2) for key in keys}
    if "y" in arrays:
        arrays["y"] = np.arange(10)
    if file:
        np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(tfsp_data.DataFormatError, match=f"{dropped} would not be used"):
        tfsp_data.load(tmp_path / "a.npz" if file else arrays)


def test_other_arrays_and_numbers_are_ignored():
    x = np.linspace(0, 1, 60).reshape(30, 2)
    data = tfsp_data.load(
        {"x": x, "weights": x, "test_accuracy": 0.5, "testudo": x, "x_test": None}
    )
    assert data.info.num_train + data.info.num_validation + data.info.num_test == 30


def test_within_parts_a_class_may_be_called_like_one(tree):
    counts = {f"{part}/{name}": 2 for part in ("train", "test") for name in ("bus", "train")}
    data = tfsp_data.load(tree(counts))
    assert data.info.num_classes == 2
    assert levels(data, "test") == ([5, 6, 7, 8], [0, 0, 1, 1])


def test_an_empty_part_is_held_out_and_named(tree):
    folder = tree({"train/a": 20, "test/a": 3, "val/a": 0})
    with pytest.warns(UserWarning, match=r"in them \(val\). val being empty"):
        data = tfsp_data.load(folder)
    assert (data.info.num_train, data.info.num_validation, data.info.num_test) == (18, 2, 3)
    with pytest.raises(tfsp_data.DataFormatError, match="none for training"):
        tfsp_data.load(tree({"other/train": 0, "other/test": 2}) / "other")


def test_classes_are_numbered_over_all_parts(tree):
    counts = {"train/a": 2, "train/c": 2, "train/empty": 0, "test/b": 1, "test/c": 2, "val/a": 1}
    folder = tree(counts)
    with pytest.warns(UserWarning, match="training part has no images of 1 classes.*: b"):
        data = tfsp_data.load(folder)
    assert levels(data, "train")[1] == [0, 0, 2, 2]
    assert levels(data, "test")[1] == [1, 2, 2]
    assert levels(data, "validation")[1] == [0]


def test_images_at_any_depth_below_a_class(tree):
    data = tfsp_data.load(tree({"a": 2, "a/x/y": 3, "b/z": 4}), validation_size=0, test_size=0)
    assert levels(data, "train") == (list(range(1, 10)), [0] * 5 + [1] * 4)


def test_unlike_letters_are_unlike_classes(tree):
    data = tfsp_data.load(tree({"A": 2, "a": 3}), validation_size=0, test_size=0)
    assert levels(data, "train")[1] == [0, 0, 1, 1, 1]


def test_arrays_take_the_same_words(tree):
    x = np.linspace(0, 1, 20).reshape(10, 2)
    data = tfsp_data.load({"x_train": x[:6], "x_dev": x[6:8], "x_testing": x[8:]})
    for part, rows in zip(PARTS, (x[:6], x[6:8], x[8:]), strict=True):
        np.testing.assert_allclose(data.arrays(part)[0], rows, rtol=1e-6)
    with pytest.raises(tfsp_data.DataFormatError, match="x_val, x_dev"):
        tfsp_data.load({"x_train": x, "x_dev": x, "x_val": x})


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("train", "train"),
        ("Testing", "test"),
        ("VAL", "validation"),
        ("imagesTest", "test"),
        ("train-1", "train"),
        ("valley", None),
        ("tests", "test"),
        ("contest", None),
        ("été", None),
        ("train_station", None),
        ("2017", None),
    ],
)
def test_names_of_parts(name, part):
    assert part_names.part_of(name) == part
