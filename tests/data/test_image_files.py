"""Pictures come out as Pillow shows them, and plain ones as TensorFlow always read them."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps, PngImagePlugin, TiffImagePlugin

from tfsp import data as tfsp_data

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (7, 5, 3)).astype(np.uint8)
ALPHA = RNG.integers(0, 256, (7, 5)).astype(np.uint8)
ALPHA[0] = [0, 255, 1, 254, 128]
ORIENTATION = 0x0112


def load(folder, **options):
    """float32 images of a folder, in order of the files' names."""
    options = {"validation_size": 0, "test_size": 0, **options}
    return tfsp_data.load(folder, **options).arrays("train")[0]


def grey_levels(folder, **options):
    """Integers 0..255."""
    levels = load(folder, **options) * np.float64(255)
    np.testing.assert_allclose(levels, np.rint(levels), rtol=0, atol=1e-4)
    return np.rint(levels).astype(int)


def over(colour, alpha, background):
    """Exact composite of colours [H, W, C] over a background."""
    a = alpha[..., None] / 255.0
    return colour * a + np.asarray(background, float) * (1 - a)


@pytest.mark.parametrize(
    ("background", "rgb"), [(None, (255, 255, 255)), ("#0a64c8", (10, 100, 200))]
)
@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_transparency_lies_over_the_background(tmp_path, background, rgb, suffix):
    image = Image.fromarray(np.dstack([RGB, ALPHA]))
    image.save(
        tmp_path / f"a.{suffix}", **({"lossless": True, "exact": True} if suffix == "webp" else {})
    )
    options = {} if background is None else {"background": background}
    found = grey_levels(tmp_path, **options)[0]
    np.testing.assert_allclose(found, over(RGB, ALPHA, rgb), rtol=0, atol=1)
    clear, opaque = ALPHA == 0, ALPHA == 255
    np.testing.assert_array_equal(found[clear], np.broadcast_to(rgb, (clear.sum(), 3)))
    np.testing.assert_array_equal(found[opaque], RGB[opaque])


def test_grey_with_transparency_stays_grey_over_grey(tmp_path):
    Image.fromarray(np.dstack([RGB[..., 0], ALPHA])).save(tmp_path / "a.png")
    for background, level in (("white", 255), ("black", 0), ((7, 7, 7), 7)):
        found = grey_levels(tmp_path, background=background)
        assert found.shape == (1, 7, 5, 1)
        np.testing.assert_allclose(found[0], over(RGB[..., :1], ALPHA, level), rtol=0, atol=1)
    assert grey_levels(tmp_path, background="red").shape == (1, 7, 5, 3)


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_a_palette_with_transparency(tmp_path, suffix):
    index = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    image = Image.fromarray(index).convert("P")
    image.putdata(index.reshape(-1).tolist())
    image.putpalette([200, 10, 20, 0, 90, 30, 5, 6, 250])
    image.save(tmp_path / f"a.{suffix}", transparency=1)
    colours = np.array([[200, 10, 20], [255, 255, 255], [5, 6, 250]])
    np.testing.assert_array_equal(grey_levels(tmp_path)[0], colours[index])


def test_a_transparent_colour_of_a_png(tmp_path):
    image = RGB.copy()
    image[2, 3] = image[4, 1] = (1, 2, 3)
    Image.fromarray(image).save(tmp_path / "a.png", transparency=(1, 2, 3))
    image[2, 3] = image[4, 1] = 255
    np.testing.assert_array_equal(grey_levels(tmp_path)[0], image)


@pytest.mark.parametrize("background", ["no colour", "#ff000080", (1, 2), (1, 2, 300), 7])
def test_a_bad_background(tmp_path, background):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="`background` must be"):
        load(tmp_path, background=background)


