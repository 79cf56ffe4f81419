"""A user's arrays, files of arrays and folders of images."""

import numpy as np
import pytest
import tensorflow as tf

from tfsp import data as tfsp_data

PARTS = ("train", "validation", "test")


def _all_numbers(data, number_of):
    return sorted(np.concatenate([number_of(data.arrays(part)[0]) for part in PARTS]))


@pytest.mark.parametrize("form", ["array", "pair", "tensor", "floats", "three axes", "bool"])
def test_forms_of_arrays(coded, number_of, form):
    images, labels = coded(60)
    source = {
        "array": images,
        "pair": (images, labels),
        "tensor": tf.constant(images),
        "floats": images / 255.0,
        "three axes": images[..., 0],
        "bool": images > 0,
    }[form]
    data = tfsp_data.load(source)
    assert data.info.image_shape == (4, 4, 1)
    assert data.info.num_classes == (7 if form == "pair" else None)
    if form != "bool":
        assert _all_numbers(data, number_of) == list(range(60))
    else:
        assert set(np.unique(data.arrays("train")[0])) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.full((9, 4, 4), 3.5), "3.5 to 3.5"),
        (np.full((9, 4, 4), -0.5), r"\[0, 1\]"),
        (np.full((9, 4, 4), np.nan), "NaN or infinite"),
        (np.full((9, 4, 4), np.inf), "NaN or infinite"),
        (np.zeros((9, 4, 4), np.int64), "uint8"),
        (np.ones((9, 4, 4), np.uint8), "largest value is 1"),
        (np.zeros(9), "shape"),
        (np.zeros((9, 4, 4, 1, 1)), "shape"),
        (np.zeros((0, 4, 4)), "shape"),
        (np.array([["a", "b"]] * 9), "dtype"),
    ],
)
def test_bad_images(images, message):
    with pytest.raises(tfsp_data.DataFormatError, match=message):
        tfsp_data.load(images)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(8, int), r"\(9,\)"),
        (np.eye(9), "argmax"),
        (np.full(9, 0.5), "whole numbers"),
        (np.array(["a", None, "b"] * 3, object), "whole numbers"),
    ],
)
def test_bad_labels(labels, message):
    with pytest.raises(tfsp_data.DataFormatError, match=message):
        tfsp_data.load((np.zeros((9, 4, 4)), labels))


def test_a_triple_is_refused():
    with pytest.raises(ValueError, match="pair"):
        tfsp_data.load((np.zeros((9, 4)),) * 3)


def test_npz_in_keras_layout(coded, number_of, tmp_path):
    images, labels = coded(90)
    np.savez(
        tmp_path / "own.npz",
        x_train=images[:70],
        y_train=labels[:70],
        x_test=images[70:],
        y_test=labels[70:],
    )
    data = tfsp_data.load(str(tmp_path / "own.npz"), labels=True)
    assert data.info.name == "own"
    np.testing.assert_array_equal(number_of(data.arrays("test")[0]), np.arange(70, 90))
    assert (data.info.num_train, data.info.num_validation) == (63, 7)
    assert _all_numbers(data, number_of) == list(range(90))
    for part in PARTS:
        x, y = data.arrays(part)
        np.testing.assert_array_equal(number_of(x) % 7, y)


def test_npz_with_given_validation_and_mixed_dtypes(coded, number_of, tmp_path):
    images, _ = coded(90)
    np.savez(
        tmp_path / "own.npz",
        x_train=images[:70],
        x_val=images[70:80] / 255.0,
        x_test=images[80:],
    )
    data = tfsp_data.load(tmp_path / "own.npz")
    np.testing.assert_array_equal(number_of(data.arrays("train")[0]), np.arange(70))
    np.testing.assert_array_equal(number_of(data.arrays("validation")[0]), np.arange(70, 80))
    np.testing.assert_array_equal(number_of(data.arrays("test")[0]), np.arange(80, 90))


@pytest.mark.parametrize("keys", [("x", "y"), ("images", "labels"), ("x", "label")])
def test_npz_npy_and_mat_with_one_array(coded, number_of, tmp_path, keys):
    import scipy.io

    images, labels = coded(60)
    arrays = dict(zip(keys, (images, labels), strict=True))
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    scipy.io.savemat(tmp_path / "a.mat", {**arrays, keys[0]: images[..., 0]})
    np.save(tmp_path / "a.npy", images)
    for name in ("a.npz", "a.mat", "a.npy"):
        data = tfsp_data.load(tmp_path / name)
        assert _all_numbers(data, number_of) == list(range(60))
        assert data.info.num_classes == (None if name == "a.npy" else 7)


