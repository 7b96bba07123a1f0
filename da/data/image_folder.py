"""Bring your own images: folders (or a zip) of domains, with a folder for each class."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np

from da.data.files import locate
from da.data.images import decode, only_images
from da.data.splits import Raw, assemble
from da.domain import Task
from da.errors import ConfigError, DataError, nearest
from da.setting import ALL, Access


class ImageFolder:
    """Your own images: ``root/domain/class/*.jpg`` (or png, bmp, ...), a folder tree or a zip of one.

    Each image is scaled so that its shorter side is ``size``, cropped in the middle (or squeezed into a square) and
    held as RGB, ``(n, 3, size, size)`` ``uint8``. The classes are the sorted folder names of the sources. A target
    domain that holds images but no class folders is unlabelled: nothing is scored, but predictions are written. The
    metric is accuracy on the target's test split.

    Args:
        root: folder or zip; read from the working folder, else from ``DA_DATA_DIR``.
        source: name of a domain, or several for several sources.
        target: name of the target domain.
        size: height and width in pixels.
        crop: keep the proportions and lose what is outside the middle square; false squeezes the whole image into it.
        test_fraction: part of the target to report on, stratified where it has labels; 0 adapts to and reports on
            all of it (transductive).
        validation_fraction: part of each source that is held out, stratified; 0 is none.
        split_seed: seed of the splits.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    licence: ClassVar[str] = "yours"
    citation: ClassVar[str] = "yours"

    def __init__(
        self,
        *,
        root: str | None = None,
        source: str | list[str] | None = None,
        target: str | None = None,
        size: int = 32,
        crop: bool = True,
        test_fraction: float = 0.3,
        validation_fraction: float = 0.1,
        split_seed: int = 0,
    ):
        self.root, self.source, self.target = root, source, target
        self.size, self.crop = size, crop
        self.test_fraction, self.validation_fraction, self.split_seed = test_fraction, validation_fraction, split_seed

    def domains(self) -> tuple[str, ...]:
        """Names of the folders below the root that hold images."""
        if not self.root:
            raise ConfigError("data=image_folder needs data.root=FOLDER_OR_ZIP (images lie in root/domain/class)")
        with ExitStack() as stack:
            paths, _ = _listing(locate(self.root), stack)
        return tuple(
            sorted({PurePosixPath(path).parts[0] for path in paths if len(PurePosixPath(path).parts) in (2, 3)})
        )

    def load(self) -> Task:
        """Find, decode and split the images.

        Raises:
            ConfigError: root, source or target is not named, or a number is out of range.
            DataError: a domain is missing or empty, an image is damaged, or Pillow is not installed.
        """
        if not self.root or not self.source or not self.target:
            raise ConfigError(
                "data=image_folder needs data.root=FOLDER_OR_ZIP, data.source=DOMAIN and data.target=DOMAIN "
                "(images lie in root/domain/class)"
            )
        if self.size < 1:
            raise ConfigError(f"data.size={self.size} leaves no image; give a positive number of pixels.")
        root = locate(self.root)
        sources = [self.source] if isinstance(self.source, str) else list(self.source)
        with ExitStack() as stack:
            paths, read = _listing(root, stack)
            raws = [self._domain(name, root, paths, read) for name in (*sources, self.target)]
        return assemble(
            raws[:-1],
            raws[-1],
            test_fraction=self.test_fraction,
            validation_fraction=self.validation_fraction,
            split_seed=self.split_seed,
        )

    def _domain(self, name: str, root: Path, paths: list[str], read: Callable[[str], bytes]) -> Raw:
        split = {path: PurePosixPath(path).parts for path in paths}
        labelled = [path for path, parts in split.items() if len(parts) == 3 and parts[0] == name]
        flat = [path for path, parts in split.items() if len(parts) == 2 and parts[0] == name]
        chosen = labelled or flat
        if not chosen:
            known = {parts[0] for parts in split.values() if len(parts) in (2, 3)}
            raise DataError(f"'{root}' has no images in {name}/class/; {nearest(name, known)}")
        y = np.array([split[path][1] for path in chosen]) if labelled else None
        return Raw(decode(chosen, read, self.size, f"{root.name}/{name}", crop=self.crop), y, name)


def _listing(root: Path, stack: ExitStack) -> tuple[list[str], Callable[[str], bytes]]:
    """All images as sorted paths relative to the root, with forward slashes, and how to read one."""
    if root.is_dir():
        names = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
        return only_images(names), lambda name: (root / name).read_bytes()
    try:
        archive = stack.enter_context(zipfile.ZipFile(root))
    except zipfile.BadZipFile as error:
        raise DataError(f"'{root}' is neither a folder nor a zip; give the folder that holds the domains.") from error
    return only_images(archive.namelist()), archive.read