def bitmaps():
    """name -> image of each kind of BMP that Pillow writes."""
    return {
        "1 bit": Image.fromarray(RGB[..., 0] > 100),
        "grey": Image.fromarray(RGB[..., 0]),
        "palette": Image.fromarray(RGB).quantize(200),
        "colours": Image.fromarray(RGB),
        "32 bit": Image.fromarray(np.dstack([RGB, ALPHA])),
    }


@pytest.mark.parametrize("kind", list(bitmaps()))
def test_bmp(tmp_path, kind):
    bitmaps()[kind].save(tmp_path / "a.bmp")
    with Image.open(tmp_path / "a.bmp") as image:
        expected = np.asarray(image.convert("RGB"))
    found = grey_levels(tmp_path)[0]
    assert found.shape[2] == (1 if kind in ("1 bit", "grey") else 3)
    np.testing.assert_array_equal(np.broadcast_to(found, expected.shape), expected)


@pytest.mark.parametrize("bits", [4, 16])
def test_bmp_of_kinds_that_pillow_only_reads(tmp_path, bits):
    """A header of 40 bytes by hand; rows of four bytes, from the bottom up."""
    if bits == 4:  # two pixels a byte, looked up in a palette of blue, green, red, nothing
        palette = bytes([0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0])
        rows = bytes([0x01, 0x20, 0, 0]) + bytes([0x21, 0x00, 0, 0])
        expected = [
            [(0, 0, 255), (0, 255, 0), (255, 0, 0)],
            [(255, 0, 0), (0, 255, 0), (0, 0, 255)],
        ]
        width, colours = 3, 3
    else:  # five bits a colour
        palette, width, colours = b"", 2, 0
        rows = b"".join(v.to_bytes(2, "little") for v in (31, 31 << 5, 31 << 10, 0x7FFF))
        expected = [[(255, 0, 0), (255, 255, 255)], [(0, 0, 255), (0, 255, 0)]]
    offset = 54 + len(palette)
    numbers = [40, width, 2, 1 | bits << 16, 0, len(rows), 0, 0, colours, 0]
    head = b"BM" + b"".join(
        n.to_bytes(4, "little") for n in [offset + len(rows), 0, offset, *numbers]
    )
    (tmp_path / "a.bmp").write_bytes(head + palette + rows)
    np.testing.assert_array_equal(grey_levels(tmp_path)[0], expected)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    file = tmp_path / f"a.{suffix}"
    Image.fromarray(RGB).save(file, exif=exif, **({"lossless": True} if suffix == "webp" else {}))
    with Image.open(file) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    found = grey_levels(tmp_path)[0]
    assert found.shape == ((5, 7, 3) if orientation > 4 else (7, 5, 3))
    np.testing.assert_allclose(found, expected, rtol=0, atol=4 if orientation == 1 else 0)


def png_with_chunk(image, name, value):
    """A PNG file with one more chunk."""
    content = tf.io.encode_png(image).numpy()
    chunks = io.BytesIO(content[:33])  # the signature and the header
    chunks.seek(33)
    PngImagePlugin.putchunk(chunks, name, value)
    return chunks.getvalue() + content[33:]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_of_16_bits(tmp_path, orientation):
    """Pillow turns each plane by itself."""
    planes = RNG.integers(0, 65536, (7, 5, 3)).astype(np.uint16)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    (tmp_path / "a.png").write_bytes(png_with_chunk(planes, b"eXIf", exif.tobytes()[6:]))
    flipped = {"exif": exif.tobytes()}
    expected = []
    for plane in range(3):
        image = Image.fromarray(planes[..., plane])
        image.info.update(flipped)
        expected.append(np.asarray(ImageOps.exif_transpose(image)))
    found = load(tmp_path)[0]
    np.testing.assert_array_equal(found, np.dstack(expected) / np.float32(65535))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_orientation_in_xmp(tmp_path, dtype):
    """A PNG may say it in XMP instead of EXIF; Pillow turns by either."""
    planes = RNG.integers(0, 256, (7, 5, 3)).astype(dtype)
    planes[0, 0] = np.iinfo(dtype).max
    xmp = b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    chunk = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp
    (tmp_path / "a.png").write_bytes(png_with_chunk(planes, b"iTXt", chunk))
    expected = np.rot90(planes, -1) / np.float32(np.iinfo(dtype).max)
    np.testing.assert_array_equal(load(tmp_path)[0], expected)


