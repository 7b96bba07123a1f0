"""Features of a frozen network in place of any data's inputs, computed once and cached."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from da.data.cache import CachedRows, cached
from da.data.frozen_inputs import FrozenInputs, FrozenNetwork, embed, identity
from da.data.images import Images
from da.data.inputs import probe
from da.domain import Domain, Split, Task, as_float
from da.errors import ConfigError, DataError, nearest
from da.files import RANDOM
from da.nn.networks import NetworkFactory
from da.nn.weights import Weights, find_file, fit, read

DTYPES = ("float32", "float16")


class Frozen:
    """Replace the inputs of any data by the features ``z`` of a network with fixed weights.

    They are cached in a file named by the hash of the images, of the network and of its weights, so that every run on
    the same images shares them, also with another split or another pair of domains.

    Args:
        network: factory of the network from the shape of an input and the number of classes.
        weights: file of a whole network's state dict, such as ``model.safetensors`` of a run; from the working folder,
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
        shape = shapes.pop()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = self.network(shape, task.n_classes)
        if self.weights is not None and self.weights != RANDOM:
            load_encoder(network.encoder, find_file(self.weights, key="features.weights"))
        encoder, kind = network.encoder.eval().requires_grad_(False), type(network).__name__
        splits = [self._split(split, encoder, kind) for split in (*task.sources, task.target)]
        seen, width = probe(task.target.train), splits[-1].train.x.shape[1]
        return replace(
            task,
            name=f"{task.name} ({kind})",
            sources=tuple(splits[:-1]),
            target=splits[-1],
            inputs=FrozenInputs(task.inputs, encoder, shape, seen, width=width, unit=self.unit, dtype=self.dtype),
        )

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
        part = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
        row = np.concatenate([np.arange(len(p)) for p in parts])

        def read(chunk: np.ndarray) -> torch.Tensor:
            x = torch.empty(len(chunk), *parts[0].sample_shape)
            for k, domain in enumerate(parts):
                here = part[index[chunk]] == k
                if here.any():
                    x[torch.from_numpy(here)] = as_float(domain.x[row[index[chunk][here]]])
            return x

        return embed(FrozenNetwork(encoder, unit=self.unit), read, len(index), self.dtype, name)


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
