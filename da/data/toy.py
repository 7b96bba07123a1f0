"""Synthetic shifts with a known solution, one for each setting."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np

from da.bounds import Count, Seed, Several
from da.domain import Domain, Split, Task
from da.errors import ConfigError, nearest
from da.setting import ALL, DIFFERENT, Access

SIGNAL = 2
NUISANCE = 4
RADIUS = 3.0


def blobs(
    rng: np.random.Generator, n: int, classes: int, priors: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """``(n, 2)`` samples of unit Gaussians evenly spaced on a circle of radius 3, and their ``(n,)`` classes."""
    y = rng.choice(classes, size=n, p=priors)
    angle = 2.0 * math.pi * y / classes
    return RADIUS * np.c_[np.cos(angle), np.sin(angle)] + rng.normal(size=(n, SIGNAL)), y


def covariate_ratio(x: np.ndarray) -> np.ndarray:
    r"""True :math:`p_t(x) / p_s(x)` of ``shift=covariate``: N(1.5, 1) over N(0, 1) in the first coordinate."""
    ratio: np.ndarray = np.exp(1.5 * x[:, 0] - 1.125)
    return ratio


def target_priors(classes: int) -> np.ndarray:
    """``(classes,)`` class priors of the target of ``shift=target``: falling geometrically by 3."""
    priors = 3.0 ** -np.arange(classes)
    return priors / priors.sum()


class Toy:
    """Gaussian classes under a chosen shift, whose optimal classifier is known.

    Args:
        shift: what changes from source to target.

            - ``subspace``: two signal directions are unchanged, four nuisance directions are moved by 6 and scaled by
              2; the optimal classifier uses the signal alone and is equally accurate in both domains.
            - ``rotation``: the signal is rotated by 50 degrees (neighbouring classes are 360 / ``classes`` apart).
            - ``covariate``: p(x) changes, p(y | x) does not; the true weights are :func:`covariate_ratio`. The
              boundary is curved, so that the best linear classifier differs between the domains.
            - ``target``: only the class priors change, to :func:`target_priors`.
            - ``concept``: the same inputs have the next class (``y + 1``), so that source labels alone are misleading.
        samples: samples per domain for training, and the same number for testing.
        classes: number of classes (2 for ``covariate``).
        split_seed: seed of the samples.

    Raises:
        ConfigError: the shift is unknown, or there are fewer than 2 classes, or fewer samples than classes.

    The metric is accuracy on the target's test split.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    shifts: ClassVar[tuple[str, ...]] = ("subspace", "rotation", "covariate", "target", "concept")

    def __init__(
        self,
        *,
        shift: Literal["subspace", "rotation", "covariate", "target", "concept"] = "subspace",
        samples: Count = 400,
        classes: Several = 3,
        split_seed: Seed = 0,
    ):
        if shift not in self.shifts:
            raise ConfigError(f"data.shift='{shift}' is unknown; {nearest(shift, self.shifts)}")
        if classes < 2 or samples < classes:
            raise ConfigError(f"data=toy needs at least 2 classes and as many samples, got {classes} and {samples}.")
        self.shift, self.samples, self.classes, self.split_seed = shift, samples, classes, split_seed

    def load(self) -> Task:
        """Draw both domains."""
        classes = 2 if self.shift == "covariate" else self.classes
        rng = np.random.default_rng([self.split_seed, self.shifts.index(self.shift)])
        parts = [self._draw(rng, classes, target=target) for target in (False, False, True, True)]
        name = f"toy {self.shift}"
        return Task(
            name=name,
            sources=(Split(*(Domain(*p, name="source") for p in parts[:2])),),
            target=Split(*(Domain(*p, name="target") for p in parts[2:])),
            classes=tuple(map(str, range(classes))),
        )

    def _draw(self, rng: np.random.Generator, classes: int, *, target: bool) -> tuple[np.ndarray, np.ndarray]:
        n = self.samples
        if self.shift == "covariate":
            x = np.c_[rng.normal(1.5 if target else 0.0, 1.0, n), rng.normal(size=n) + 0.8]
            y = (x[:, 1] > np.abs(x[:, 0])).astype(np.int64)
            return x.astype(np.float32), y
        x, y = blobs(rng, n, classes, target_priors(classes) if target and self.shift == "target" else None)
        if target and self.shift == "concept":
            y = (y + 1) % classes
        if target and self.shift == "rotation":
            angle = math.radians(50.0)
            x = x @ np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        if self.shift == "subspace":
            nuisance = rng.normal(size=(n, NUISANCE))
            x = np.c_[x, 2.0 * nuisance + 6.0 if target else nuisance]
        return x.astype(np.float32), y.astype(np.int64)


class ToyDimensions:
    """The same Gaussian classes in different feature spaces: 10 features in the source, 15 in the target.

    Each domain is a random linear map of a shared two-dimensional signal plus noise; an ideal method maps both domains
    back to the signal. The metric is accuracy on the target's test split.

    Args:
        samples: samples per domain for training, and the same number for testing.
        classes: number of classes.
        split_seed: seed of the samples and of the linear maps.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL, spaces=DIFFERENT)

    def __init__(self, *, samples: Count = 400, classes: Several = 4, split_seed: Seed = 0):
        self.samples, self.classes, self.split_seed = samples, classes, split_seed

    def load(self) -> Task:
        """Draw both domains."""
        rng = np.random.default_rng(self.split_seed)

        def split(features: int, name: str) -> Split:
            view = rng.normal(size=(SIGNAL, features)) / math.sqrt(SIGNAL)
            parts = []
            for _ in range(2):
                x, y = blobs(rng, self.samples, self.classes)
                seen = x @ view + 0.5 * rng.normal(size=(self.samples, features))
                parts.append(Domain(seen.astype(np.float32), y.astype(np.int64), name=name))
            return Split(*parts)

        return Task(
            name="toy dimensions",
            sources=(split(10, "10 features"),),
            target=split(15, "15 features"),
            classes=tuple(map(str, range(self.classes))),
        )
