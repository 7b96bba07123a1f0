"""Domains, the tasks made of them, and the batches and views that a method is handed.

Arrays outside of training are NumPy (or SciPy sparse, or lazy images); inside a batch they are tensors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from da.errors import DataError, few

DENSE_LIMIT = 400_000_000
"""Numbers that sparse rows may come to when they are made dense."""


@dataclass(frozen=True, eq=False)
class Domain:
    """A named set of samples from one distribution.

    Args:
        x: ``(n, ...)`` inputs: an array, a SciPy CSR matrix, a tensor, or anything with ``shape`` that answers
            ``x[indices]`` with an array. Images are ``(n, channels, height, width)``; ``uint8`` means 0..255. Inputs
            that are read on access may have ``subset(indices)`` and ``joined(others)``, which read nothing.
        y: ``(n,)`` integer labels in 0..K-1, or None where they are absent or withheld; never -1.
        weight: ``(n,)`` importance of each sample, or None for equal ones.
        name: what people call the domain.
    """

    x: Any
    y: Any = None
    weight: Any = None
    name: str = ""

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def take(self, index: Any) -> Domain:
        """The samples at ``index``, in that order."""
        pick = [None if part is None else part[index] for part in (self.x, self.y, self.weight)]
        return replace(self, x=pick[0], y=pick[1], weight=pick[2])

    def subset(self, index: Any) -> Domain:
        """As :meth:`take`, but inputs that are read on access stay unread."""
        if not hasattr(self.x, "subset"):
            return self.take(index)
        pick = [None if part is None else part[index] for part in (self.y, self.weight)]
        return replace(self, x=self.x.subset(index), y=pick[0], weight=pick[1])

    def without_labels(self) -> Domain:
        """The same inputs with the labels physically absent."""
        return replace(self, y=None)

    def tensors(self, device: Any = None) -> Domain:
        """The same samples as tensors: float inputs (see :func:`as_float`), integer labels, float weights."""
        y = None if self.y is None else torch.as_tensor(self.y, dtype=torch.long, device=device)
        weight = None if self.weight is None else torch.as_tensor(self.weight, dtype=torch.float32, device=device)
        return replace(self, x=as_float(self.x, device), y=y, weight=weight)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return tuple(int(size) for size in self.x.shape[1:])


def dense(x: Any) -> Any:
    """Sparse rows as an array; anything else as it is.

    Raises:
        DataError: they would not fit in memory when dense.
    """
    if not sparse.issparse(x):
        return x
    n, d = x.shape
    if n * d > DENSE_LIMIT:
        raise DataError(
            f"{n:,} sparse rows of {d:,} columns are too large to be made dense ({n * d:.2g} numbers, and "
            f"{DENSE_LIMIT:.2g} is the limit); select features first, or number the columns without gaps."
        )
    return x.toarray()


def as_float(x: Any, device: Any = None) -> Tensor:
    """Inputs as a ``float32`` tensor: sparse rows become dense, ``uint8`` is read as 0..255 and scaled to [0, 1]."""
    x = dense(x)
    x = torch.as_tensor(x, device=device)
    return x.float().div_(255.0) if x.dtype == torch.uint8 else x.float()


def pool(domains: tuple[Domain, ...]) -> Domain:
    """Several domains as one, in order; the labels are kept only if all have them."""
    if len(domains) == 1:
        return domains[0]
    join: Any = torch.cat if isinstance(domains[0].x, Tensor) else np.concatenate

    def rows(values: list[Any]) -> Any:
        if any(v is None for v in values):
            return None
        if hasattr(values[0], "joined"):
            return values[0].joined(values[1:])
        return (
            sparse.vstack(values, format="csr")
            if sparse.issparse(values[0])
            else join([np.asarray(v) if join is np.concatenate else v for v in values])
        )

    return Domain(
        x=rows([d.x for d in domains]),
        y=rows([d.y for d in domains]),
        weight=rows([d.weight for d in domains]),
        name="+".join(d.name for d in domains),
    )


class Withheld:
    """Stands for data that a method did not ask for; any touch raises."""

    def __init__(self, what: str, why: str):
        self.__dict__.update(_what=what, _why=why)

    def _raise(self) -> NoReturn:
        raise PermissionError(f"The {self._what} is withheld: {self._why}; ask for it in `needs` to be handed it.")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # protocols such as copy and pickle may look, not use
            raise AttributeError(name)
        self._raise()

    def __len__(self) -> int:
        self._raise()

    def __getitem__(self, index: Any) -> NoReturn:
        self._raise()


@dataclass(frozen=True, eq=False)
class Split:
    """One domain's training and test samples. A source's test split, if any, serves validation."""

    train: Domain
    test: Domain | None = None


@dataclass(frozen=True, eq=False)
class Task:
    """One transfer task: labelled as the data are, before anything is withheld.

    Args:
        name: such as ``mnist->usps``.
        sources: one or more source domains.
        target: the target; its test split is what results are reported on.
        classes: names of the classes, in the order of the integer labels.
        transductive: the target's training inputs are its test inputs, as some published protocols have it.
        metric: what the field reports of these data, one of :data:`da.metrics.METRICS`.
        columns: names of the source's and of the target's features, each None where they have no names.
        notes: what of the data was left out or guessed, a sentence each.
    """

    name: str
    sources: tuple[Split, ...]
    target: Split
    classes: tuple[str, ...]
    transductive: bool = False
    metric: str = "accuracy"
    columns: tuple[tuple[str, ...] | None, tuple[str, ...] | None] = (None, None)
    notes: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        """Number of classes shared by all domains."""
        return len(self.classes)

    def parts(self) -> dict[str, Domain]:
        """Every domain of the task by a printable name, such as ``source/train``."""
        parts: dict[str, Domain] = {}
        for k, split in enumerate(self.sources):
            prefix = "source" if len(self.sources) == 1 else f"source{k + 1}"
            parts[f"{prefix}/train"] = split.train
            if split.test is not None:
                parts[f"{prefix}/test"] = split.test
        parts["target/train"] = self.target.train
        if self.target.test is not None:
            parts["target/test"] = self.target.test
        return parts

    def fingerprint(self) -> str:
        """Content hash of every input and label of the task (hex, 16 digits)."""
        digest = hashlib.sha256()
        for name, domain in self.parts().items():
            digest.update(name.encode())
            digest.update(str((tuple(domain.x.shape), domain.name)).encode())
            x = domain.x
            if hasattr(x, "fingerprint"):
                digest.update(x.fingerprint().encode())
            elif sparse.issparse(x):
                for part in (x.data, x.indices, x.indptr):
                    digest.update(np.ascontiguousarray(part).tobytes())
            else:
                digest.update(str(x.dtype).encode() + np.ascontiguousarray(x).tobytes())
            if domain.y is not None:
                digest.update(np.ascontiguousarray(domain.y).astype(np.int64).tobytes())
            if domain.weight is not None:
                digest.update(b"weight" + np.ascontiguousarray(domain.weight).astype(np.float64).tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Batch:
    """What one training step sees; whatever the method did not ask for is :class:`Withheld`.

    Args:
        sources: a domain each for every source kept apart, or one pooled source.
        target: samples of the target; labels only if all of them are granted.
        labelled: samples of the few labelled target points, where few are granted.
    """

    sources: Any  # tuple[Domain, ...] | Withheld; a method that asked for it need not rule out the other
    target: Any  # Domain | Withheld
    labelled: Any = field(default_factory=lambda: Withheld("labelled target", "the method needs no few target labels"))

    @property
    def source(self) -> Any:
        """The source; several are pooled."""
        return self.sources if isinstance(self.sources, Withheld) else pool(self.sources)

    def to(self, device: Any, **_: Any) -> Batch:
        """The batch on another device (Lightning calls this)."""

        def move(part: Any) -> Any:
            return part if isinstance(part, Withheld) else part.tensors(device)

        sources = self.sources if isinstance(self.sources, Withheld) else tuple(move(s) for s in self.sources)
        return Batch(sources=sources, target=move(self.target), labelled=move(self.labelled))


def check_task(task: Task) -> None:
    """Refuse data that would give a wrong number: empty, non-finite, mislabelled or one-class domains.

    Raises:
        DataError: one sentence that names the domain, what is wrong and the remedy.
    """
    if not task.sources:
        raise DataError(f"Task {task.name} has no source domain; name at least one.")
    for name, domain in task.parts().items():
        where = f"{name} of task {task.name}" + (f" ({domain.name})" if domain.name else "")
        if len(domain) == 0:
            raise DataError(f"The {where} is empty; every domain needs at least one sample.")
        _check_finite(domain.x, where, task.columns[name.startswith("target")])
        if domain.y is None:
            continue
        y = np.asarray(domain.y)
        if y.shape != (len(domain),):
            raise DataError(
                f"The {where} has {len(domain)} samples but labels of shape {y.shape}; give one label each."
            )
        if not np.issubdtype(y.dtype, np.integer):
            raise DataError(f"The labels of the {where} are {y.dtype}, not integers; map them to 0..K-1 first.")
        if y.min() < 0 or y.max() >= task.n_classes:
            raise DataError(
                f"The labels of the {where} span {y.min()}..{y.max()} but the task has {task.n_classes} classes; "
                "map them to 0..K-1, and use absent labels (None) instead of -1."
            )
    for split in task.sources:
        if split.train.y is not None and len(np.unique(split.train.y)) < 2:
            raise DataError(
                f"The source {split.train.name or task.name} has one class only; nothing can be learnt to tell apart."
            )
    shapes = {split.train.sample_shape for split in task.sources}
    _check_scales(task)
    if len(shapes) > 1:
        raise DataError(
            f"The sources of task {task.name} have inputs of different shapes {sorted(shapes)}; bring them to one."
        )


def _check_scales(task: Task) -> None:
    """Refuse domains of one shape whose values are of different units: bytes beside numbers, 0..1 beside 0..255."""
    shape = task.sources[0].train.sample_shape
    parts = {}
    for split in (*task.sources, task.target):  # a domain's parts are judged together
        if split.train.sample_shape == shape:
            role = "target/train" if split is task.target else "source/train"
            where = f"{role} ({split.train.name})" if split.train.name else role
            parts[where] = [part.x for part in (split.train, split.test) if part is not None]
    check_units(parts, f" of task {task.name}")


def check_units(parts: Mapping[str, Sequence[Any]], of: str = "") -> None:
    """Refuse inputs that are of different units: bytes beside numbers, 0..1 beside 0..255.

    Args:
        parts: arrays of one unit each, by what they are called.
        of: is said behind the first.

    Raises:
        DataError: two of them are seen to be of different units.
    """
    told: dict[str, str] = {}
    for where, arrays in parts.items():
        told.setdefault(_unit(arrays), where)
    table = all(len(x.shape) == 2 for arrays in parts.values() for x in arrays)
    pair = None
    if BYTES in told and len(told) > 1:
        other = next(kind for kind in told if kind != BYTES)
        pair = {BYTES: told[BYTES], other or "numbers of another type": told[other]}
        pair = {("numbers of another type" if kind in UNSURE else kind): where for kind, where in pair.items()}
    elif (small := told.keys() & {SHARES, BITS}) and (large := told.keys() & {LARGE, *WHOLE}):
        pair = {kind: told[kind] for kind in told if kind in (min(small), min(large))}
    elif not table and set(WHOLE) <= told.keys():  # counts of tables have no such unit
        pair = {kind: told[kind] for kind in told if kind in WHOLE}
    if pair:
        (a, of_a), (b, of_b) = pair.items()
        remedy = " (data.standardize=true does so for dense tables)" if table else ", such as uint8"
        raise DataError(
            f"The inputs of {of_a}{of} are {a}, and those of {of_b} are {b}; bring all to one type and scale{remedy}."
        )


BYTES = "bytes (0..255)"
SHARES = "within 0..1"
BITS = "zeros and ones"
LARGE = "within 0..255, and far beyond 1"
WHOLE = ("whole numbers within 0..255", "whole numbers within 0..65535")
OVERSHOOT = 0.05
UNSURE = ("", LARGE, BITS)


def _unit(parts: Sequence[Any]) -> str:
    """What the values of a domain's parts tell of their unit; empty where they tell nothing."""
    if all(getattr(x, "dtype", None) == np.uint8 for x in parts):
        return BYTES
    values = [x.data if sparse.issparse(x) else x for x in parts]
    if not all(isinstance(x, np.ndarray) for x in values) or not all(x.size for x in values):
        return ""
    low, high = min(float(x.min()) for x in values), max(float(x.max()) for x in values)
    if (
        low >= -OVERSHOOT and 0.0 < high <= 1.0 + OVERSHOOT and (low < 0.0 or high > 1.0)
    ):  # as interpolation leaves them
        return SHARES
    if low < 0.0 or high > 65535.0 or 1.0 < high < 64.0:
        return ""
    whole = all(bool((x == np.round(x)).all()) for x in values)
    if high <= 1.0:
        return BITS if whole else SHARES
    if not whole:
        return LARGE if high <= 255.0 else ""
    if high <= 255.0:
        return WHOLE[0]
    return WHOLE[1] if high >= 4096.0 else ""


def _check_finite(x: Any, where: str, names: tuple[str, ...] | None) -> None:
    values = x.data if sparse.issparse(x) else x
    if not isinstance(values, np.ndarray) or not np.issubdtype(values.dtype, np.floating):
        return
    with np.errstate(all="ignore"):
        total = values.sum(dtype=np.float64)  # one pass; the place is sought only where this looks wrong
    bad = np.empty(0) if np.isfinite(total) else ~np.isfinite(values)
    if not bad.any():
        return
    if sparse.issparse(x):
        places = x.tocoo()
        rows, columns = np.unique(places.row[bad]), np.unique(places.col[bad])
    else:
        found = np.nonzero(bad.reshape(len(values), -1))
        rows, columns = np.unique(found[0]), np.unique(found[1])
    shown = few(columns if names is None else [names[k] for k in columns])
    raise DataError(
        f"The {where} has NaN or infinite values in {len(rows)} rows (columns {shown}); impute or drop them first."
    )
