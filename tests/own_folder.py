"""A user's folder: methods, a data set, a network and a classifier of one's own, with their YAMLs."""

from pathlib import Path

CODE = '''"""Methods and data of one's own."""
from typing import Self

import numpy as np
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn.functional import cross_entropy

import da.methods.base
from da.bounds import NonNegative
from da.domain import Batch, Domain, Split, Task
from da.estimators.base import FeatureMapping, matched, matrix
from da.methods.base import Terms
from da.nn.networks import Network
from da.setting import ALL, Access

SCALE = 1.0


class Centred(FeatureMapping):
    """Subtract the mean of each domain."""

    needs = Access(source_y=ALL, target_x=True)

    def __init__(self, *, share: NonNegative = 1.0):
        self.share = share

    def fit(self, source: Domain, target: Domain) -> Self:
        x_s, x_t = matched(source, target)
        self.means_ = {"source": SCALE * self.share * x_s.mean(0), "target": SCALE * self.share * x_t.mean(0)}
        return self

    def transform(self, x, *, domain: str = "target"):
        return matrix(x) - self.means_[domain]


class Means(da.methods.base.Method):
    """Match the mean features of both domains."""

    needs = Access(source_y=ALL, target_x=True)
    family = "moments"

    def __init__(self, *, weight: NonNegative = 0.1):
        super().__init__()
        self.weight = weight

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, target = self.embed_pair(batch)
        gap = (source.z.mean(0) - target.z.mean(0)).square().sum()
        return {"task": cross_entropy(source.logits, source.y), "mean": self.weight * gap}


class Heavy(Means):
    """As Means; needs and keywords are inherited."""


class Shifted:
    """Two classes that move by 4 from source to target."""

    offers = Access(source_y=ALL, target_x=True, target_y=ALL)

    def __init__(self, *, samples: int = 60, split_seed: int = 0):
        self.samples, self.split_seed = samples, split_seed

    def load(self) -> Task:
        rng = np.random.default_rng(self.split_seed)

        def domain(name: str, shift: float) -> Domain:
            y = np.arange(self.samples) % 2
            x = rng.normal(size=(self.samples, 3)) + 3.0 * y[:, None] + shift
            return Domain(x.astype(np.float32), y, name=name)

        source, target = (Split(domain(n, s), domain(n, s)) for n, s in (("a", 0.0), ("b", 4.0)))
        return Task("a->b", (source,), target, ("no", "yes"))


def tiny(shape: tuple[int, ...], n_classes: int, *, width: int = 8) -> Network:
    """A narrow network."""
    return Network([nn.Flatten(), nn.Linear(int(np.prod(shape)), width), nn.ReLU()], width, n_classes)


class Plain(LogisticRegression):
    """A classifier of one's own."""
'''
FILES = {
    "method/centred": "Centred\nshare: 1.0",
    "method/means": "Means\nweight: 0.1",
    "method/heavy": "Heavy\nweight: 5.0",
    "data/shifted": "Shifted\nsamples: 60\nsplit_seed: 0",
    "network/tiny": "tiny\nwidth: 8",
    "classifier/plain": "Plain\nC: 1.0",
}
EXPERIMENT = "# @package _global_\ndefaults:\n  - override /method: means\n  - override /data: shifted\nseed: 3\n"


def write(folder: Path, module: str = "mine", code: str = CODE) -> Path:
    """Write the module and its YAMLs into a folder."""
    (folder / f"{module}.py").write_text(code)
    for place, text in FILES.items():
        file = folder / "conf" / f"{place}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"_target_: {module}.{text}\n")
    (folder / "conf" / "experiment").mkdir(exist_ok=True)
    (folder / "conf" / "experiment" / "usual.yaml").write_text(EXPERIMENT)
    return folder
