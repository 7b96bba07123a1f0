"""Domains, the tasks made of them, and the batches that a method is given.

Arrays outside of training are NumPy (or SciPy sparse, or lazy images); inside a batch they are tensors.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

import numpy as np
from scipy import sparse

from da.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor  # imported where tensors are made: what computes with arrays starts without PyTorch

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
        ids: ``(n,)`` what each sample is called where it comes from: the number of a row, the name of a file, or what a
            column says; None where nobody asks. They may tell labels, so they are withheld with them.
    """

    x: Any
    y: Any = None
    weight: Any = None
    name: str = ""
    ids: Any = None

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def take(self, index: Any) -> Domain:
        """The samples at ``index``, in that order."""
        pick = [None if part is None else part[index] for part in (self.x, self.y, self.weight, self.ids)]
        return replace(self, x=pick[0], y=pick[1], weight=pick[2], ids=pick[3])

    def subset(self, index: Any) -> Domain:
        """As :meth:`take`, but inputs that are read on access stay unread."""
        if not hasattr(self.x, "subset"):
            return self.take(index)
        pick = [None if part is None else part[index] for part in (self.y, self.weight, self.ids)]
        return replace(self, x=self.x.subset(index), y=pick[0], weight=pick[1], ids=pick[2])

    def without_labels(self) -> Domain:
        """The same inputs with the labels, and the names of samples that may tell them, physically absent."""
        return replace(self, y=None, ids=None)

    def tensors(self, device: Any = None) -> Domain:
        """The same samples as tensors: float inputs (see :func:`as_float`), integer labels, float weights."""
        import torch

        y = None if self.y is None else torch.as_tensor(self.y, dtype=torch.long, device=device)
        weight = None if self.weight is None else torch.as_tensor(self.weight, dtype=torch.float32, device=device)
        return replace(self, x=as_float(self.x, device), y=y, weight=weight)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return tuple(int(size) for size in self.x.shape[1:])


def is_tensor(x: Any) -> bool:
    """Whether something is a PyTorch tensor; PyTorch is not imported to tell."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


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


def single_precision(x: Any) -> np.ndarray:
    """Inputs as a ``float32`` array, read as :func:`as_float` reads them."""
    x = np.asarray(dense(x))
    single = x.astype(np.float32)
    return single / np.float32(255.0) if x.dtype == np.uint8 else single


def as_float(x: Any, device: Any = None) -> Tensor:
    """Inputs as a ``float32`` tensor: sparse rows become dense, ``uint8`` is read as 0..255 and scaled to [0, 1]."""
    import torch

    x = torch.as_tensor(dense(x), device=device)
    return x.float().div_(255.0) if x.dtype == torch.uint8 else x.float()


def pool(domains: tuple[Domain, ...]) -> Domain:
    """Several domains as one, in order; the labels are kept only if all have them."""
    if len(domains) == 1:
        return domains[0]

    def rows(values: list[Any]) -> Any:
        if any(v is None for v in values):
            return None
        if hasattr(values[0], "joined"):
            return values[0].joined(values[1:])
        if sparse.issparse(values[0]):
            return sparse.vstack(values, format="csr")
        if is_tensor(values[0]):
            import torch

            return torch.cat(values)
        return np.concatenate([np.asarray(v) for v in values])

    return Domain(
        x=rows([d.x for d in domains]),
        y=rows([d.y for d in domains]),
        weight=rows([d.weight for d in domains]),
        name="+".join(d.name for d in domains),
    )


class Withheld:
    """Stands for data that a method did not ask for; any touch raises."""

    def __init__(self, what: str, why: str = "the method does not need it"):
        self.__dict__.update(_what=what, _why=why)

    def refuse(self) -> NoReturn:
        """Say what was touched.

        Raises:
            PermissionError: always.
        """
        raise PermissionError(f"The {self._what} is withheld: {self._why}; ask for it in `needs` to be handed it.")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # protocols such as copy and pickle may look, not use
            raise AttributeError(name)
        self.refuse()

    def __len__(self) -> int:
        self.refuse()

    def __getitem__(self, index: Any) -> NoReturn:
        self.refuse()


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
        id_name: what ``ids`` of the target are: ``row`` (counted from 0), ``file``, or the name of a column.
        inputs: how new samples are read and prepared as the target's are, such as
            :class:`~da.data.inputs.TableInputs`; None takes arrays as they are.
    """

    name: str
    sources: tuple[Split, ...]
    target: Split
    classes: tuple[str, ...]
    transductive: bool = False
    metric: str = "accuracy"
    columns: tuple[tuple[str, ...] | None, tuple[str, ...] | None] = (None, None)
    notes: tuple[str, ...] = ()
    id_name: str = "row"
    inputs: Any = None

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
            if domain.ids is not None and np.asarray(domain.ids).dtype.kind == "U":  # numbers of rows say nothing new
                digest.update(b"ids" + "\n".join(domain.ids).encode())
        return digest.hexdigest()[:16]


