"""Pictures as every viewer shows them."""

import io
import struct
import subprocess

import numpy as np
import pytest

from da.data import pixels
from da.data.pixels import picture, square
from da.engine import codehash

Image = pytest.importorskip("PIL.Image")
WHITE, RED, BLUE = (255, 255, 255), (255, 0, 0), (0, 0, 255)


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def shown(content):
    return np.asarray(picture(content))


def marked():
    """4 x 6 pixels, alike from no two sides."""
    made = np.zeros((4, 6, 3), dtype=np.uint8)
    made[0, 0], made[0, 1], made[3, 5] = RED, BLUE, WHITE
    return made


def tiff(values, bits, *, kind=1, photometric=1, data=None):
    """A grey TIFF, of unsigned (1), signed (2) or real (3) samples."""
    height, width = values.shape
    if data is None:
        data = values.astype(np.dtype(f"{'?uif'[kind]}{bits // 8}").newbyteorder("<")).tobytes()
    tags = {
        256: width,
        257: height,
        258: bits,
        259: 1,
        262: photometric,
        273: 8,
        277: 1,
        278: height,
        279: len(data),
        339: kind,
    }
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


TURNS = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: lambda x: np.rot90(x),
    99: lambda x: x,
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_the_orientation_tag_is_applied_once(kind):
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}.get(kind, {})
    for orientation, turn in TURNS.items():
        tags = Image.Exif()
        tags[0x0112] = orientation
        found = shown(saved(Image.fromarray(marked()), kind, exif=tags, **options)).astype(int)
        expected = turn(marked())
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < (120 if kind == "JPEG" else 1), orientation


def test_a_damaged_tag_does_not_hide_the_picture():
    content = saved(Image.fromarray(marked()), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    np.testing.assert_array_equal(shown(content), marked())


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_what_is_transparent_shows_white(mode, kind):
    image = Image.new(mode, (2, 1), (*(0,) * (len(mode) - 1), 0))
    image.putpixel((1, 0), (*(100,) * (len(mode) - 1), 128))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    if kind == "WEBP" and mode == "LA":
        image = image.convert("RGBA")
    clear, half = shown(saved(image, kind, **options))[0].astype(int)
    np.testing.assert_array_equal(clear, WHITE)
    assert np.abs(half - 177).max() <= 1  # 255 - (255 - 100) * 128 / 255


def test_transparent_colours_of_palettes_and_of_plain_pictures_show_white():
    palette = Image.new("P", (2, 1))
    palette.putpalette([*RED, *BLUE])
    palette.putpixel((1, 0), 1)
    for content in (
        saved(palette, "PNG", transparency=0),
        saved(palette, "GIF", transparency=0),
        saved(palette, "PNG", transparency=bytes([0, 255])),
        saved(palette.convert("RGB"), "PNG", transparency=RED),
    ):
        np.testing.assert_array_equal(shown(content)[0], [WHITE, BLUE])
    for kind in ("PNG", "GIF", "BMP", "TIFF"):
        np.testing.assert_array_equal(shown(saved(palette, kind))[0], [RED, BLUE])
    np.testing.assert_array_equal(
        shown(saved(palette, "PNG", transparency=bytes([255, 128])))[0], [RED, (127, 127, 255)]
    )


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("YCbCr", "JPEG"), ("YCbCr", "TIFF")])
def test_other_colour_spaces_become_red_green_and_blue(mode, kind):
    image = Image.fromarray(np.full((8, 8, 3), (200, 100, 50), dtype=np.uint8)).convert(mode)
    found = shown(saved(image, kind, **({"quality": 100} if kind == "JPEG" else {}))).astype(int)
    assert np.abs(found - (200, 100, 50)).max() <= 4


def test_black_and_white_of_one_bit():
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    for kind in ("PNG", "TIFF", "PPM", "BMP"):
        assert shown(saved(image, kind))[0, :, 0].tolist() == [0, 255]


