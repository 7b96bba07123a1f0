"""The command line of ``scripts/predict.py``: predict new samples with a model that a run left."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from da.engine import predictions
from da.engine.saved import TrainedModel, load
from da.errors import UsageError, nearest

HELP = """Predict the samples of a file or folder with the model of a finished run; no other data are needed.

  python scripts/predict.py RUN data=new.csv [output=FILE.csv]

RUN     the folder of a run, or a copy of it
data    CSV, parquet, npz, mat, h5 or svmlight for models of tables (columns are found by name), a folder for images
output  default: the name of the data with _predictions.csv, in the working folder
"""
KEYS = ("data", "output")
BATCH = 4096
"""Samples between two moves of the progress bar."""


def predict(words: Sequence[str]) -> int:
    """Run the command line; exit code 0 done, 2 wrong usage."""
    if not words or set(words) & {"-h", "--help"}:
        print(HELP)
        return 0 if words else 2
    try:
        directory, given = _read(words)
        model = load(directory)
        source = Path(given["data"]).expanduser()
        file = Path(given.get("output") or f"{source.stem}_predictions.csv").expanduser()
        print(_written(model, source, file))
    except UsageError as error:
        print(f"predict: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return 2
    return 0


def _read(words: Sequence[str]) -> tuple[Path, dict[str, str]]:
    """The run's folder, and the values of the keys.

    Raises:
        UsageError: a word is neither.
    """
    runs = [word for word in words if "=" not in word]
    given = dict(word.partition("=")[::2] for word in words if "=" in word)
    for key in given:
        if key not in KEYS:
            raise UsageError(f"There is no key '{key}'; {nearest(key, KEYS)}")
    if len(runs) != 1 or not given.get("data"):
        raise UsageError("name one run and the data: python scripts/predict.py RUN data=new.csv")
    return Path(runs[0]).expanduser(), given


def _written(model: TrainedModel, source: Path, file: Path) -> str:
    """Predict, write the table, and return what was done in a line."""
    from tqdm import tqdm

    samples = model.read(source)
    starts = range(0, len(samples), BATCH)
    answers = []
    for start in tqdm(starts, desc=f"predicting {source.name}", unit="batch", disable=None):
        answers.append(model.answer(samples.take(np.arange(start, min(start + BATCH, len(samples)))))[1])
    logits = np.concatenate(answers)
    classes = [str(name) for name in model.classes_]
    labels = model.known_labels(samples)
    id_name = model.content["id_name"] if samples.ids is not None else "row"
    predictions.write_table(
        file,
        logits,
        classes,
        samples.ids,
        id_name=id_name,
        labels=labels,
        certain=bool(model.content["probabilities"]),
    )
    said = f"{len(samples)} samples predicted by {model.content['method']}"
    if labels is not None:
        said += f", accuracy {100 * float(np.mean(logits.argmax(axis=1) == labels)):.2f} on their labels"
    return f"{said} -> {file}"
