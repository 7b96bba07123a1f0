"""Images from the user's own folders (or a zip) of domains, with a folder for each class."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import ClassVar

import numpy as np

from da.bounds import Count, ProperFraction, Seed
from da.data.class_folders import Found, Tree, check_spelling, check_total, opened
from da.data.images import decode
from da.data.inputs import ImageInputs
from da.data.splits import Raw, assemble
from da.domain import Task
from da.errors import ConfigError, DataError
from da.files import File, locate
from da.setting import ALL, Access


class ImageFolder:
    """Images from your own folders: ``root/domain/class/*.jpg`` (or png, bmp, ...), as a folder tree or a zip of one.

    Each image is scaled so that its shorter side is ``size``, center-cropped (or resized to a square) and stored as
    RGB, ``(n, 3, size, size)`` ``uint8``. The classes are the sorted folder names of the sources. A target domain that
    holds images but no class folders is unlabelled: nothing is scored, but predictions are written. The metric is
    accuracy on the target's test split.

    Hidden folders are not classes, links are followed, and files that are left out or lie deeper than expected are
    reported and recorded. Images are decoded as viewers display them (:mod:`da.data.pixels`).

    Args:
        root: folder or zip; read from the working folder, else from ``DA_DATA_DIR``.
        source: name of a domain, or several for several sources.
        target: name of the target domain.
        size: height and width in pixels.
        crop: keep the aspect ratio and crop the central square; false resizes the whole image to the square.
        skip_unreadable: leave out images that cannot be read, and record how many and which; false refuses them.
        test_fraction: fraction of the target to test on, stratified where it has labels; 0 uses all of it for
            adaptation and testing (transductive). None is 0.3 of a labelled target, and 0 of one without labels, of
            which every image is predicted.
        validation_fraction: fraction of each source that is held out, stratified; 0 is none.
        split_seed: seed of the splits.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    required: ClassVar[dict[str, str]] = {"root": "FOLDER_OR_ZIP", "source": "DOMAIN", "target": "DOMAIN"}
    licence: ClassVar[str] = "yours"
    citation: ClassVar[str] = "yours"

    def __init__(
        self,
        *,
        root: File | None = None,
        source: str | list[str] | None = None,
        target: str | None = None,
        size: Count = 32,
        crop: bool = True,
        skip_unreadable: bool = False,
        test_fraction: ProperFraction | None = None,
        validation_fraction: ProperFraction = 0.1,
        split_seed: Seed = 0,
    ):
        self.root, self.source, self.target = root, source, target
        self.size, self.crop, self.skip_unreadable = size, crop, skip_unreadable
        self.test_fraction, self.validation_fraction, self.split_seed = test_fraction, validation_fraction, split_seed

    def domains(self) -> tuple[str, ...]:
        """Names of the folders below the root that hold images.

        Raises:
            ConfigError: no root is given; set ``data.root``.
        """
        if not self.root:
            raise ConfigError("data=image_folder needs data.root=FOLDER_OR_ZIP (images lie in root/domain/class)")
        with opened(locate(self.root), ()) as tree:
            return tuple(sorted(tree.domains()))

    def load(self) -> Task:
        """Find, decode and split the images.

        Raises:
            ConfigError: root, source or target is not given, or a number is out of range.
            DataError: a domain is missing or empty, an image is damaged, folders are ambiguous, or Pillow is missing.
        """
        if not self.root or not self.source or not self.target:
            raise ConfigError(
                "data=image_folder needs data.root=FOLDER_OR_ZIP, data.source=DOMAIN and data.target=DOMAIN."
            )
        if self.size < 1:
            raise ConfigError(f"data.size={self.size} leaves no image; give a positive number of pixels.")
        root = locate(self.root)
        sources = [self.source] if isinstance(self.source, str) else list(self.source)
        with opened(root, [*sources, self.target]) as tree:
            domains = {name: tree.domain(name) for name in (*sources, self.target)}
            check_spelling(domains)
            check_total(tree, list(domains.values()), self.size)
            read = {name: self._read(name, tree, domain) for name, domain in domains.items()}
        task = assemble(
            [read[name][0] for name in sources],
            read[self.target][0],
            test_fraction=self.test_fraction,
            validation_fraction=self.validation_fraction,
            split_seed=self.split_seed,
        )
        notes = [note for name, domain in domains.items() for note in (*domain.notes, *read[name][1])]
        return replace(task, notes=tuple(notes), id_name="file", inputs=ImageInputs(self.size, self.size, self.crop))

    def _read(self, name: str, tree: Tree, files: Found) -> tuple[Raw, list[str]]:
        """A domain's images, and sentences on those that were left out."""
        unreadable: dict[int, str] = {}
        x = decode(
            files.paths,
            tree.read,
            self.size,
            f"{tree.root.name}/{name}",
            crop=self.crop,
            unreadable=unreadable if self.skip_unreadable else None,
            remedy="repair or remove it, or leave out all such images with data.skip_unreadable=true",
        )
        y = None if files.classes is None else np.array(files.classes)
        ids = np.array([below_domain(path, name) for path in files.paths], dtype=np.str_)
        if not unreadable:
            return Raw(x, y, name, ids), []
        left = np.array([k not in unreadable for k in range(len(x))])
        examples = ", ".join(f"'{files.paths[k]}' ({unreadable[k]})" for k in sorted(unreadable)[:3])
        more = ", ..." if len(unreadable) > 3 else ""
        message = f"{len(unreadable)} of {len(x)} images of '{name}' cannot be read and are left out: {examples}{more}"
        lost = [] if y is None else sorted(Counter(y.tolist()).keys() - Counter(y[left].tolist()).keys())
        if lost or not left.any():
            of = f" of the class '{lost[0]}'" if lost else ""
            raise DataError(f"{message}, so that none{of} remains; unpack the images anew.")
        return Raw(x[left], None if y is None else y[left], name, ids[left]), [f"{message}."]


def below_domain(path: str, domain: str) -> str:
    """The path of an image below the folder of its domain, wherever that lies."""
    parts = path.split("/")
    return "/".join(parts[parts.index(domain) + 1 :])
