"""WISDM: human activities from phone accelerometers, from some users to another."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np

from da.bounds import Bound, ProperFraction, Seed
from da.data.splits import check_fraction, hold_out
from da.domain import Domain, Split, Task
from da.errors import ConfigError
from da.files import require
from da.setting import ALL, Access

CLASSES = ("Walking", "Jogging", "Upstairs", "Downstairs", "Sitting", "Standing")
USERS = range(1, 37)
SHA256 = "e91ac608a318690758e9e2309339bd0555b189c22e5830006246819579ba05b4"
STANDARDIZE = ("domain", "source")


class Wisdm:
    """WISDM v1.1: 6 human activities recorded by a phone in the pocket, from some users to another.

    5418 windows of 10 s of 36 users (60 to 273 each), as the 43 features that come with the data: ten bins of each
    axis, averages, times between peaks, deviations and the resultant; ``x`` is ``(n, 43)`` ``float64``. The average of
    the first axis is zero in all rows, as published. Where a window has no peaks the time between them is missing (a
    column has 103 to 381 such rows); it is imputed by the feature's mean, which is 0 after standardisation. No labels
    are used for this.

    The protocol is inductive: the target's training part is used for adaptation and a held-out part for testing, both
    stratified; windows do not overlap. Every task has all six classes, but a user need not: a class that no source has
    cannot be learnt, and such target windows count as errors. The metric is accuracy on the target's test part. No
    published table has this protocol: benchmarks of time series cut their own windows of the raw signal.

    ``pairs`` are ten tasks of users with at least 5 windows of every class: the first ten such users in increasing
    number, each to the next and the last to the first, so that each is source once and target once. Logistic
    regression without adaptation has an accuracy of 60.6 percent on average over them, and of 50.0 if standardised by
    the source (ours).

    Args:
        source: a user, 1 to 36, or a list of some.
        target: another user.
        standardize: bring each feature to mean 0 and standard deviation 1 by the training part of its own ``domain``,
            or in all domains by the statistics of the ``source``, which keeps the shift between users.
        test_fraction: fraction of the target to test on, stratified.
        validation_fraction: fraction of each source that is held out, stratified; 0 is none.
        split_seed: seed of the splits.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    licence: ClassVar[str] = "free, with its readme.txt beside it"
    citation: ClassVar[str] = "Kwapisz et al., Activity recognition using cell phone accelerometers, SensorKDD 2010"
    pairs: ClassVar[tuple[tuple[int, int], ...]] = (
        (3, 5), (5, 7), (7, 12), (12, 13), (13, 18), (18, 19), (19, 20), (20, 21), (21, 27), (27, 3),
    )  # fmt: skip

    def __init__(
        self,
        *,
        source: Annotated[int, Bound(least=1, most=36)] | list[Annotated[int, Bound(least=1, most=36)]] = 3,
        target: Annotated[int, Bound(least=1, most=36)] = 5,
        standardize: Literal["domain", "source"] = "domain",
        test_fraction: ProperFraction = 0.3,
        validation_fraction: ProperFraction = 0.2,
        split_seed: Seed = 0,
    ):
        self.source, self.target, self.standardize = source, target, standardize
        self.test_fraction, self.validation_fraction, self.split_seed = test_fraction, validation_fraction, split_seed

    @staticmethod
    def domains() -> tuple[int, ...]:
        """Numbers of all users."""
        return tuple(USERS)

    def load(self) -> Task:
        """Read, split, standardise and impute.

        Raises:
            ConfigError: there is no such user or option, or a fraction is out of range.
            DataError: the file is missing or differs from the known one.
        """
        sources = [self.source] if isinstance(self.source, int) else list(self.source)
        self._check(sources)
        with np.load(require("wisdm/wisdm_v1_1_transformed.npz", SHA256), allow_pickle=False) as file:
            x, y, user = file["X"].astype(np.float64), file["y"].astype(np.int64), file["user"]

        def split(number: int, fraction: float) -> Split:
            own = user == number
            return hold_out(Domain(x[own], y[own], name=f"user {number}"), fraction, self.split_seed)

        splits = [split(number, self.validation_fraction) for number in sources]
        splits.append(split(self.target, self.test_fraction))
        common = np.concatenate([s.train.x for s in splits[:-1]])
        splits = [standardized(s, s.train.x if self.standardize == "domain" else common) for s in splits]
        return Task(
            name=f"{'+'.join(map(str, sources))}->{self.target}",
            sources=tuple(splits[:-1]),
            target=splits[-1],
            classes=CLASSES,
        )

    def _check(self, sources: list[int]) -> None:
        for key, number in (*(("source", number) for number in sources), ("target", self.target)):
            if number not in USERS:
                raise ConfigError(f"data.{key}={number} is no user; give a number from 1 to {USERS[-1]}.")
        if not sources or len({*sources, self.target}) <= len(sources):
            raise ConfigError(f"data.source={self.source} and data.target={self.target} must be different users.")
        if self.standardize not in STANDARDIZE:
            raise ConfigError(f"data.standardize='{self.standardize}' is unknown; take {' or '.join(STANDARDIZE)}.")
        check_fraction("validation_fraction", self.validation_fraction)
        check_fraction("test_fraction", self.test_fraction)
        if self.test_fraction == 0:
            raise ConfigError("data.test_fraction=0 leaves nothing to report on; give a part such as 0.3.")


def standardized(split: Split, reference: np.ndarray) -> Split:
    """Standardise both parts of a domain by the reference's known values; missing values become 0.

    The scale is the population standard deviation.
    """
    known = ~np.isnan(reference)
    count = np.maximum(known.sum(axis=0), 1)  # a feature that is always missing becomes 0
    mean = np.where(known, reference, 0.0).sum(axis=0) / count
    deviation = np.sqrt((np.where(known, reference - mean, 0.0) ** 2).sum(axis=0) / count)
    deviation[deviation == 0] = 1.0  # and so does a constant one

    def scaled(domain: Domain) -> Domain:
        return replace(domain, x=np.nan_to_num((domain.x - mean) / deviation, nan=0.0))

    return Split(scaled(split.train), None if split.test is None else scaled(split.test))
