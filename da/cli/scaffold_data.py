"""Text of a new data set: its code, its YAML and its test."""

CODE = '''"""{title}."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from da.bounds import ProperFraction, Seed
from da.data.splits import Raw, assemble
from da.domain import Task
from da.setting import ALL, Access


class {class_name}:
    """One line that says what the data are, of how many classes, from which domain to which.

    Counts of each domain; ``x`` is ``(n, d)`` ``float64``. How the target is split: its training part is used for
    adaptation and a held-out part for testing. The metric is accuracy on the target's test part.

    Args:
        test_fraction: fraction of the target to test on, stratified.
        validation_fraction: fraction of the source that is held out, stratified; 0 is none.
        split_seed: seed of the splits.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    licence: ClassVar[str] = "under which the data may be used"
    citation: ClassVar[str] = "authors, title, venue and year, which users must cite"

    def __init__(
        self, *, test_fraction: ProperFraction = 0.3, validation_fraction: ProperFraction = 0.1, split_seed: Seed = 0
    ):
        self.test_fraction, self.validation_fraction = test_fraction, validation_fraction
        self.split_seed = split_seed

    def load(self) -> Task:
        """Read both domains and split them."""
        return assemble(
            [self._read("before")],
            self._read("after"),
            test_fraction=self.test_fraction,
            validation_fraction=self.validation_fraction,
            split_seed=self.split_seed,
        )

    @staticmethod
    def _read(name: str) -> Raw:
        """One domain: inputs and labels, which may be strings.

        A file is found by ``da.files.require("{name}/file.npz", sha256)``, below the folder ``DA_DATA_DIR``.
        """
        rng = np.random.default_rng(["before", "after"].index(name))  # in place of a file
        y = np.arange(120) % 2
        x = rng.normal(size=(120, 3)) + 3.0 * y[:, None] + (1.5 if name == "after" else 0.0)
        return Raw(x, np.array(["no", "yes"])[y], name)
'''

CONFIG = """test_fraction: 0.3
validation_fraction: 0.1
split_seed: 0
"""

TEST = '''"""{title}: counts, classes, and what is known of the data."""

from da.checks import CheckedData, checks_for
from {module} import {class_name}


def test_counts_and_classes() -> None:
    task = {class_name}().load()
    counts = {{name: len(domain) for name, domain in task.parts().items()}}
    assert counts == {{"source/train": 108, "source/test": 12, "target/train": 84, "target/test": 36}}
    assert task.classes == ("no", "yes")
    assert task.sources[0].train.sample_shape == (3,)


def test_the_common_checks_pass() -> None:
    data = CheckedData("{name}", {class_name}, {class_name}.offers)
    for _, check in checks_for(data):
        check(data)
'''
