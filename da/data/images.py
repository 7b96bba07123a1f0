"""Image files as arrays: decoded all at once, or when they are asked for."""

from __future__ import annotations

import copy
import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from da.data.apart import keep, kept
from da.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


class Images:
    """Image files that are decoded when they are asked for: what a :class:`~da.domain.Domain` takes as inputs.

    The whole image is squeezed into a square of ``scale`` pixels, and the middle ``size`` of it is kept, as RGB. Paths
    often name the class, so the object does not hold them: see :mod:`da.data.apart` and :func:`paths`.

    Args:
        root: folder.
        names: ``(n,)`` paths relative to it, with forward slashes.
        size: height and width in pixels.
        scale: height and width before the middle is taken.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, root: Path, names: Sequence[str] | np.ndarray, *, size: int, scale: int):
        self._files = keep((root, np.asarray(names, dtype=np.str_)))
        self._index = np.arange(len(names))
        self.size, self.scale = size, scale

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(n, 3, size, size)``."""
        return (len(self._index), 3, self.size, self.size)

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, index: Any) -> np.ndarray:
        names = paths(self)[index]
        images = decode(np.atleast_1d(names).tolist(), self._read, self.size, crop=False, scale=self.scale)
        return images if np.ndim(names) else images[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def subset(self, index: Any) -> Images:
        """The images at ``index``, not decoded."""
        chosen = copy.copy(self)
        chosen._index = self._index[index]
        return chosen

    def joined(self, others: Iterable[Images]) -> Images:
        """These images and then those of the others, not decoded."""
        names = np.concatenate([paths(part) for part in (self, *others)])
        return Images(kept(self._files)[0], names, size=self.size, scale=self.scale)

    def fingerprint(self) -> str:
        """A hash of names, sizes in bytes and how images are decoded; the files are not read, there may be many.

        Raises:
            DataError: a file is missing.
        """
        root: Path = kept(self._files)[0]
        digest = hashlib.sha256(f"{self.size} {self.scale}".encode())
        with self._missing_files_named():
            for name in paths(self):
                digest.update(f"{name} {os.path.getsize(root / name)}\n".encode())
        return digest.hexdigest()

    def digests(self) -> np.ndarray:
        """``(n,)`` hashes (hex, as bytes) of the files' content and how they are decoded.

        Raises:
            DataError: a file is missing.
        """
        head = f"{self.size} {self.scale}".encode()
        with self._missing_files_named():
            found = [hashlib.blake2b(head + self._read(name), digest_size=16).hexdigest() for name in paths(self)]
        return np.array(found, dtype="S32")

    @contextmanager
    def _missing_files_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            root = kept(self._files)[0]
            raise DataError(f"An image of '{root}' is missing ({error}); unpack the data set anew.") from error

    def _read(self, name: str) -> bytes:
        content: bytes = (kept(self._files)[0] / name).read_bytes()
        return content


def paths(images: Images) -> np.ndarray:
    """``(n,)`` paths of the images, relative to their folder; they may name classes."""
    names: np.ndarray = kept(images._files)[1][images._index]
    return names


def only_images(names: Iterable[str]) -> list[str]:
    """The paths that have the name of an image, hidden files left out, sorted."""
    return sorted(
        name for name in names if name.lower().endswith(SUFFIXES) and not PurePosixPath(name).name.startswith(".")
    )


def decode(
    names: Sequence[str],
    read: Callable[[str], bytes],
    size: int,
    what: str | None = None,
    *,
    crop: bool = True,
    scale: int | None = None,
) -> np.ndarray:
    """Images as ``(n, 3, size, size)`` ``uint8`` RGB, decoded by a few threads.

    Args:
        names: of the images, as ``read`` knows them.
        read: the bytes of a file.
        size: height and width in pixels.
        what: text of the progress bar; None is no bar.
        crop: keep the proportions; false squeezes the whole image into a square.
        scale: length in pixels of the shorter side, or of the square, of which the middle ``size`` is kept; None is
            ``size``.

    Raises:
        DataError: Pillow is not installed, or a file is no image that it can read; the message names the file.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError('Images are decoded by Pillow, which is not installed: pip install "da[vision]"') from error
    from tqdm import tqdm

    images = np.empty((len(names), 3, size, size), dtype=np.uint8)
    square = partial(_square, size=size, crop=crop, scale=scale or size)

    def fill(k: int) -> None:
        try:
            with Image.open(io.BytesIO(read(names[k]))) as image:
                images[k] = np.asarray(square(_as_rgb(image))).transpose(2, 0, 1)
        except Exception as error:  # decoders raise whatever they like on a damaged file
            raise DataError(f"The image '{names[k]}' cannot be read ({error}); repair or remove it.") from error

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        try:
            # disable=None shows the bar on terminals only
            hidden = True if what is None else None
            for _ in tqdm(pool.map(fill, range(len(names))), total=len(names), desc=what, unit="img", disable=hidden):
                pass
        except DataError:
            pool.shutdown(cancel_futures=True)
            raise
    return images


def _as_rgb(image: Any) -> Any:
    """Grey, palette, CMYK or 16-bit as 8-bit RGB."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of unknown range")
    if image.mode.startswith("I"):  # Pillow would clip 16-bit grey at 255 instead of scaling it
        image = Image.fromarray((np.asarray(image).astype(np.float64) / 257.0).round().clip(0, 255).astype(np.uint8))
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")


def _square(image: Any, *, size: int, crop: bool, scale: int) -> Any:
    """The middle of an image that is scaled, bilinearly and antialiased: its shorter side, or both."""
    from PIL import Image

    width, height = (scale, scale)
    if crop:
        factor = scale / min(image.size)
        width, height = (max(scale, round(length * factor)) for length in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return resized.crop((left, top, left + size, top + size))