def test_dict_of_arrays(coded, number_of):
    images, labels = coded(60)
    data = tfsp_data.load({"x": images, "y": labels}, labels=True)
    assert _all_numbers(data, number_of) == list(range(60))


def test_strange_keys_are_named(coded, tmp_path):
    np.savez(tmp_path / "a.npz", pictures=coded(9)[0])
    with pytest.raises(tfsp_data.DataFormatError, match=r"x_train.*Found the keys: pictures"):
        tfsp_data.load(tmp_path / "a.npz")


def test_inconsistent_parts_are_named(coded):
    images, labels = coded(30)
    with pytest.raises(tfsp_data.DataFormatError, match="different shapes"):
        tfsp_data.load({"x_train": images, "x_test": images[:, :2]})
    with pytest.raises(tfsp_data.DataFormatError, match="others have none"):
        tfsp_data.load({"x_train": images, "y_train": labels, "x_test": images})


@pytest.mark.parametrize("suffix", ["npz", "npy", "mat"])
@pytest.mark.parametrize("damage", ["cut", "cut short", "text", "empty"])
def test_damaged_files_are_named(coded, tmp_path, suffix, damage):
    import scipy.io

    path = tmp_path / f"broken.{suffix}"
    images = np.random.default_rng(0).integers(0, 256, (200, 8, 8)).astype(np.uint8)
    if suffix == "npz":
        np.savez_compressed(path, x=images)
    elif suffix == "npy":
        np.save(path, images)
    else:
        scipy.io.savemat(path, {"x": images}, do_compression=True)
    content = path.read_bytes()
    path.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "cut short": content[:-20],
            "text": b"These are not the arrays you are looking for.\n" * 20,
            "empty": b"",
        }[damage]
    )
    with pytest.raises(tfsp_data.DataFormatError, match=f"broken.{suffix}"):
        tfsp_data.load(path)


def test_flipped_bits_in_an_npz_are_noticed(tmp_path):
    path = tmp_path / "broken.npz"
    images = np.random.default_rng(0).integers(0, 256, (200, 8, 8)).astype(np.uint8)
    np.savez(path, x=images)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(tfsp_data.DataFormatError, match=r"broken.npz"):
        tfsp_data.load(path)


def test_pickles_are_not_opened(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}, []], object))
    with pytest.raises(tfsp_data.DataFormatError, match=r"a.npz"):
        tfsp_data.load(tmp_path / "a.npz")


def test_absent_and_unknown_paths(tmp_path):
    for name in ("a.npz", "a.npy", "a.mat", "a.amat", "sub/folder"):
        with pytest.raises(tfsp_data.DataNotFoundError, match=str(tmp_path)):
            tfsp_data.load(tmp_path / name)
    (tmp_path / "a.txt").write_text("1,2")
    with pytest.raises(tfsp_data.DataFormatError, match=r"a.txt.*folder of images.*\.csv"):
        tfsp_data.load(tmp_path / "a.txt")


