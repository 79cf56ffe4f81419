"""Folders that are decoded as they are read give what folders held in memory give."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from marks import slow_but
from PIL import Image

from tfsp import data as tfsp_data
from tfsp import subset
from tfsp.data import file_images, folder, image_files, image_survey, rows

PARTS = ("train", "validation", "test")
SIZES = [(7, 5), (8, 8), (40, 30), (9, 31)]


def picture(rng, i):
    height, width = SIZES[i % len(SIZES)]
    return rng.integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """84 files in two classes: every kind of JPEG and PNG, WebP, GIF, of four sizes."""
    path, rng = tmp_path_factory.mktemp("mixed"), np.random.default_rng(0)
    turned = Image.Exif()
    turned[0x0112] = 6
    for i in range(84):
        image = Image.fromarray(picture(rng, i))
        kind, options = [
            ("jpg", {}),
            ("jpg", {"exif": turned}),
            ("png", {}),
            ("png", {"transparency": (1, 2, 3)}),
            ("webp", {}),
            ("gif", {}),
            ("jpg", {"progressive": True}),
        ][i % 7]
        if i % 7 == 2:
            image = image.convert(("L", "RGBA", "P", "1", "LA")[i % 5])
        if i % 7 == 6:
            image = image.convert(("L", "CMYK")[i % 2])
        (path / "ab"[i % 2]).mkdir(exist_ok=True)
        image.save(path / "ab"[i % 2] / f"{i:03d}.{kind}", **options)
    return path


@pytest.fixture
def coded_folder(tmp_path):
    """Function n -> folder of n grey PNGs of 4x4, the first two pixels of which are its number."""

    def make(n, part="train"):
        for i in range(n):
            pixels = np.zeros((4, 4), np.uint8)
            pixels[0, :3] = i % 200, i // 200, 255
            (tmp_path / "set" / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "set" / part / f"{i:04d}.png")
        return tmp_path / "set"

    return make


def batches(dataset):
    return [[np.asarray(each) for each in element] for element in dataset]


def assert_same(one, other):
    for expected, actual in zip(batches(one), batches(other), strict=True):
        for a, b in zip(expected, actual, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("mode", "fit"),
    slow_but(
        [("dynamic", "crop"), ("static", "pad")],
        [("none", "squash"), ("dynamic", "crop"), ("static", "pad"), ("threshold", "squash")],
    ),
)
def test_batches_are_the_same_bit_for_bit(mixed, fit, mode):
    """Small parts are read without a graph, large ones and batches with one."""
    kwargs = dict(image_size=(6, 9), fit=fit, binarization=mode, labels=True, batch_size=16)
    whole, streamed = (tfsp_data.load(mixed, cache=c, **kwargs) for c in ("memory", "none"))
    assert whole.info.image_shape == (6, 9, 3)
    assert_same(whole.train, streamed.train)
    assert_same(whole.test, streamed.test)
    for part in PARTS[1:]:
        for a, b in zip(whole.arrays(part), streamed.arrays(part), strict=True):
            np.testing.assert_array_equal(a, b)
    few = streamed.arrays("train", limit=5)[0]
    np.testing.assert_array_equal(few, whole.arrays("train", limit=5)[0])


@pytest.mark.parametrize("bits", [8, 16])
def test_whole_loading_is_one_file_after_the_other(mixed, bits, tmp_path, area_reference):
    """Each image by `read_image`, and averages in whole numbers."""
    if bits == 16:
        deep = np.arange(63, dtype=np.uint16).reshape(9, 7) * 1040
        Image.fromarray(deep).save(tmp_path / "z.png")
        for file in sorted(mixed.rglob("*.*"))[:80]:
            (tmp_path / file.name).symlink_to(file)
        mixed = tmp_path
    data = tfsp_data.load(
        mixed, image_size=(6, 5), cache="none", bit_depth=bits, validation_size=0, test_size=0
    )
    images, names = data.arrays("train")[0], data.info.files["train"]
    assert len(images) == (81 if bits == 16 else 84)
    for i in (*range(0, len(images), 7), len(images) - 1):
        image, _ = image_files.read_image(mixed / names[i], (255, 255, 255))
        planes = [area_reference.area_average(image[..., c], 6, 5) for c in range(image.shape[2])]
        exact = np.stack(planes, -1)
        top = 65535 if image.dtype == np.uint16 else 255
        # Half a grey level by rounding, and float sums.
        atol = 1e-6 if image.dtype == np.uint16 else (0.5 + 1e-3) / 255
        np.testing.assert_allclose(
            images[i], np.broadcast_to(exact / top, (6, 5, 3)), rtol=0, atol=atol
        )


def test_the_whole_list_is_shuffled_by_the_seed(coded_folder, number_of):
    path = coded_folder(300)

    def epochs(seed):
        data = tfsp_data.load(
            path, cache="none", seed=seed, batch_size=30, validation_size=0, test_size=0
        )
        stream = itertools.islice(data.train_stream(), 20)
        return number_of(np.concatenate(list(stream))).reshape(2, 300)

    tf.random.set_seed(1)
    first, second = epochs(3)
    tf.random.set_seed(2)
    np.testing.assert_array_equal(epochs(3), [first, second])
    assert (epochs(4)[0] != first).mean() > 0.5
    assert (first != second).mean() > 0.5
    for epoch in (first, second):
        assert sorted(epoch) == list(range(300))
        # A batch of 30 by a whole shuffle has its largest below 200 with (2/3)^30 = 5e-6.
        assert max(epoch[:30]) >= 200


def test_rows_lead_back_to_files(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(40):
        below = tmp_path / ("cat", "dog-2", "dog")[i % 3] / ("", "x")[i % 2]
        below.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (3, 3)).astype(np.uint8)).save(below / f"{i}.png")
    (tmp_path / "cat" / "0.png").write_bytes(b"")
    kwargs = dict(cache="none", errors="skip", classes=(0, 1), train_size=9)
    with pytest.warns(UserWarning, match=r"1 that cannot be read \(cat/0.png\)"):
        data = tfsp_data.load(tmp_path, **kwargs)
    assert data.info.class_names == ("cat", "dog", "dog-2")
    assert data.info.to_dict()["class_names"] == ["cat", "dog", "dog-2"]
    assert data.info.num_classes == 2
    seen = []
    for part in PARTS:
        images, labels = data.arrays(part)
        files = data.info.files[part]
        assert len(files) == len(images) == data.info.to_dict()[f"num_{part}"]
        for file, image, label in zip(files, images, labels, strict=True):
            pixels = np.asarray(Image.open(tmp_path / file)) / np.float32(255)
            np.testing.assert_array_equal(image[..., 0], pixels)
            assert file.split("/")[0] == data.info.class_names[label]
        assert list(files[1:]) == [files[i] for i in range(1, len(files))]
        seen += files
    assert len(set(seen)) == len(seen)
    assert "cat/0.png" not in seen
    assert tfsp_data.load("digits").info.files is None


def test_where_images_are_kept(coded_folder, number_of, monkeypatch):
    path = coded_folder(30)
    assert "held in memory" in tfsp_data.load(path).info.source
    monkeypatch.setattr(folder, "_HELD", 30 * 16)
    assert "held in memory" in tfsp_data.load(path).info.source
    monkeypatch.setattr(folder, "_HELD", 30 * 16 - 1)
    data = tfsp_data.load(path)
    assert "decoded in every epoch" in data.info.source
    assert "squashed to 3x3" in tfsp_data.load(path, image_size=3).info.source
    # Fewer are decoded where fewer are asked for: the others may be gone.
    keep = {data.info.files["train"][row] for row in subset.rows(data.info.num_train, 5)}
    for file in path.rglob("*.png"):
        if str(file.relative_to(path)) not in keep:
            file.unlink()
    few = data.arrays("train", limit=5)[0]
    assert [f"train/{i:04d}.png" for i in number_of(few)] == sorted(keep)
    with pytest.raises(tfsp_data.DataFormatError, match=r"No such file"):
        data.arrays("train")


def test_what_does_not_fit_is_refused(coded_folder, monkeypatch):
    data = tfsp_data.load(coded_folder(30), cache="none", validation_size=0, test_size=0)
    monkeypatch.setattr(rows, "MEMORY_LIMIT", 20 * 16 * 4)
    with pytest.raises(ValueError, match=r"30 images.*limit=n, at most 20"):
        data.arrays("train")
    assert len(data.arrays("train", limit=20)[0]) == 20


def test_the_file_on_the_disk(coded_folder, tmp_path, monkeypatch):
    path, kept = coded_folder(70), tmp_path / "kept"
    kwargs = dict(cache="disk", cache_dir=kept, labels=False, batch_size=8)
    whole = tfsp_data.load(path, batch_size=8, cache="memory")

    def load(path=path, **more):
        data = tfsp_data.load(path, **kwargs, **more)
        return data, sorted(file.name for file in kept.iterdir())

    data, (name,) = load()
    assert f"decoded once into {kept / name}" in data.info.source
    np.testing.assert_array_equal(data.arrays("train")[0], whole.arrays("train")[0])
    for a, b in zip(whole.train, data.train, strict=True):
        np.testing.assert_array_equal(a, b)
    with monkeypatch.context() as patch:  # the second time nothing is decoded
        patch.setattr(file_images, "read_image", None)
        again, names = load()
        np.testing.assert_array_equal(again.arrays("test")[0], whole.arrays("test")[0])
    assert names == [name]
    assert len(load(image_size=2)[1]) == 2
    assert len(load(image_size=2, fit="crop")[1]) == 3
    Image.new("L", (4, 4), 9).save(path / data.info.files["train"][0])
    changed, names = load()
    assert len(names) == 4
    assert set(changed.arrays("train")[0][0].flat) == {np.float32(9 / 255)}
    new = next(file for file in kept.iterdir() if str(file) in changed.info.source)
    new.write_bytes(b"spoilt")
    with pytest.raises(tfsp_data.DataFormatError, match="Remove it: it is made again"):
        load()


def test_a_temporary_file_leaves_nothing(coded_folder, tmp_path, monkeypatch):
    path, place = coded_folder(20), tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    data = tfsp_data.load(path, cache="disk")
    assert "decoded once into a temporary file" in data.info.source
    assert list(place.iterdir()) == []
    expected = tfsp_data.load(path).arrays("train")[0]
    np.testing.assert_array_equal(data.arrays("train")[0], expected)


@pytest.mark.parametrize("content", slow_but(["jpg"], ["jpg", "png"]))
def test_a_file_that_only_decoding_shows_to_be_broken(tmp_path, content):
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    for i in range(90):
        Image.fromarray(noise).save(tmp_path / f"{i:02d}.{content}")
    file = tmp_path / f"41.{content}"
    file.write_bytes(file.read_bytes()[:800])
    with pytest.raises(tfsp_data.DataFormatError, match=f"1 of 90 files.*{file}.*errors='skip'"):
        tfsp_data.load(tmp_path)
    data = tfsp_data.load(tmp_path, cache="none", validation_size=0, test_size=0, batch_size=30)
    with pytest.raises(tf.errors.OpError, match=f"{file} is not a readable image"):
        list(data.train)
    with pytest.raises(tfsp_data.DataFormatError, match=f"1 of 90 files.*{file}"):
        data.arrays("train")
    with pytest.warns(UserWarning, match="1 that cannot be read"):
        data = tfsp_data.load(tmp_path, cache="none", errors="skip")
    assert len(np.concatenate(list(data.test))) == 8


def test_headers_tell_of_most_files(mixed, monkeypatch):
    """What is said of a file before decoding is what decoding gives."""
    options = image_files.Options()
    files = [file for file in sorted(mixed.rglob("*.*")) if file.suffix != ".gif"]
    assert len(files) == 72
    decoded = [image_files.read_image(file, options.background)[0] for file in files]
    monkeypatch.setattr(image_survey, "read_image", None)
    for file, image in zip(files, decoded, strict=True):
        looks = image_survey._look(file, True, options)
        expected = (0, 0) if file.suffix == ".webp" else image.shape[:2]
        assert (looks.height, looks.width) == expected, file
        assert looks.channels == image.shape[2], file


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(fit="stretch"), "`fit` must be 'squash', 'crop', 'pad'"),
        (dict(cache="ram"), "`cache` must be one of 'memory', 'disk', 'none'"),
        (dict(cache="none", cache_dir="x"), "`cache_dir` is for cache='disk'"),
    ],
)
def test_bad_options(coded_folder, options, message):
    with pytest.raises(ValueError, match=message):
        tfsp_data.load(coded_folder(12), **options)
    with pytest.raises(ValueError, match="Only a folder of images can be cached on disk"):
        tfsp_data.load(tf.data.Dataset.range(3), cache="disk")


def test_a_fit_on_a_streamed_folder(mixed):
    kwargs = dict(image_size=8, labels=True, batch_size=20)
    losses = []
    for cache in ("memory", "none"):
        data = tfsp_data.load(mixed, cache=cache, **kwargs)
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, jit_compile=False)
        history = model.fit(data.train, validation_data=data.validation, verbose=0)
        losses.append(history.history["loss"] + history.history["val_loss"])
    assert losses[0] == losses[1]
    assert np.isfinite(losses).all()
