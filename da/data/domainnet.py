"""DomainNet as images."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import ClassVar

from da.bounds import Count
from da.data.image_sets import ImageSet
from da.data.named import check_names
from da.domain import Split, Task
from da.errors import DataError
from da.files import File
from da.setting import ALL, Access

N_CLASSES = 345
COUNTS = {
    "clipart_train": 33525, "clipart_test": 14604, "infograph_train": 36023, "infograph_test": 15582,
    "painting_train": 50416, "painting_test": 21850, "quickdraw_train": 120750, "quickdraw_test": 51750,
    "real_train": 120906, "real_test": 52041, "sketch_train": 48212, "sketch_test": 20916,
}  # fmt: skip
DOMAINS = ("clipart", "infograph", "painting", "quickdraw", "real", "sketch")


class DomainNet:
    """DomainNet: 345 object classes as clip art, infographics, paintings, doodles, photographs and sketches.

    Read from disk: ``root/clipart/CLASS/*.jpg`` and so on, with lists ``root/clipart_train.txt`` and
    ``root/clipart_test.txt`` of lines ``path label``, as its authors distribute it (the cleaned version): clipart has
    33525 images to train on and 14604 to test, infograph 36023 and 15582, painting 50416 and 21850, quickdraw 120750
    and 51750, real 120906 and 52041, sketch 48212 and 20916. Each is resized to a square of ``scale`` pixels, whose
    central ``size`` is cropped: ``(n, 3, size, size)`` ``uint8``. Images are decoded on access.

    The protocol is the authors': the sources' training lists are labelled, the target's training list is used for
    adaptation, and its test list for testing. The sources' test lists serve validation. The metric is accuracy on the
    target.

    Args:
        root: the folder; read from the working folder, else from ``DA_DATA_DIR``.
        source: ``clipart``, ``infograph``, ``painting``, ``quickdraw``, ``real`` or ``sketch``, or a list of some.
        target: another of these.
        size: height and width in pixels.
        scale: height and width before the central crop.
        complete: refuse lists whose number of images differs from the published one.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    licence: ClassVar[str] = "for non-commercial research (fair use); images keep their owners' rights"
    citation: ClassVar[str] = "Peng et al., Moment matching for multi-source domain adaptation, ICCV 2019"

    def __init__(
        self,
        *,
        root: File = "domainnet",
        source: str | list[str] = "clipart",
        target: str = "painting",
        size: Count = 224,
        scale: Count = 256,
        complete: bool = True,
    ):
        self.root, self.source, self.target, self.complete = root, source, target, complete
        self.size, self.scale = size, scale

    @staticmethod
    def domains() -> tuple[str, ...]:
        """Names of all domains."""
        return DOMAINS

    def load(self) -> Task:
        """Read the lists; no image is decoded.

        Raises:
            ConfigError: a name is unknown, source and target are the same, or a number is out of range.
            DataError: the folder, a list or an image is missing, or lists number classes differently.
        """
        sources = check_names(self.source, self.target, DOMAINS)
        images = ImageSet(
            title="DomainNet",
            url="http://ai.bu.edu/M3SDA/",
            layout="clipart/aircraft_carrier/clipart_001_000001.jpg",
            counts=COUNTS,
            complete=self.complete,
            root=self.root,
            size=self.size,
            scale=self.scale,
        )
        classes: dict[int, str] = {}

        def read(name: str) -> Split:
            parts = []
            for part in (f"{name}_train", f"{name}_test"):
                files, y = images.by_list(f"{part}.txt", N_CLASSES)
                for file, label in zip(files, y.tolist(), strict=True):
                    folder = PurePosixPath(file).parent.name
                    if classes.setdefault(label, folder) != folder:
                        raise DataError(
                            f"'{part}.txt' gives the label {label} to '{folder}', another list to '{classes[label]}'; "
                            "fetch all lists from one place."
                        )
                parts.append(images.domain(files, y, name, part=part))
            return Split(*parts)

        splits = [read(name) for name in (*sources, self.target)]
        task = Task(
            name=f"{'+'.join(sources)}->{self.target}",
            sources=tuple(splits[:-1]),
            target=splits[-1],
            classes=tuple(classes.get(k, str(k)) for k in range(N_CLASSES)),
        )
        return images.named(task)
