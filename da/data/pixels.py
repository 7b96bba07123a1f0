"""Decode an image file as viewers display it: upright, on white, with 8 bits of red, green and blue."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".gif": "GIF", ".webp": "WEBP", ".tif": "TIFF",
    ".tiff": "TIFF", ".ppm": "PPM", ".pgm": "PPM",
}  # fmt: skip
"""Pillow's decoders by suffix. No other one is tried, as the one of EPS starts a program."""
VERSION = 3
"""Version of the decoding: part of cached features' names and of images' fingerprints.

A test requires a new one when the code below changes.
"""
ORIENTATION, BITS, PHOTOMETRIC, SAMPLE_FORMAT = 274, 258, 262, 339  # tags of TIFF and Exif
WHITE_IS_ZERO, SIGNED = 0, 2


def square(content: bytes, *, size: int, crop: bool, scale: int) -> np.ndarray:
    """Resize an image (bilinear, antialiased) and crop its centre: ``(3, size, size)`` ``uint8``.

    Args:
        content: of the file.
        size: height and width in pixels.
        crop: resize the shorter side to ``scale``; false resizes both.
        scale: length in pixels before the crop.

    Raises:
        ValueError, OSError, ...: the content is no image of a known format, or damaged.
    """
    from PIL import Image

    image = picture(content)
    width, height = (scale, scale)
    if crop:
        factor = scale / min(image.size)
        width, height = (max(scale, round(length * factor)) for length in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, left + size, top + size))).transpose(2, 0, 1)


def picture(content: bytes) -> Any:
    """The first image of a file as a Pillow image in RGB.

    The suffix is ignored, so that a PNG called ``.jpg`` is read. The orientation tag is applied, transparent pixels
    become white, and greyscale of more than 8 bits is scaled by the range of its type (real numbers: from 0 to 1).

    Raises:
        ValueError: the content is of no image format that is read.
    """
    from PIL import Image, UnidentifiedImageError

    known = sorted(set(FORMATS.values()))
    try:
        image: Any = Image.open(io.BytesIO(content), formats=known)
    except UnidentifiedImageError as error:
        raise ValueError(f"its content is none of {', '.join(known)}") from error
    with image:
        image.load()
        shown = _upright(image)
        if shown.mode == "F" or shown.mode.startswith("I"):
            values = np.asarray(shown)
            grey = _grey(values, getattr(image, "tag_v2", {}))
            if isinstance(clear := image.info.get("transparency"), int):
                grey = np.where(values == clear, np.uint8(255), grey)
            shown = Image.fromarray(grey)
        if shown.has_transparency_data:
            white = Image.new("RGBA", shown.size, "white")
            shown = Image.alpha_composite(white, shown.convert("RGBA"))
        return shown.convert("RGB")


def _upright(image: Any) -> Any:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        turn = turns.get(image.getexif().get(ORIENTATION))
    except Exception:  # viewers also display an image whose tags are damaged
        turn = None
    return image if turn is None else image.transpose(turn)


def _grey(values: np.ndarray, tags: Any) -> np.ndarray:
    """Convert greyscale of more than 8 bits to 8 bits.

    Raises:
        ValueError: values are outside their range, or so low in it that the result would be black.
    """
    bits, signed = tags.get(BITS, (16,))[0], tags.get(SAMPLE_FORMAT, (1,))[0] == SIGNED
    highest, what = (1.0, "real numbers") if values.dtype.kind == "f" else (2.0 ** (bits - signed) - 1, f"{bits} bits")
    if values.dtype == np.int32 and bits == 32 and not signed:
        values = values.view(np.uint32)
    low, high = float(values.min()), float(values.max())
    if not 0.0 <= low <= high <= highest:  # also of NaN
        raise ValueError(f"its values ({what}) are from {low:g} to {high:g}, not within 0..{highest:g}")
    grey = (values / highest * 255.0).round().astype(np.uint8)
    grey = 255 - grey if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else grey
    if low < high and grey.min() == grey.max():
        raise ValueError(f"its values ({what}) are from {low:g} to {high:g}, one and the same grey of 0..{highest:g}")
    return grey