@pytest.mark.parametrize("bits", [(16, 16, 16), (16, 16, 16, 16)])
def test_tiff_of_16_bit_colours_is_refused(tmp_path, bits):
    """Pillow would keep the upper 8 bits, of 10-bit data next to nothing."""
    pixels = RNG.integers(0, 1024, (7, 5, len(bits))).astype("<u2").tobytes()
    write_tiff(tmp_path / "a.tif", pixels, (258, bits), (262, 2), (277, len(bits)))
    with pytest.raises(tfsp_data.DataFormatError, match=r"a.tif.*16 bits.*16-bit PNG.*8 bits"):
        load(tmp_path)


@pytest.mark.parametrize("dtype", ["<u2", "<f4"])
def test_tiff_of_which_zero_is_white(tmp_path, dtype):
    planes = RNG.integers(0, 65536, (7, 5)) / (1 if dtype == "<u2" else 65535)
    planes = planes.astype(dtype)
    form = 1 if dtype == "<u2" else 3
    tags = [(258, (8 * planes.itemsize,)), (262, 0), (277, 1), (339, form)]
    write_tiff(tmp_path / "a.tif", planes.tobytes(), *tags)
    top = np.float32(65535 if dtype == "<u2" else 1)
    found = load(tmp_path, **({"bit_depth": 16} if dtype == "<u2" else {}))[0, ..., 0]
    np.testing.assert_allclose(found, 1 - planes / top, rtol=0, atol=1e-6)


def write_tiff(path, pixels, *tags):
    """An uncompressed TIFF of 7x5 pixels, little-endian: Pillow writes none of these kinds."""
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in ((256, 5), (257, 7), (259, 1), (278, 7), (279, len(pixels)), *tags):
        directory[tag] = value
    directory[273] = 0  # counted from the directory's end, by Pillow
    path.write_bytes(b"II*\0\x08\0\0\0" + directory.tobytes(8) + pixels)


