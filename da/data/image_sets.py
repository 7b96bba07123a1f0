"""Image benchmarks on disk as their authors distribute them: find their images and check that they are complete.

Nothing is downloaded. Images are listed by folder or by the list that comes with them, and decoded on access.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from da.data.images import Images, only_images
from da.data.inputs import ImageInputs
from da.domain import Domain, Task
from da.errors import ConfigError, DataError, few
from da.files import locate


@dataclass(frozen=True)
class ImageSet:
    """A benchmark's folder.

    Args:
        title: its usual name.
        url: where it can be downloaded.
        layout: an image's path in the folder, as an example.
        counts: number of images by domain (or by the ``part`` passed to :meth:`domain`).
        complete: refuse other numbers of images than these.
        root: the folder; read from the working folder, else from ``DA_DATA_DIR``.
        size, scale: see :class:`~da.data.images.Images`.
    """

    title: str
    url: str
    layout: str
    counts: Mapping[str, int]
    complete: bool
    root: str
    size: int
    scale: int

    def folder(self) -> Path:
        """The folder, checked to exist.

        Raises:
            ConfigError: the sizes do not fit each other.
            DataError: there is no such folder.
        """
        if not 1 <= self.size <= self.scale:
            raise ConfigError(
                f"data.size={self.size} must be from 1 to data.scale={self.scale}, of which it is the middle."
            )
        try:
            path = locate(self.root)
        except DataError as error:
            raise DataError(f"{str(error).rstrip('.')}. {self.remedy}") from error
        if not path.is_dir():
            raise DataError(f"'{path}' is no folder. {self.remedy}")
        return path

    @property
    def remedy(self) -> str:
        """Advice for messages on missing files."""
        return (
            f"data.root must be the folder of {self.title} in which images lie as '{self.layout}'; "
            f"{self.title} is had from {self.url}"
        )

    def by_folder(self, place: str) -> tuple[list[str], list[str]]:
        """Paths of the images in ``place/class/``, and the class of each.

        Raises:
            DataError: there are none.
        """
        root = self.folder()
        names = only_images(path.relative_to(root).as_posix() for path in (root / place).glob("*/*"))
        if not names:
            raise DataError(f"'{root}' has no images in '{place}/CLASS/'. {self.remedy}")
        return names, [Path(name).parent.name for name in names]

    def by_list(self, file: str, n_classes: int, prefix: str = "") -> tuple[list[str], np.ndarray]:
        """Paths and labels from a list with lines ``path label``.

        Args:
            file: the list, relative to the folder.
            n_classes: number of classes.
            prefix: folder that the paths are relative to, with a trailing slash.

        Raises:
            DataError: there is no such list, or a line has another form.
        """
        path = self.folder() / file
        if not path.is_file():
            raise DataError(f"'{path.parent}' has no '{path.name}', which lists images and labels. {self.remedy}")
        lines = [line.rsplit(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        for number, line in enumerate(lines, 1):
            if len(line) != 2 or not line[1].isdecimal() or int(line[1]) >= n_classes:
                raise DataError(
                    f"Line {number} of '{path}' is '{' '.join(line)}', not an image and a label below "
                    f"{n_classes}; fetch the list anew."
                )
        return [prefix + name for name, _ in lines], np.array([int(label) for _, label in lines], dtype=np.int64)

    def domain(self, names: Sequence[str], y: np.ndarray, name: str, *, part: str | None = None) -> Domain:
        """A domain of images and labels.

        Args:
            names: the images, relative to the folder.
            y: ``(n,)`` labels.
            name: of the domain.
            part: key of ``counts``; None is the name.

        Raises:
            DataError: the number of images is not the published one.
        """
        part = part or name
        if self.complete and len(names) != self.counts[part]:
            raise DataError(
                f"{self.title} has {self.counts[part]} images of {part}, but '{self.root}' holds {len(names)}; "
                "unpack it anew, or take what is there by data.complete=false."
            )
        images = Images(self.folder(), names, size=self.size, scale=self.scale)
        return Domain(images, y, name=name, ids=np.asarray(names, dtype=np.str_))

    def named(self, task: Task) -> Task:
        """A task of these images, with what names them and how new ones are read."""
        return replace(task, id_name="file", inputs=ImageInputs(self.size, self.scale, crop=False))

    def domains_by_folder(self, places: Mapping[str, str]) -> tuple[list[Domain], tuple[str, ...]]:
        """Domains of class folders with the same classes, and the classes' names in sorted order.

        Args:
            places: folder by the domain's name, the target last.

        Raises:
            DataError: a domain is absent or incomplete, or has a class that the others lack.
        """
        by_domain = {name: self.by_folder(place) for name, place in places.items()}
        folders = {name: sorted(set(labels)) for name, (_, labels) in by_domain.items()}
        first, classes = next(iter(folders.items()))
        for name, own in folders.items():
            if own != classes:
                raise DataError(
                    f"The class folders of '{name}' and '{first}' differ ({few(sorted(set(own) ^ set(classes)))}); all "
                    f"domains of {self.title} have the same classes, so unpack it anew."
                )
        domains = [
            self.domain(names, np.searchsorted(classes, labels), name) for name, (names, labels) in by_domain.items()
        ]
        return domains, tuple(classes)
