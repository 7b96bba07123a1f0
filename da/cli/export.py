"""The command line of ``scripts/export.py``: write the network of a finished deep run for other programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from da.cli.run_and_keys import run_and_keys, writable_file
from da.engine.saved import TrainedModel, load
from da.errors import UsageError
from da.files import write_atomically

USAGE = "python scripts/export.py RUN [format=torch|onnx] [output=FILE]"
HELP = f"""Write the network of a finished deep run as torch.export or ONNX, checked against its own answers.

  {USAGE}

RUN     the folder of a run, or a copy of it
output  default: RUN/exported.pt2 or RUN/exported.onnx; beside it a .json names classes, shape and preparation of inputs
"""
KEYS = ("format", "output")
WRITTEN = (".pt2", ".onnx")
"""Suffixes of what this command writes; other files of a run stay as they are."""


def export(words: Sequence[str]) -> int:
    """Run the command line; exit code 0 done, 2 wrong usage."""
    if not words or set(words) & {"-h", "--help"}:
        print(HELP)
        return 0 if words else 2
    try:
        print(_exported(words))
    except UsageError as error:
        print(f"export: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return 2
    return 0


def _exported(words: Sequence[str]) -> str:
    directory, given = run_and_keys(words, KEYS, USAGE)
    from da.engine.export import SUFFIXES
    from da.engine.export import export as write

    kind = given.get("format", "torch")
    file = Path(given.get("output") or directory / f"exported{SUFFIXES.get(kind, '')}").expanduser()
    writable_file(file, "output", apart_from=[path for path in directory.iterdir() if path.suffix not in WRITTEN])
    model = load(directory)
    difference = write(model, kind, file)
    beside = write_atomically(file.with_suffix(f"{file.suffix}.json"), json.dumps(described(model), indent=1).encode())
    return f"logits agree within {difference:.1g} -> {file} (inputs and classes: {beside})"


def described(model: TrainedModel) -> dict[str, object]:
    """What a program needs to know beside the network: classes, shape, names of columns, and what inputs go through."""
    inputs = getattr(model.inputs, "before", model.inputs)
    mean, deviation = getattr(inputs, "mean", None), getattr(inputs, "deviation", None)
    return {
        "classes": [str(name) for name in model.classes_],
        "shape": list(model.input_shape),
        "columns": getattr(inputs, "columns", None),
        "subtract": None if mean is None else mean.tolist(),
        "divide": None if deviation is None else deviation.tolist(),
        "images": None if not hasattr(inputs, "crop") else pixels(inputs),
    }


def pixels(inputs: Any) -> str:
    """How images of a data set are prepared, in words."""
    side, cut = inputs.scale, f", whose central {inputs.size} x {inputs.size} pixels are cut out"
    resized = f"the shorter side resized to {side} pixels" if inputs.crop else f"resized to {side} x {side} pixels"
    return f"{resized}{cut if inputs.crop or inputs.size < side else ''}; RGB in 0..1, channels first"