TWELVE = bytes([0x00, 0x0F, 0xFF, 0x80, 0x00, 0x64])  # 0, 4095, 2048, 100


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (tiff(np.zeros((2, 2)), 12, data=TWELVE), [0, 255, 128, 6]),
        (tiff(np.array([[0, 65535], [32768, 25700]]), 16), [0, 255, 128, 100]),
        (tiff(np.array([[0, 65535], [32768, 25700]]), 16, photometric=0), [255, 0, 127, 155]),
        (tiff(np.array([[0, 32767], [16384, 100]]), 16, kind=2), [0, 255, 128, 1]),
        (tiff(np.array([[0, 2**32 - 1], [2**31, 2**24]]), 32), [0, 255, 128, 1]),
        (tiff(np.array([[0, 2**31 - 1], [2**30, 2**24]]), 32, kind=2), [0, 255, 128, 2]),
        (tiff(np.array([[0, 1], [0.5, 0.25]]), 32, kind=3), [0, 255, 128, 64]),
        (saved(Image.fromarray(np.array([[0, 65535], [32768, 25700]], dtype=np.uint16)), "PNG"), [0, 255, 128, 100]),
        (saved(Image.fromarray(np.array([[0, 65535], [32768, 25700]], dtype=np.int32)), "PPM"), [0, 255, 128, 100]),
        (b"P2 2 2 4095\n0 4095 2048 100\n", [0, 255, 128, 6]),
        (b"P2 2 2 15\n0 15 8 1\n", [0, 255, 136, 17]),
        (tiff(np.full((2, 2), 70), 32), [0, 0, 0, 0]),
    ],
    ids=["12", "16", "16 from white", "16 signed", "32", "32 signed", "real", "png", "pgm", "pgm 12", "pgm 4", "plain"],
)  # fmt: skip
def test_grey_of_other_depths_is_scaled_by_its_range(content, expected):
    found = shown(content)
    assert found[:, :, 0].ravel().tolist() == expected
    assert (found == found[:, :, :1]).all()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (tiff(np.array([[0, 255.0]]), 32, kind=3), r"\(real numbers\) are from 0 to 255, not within 0\.\.1"),
        (tiff(np.array([[0, np.nan]]), 32, kind=3), r"are from nan to nan, not within 0\.\.1"),
        (tiff(np.array([[-5, 300]]), 16, kind=2), r"\(16 bits\) are from -5 to 300, not within 0\.\.32767"),
        (tiff(np.array([[0, 255]]), 32), r"\(32 bits\) are from 0 to 255, one and the same grey"),
    ],
    ids=["real", "missing", "negative", "dark"],
)
def test_grey_of_an_unknown_range_is_no_guess(content, sentence):
    with pytest.raises(ValueError, match=sentence):
        picture(content)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animated_file_the_first_picture_is_taken(kind):
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, BLUE)]
    options = {"lossless": True} if kind == "WEBP" else {}
    content = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(shown(content)[0, 0], RED)


def test_content_decides_not_the_suffix_and_no_other_format_is_opened(monkeypatch):
    """A PostScript file would start Ghostscript, whatever it is called."""
    started = []
    monkeypatch.setattr(subprocess, "check_call", started.append)
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(a))
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *a, **k: started.append(a))
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n%%EOF\n"
    for content in (script, saved(Image.new("RGB", (16, 16)), "ICO"), saved(Image.new("RGB", (16, 16)), "PCX"), b""):
        with pytest.raises(ValueError, match="its content is none of BMP, GIF, JPEG, PNG, PPM, TIFF, WEBP"):
            picture(content)
    assert not started


def test_a_picture_that_would_fill_the_memory_is_refused():
    head = b"P5 30000 30000 255\n"
    with pytest.raises(Exception, match="decompression bomb"):
        picture(head + b"0")


def test_the_version_belongs_to_the_code():
    """Another decoder makes other features: raise ``VERSION`` with it, or say here that the code does the same."""
    assert (pixels.VERSION, codehash.of("da.data.pixels.square")) == (3, "d42c18124e3f")


def test_the_middle_of_a_square():
    content = saved(Image.fromarray(marked()), "PNG")
    assert square(content, size=2, crop=True, scale=4).shape == (3, 2, 2)
    np.testing.assert_array_equal(square(content, size=4, crop=True, scale=4).transpose(1, 2, 0), marked()[:, 1:5])


def test_the_transparent_value_of_16_bit_grey_shows_white():
    values = np.array([[0, 40_000], [65_535, 1_000]], dtype=np.uint16)
    found = shown(saved(Image.fromarray(values), "PNG", transparency=1_000))
    assert found[..., 0].tolist() == [[0, 156], [255, 255]]
