"""Weights from files: locate them, unwrap their tensors, and load them into a network that they must fit.

PyTorch is imported when a file is read, so that a configuration can be validated without it.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from da.errors import ConfigError, DataError, few
from da.files import data_dir, locate, write_atomically
from da.signatures import find

if TYPE_CHECKING:
    from torch import Tensor, nn

Weights = str
"""A parameter of this type takes a file or a published name of weights, or ``random``; a run must state which.

A network is also given :data:`da.files.LATER`, and then has the modules that it has for a file, and reads none.
"""
FOLDER = "pretrained"
"""Folder of published weights below the data folder."""
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
PREFIX = "module."  # of torch.nn.DataParallel and its successors


def published(enumeration: str) -> dict[str, str]:
    """Addresses of torchvision's published weights of a network by their names, read from its source without an import.

    Args:
        enumeration: dotted path, such as ``torchvision.models.resnet.ResNet50_Weights``.
    """
    signature = find(enumeration)
    constants = {} if signature is None else signature.constants
    urls = {
        name: str(keyword.value.value)
        for name, node in constants.items()
        for keyword in (node.keywords if isinstance(node, ast.Call) else [])
        if keyword.arg == "url" and isinstance(keyword.value, ast.Constant)
    }
    alias = constants.get("DEFAULT")
    return urls | ({"DEFAULT": urls[alias.id]} if isinstance(alias, ast.Name) and alias.id in urls else {})


def enumeration(template: str, **options: Any) -> str:
    """Fill a network's options into the path of an enumeration, such as ``models.ResNet{depth}_Weights``."""
    return template.format(**{key: str(value).replace(".", "_") for key, value in options.items()})


def find_file(weights: str, enumeration: str = "", key: str = "weights") -> Path:
    """The file of weights given by a path (from the working folder, else below the data folder) or published name.

    Args:
        weights: path or name as the user gives it.
        enumeration: of the published names, see :func:`published`; empty if there are none.
        key: the key of the configuration that it was given for, for messages.

    Raises:
        ConfigError: there is no such file; nothing is downloaded.
    """
    try:
        if (file := locate(weights)).is_file():
            return file
    except DataError:
        pass
    known = published(enumeration)
    url = known.get(weights.rpartition(".")[2])
    if url is None:
        raise ConfigError(
            f"{key}={weights} is no file, neither from the working folder nor below the data folder '{data_dir()}'; "
            f"give the path of a state dict{f', or a published name ({few(known)})' if known else ''}."
        )
    name = url.rpartition("/")[2]
    for folder in (Path(), data_dir(), data_dir() / FOLDER):
        if (folder / name).is_file():
            return folder / name
    raise ConfigError(
        f"{key}={weights} is the file {name}, which is not here, and nothing is downloaded; put it at "
        f"'{data_dir() / FOLDER / name}' (it is published at {url})."
    )


def read(file: Path, key: str = "weights") -> dict[str, Tensor]:
    """Tensors of a file by their names, unwrapped from a ``state_dict`` or ``model`` and without ``module.`` prefixes.

    Raises:
        ConfigError: the file holds Python objects, which are never loaded, or no tensors with names.
    """
    import torch

    try:
        content: Any = tensors(file) if file.suffix == ".safetensors" else _loaded(file)
    except Exception as error:  # on a damaged file torch.load raises errors of many kinds
        if "global" in str(error).lower():
            raise ConfigError(
                f"{key}={file} holds Python objects, such as a whole model, which are never loaded because they can "
                "run code; where the model was made, save its tensors alone: torch.save(model.state_dict(), FILE)."
            ) from None
        raise ConfigError(
            f"{key}={file} is damaged, or no file of weights (safetensors, or torch.save); fetch it anew."
        ) from None
    named: dict[str, Tensor] = {}
    held = f"a {type(content).__name__}"
    seen: set[int] = set()
    while isinstance(content, Mapping) and id(content) not in seen:
        seen.add(id(content))
        named = {name: value for name, value in content.items() if isinstance(value, torch.Tensor)}
        held = few(content) or "nothing"
        content = next((content[name] for name in WRAPPERS if isinstance(content.get(name), Mapping)), None)
    if not named:
        raise ConfigError(
            f"{key}={file} holds no tensors with names but {held}; save them with torch.save(model.state_dict(), FILE)."
        )
    while all(name.startswith(PREFIX) for name in named):
        named = {name.removeprefix(PREFIX): value for name, value in named.items()}
    return named


def tensors(file: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file by their names."""
    from safetensors.torch import load_file

    return load_file(file)


def write(file: Path, module: nn.Module) -> Path:
    """Write a module's tensors as safetensors."""
    from safetensors.torch import save

    named = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in module.state_dict().items()}
    return write_atomically(file, save(named))


def _loaded(file: Path) -> Any:
    import torch

    return torch.load(file, map_location="cpu", weights_only=True)


def fit(module: nn.Module, named: Mapping[str, Tensor], file: Path, *, head: str = "", remedy: str = "") -> None:
    """Load tensors into a module whose tensors have the same names and shapes.

    Args:
        module: changed in place.
        named: tensors by name.
        file: where they come from, for messages.
        head: prefix of the names of a classifier, which are not loaded; empty loads all.
        remedy: what to do about a mismatch, for messages.

    Raises:
        ConfigError: names are missing or unknown, or shapes differ; the message lists at most five of each.
    """
    own = {name: value for name, value in module.state_dict().items() if not head or not name.startswith(head)}
    selected = {name: value for name, value in named.items() if not head or not name.startswith(head)}
    counters = {name for name in own if name.endswith("num_batches_tracked")}  # absent from older files
    missing = [name for name in own if name not in selected and name not in counters]
    unknown = [name for name in selected if name not in own]
    shapes = [
        f"{name} {tuple(selected[name].shape)} for {tuple(value.shape)}"
        for name, value in own.items()
        if name in selected and selected[name].shape != value.shape
    ]
    problems = {"it lacks": missing, "it has unknown": unknown, "shapes differ at": shapes}
    if wrong := "; ".join(f"{words} {few(names)}" for words, names in problems.items() if names):
        raise ConfigError(f"The weights '{file}' do not fit this network: {wrong}; {remedy or 'name its own network'}.")
    module.load_state_dict(selected, strict=False)