@pytest.mark.parametrize("kind", ["P2", "P5"])
@pytest.mark.parametrize("maxval", [1023, 4000])
def test_pgm_is_divided_by_its_maxval(tmp_path, kind, maxval):
    plane = RNG.integers(0, maxval // 5, (7, 5)).astype(">u2")
    header = f"{kind}\n# a remark\n5 7\n{maxval}\n".encode()
    pixels = plane.tobytes() if kind == "P5" else " ".join(map(str, plane.flat)).encode()
    (tmp_path / "a.pgm").write_bytes(header + pixels)
    np.testing.assert_array_equal(load(tmp_path)[0, ..., 0], (plane / maxval).astype(np.float32))


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_keep_the_lower_ones(tmp_path, channels):
    planes = RNG.integers(0, 65536, (7, 5, channels)).astype(np.uint16)
    planes[0, 0], planes[0, 1], planes[0, 2] = 0, 255, 65535
    (tmp_path / "a.png").write_bytes(tf.io.encode_png(planes).numpy())
    Image.fromarray(RGB[..., 0]).save(tmp_path / "b.png")  # of 8 bits, beside it
    data = tfsp_data.load(tmp_path, validation_size=0, test_size=0)
    images = data.arrays("train")[0]
    np.testing.assert_array_equal(images[0], planes / np.float32(65535))
    np.testing.assert_array_equal(images[1][..., 0], RGB[..., 0] / np.float32(255))
    assert "16-bit files read as 16-bit" in data.info.source


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_16_bits_of_other_formats(tmp_path, suffix):
    plane = RNG.integers(0, 65536, (7, 5)).astype(np.uint16)
    plane[0, 0] = 65535
    Image.fromarray(plane).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(load(tmp_path)[0, ..., 0], plane / np.float32(65535))


def test_16_bits_with_transparency(tmp_path):
    planes = RNG.integers(0, 65536, (7, 5, 4)).astype(np.uint16)
    planes[0, 0, 3], planes[0, 1, 3] = 0, 65535
    (tmp_path / "a.png").write_bytes(tf.io.encode_png(planes).numpy())
    alpha = planes[..., 3:] / 65535
    expected = planes[..., :3] / 65535 * alpha + np.array([255, 0, 0]) / 255 * (1 - alpha)
    found = load(tmp_path, background="red")[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_with_a_transparent_colour(tmp_path, channels):
    planes = RNG.integers(0, 65536, (7, 5, channels)).astype(np.uint16)
    colour = planes[2, 3].copy()
    chunk = colour.astype(">u2").tobytes()
    (tmp_path / "a.png").write_bytes(png_with_chunk(planes, b"tRNS", chunk))
    planes[2, 3] = 65535
    np.testing.assert_array_equal(load(tmp_path)[0], planes / np.float32(65535))


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("form", ["grey alpha", "rgb alpha", "grey clear", "rgb clear"])
@pytest.mark.parametrize("size", [None, (3, 2)])
def test_depth_of_the_data_with_transparency(tmp_path, bits, form, size):
    """What does not show does not count, nor does the background, which is white of that depth."""
    top, channels = 2**bits - 1, 1 if "grey" in form else 3
    planes = RNG.integers(0, top, (6, 4, channels)).astype(np.uint16)
    planes[0, 0], planes[1, 1] = top, 65535
    alpha = np.full((6, 4, 1), 65535, np.uint16)
    alpha[1, 1] = 0
    if "alpha" in form:
        alpha[2] = RNG.integers(1, 65536, (4, 1))
        content = tf.io.encode_png(np.concatenate([planes, alpha], axis=2)).numpy()
    else:
        content = png_with_chunk(planes, b"tRNS", planes[1, 1].astype(">u2").tobytes())
    (tmp_path / "a.png").write_bytes(content)
    share = alpha / 65535
    expected = planes / top * share + np.array([255, 0, 0]) / 255 * (1 - share)
    if size:
        expected = expected.reshape(3, 2, 2, 2, 3).mean(axis=(1, 3))
    with pytest.warns(UserWarning, match=f"taken for {bits}-bit"):
        found = load(tmp_path, background="red", image_size=size)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("largest", "depth"), [(200, 8), (1023, 10), (1024, 12), (4095, 12), (9000, 14), (20000, 16)]
)
def test_depth_of_the_data_in_16_bits(tmp_path, largest, depth):
    """The largest value of all files decides, so that all are scaled alike."""
    planes = RNG.integers(0, largest + 1, (3, 7, 5)).astype(np.uint16)
    planes[1] //= 9
    planes[2, 3, 4] = largest
    for i, plane in enumerate(planes):
        Image.fromarray(plane).save(tmp_path / f"{i}.png")
    if depth < 16:
        with pytest.warns(UserWarning, match=f"taken for {depth}-bit data"):
            images = load(tmp_path)
    else:
        images = load(tmp_path)
    np.testing.assert_array_equal(images[..., 0], planes / np.float32(2**depth - 1))
    np.testing.assert_array_equal(load(tmp_path, bit_depth=16)[..., 0], planes / np.float32(65535))
    for wrong in (7, 17, 10.0):
        with pytest.raises(ValueError, match="bit_depth"):
            load(tmp_path, bit_depth=wrong)
    if depth > 8:
        with pytest.raises(tfsp_data.DataFormatError, match=r"2.png has a pixel of"):
            load(tmp_path, bit_depth=8)


def test_16_bits_are_averaged_as_numbers(tmp_path, area_reference):
    plane = RNG.integers(0, 1024, (9, 6)).astype(np.uint16)
    plane[0, 0] = 1023
    Image.fromarray(plane).save(tmp_path / "a.png")
    with pytest.warns(UserWarning, match="10-bit"):
        found = load(tmp_path, image_size=(3, 2))[0, ..., 0]
    np.testing.assert_allclose(found, area_reference.area_average(plane, 3, 2) / 1023, rtol=1e-6)


def test_cmyk_jpeg(tmp_path):
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.mode == "CMYK"
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(grey_levels(tmp_path)[0], expected)


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_of_several_frames_the_first(tmp_path, suffix):
    frames = [Image.fromarray(np.full((7, 5, 3), level, np.uint8)) for level in (90, 30, 200)]
    lossless = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **lossless)
    found = grey_levels(tmp_path)
    assert found.shape == (1, 7, 5, 3)
    np.testing.assert_array_equal(found, 90)