class Granted:
    """Domains as far as a method's ``needs`` grant them; to ask for what was not granted raises.

    Args:
        sources: a domain each for every source kept apart, or one pooled source; None withholds it, as the others.
        target: the target, with labels only if all of them are granted.
        labelled: the few labelled target samples, where few are granted.

    Raises:
        PermissionError: by the properties, where a domain is :class:`Withheld`.
    """

    def __init__(
        self,
        sources: tuple[Domain, ...] | Withheld | None = None,
        target: Domain | Withheld | None = None,
        labelled: Domain | Withheld | None = None,
    ):
        self._sources = Withheld("source") if sources is None else sources
        self._target = Withheld("target") if target is None else target
        self._labelled = Withheld("labelled target") if labelled is None else labelled

    @property
    def sources(self) -> tuple[Domain, ...]:
        """The sources."""
        return _asked_for(self._sources)

    @property
    def source(self) -> Domain:
        """The source; several are pooled."""
        return pool(self.sources)

    @property
    def target(self) -> Domain:
        """The target."""
        return _asked_for(self._target)

    @property
    def labelled(self) -> Domain:
        """The few labelled target samples."""
        return _asked_for(self._labelled)

    def parts(self) -> dict[str, Domain]:
        """The domains that were granted, by name: ``source0``, ``source1``, ..., ``target``, ``labelled``."""
        sources = () if isinstance(self._sources, Withheld) else self._sources
        named = {f"source{k}": domain for k, domain in enumerate(sources)}
        rest = {"target": self._target, "labelled": self._labelled}
        return named | {name: domain for name, domain in rest.items() if not isinstance(domain, Withheld)}

    def given(self) -> tuple[Any, Any, Any]:
        """Sources, target and labelled target for an estimator's ``fit``; :class:`Withheld` where not granted."""
        return self._sources, self._target, self._labelled

    def each(self, change: Callable[[str, Domain], Domain]) -> Self:
        """The same grant with every domain changed.

        Args:
            change: takes a domain's name, as in :meth:`parts`, and the domain, and returns the changed one.
        """
        changed = {name: change(name, domain) for name, domain in self.parts().items()}
        sources = tuple(domain for name, domain in changed.items() if name.startswith("source"))
        return type(self)(
            sources or self._sources, changed.get("target", self._target), changed.get("labelled", self._labelled)
        )

    @classmethod
    def of(cls, granted: Granted) -> Self:
        """The same domains as this class holds them."""
        return cls(granted._sources, granted._target, granted._labelled)


class Batch(Granted):
    """The tensors of one training step, as far as they are granted."""

    def to(self, device: Any, **_: Any) -> Batch:
        """The batch on another device (Lightning calls this)."""
        return self.each(lambda _, domain: domain.tensors(device))


T = TypeVar("T")


def _asked_for(part: T | Withheld) -> T:
    if isinstance(part, Withheld):
        part.refuse()
    return part