def _write_image(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    encode = tf.io.encode_jpeg if path.suffix == ".jpg" else tf.io.encode_png
    tf.io.write_file(str(path), encode(image))


def test_folder_without_classes(coded, number_of, tmp_path):
    images, _ = coded(30)
    for i, image in enumerate(images):
        _write_image(tmp_path / f"{i:02d}.png", image)
    (tmp_path / "notes.txt").write_text("not an image")
    data = tfsp_data.load(tmp_path)
    assert data.info.image_shape == (4, 4, 1)
    assert data.info.num_classes is None
    assert _all_numbers(data, number_of) == list(range(30))


def test_folder_of_classes(coded, number_of, tmp_path):
    images, labels = coded(35)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        _write_image(tmp_path / f"class {label}" / f"{i:02d}.png", image)
    data = tfsp_data.load(tmp_path, labels=True)
    assert data.info.num_classes == 7
    assert _all_numbers(data, number_of) == list(range(35))
    for part in PARTS:
        x, y = data.arrays(part)
        np.testing.assert_array_equal(number_of(x) % 7, y)


@pytest.mark.parametrize("classes", [False, True])
def test_folder_of_parts(coded, number_of, tmp_path, classes):
    images, labels = coded(30)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        part = "train" if i < 20 else "val" if i < 25 else "test"
        folder = tmp_path / part / str(label) if classes else tmp_path / part
        _write_image(folder / f"{i:02d}.png", image)
    data = tfsp_data.load(tmp_path)
    expected = (range(20), range(20, 25), range(25, 30))
    for part, numbers in zip(PARTS, expected, strict=True):
        x, y = data.arrays(part)
        assert sorted(number_of(x)) == list(numbers)
        assert (y is None) != classes
        if classes:
            np.testing.assert_array_equal(number_of(x) % 7, y)


def test_folder_of_all_formats_becomes_rgb(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (6, 5, 3)).astype(np.uint8)
    for name in ("a.png", "b.bmp", "c.jpg", "d.JPEG", "e.gif"):
        Image.fromarray(rgb).save(tmp_path / name)
    Image.fromarray(np.dstack([rgb, np.full((6, 5), 9, np.uint8)])).save(tmp_path / "f.png")
    Image.fromarray(rgb[..., 0]).save(tmp_path / "g.png")
    data = tfsp_data.load(tmp_path, validation_size=0, test_size=0)
    images = np.rint(data.arrays("train")[0] * 255).astype(np.uint8)
    assert images.shape == (7, 6, 5, 3)
    for i in (0, 1):  # lossless
        np.testing.assert_array_equal(images[i], rgb)
    over_white = rgb * (9 / 255) + 255 * (1 - 9 / 255)
    np.testing.assert_allclose(images[5], over_white, rtol=0, atol=1)
    np.testing.assert_array_equal(images[6], np.repeat(rgb[..., :1], 3, axis=2))


def test_folder_of_two_sizes(tmp_path, area_reference):
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (4, 4, 1)).astype(np.uint8)
    large = rng.integers(0, 256, (9, 6, 1)).astype(np.uint8)
    _write_image(tmp_path / "a.png", small)
    _write_image(tmp_path / "b.png", large)
    with pytest.raises(tfsp_data.DataFormatError, match=r"a.png is 4x4.*b.png is 9x6.*image_size"):
        tfsp_data.load(tmp_path)
    data = tfsp_data.load(tmp_path, image_size=(3, 2), validation_size=0, test_size=0)
    images = data.arrays("train")[0][..., 0] * 255
    for image, original in zip(images, (small, large), strict=True):
        exact = area_reference.area_average(original[..., 0], 3, 2)
        np.testing.assert_allclose(image, exact, rtol=0, atol=0.5 + 1e-3)


def test_bad_folders(tmp_path):
    with pytest.raises(tfsp_data.DataFormatError, match="no images"):
        tfsp_data.load(tmp_path)
    _write_image(tmp_path / "a.png", np.zeros((4, 4, 1), np.uint8))
    _write_image(tmp_path / "sub" / "b.png", np.zeros((4, 4, 1), np.uint8))
    with pytest.raises(tfsp_data.DataFormatError, match="of its own"):
        tfsp_data.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"plain text", "cut"])
def test_unreadable_image_is_named(tmp_path, content):
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 1)).astype(np.uint8)
    for name in "abc":
        _write_image(tmp_path / f"{name}.png", noise)
    path = tmp_path / "b.png"
    path.write_bytes(path.read_bytes()[:300] if content == "cut" else content)
    with pytest.raises(tfsp_data.DataFormatError, match=r"b.png is not a readable image"):
        tfsp_data.load(tmp_path)


def test_image_size_resizes_arrays(coded, area_reference):
    images, _ = coded(30)
    data = tfsp_data.load(images, image_size=3, validation_size=0, test_size=0)
    assert data.info.image_shape == (3, 3, 1)
    resized = data.arrays("train")[0]
    for i in (0, 17, 29):
        exact = area_reference.area_average(images[i, ..., 0], 3, 3)
        np.testing.assert_allclose(resized[i, ..., 0] * 255, exact, rtol=0, atol=0.5 + 1e-3)
    with pytest.raises(ValueError, match="flat"):
        tfsp_data.load(np.zeros((20, 9)), image_size=3)


def test_resizing_comes_before_binarisation():
    half = np.zeros((40, 4, 4), np.uint8)
    half[:, :, :2] = 200
    data = tfsp_data.load(half, image_size=2, binarization="threshold")
    np.testing.assert_array_equal(data.arrays("test")[0][0, ..., 0], [[1, 0], [1, 0]])
