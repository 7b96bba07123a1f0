"""Features of a frozen network: how they are computed, and what a saved model keeps to compute them anew."""

from __future__ import annotations

import hashlib
import inspect
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import normalize

from da.data.cache import cache_dir
from da.data.inputs import as_inputs, check_fit
from da.domain import Domain, as_float
from da.errors import DataError
from da.nn import weights
from da.nn.networks import NetworkFactory

CHUNK = 64
"""Samples that pass through the network at a time."""
ENCODER = "features.safetensors"
"""File of the network's weights in a run's directory."""


class FrozenNetwork(nn.Module):
    """Inputs, as 32-bit floats, to features ``(n, d)``.

    Args:
        encoder: with fixed weights.
        unit: divide each sample's features by their Euclidean norm.
    """

    def __init__(self, encoder: nn.Module, *, unit: bool = False):
        super().__init__()
        self.encoder, self.unit = encoder, unit

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z: torch.Tensor = self.encoder(x).flatten(1)
        return normalize(z) if self.unit else z


def embed(
    network: FrozenNetwork, read: Callable[[np.ndarray], torch.Tensor], count: int, dtype: str, name: str | None
) -> np.ndarray:
    """Features of samples that are read a few at a time, with a progress bar.

    Args:
        network: computes them.
        read: function from numbers of samples to their inputs, as 32-bit floats.
        count: number of samples.
        dtype: of the features.
        name: what the samples are called; None shows no progress bar.

    Raises:
        DataError: a feature is not finite.
    """
    from tqdm import tqdm

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)
    chunks = []
    hidden = True if name is None else None  # None shows the bar on terminals only
    with torch.no_grad(), tqdm(total=count, desc=f"features of {name}", unit="img", disable=hidden) as bar:
        for start in range(0, count, CHUNK):
            chunk = np.arange(start, min(start + CHUNK, count))
            z = network(read(chunk).to(device))
            with np.errstate(over="ignore"):  # checked below
                chunks.append(z.cpu().numpy().astype(dtype))
            bar.update(len(chunk))
    network.cpu()
    features = np.concatenate(chunks)
    if not np.isfinite(features).all():
        raise DataError(
            f"The features of {name or 'the samples'} are not all finite as {dtype}; check the weights, or keep "
            "float32."
        )
    return features


class EmbeddedRows:
    """Features that are computed on access, as inputs of a :class:`~da.domain.Domain`.

    Args:
        x: ``(n, ...)`` inputs of the network.
        network: computes the features.
        width: number of features.
        dtype: of the features.
    """

    def __init__(self, x: Any, network: FrozenNetwork, width: int, dtype: str):
        self.x, self.network, self.shape, self.dtype = x, network, (x.shape[0], width), np.dtype(dtype)

    def __getitem__(self, index: Any) -> np.ndarray:
        rows = np.atleast_1d(np.arange(self.shape[0])[index])
        x = self.x[rows]
        z = embed(self.network, lambda chunk: as_float(x[chunk]), len(rows), str(self.dtype), None)
        return z if np.ndim(index) or isinstance(index, slice) else z[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)


class FrozenInputs:
    """New samples as features of a frozen network: what a saved model keeps of the features that it was trained on.

    Args:
        before: how the data's own inputs are read, see :class:`~da.domain.Task`.
        encoder: of the network; None before :meth:`open`.
        shape: of one of its inputs.
        width: number of features.
        probe: a few values of the target's inputs, see :func:`~da.data.inputs.probe`.
        unit, dtype: see :class:`Frozen`.
    """

    def __init__(
        self,
        before: Any,
        encoder: nn.Module | None,
        shape: tuple[int, ...],
        probe: np.ndarray,
        *,
        width: int,
        unit: bool,
        dtype: str,
    ):
        self.before, self.encoder, self.shape, self.probe = before, encoder, shape, probe
        self.width, self.unit, self.dtype = width, unit, dtype

    @property
    def network(self) -> FrozenNetwork:
        """The network in evaluation mode.

        Raises:
            DataError: its weights were not loaded.
        """
        if self.encoder is None:
            raise DataError("The weights of the network that computes features were not loaded; use da.load.")
        return FrozenNetwork(self.encoder, unit=self.unit).eval()

    def read(self, path: Path) -> Domain:
        """Features of the samples of a file or folder, with their names and labels where it has them.

        Raises:
            DataError: the samples do not fit the network, or the data are of a kind that is read from no file.
        """
        if self.before is None:
            raise DataError(f"This model reads no files, as its data are built in; give it arrays {self.shape}.")
        domain = self.before.read(path)
        return replace(domain, x=self._embedded(domain.x))

    def prepare(self, x: Any) -> EmbeddedRows:
        """Features of samples as the data set has them.

        Raises:
            DataError: they do not fit the network.
        """
        return self._embedded(as_inputs(x) if self.before is None else self.before.prepare(x))

    def _embedded(self, x: Any) -> EmbeddedRows:
        check_fit(x, self.shape, self.probe)
        return EmbeddedRows(x, self.network, self.width, self.dtype)

    def write(self, directory: Path) -> None:
        """Write the network's weights into a run's directory.

        All runs on the same network share one file's content where the file system has hard links.
        """
        assert self.encoder is not None
        shared = cache_dir() / "features" / f"{hashlib.sha256(identity(self.encoder)).hexdigest()[:16]}.safetensors"
        if not shared.is_file():
            weights.write(shared, self.encoder)
        (directory / ENCODER).unlink(missing_ok=True)
        try:
            (directory / ENCODER).hardlink_to(shared)
        except OSError:  # another file system, or one without links
            shutil.copyfile(shared, directory / ENCODER)

    def open(self, directory: Path, network: NetworkFactory) -> None:
        """Read the weights that lie in a run's directory into the network.

        Args:
            directory: of the run.
            network: builds it; see :data:`da.files.LATER`.
        """
        encoder = network(self.shape, 2).encoder
        encoder.load_state_dict(weights.tensors(directory / ENCODER))
        self.encoder = encoder.eval().requires_grad_(False)

    def __getstate__(self) -> dict[str, Any]:
        """The attributes without the network, whose weights lie in a file of their own."""
        return vars(self) | {"encoder": None}


def identity(encoder: nn.Module) -> bytes:
    """A hash of all that determines an encoder's outputs: structure, code of its modules from `da`, and weights."""
    digest = hashlib.sha256(repr(encoder).encode())
    for kind in sorted({type(m) for m in encoder.modules()}, key=str):
        if kind.__module__.startswith("da."):
            digest.update(inspect.getsource(kind).encode())
    for name, value in sorted(encoder.state_dict().items()):
        digest.update(f"{name}{value.dtype}{tuple(value.shape)}".encode() + value.cpu().contiguous().numpy().tobytes())
    return digest.digest()
