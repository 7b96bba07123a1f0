"""Hyper-parameters and checkpoints of a method, so that Lightning's ways of loading it need nothing but the file."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import torch
from pytorch_lightning import LightningModule
from torch import Tensor

from da.errors import DataError
from da.estimators.serialization import KIND, Unsaved, decode, encode
from da.methods.parts import Optimization, Spec
from da.nn.factories import is_plain
from da.nn.networks import Network
from da.nn.weights import without_files


class Reloadable(LightningModule):
    """A module that keeps its constructor's keywords as ``hparams``, and in a checkpoint all that it is made from.

    A subclass writes nothing for it. Hyper-parameters that are no plain values, such as an estimator, are written as
    :func:`da.estimators.serialization.encode` does; nothing is pickled.
    """

    optimization: Optimization
    embedding: str
    spec: Spec | None = None
    steps_done: int
    term_sums: dict[str, Tensor | float]

    def __new__(cls, *positional: Any, **keywords: Any) -> Self:
        made = super().__new__(cls)
        try:
            given = inspect.signature(cls.__init__).bind_partial(made, *positional, **keywords)
        except TypeError:  # the constructor says what is wrong
            return made
        given.apply_defaults()
        made.__dict__["given"] = dict(list(given.arguments.items())[1:])
        return made

    def __init__(self) -> None:
        given = self.__dict__.pop("given")
        super().__init__()
        stored = {name: plain for name, value in given.items() if (plain := _plain(value)) is not ...}
        self.unstored = sorted(given.keys() - stored.keys())
        self.save_hyperparameters(stored)

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "build" in vars(cls):
            cls.build = _remembering(vars(cls)["build"])  # type: ignore[attr-defined]  # as the line above says

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["steps_done"] = self.steps_done
        checkpoint["term_sums"] = {name: float(value) for name, value in self.term_sums.items()}
        checkpoint["built"] = {
            "method": type(self).__qualname__,
            "unstored": self.unstored,
            "embedding": self.embedding,
            "optimization": self.optimization.described(),
            "spec": None if self.spec is None else self.spec.described(),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.steps_done, self.term_sums = checkpoint["steps_done"], checkpoint["term_sums"]

    @classmethod
    def load_from_checkpoint(  # type: ignore[override]  # no file of hyper-parameters: they are in the checkpoint
        cls,
        checkpoint_path: str | Path,
        map_location: Any = "cpu",
        *,
        strict: bool = True,
        network: Callable[..., Network] | None = None,
        **hparams: Any,
    ) -> Self:
        """The method of a checkpoint, with its network; call it on the method's own class.

        Files of weights that it began from are not read: what it learnt is in the checkpoint.

        Args:
            checkpoint_path: that a trainer or ``last.ckpt`` of a run wrote.
            map_location: where the tensors go.
            strict: whether the names of the tensors must be those of the method.
            network: makes the network; None is the checkpoint's own. A lambda is not stored and must be given here.
            hparams: hyper-parameters that replace those of the checkpoint.

        Raises:
            DataError: the file is no checkpoint of this method, or lacks a part that must be given here.
        """
        file = Path(checkpoint_path)
        if not file.is_file():
            raise DataError(f"There is no checkpoint {file}.")
        try:
            checkpoint = torch.load(file, map_location=map_location, weights_only=True)
            built = checkpoint["built"]
        except Exception as error:  # torch.load raises errors of many kinds
            raise DataError(f"{file} is no checkpoint of a method of da ({type(error).__name__}).") from error
        if built["method"] != cls.__qualname__:
            raise DataError(f"{file} is of {built['method']}; call {built['method']}.load_from_checkpoint.")
        spec = built["spec"]
        if spec is None or (network is None and spec["network"] is None):
            raise DataError(f"{file} does not say how its network is made; give network=, as when it was built.")
        if lacking := sorted(set(built["unstored"]) - hparams.keys()):
            raise DataError(f"{file} lacks {', '.join(lacking)}, which needs pickle to be stored; give {lacking[0]}=.")
        method = _constructed(cls, checkpoint.get(cls.CHECKPOINT_HYPER_PARAMS_KEY, {}) | hparams)
        method.build(Spec.of(spec, network))
        method.embedding = built["embedding"]
        method.optimization = Optimization.of(built["optimization"]) or method.optimization
        method.on_load_checkpoint(checkpoint)
        method.load_state_dict(checkpoint["state_dict"], strict=strict)
        return method


def _constructed(cls: type[Any], hparams: Mapping[str, Any]) -> Any:
    """A method from stored hyper-parameters; files that these name are not read, and stand in ``hparams`` alone."""
    read = {name: decode(v, {}) if isinstance(v, dict) and KIND in v else v for name, v in hparams.items()}
    target = {"_target_": f"{cls.__module__}.{cls.__qualname__}"}
    method = cls(**{name: value for name, value in without_files(target | read).items() if name != "_target_"})
    for name, value in read.items():
        if method.hparams.get(name) is None and value is not None:
            method.hparams[name] = value
    return method


def _plain(value: Any) -> Any:
    """A hyper-parameter as plain data; ``...`` where it cannot be written without pickle, so that it is left out."""
    if is_plain(value):
        return value
    try:
        node, arrays = encode(value)
    except Unsaved:
        return ...
    return ... if arrays else node


def _remembering(build: Callable[..., None]) -> Callable[..., None]:
    """A ``build`` that keeps what it was called with, for checkpoints."""

    @functools.wraps(build)
    def wrapped(self: Any, spec: Spec) -> None:
        self.spec = spec
        build(self, spec)

    return wrapped
