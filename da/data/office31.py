"""Office-31 as images."""

from __future__ import annotations

from typing import ClassVar

from da.bounds import Count, ProperFraction, Seed
from da.data.image_sets import ImageSet
from da.data.named import check_names, transductive_task
from da.domain import Task
from da.files import File
from da.setting import ALL, Access

COUNTS = {"amazon": 2817, "dslr": 498, "webcam": 795}


class Office31:
    """Office-31: 31 classes of office objects from Amazon's pages, a DSLR camera and a webcam; read from disk.

    ``root/amazon/images/CLASS/*.jpg``, as its authors distribute it: amazon has 2817 images, dslr 498, webcam 795. Each
    is resized to a square of ``scale`` pixels, whose central ``size`` is cropped: ``(n, 3, size, size)`` ``uint8``.
    Images are decoded on access.

    The protocol is full and transductive, as in the field's tables: all of the source is labelled, and all of the
    target is used for both adaptation and testing. The metric is accuracy on the target.

    Args:
        root: the folder; read from the working folder, else from ``DA_DATA_DIR``.
        source: ``amazon``, ``dslr`` or ``webcam``, or a list of two.
        target: another of these.
        size: height and width in pixels.
        scale: height and width before the central crop.
        validation_fraction: fraction of each source that is held out, stratified; the tables have none.
        split_seed: seed of that split.
        complete: refuse a folder whose number of images differs from the published one.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    licence: ClassVar[str] = "none stated, for research"
    citation: ClassVar[str] = "Saenko et al., Adapting visual category models to new domains, ECCV 2010"

    def __init__(
        self,
        *,
        root: File = "office31",
        source: str | list[str] = "amazon",
        target: str = "webcam",
        size: Count = 224,
        scale: Count = 256,
        validation_fraction: ProperFraction = 0.0,
        split_seed: Seed = 0,
        complete: bool = True,
    ):
        self.root, self.source, self.target, self.complete = root, source, target, complete
        self.size, self.scale = size, scale
        self.validation_fraction, self.split_seed = validation_fraction, split_seed

    @staticmethod
    def domains() -> tuple[str, ...]:
        """Names of all domains."""
        return tuple(COUNTS)

    def load(self) -> Task:
        """List the images without decoding them.

        Raises:
            ConfigError: a name is unknown, source and target are the same, or a number is out of range.
            DataError: the folder, a domain or an image is missing.
        """
        sources = check_names(self.source, self.target, COUNTS)
        images = ImageSet(
            title="Office-31",
            url="https://faculty.cc.gatech.edu/~judy/domainadapt/",
            layout="amazon/images/back_pack/frame_0001.jpg",
            counts=COUNTS,
            complete=self.complete,
            root=self.root,
            size=self.size,
            scale=self.scale,
        )
        domains, classes = images.domains_by_folder({name: f"{name}/images" for name in (*sources, self.target)})
        task = transductive_task(
            domains[:-1],
            domains[-1],
            classes,
            validation_fraction=self.validation_fraction,
            split_seed=self.split_seed,
        )
        return images.named(task)
