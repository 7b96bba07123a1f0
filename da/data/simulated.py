"""The four simulated shifts of skada-bench."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit

from da.bounds import Count, Seed, Whole
from da.domain import Domain, Split, Task
from da.errors import ConfigError, nearest
from da.setting import ALL, Access

NOISE = {"covariate": 0.6, "target": 0.8, "concept": 0.8, "subspace": 0.4}
MULTIPLE = {"covariate": 1, "target": 1, "concept": 1, "subspace": 3}
SPLITS = 5

# Clusters: centre, and the matrix that unit noise is multiplied by.
DISC = (2.0, 2.0), ((2.0, -0.5), (-0.5, 2.0))
BLOBS = (
    ((-1.5, 3.0), ((0.15, 0.0), (0.0, 0.3))),
    ((-0.5, 1.0), ((0.2, -0.1), (-0.1, 0.2))),
    ((1.0, -0.4), ((0.17, -0.05), (-0.05, 0.17))),
    ((3.0, -1.0), ((0.3, 0.0), (0.0, 0.15))),
)
WIDE = (-1.0, 1.0), ((0.5, 0.0), (0.0, 0.5))
NARROW = (
    ((1.5, 0.5), ((0.1, 0.0), (0.0, 0.1))),
    ((-0.5, -1.5), ((0.2, 0.0), (0.0, 0.2))),
)
CENTRE, STEEPNESS = (-0.4, 3.0), 2.0


class Simulated:
    """Two classes in the plane, a disc and four blobs along it, under a shift of skada-bench's table.

    Args:
        shift: what changes from source to target.

            - ``covariate``: target samples are kept with probability proportional to exp(-2 d^2), where d is the
              distance to (-0.4, 3).
            - ``target``: 90 per cent of the target samples are of class 0.
            - ``concept``: target inputs are multiplied by 0.7 and moved by 1 in both coordinates (skada's
              ``conditional_shift``).
            - ``subspace``: other clusters, and the target is rotated by 180 degrees; the classes of both domains are
              separable along one direction.
        samples: samples of each blob: a domain has 8 times as many (4 times 3 as many for ``subspace``).
        draw_seed: seed of the samples; the table uses 0 to 4.
        split: number of the random split, 0 to 4 as in the table: 20 per cent of both domains are for testing.

    Raises:
        ConfigError: the shift is unknown, ``samples`` is below 1, or there is no such split.

    Samples and splits equal skada-bench's in all digits. The metric is accuracy on the target's test split.
    Reference: Lalou et al., SKADA-Bench: benchmarking unsupervised domain adaptation methods with realistic
    validation, 2024.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    shifts: ClassVar[tuple[str, ...]] = tuple(NOISE)

    def __init__(
        self,
        *,
        shift: Literal["covariate", "target", "concept", "subspace"] = "covariate",
        samples: Count = 100,
        draw_seed: Seed = 0,
        split: Whole = 0,
    ):
        if shift not in self.shifts:
            raise ConfigError(f"data.shift='{shift}' is unknown; {nearest(shift, self.shifts)}")
        if samples < 1:
            raise ConfigError(f"data.samples={samples} is below 1; a blob needs a sample.")
        if not 0 <= split < SPLITS:
            raise ConfigError(f"data.split={split} is not one of the {SPLITS} splits 0 to {SPLITS - 1}.")
        self.shift, self.samples, self.draw_seed, self.split = shift, samples, draw_seed, split

    def load(self) -> Task:
        """Draw both domains and split them."""
        domains = draw(self.shift, self.samples * MULTIPLE[self.shift], NOISE[self.shift], self.draw_seed)
        y = np.concatenate([domain.y for domain in domains])
        is_source = np.repeat([1, 0], [len(domain) for domain in domains])
        splits = StratifiedShuffleSplit(SPLITS, test_size=0.2, random_state=0).split(y, 2 * y + is_source)
        parts = list(splits)[self.split]
        n = len(domains[0])
        source = Split(*(domains[0].take(part[part < n]) for part in parts))
        target = Split(*(domains[1].take(part[part >= n] - n) for part in parts))
        return Task(name=f"simulated {self.shift}", sources=(source,), target=target, classes=("0", "1"))


def draw(shift: str, samples: int, noise: float, seed: int) -> tuple[Domain, Domain]:
    """Source and target of a shift, with Gaussian noise on every coordinate."""
    rng = np.random.RandomState(seed)  # the generator of the published data
    x_s, y_s = plane(rng, samples)
    if shift == "subspace":
        (x_s, y_s), (x_t, y_t) = plane_of_lines(rng, samples), plane_of_lines(rng, samples)
        x_t = -x_t
    elif shift == "concept":
        x_t, y_t = plane(rng, samples)
        x_t = 0.7 * x_t + 1.0
    else:
        x_t, y_t = plane(rng, samples * (100 if shift == "covariate" else 3))
        chosen = near(rng, x_t, 8 * samples) if shift == "covariate" else mostly_first(rng, len(y_t), 8 * samples)
        x_t, y_t = x_t[chosen], y_t[chosen]
    x_s = x_s + rng.normal(scale=noise, size=x_s.shape)
    x_t = x_t + rng.normal(scale=noise, size=x_t.shape)
    return Domain(x_s, y_s, name="source"), Domain(x_t, y_t, name="target")


def plane(rng: np.random.RandomState, n: int) -> tuple[np.ndarray, np.ndarray]:
    """``(8n, 2)`` inputs, a disc of class 0 and four blobs of class 1, and their labels."""
    centre, spread = DISC
    angle = rng.rand(4 * n, 1) * 2 * np.pi
    radius = np.sqrt(rng.rand(4 * n, 1))
    disc = np.concatenate((radius * np.cos(angle), radius * np.sin(angle)), 1).dot(np.array(spread)) + centre
    return np.concatenate([disc, *(_blob(rng, n, *blob) for blob in BLOBS)]), np.repeat([0, 1], 4 * n)


def plane_of_lines(rng: np.random.RandomState, n: int) -> tuple[np.ndarray, np.ndarray]:
    """``(4n, 2)`` inputs, a wide blob of class 0 between two narrow ones of class 1, and their labels."""
    return (
        np.concatenate([_blob(rng, 2 * n, *WIDE), *(_blob(rng, n, *blob) for blob in NARROW)]),
        np.repeat([0, 1], 2 * n),
    )


def _blob(
    rng: np.random.RandomState, n: int, centre: tuple[float, ...], spread: tuple[tuple[float, ...], ...]
) -> np.ndarray:
    return rng.randn(n, 2).dot(np.array(spread)) + centre


def near(rng: np.random.RandomState, x: np.ndarray, size: int) -> np.ndarray:
    """Indices of rows drawn without replacement, with a probability that falls with the distance to a point."""
    likely = np.exp(-STEEPNESS * np.sum((x - np.array(CENTRE)) ** 2, 1))
    return rng.choice(len(x), size=(size,), replace=False, p=likely / likely.sum())


def mostly_first(rng: np.random.RandomState, n: int, size: int) -> np.ndarray:
    """Indices of rows drawn without replacement, 90 per cent of them from the first half, which is class 0."""
    first = int(size * 0.9)
    return np.concatenate(
        [
            rng.choice(n // 2, size=(first,), replace=False),
            rng.choice(n // 2, size=(size - first,), replace=False) + n // 2,
        ]
    )
