"""Features of a frozen network in place of any data's inputs, computed once and cached."""

from __future__ import annotations

import hashlib
import inspect
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import normalize

from da.data.cache import CachedRows, cached
from da.data.images import Images
from da.domain import Domain, Split, Task, as_float
from da.errors import ConfigError, DataError, nearest
from da.files import RANDOM
from da.nn.networks import NetworkFactory
from da.nn.weights import Weights, find_file, fit, read

CHUNK = 64
DTYPES = ("float32", "float16")


class Frozen:
    """Replace the inputs of any data by the features ``z`` of a network with fixed weights.

    They are cached in a file named by the hash of the images, of the network and of its weights, so that every run on
    the same images shares them, also with another split or another pair of domains.

    Args:
        network: factory of the network from the shape of an input and the number of classes.
        weights: file of a whole network's state dict, such as ``model.pt`` of a finished run; from the working folder,
            else from ``DA_DATA_DIR``. None keeps the weights that the network is constructed with; so does
            ``random``, for a network without pretrained ones (the random numbers are the same every time).
        unit: divide each sample's features by their Euclidean norm, as is usual before nearest neighbours.
        dtype: type of the cached features: ``float32``, or ``float16``, which takes half the space.
    """

    def __init__(
        self, *, network: NetworkFactory, weights: Weights | None = None, unit: bool = False, dtype: str = "float32"
    ):
        self.network, self.weights, self.unit, self.dtype = network, weights, unit, dtype

    def apply(self, task: Task) -> Task:
        """Replace the inputs of a task by features ``(n, d)``.

        Raises:
            ConfigError: the type is unknown, or the weights do not fit the network.
            DataError: inputs differ in shape, or a feature is not finite.
        """
        if self.dtype not in DTYPES:
            raise ConfigError(f"features.dtype='{self.dtype}' is unknown; {nearest(self.dtype, DTYPES)}")
        shapes = {domain.sample_shape for domain in task.parts().values()}
        if len(shapes) > 1:
            raise DataError(f"The inputs of {task.name} have shapes {sorted(shapes)}; one network needs one shape.")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = self.network(shapes.pop(), task.n_classes)
        if self.weights is not None and self.weights != RANDOM:
            load_encoder(network.encoder, find_file(self.weights, key="features.weights"))
        encoder, kind = network.encoder.eval().requires_grad_(False), type(network).__name__
        splits = [self._split(split, encoder, kind) for split in (*task.sources, task.target)]
        return replace(task, name=f"{task.name} ({kind})", sources=tuple(splits[:-1]), target=splits[-1])

    def _split(self, split: Split, encoder: nn.Module, kind: str) -> Split:
        parts = [split.train, *([] if split.test is None or split.test is split.train else [split.test])]
        known = np.concatenate([digests(part) for part in parts])
        # In the order of their digests, so that the same images in another split or order share the file.
        order, first, rows = np.unique(known, return_index=True, return_inverse=True)
        name = split.train.name or "domain"
        how = f"{self.unit} {self.dtype}".encode()
        key = hashlib.sha256(identity(encoder) + how + order.tobytes()).hexdigest()[:16]
        file = f"features/{re.sub(r'[^A-Za-z0-9.-]+', '_', name)}-{kind}-{key}.npy"
        features = cached(file, lambda: self._embed(parts, first, encoder, name), f"{kind} features of {name}")
        bounds = np.cumsum([0, *map(len, parts)])
        embedded = [replace(p, x=CachedRows(features, rows[bounds[k] : bounds[k + 1]])) for k, p in enumerate(parts)]
        return Split(embedded[0], embedded[-1] if split.test is not None else None)

    def _embed(self, parts: list[Domain], index: np.ndarray, encoder: nn.Module, name: str) -> np.ndarray:
        """Features of the samples at ``index`` in the joined parts."""
        from tqdm import tqdm

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        encoder.to(device)
        part = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
        row = np.concatenate([np.arange(len(p)) for p in parts])
        chunks = []
        # disable=None shows the bar on terminals only
        with torch.no_grad(), tqdm(total=len(index), desc=f"features of {name}", unit="img", disable=None) as bar:
            for start in range(0, len(index), CHUNK):
                chunk = index[start : start + CHUNK]
                x = torch.empty(len(chunk), *parts[0].sample_shape)
                for k, domain in enumerate(parts):
                    here = part[chunk] == k
                    if here.any():
                        x[torch.from_numpy(here)] = as_float(domain.x[row[chunk[here]]])
                z = encoder(x.to(device)).flatten(1)
                z = normalize(z) if self.unit else z
                with np.errstate(over="ignore"):  # checked below
                    chunks.append(z.cpu().numpy().astype(self.dtype))
                bar.update(len(chunk))
        encoder.cpu()
        features = np.concatenate(chunks)
        if not np.isfinite(features).all():
            raise DataError(
                f"The features of {name} are not all finite as {self.dtype}; check the weights, or keep float32."
            )
        return features


def digests(domain: Domain, chunk: int = 512) -> np.ndarray:
    """``(n,)`` hashes (hex, as bytes) of the samples' content, type and shape."""
    if isinstance(domain.x, Images):
        return domain.x.digests()  # of the files, so that images with cached features are not decoded
    hashes = []
    for start in range(0, len(domain), chunk):
        x = domain.x[start : start + chunk]
        x = np.ascontiguousarray(x.toarray() if hasattr(x, "toarray") else x)
        head = f"{x.dtype}{x.shape[1:]}".encode()
        hashes += [hashlib.blake2b(head + row.tobytes(), digest_size=16).hexdigest().encode() for row in x]
    return np.array(hashes, dtype="S32")


def identity(encoder: nn.Module) -> bytes:
    """A hash of all that determines an encoder's outputs: structure, code of its modules from `da`, and weights."""
    digest = hashlib.sha256(repr(encoder).encode())
    for kind in sorted({type(m) for m in encoder.modules()}, key=str):
        if kind.__module__.startswith("da."):
            digest.update(inspect.getsource(kind).encode())
    for name, value in sorted(encoder.state_dict().items()):
        digest.update(f"{name}{value.dtype}{tuple(value.shape)}".encode() + value.cpu().contiguous().numpy().tobytes())
    return digest.digest()


def load_encoder(encoder: nn.Module, file: Path) -> None:
    """Load an encoder's weights from the state dict of a whole network or method.

    Raises:
        ConfigError: the file holds no such encoder.
    """
    saved = read(file, "features.weights")
    for prefix in ("network.encoder.", "encoder.", ""):
        state = {name.removeprefix(prefix): value for name, value in saved.items() if name.startswith(prefix)}
        if state:
            break
    fit(encoder, state, file, remedy="features.network must be the network that they are of")
