"""Write a deep model for programs without this package: ``torch.export`` or ONNX, checked against its own answers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from da.engine.saved import TrainedModel
from da.errors import UsageError, nearest

SUFFIXES = {"torch": ".pt2", "onnx": ".onnx"}
CHECKED = 32
"""Samples that both are asked for."""
TOLERANCE = 1e-4
"""Largest difference of a logit, relative to the largest logit."""


class Logits(nn.Module):
    """Inputs of the target, as 32-bit floats, to logits.

    Args:
        method: trained.
        before: computes the features that the method was trained on, where those are a frozen network's.
    """

    def __init__(self, method: Any, before: nn.Module | None = None):
        super().__init__()
        self.method, self.before = method, before or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """``(n, ...)`` inputs to ``(n, k)`` logits."""
        logits: Tensor = self.method(self.before(x)).logits
        return logits


def export(model: TrainedModel, kind: str, file: Path) -> float:
    """Write a model, read it back, and compare its logits on random inputs; returns their largest difference.

    Args:
        model: deep; closed-form ones are arrays of NumPy, and are exported to nothing.
        kind: ``torch`` or ``onnx``.
        file: where to.

    Raises:
        UsageError: the kind is unknown, the method is closed-form, a package is missing, or the logits differ.
    """
    if kind not in SUFFIXES:
        raise UsageError(f"There is no format={kind}; {nearest(kind, SUFFIXES)}")
    if model.content["closed_form"]:
        raise UsageError(
            f"{model.content['method']} is closed-form and no network; da.load and scripts/predict.py predict with it."
        )
    network = Logits(model.method, getattr(model.inputs, "network", None)).eval()
    x = torch.rand((CHECKED, *model.input_shape), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = network(x).numpy()
    with warnings.catch_warnings():  # of older versions of PyTorch about their own code, each of no consequence here
        warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
        warnings.filterwarnings("ignore", message=".*buffer is not writable")
        answer = (_torch if kind == "torch" else _onnx)(network, x, file)
        difference = max(float(np.abs(answer(part) - expected[: len(part)]).max()) for part in (x, x[:3]))
    if difference > TOLERANCE * max(1.0, float(np.abs(expected).max())):
        file.unlink()
        raise UsageError(
            f"The exported model differs from the run's by {difference:.2g} in a logit, so it was not kept; "
            "this network cannot be exported by this version of PyTorch."
        )
    return difference


def _torch(network: nn.Module, x: Tensor, file: Path) -> Callable[[Tensor], np.ndarray]:
    program = torch.export.export(network, (x,), dynamic_shapes={"x": {0: torch.export.Dim("n")}})
    torch.export.save(program, file)
    loaded = torch.export.load(file).module()
    return lambda part: loaded(part).detach().numpy()


def _onnx(network: nn.Module, x: Tensor, file: Path) -> Callable[[Tensor], np.ndarray]:
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 - PyTorch's exporter needs it
    except ImportError as error:
        raise UsageError(
            f'ONNX needs packages that are not installed ({error.name}): pip install "da[export]"'
        ) from error
    torch.onnx.export(
        network,
        (x,),
        file,
        dynamo=True,
        external_data=False,
        input_names=["x"],
        output_names=["logits"],
        dynamic_shapes={"x": {0: torch.export.Dim("n")}},
        verbose=False,
    )
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return lambda part: session.run(None, {"x": part.numpy()})[0]
