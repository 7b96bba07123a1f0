"""Image files as arrays, decoded all at once or on access."""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from da.data import contents, pixels
from da.data.apart import keep, kept
from da.data.class_folders import hidden, is_picture
from da.errors import DataError


class Images:
    """Image files that are decoded on access, as inputs of a :class:`~da.domain.Domain`.

    The whole image is resized to a square of ``scale`` pixels, whose central ``size`` is cut out, as RGB. Paths often
    contain the class, so the object does not hold them: see :mod:`da.data.apart` and :func:`paths`.

    Args:
        root: folder of the files.
        names: ``(n,)`` paths relative to it, with forward slashes.
        size: height and width in pixels.
        scale: height and width before the central ``size`` is cut out.
        crop: keep the aspect ratio instead, so that ``scale`` is the length of the shorter side.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, root: Path, names: Sequence[str] | np.ndarray, *, size: int, scale: int, crop: bool = False):
        self._files = keep((root, np.asarray(names, dtype=np.str_)))
        self._index = np.arange(len(names))
        self.size, self.scale, self.crop = size, scale, crop

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(n, 3, size, size)``."""
        return (len(self._index), 3, self.size, self.size)

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, index: Any) -> np.ndarray:
        names = paths(self)[index]
        images = decode(np.atleast_1d(names).tolist(), self._read, self.size, crop=self.crop, scale=self.scale)
        return images if np.ndim(names) else images[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def subset(self, index: Any) -> Images:
        """The images at ``index``, without decoding them."""
        chosen = copy.copy(self)
        chosen._index = self._index[index]
        return chosen

    def joined(self, others: Iterable[Images]) -> Images:
        """These images followed by those of the others, without decoding them."""
        names = np.concatenate([paths(part) for part in (self, *others)])
        return Images(kept(self._files)[0], names, size=self.size, scale=self.scale, crop=self.crop)

    def fingerprint(self) -> str:
        """A hash of the names, the files' contents and the parameters of decoding.

        Raises:
            DataError: a file is missing.
        """
        digest = hashlib.sha256()
        for name, file_hash in zip(paths(self), self.digests(), strict=True):
            digest.update(f"{name} {file_hash.decode()}\n".encode())
        return digest.hexdigest()

    def digests(self) -> np.ndarray:
        """``(n,)`` hashes (hex, as bytes) of each file's content and the parameters of decoding.

        Raises:
            DataError: a file is missing.
        """
        head = f"{pixels.VERSION} {self.size} {self.scale} {'crop ' if self.crop else ''}"
        with self._missing_files_named():
            hashes = contents.digests(kept(self._files)[0], paths(self).tolist())
        return np.array([hashlib.blake2b((head + d).encode(), digest_size=16).hexdigest() for d in hashes], dtype="S32")

    @contextmanager
    def _missing_files_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            root = kept(self._files)[0]
            raise DataError(f"An image of '{root}' is missing ({error}); unpack the data set anew.") from error

    def _read(self, name: str) -> bytes:
        root: Path = kept(self._files)[0]
        return contents.regular(root / name).read_bytes()


def paths(images: Images) -> np.ndarray:
    """``(n,)`` paths of the images, relative to their folder; they may contain class names."""
    names: np.ndarray = kept(images._files)[1][images._index]
    return names


def only_images(names: Iterable[str]) -> list[str]:
    """Sorted paths with the suffix of an image, without hidden files and folders."""
    return sorted(name for name in names if is_picture(name) and not hidden(name))


def decode(
    names: Sequence[str],
    read: Callable[[str], bytes],
    size: int,
    what: str | None = None,
    *,
    crop: bool = True,
    scale: int | None = None,
    unreadable: dict[int, str] | None = None,
    remedy: str = "repair or remove it",
) -> np.ndarray:
    """Decode images by a few threads to ``(n, 3, size, size)`` ``uint8`` RGB; see :mod:`da.data.pixels`.

    Args:
        names: names of the images, which ``read`` is called with.
        read: function that reads the bytes of a file.
        size: height and width in pixels.
        what: text of the progress bar; None is no bar.
        crop: keep the aspect ratio; false resizes the whole image to a square.
        scale: length in pixels of the shorter side, or of the square, before the central ``size`` is cropped; None is
            ``size``.
        unreadable: dictionary that receives the reason for each image that cannot be read, by its index; the pixels of
            such an image are undefined. None raises an error instead.
        remedy: advice for the message on an unreadable image.

    Raises:
        DataError: Pillow is not installed, or a file is no image that can be read; the message names the file.
    """
    try:
        import PIL.Image  # noqa: F401 - whether it is there
    except ImportError as error:
        raise DataError('Images are decoded by Pillow, which is not installed: pip install "da[vision]"') from error
    from tqdm import tqdm

    images = np.empty((len(names), 3, size, size), dtype=np.uint8)

    def fill(k: int) -> None:
        try:
            images[k] = pixels.square(read(names[k]), size=size, crop=crop, scale=scale or size)
        except Exception as error:  # decoders raise errors of many kinds on a damaged file
            why = str(error).rstrip(".") or type(error).__name__
            if unreadable is None:
                raise DataError(f"The image '{names[k]}' cannot be read ({why}); {remedy}.") from error
            unreadable[k] = why

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        try:
            # disable=None shows the bar on terminals only
            hide = True if what is None else None
            for _ in tqdm(pool.map(fill, range(len(names))), total=len(names), desc=what, unit="img", disable=hide):
                pass
        except DataError:
            pool.shutdown(cancel_futures=True)
            raise
    return images
