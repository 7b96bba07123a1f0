"""VisDA-2017 (classification) as images."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from da.bounds import Count, ProperFraction, Seed
from da.data.image_sets import ImageSet
from da.data.named import transductive_task
from da.domain import Task
from da.errors import ConfigError, nearest
from da.files import File
from da.setting import ALL, Access

COUNTS = {"train": 152397, "validation": 55388, "test": 72372}
CLASSES = (
    "aeroplane", "bicycle", "bus", "car", "horse", "knife", "motorcycle", "person", "plant", "skateboard", "train",
    "truck",
)  # fmt: skip


class VisDA2017:
    """VisDA-2017: 12 object classes, from renderings of 3D models to photographs; read from disk.

    ``root/train/``, ``root/validation/`` and ``root/test/``, as its authors distribute it, each with an
    ``image_list.txt`` of lines ``path label``: 152397 synthetic images, 55388 photographs cut out of COCO, and 72372
    cut out of YouTube-BB. Each is resized to a square of ``scale`` pixels, whose central ``size`` is cropped:
    ``(n, 3, size, size)`` ``uint8``. Images are decoded on access.

    The protocol is full and transductive, as in the field's tables, which report on ``validation``: all of ``train`` is
    labelled, and all of the target is used for both adaptation and testing. The metric is the mean of the classes'
    accuracies.

    Args:
        root: the folder; read from the working folder, else from ``DA_DATA_DIR``.
        target: ``validation``, or ``test``, whose list must hold labels.
        size: height and width in pixels.
        scale: height and width before the central crop.
        validation_fraction: fraction of the source that is held out, stratified; the tables have none.
        split_seed: seed of that split.
        complete: refuse a folder whose number of images differs from the published one.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    licence: ClassVar[str] = "for research; the photographs keep the licences of COCO and YouTube-BB"
    citation: ClassVar[str] = "Peng et al., VisDA: the visual domain adaptation challenge, arXiv:1710.06924"

    def __init__(
        self,
        *,
        root: File = "visda2017",
        target: Literal["validation", "test"] = "validation",
        size: Count = 224,
        scale: Count = 256,
        validation_fraction: ProperFraction = 0.0,
        split_seed: Seed = 0,
        complete: bool = True,
    ):
        self.root, self.target, self.complete, self.size, self.scale = root, target, complete, size, scale
        self.validation_fraction, self.split_seed = validation_fraction, split_seed

    def load(self) -> Task:
        """Read the lists; no image is decoded.

        Raises:
            ConfigError: the target is unknown, or a number is out of range.
            DataError: the folder, a list or an image is missing.
        """
        if self.target not in ("validation", "test"):
            raise ConfigError(f"data.target='{self.target}' is unknown; {nearest(self.target, ('validation', 'test'))}")
        images = ImageSet(
            title="VisDA-2017",
            url="https://github.com/VisionLearningGroup/taskcv-2017-public/tree/master/classification",
            layout="validation/aeroplane/NAME.jpg",
            counts=COUNTS,
            complete=self.complete,
            root=self.root,
            size=self.size,
            scale=self.scale,
        )
        source, target = (
            images.domain(*images.by_list(f"{name}/image_list.txt", len(CLASSES), f"{name}/"), name)
            for name in ("train", self.target)
        )
        task = transductive_task(
            [source],
            target,
            CLASSES,
            validation_fraction=self.validation_fraction,
            split_seed=self.split_seed,
        )
        return replace(images.named(task), metric="mean_class_accuracy")