def test_further_frames_are_told(tmp_path):
    frames = [Image.fromarray(np.full((7, 5), level, np.uint8)) for level in (90, 30)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match=r"1 with more frames than the first.*\(a.tif\)"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        ("webp", "RGB"),
        ("tif", "RGB"),
        ("tif", "L"),
        ("tif", "1"),
        ("ppm", "RGB"),
        ("pgm", "L"),
        ("pbm", "1"),
        ("tif", "CMYK"),
        ("jfif", "RGB"),
        ("PNG", "P"),
    ],
)
def test_more_formats(tmp_path, suffix, mode):
    image = Image.fromarray(RGB).convert(mode)
    image.save(tmp_path / f"a.{suffix}", **({"lossless": True} if suffix == "webp" else {}))
    with Image.open(tmp_path / f"a.{suffix}") as image:
        expected = np.asarray(image.convert("RGB"))
    found = grey_levels(tmp_path)[0]
    assert found.shape[2] == (1 if mode in ("1", "L") else 3)
    found = np.broadcast_to(found, expected.shape)
    np.testing.assert_allclose(found, expected, rtol=0, atol=4 if suffix == "jfif" else 0)


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("L", "png"), ("RGB", "png"), ("P", "png"), ("1", "png"), ("L", "jpg"), ("RGB", "jpg")],
)
def test_plain_files_are_read_as_before(tmp_path, mode, suffix):
    """Bit for bit as TensorFlow decodes them."""
    big = RNG.integers(0, 256, (40, 30, 3)).astype(np.uint8)
    Image.fromarray(big).convert(mode).save(tmp_path / f"a.{suffix}")
    expected = tf.io.decode_image((tmp_path / f"a.{suffix}").read_bytes()).numpy()
    np.testing.assert_array_equal(grey_levels(tmp_path)[0], expected)


def test_opaque_images_with_an_alpha_channel_do_not_change(tmp_path):
    Image.fromarray(np.dstack([RGB, np.full((7, 5), 255, np.uint8)])).save(tmp_path / "a.png")
    np.testing.assert_array_equal(grey_levels(tmp_path)[0], RGB)
    np.testing.assert_array_equal(grey_levels(tmp_path, background="black")[0], RGB)


def test_floats_of_a_tiff(tmp_path):
    values = RNG.random((7, 5)).astype(np.float32)
    Image.fromarray(values).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(load(tmp_path)[0, ..., 0], values)
    Image.fromarray(values * 90).save(tmp_path / "b.tif")
    with pytest.raises(tfsp_data.DataFormatError, match=r"b.tif.*floats must lie in \[0, 1\]"):
        load(tmp_path)


def test_masks_that_would_be_black_are_told(tmp_path):
    Image.fromarray((RGB[..., 0] > 99).astype(np.uint8)).save(tmp_path / "a.png")
    with pytest.warns(UserWarning, match="largest value of all images is 1 of 255"):
        load(tmp_path)
