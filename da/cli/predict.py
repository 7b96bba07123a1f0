"""The command line of ``scripts/predict.py``: predict new samples with a model that a run left."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from da.cli.run_and_keys import flag, run_and_keys, writable_file
from da.domain import Domain
from da.engine import predictions
from da.engine.saved import TrainedModel, load
from da.errors import DataError, UsageError, few

USAGE = "python scripts/predict.py RUN data=new.csv [output=FILE.csv] [skip_unreadable=true]"
HELP = f"""Predict the samples of a file or folder with the model of a finished run; no other data are needed.

  {USAGE}

RUN     the folder of a run, or a copy of it
data    CSV, parquet, npz, mat, h5 or svmlight for models of tables (columns are found by name), a folder for images
output  default: the name of the data with _predictions.csv, in the working folder; an earlier one is replaced
skip_unreadable
        true leaves out images that cannot be read, and says which; false, the default, predicts nothing then
"""
KEYS = ("data", "output", "skip_unreadable")
BATCH = 1 << 24
"""Values of inputs that are held at a time."""


def predict(words: Sequence[str]) -> int:
    """Run the command line; exit code 0 done, 2 wrong usage."""
    if not words or set(words) & {"-h", "--help"}:
        print(HELP)
        return 0 if words else 2
    try:
        directory, given = run_and_keys(words, KEYS, USAGE, needed=("data",))
        source = Path(given["data"]).expanduser()
        file = Path(given.get("output") or f"{source.stem}_predictions.csv").expanduser()
        writable_file(file, "output", apart_from=(directory, source))
        skip = flag("skip_unreadable", given.get("skip_unreadable", "false"))
        for line in _written(load(directory), source, file, skip=skip):
            print(line)
    except UsageError as error:
        print(f"predict: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return 2
    return 0


def _written(model: TrainedModel, source: Path, file: Path, *, skip: bool) -> list[str]:
    """Predict, write the table, and return what was done in a line or two."""
    with warnings.catch_warnings(record=True) as said_of_data:
        warnings.simplefilter("always")
        samples = model.read(source)
    notes = [str(warning.message) for warning in said_of_data]
    try:
        labels = model.known_labels(samples)
    except DataError as error:
        labels = None
        notes.append(f"Nothing is scored: {error}")
    read, logits = _logits(model, samples, source.name, skip=skip)
    left_out = np.setdiff1d(np.arange(len(samples)), read)
    predictions.write_table(
        file,
        logits,
        [str(name) for name in model.classes_],
        read if samples.ids is None else samples.ids[read],
        id_name=model.content["id_name"] if samples.ids is not None else "row",
        labels=None if labels is None else model.classes_[labels[read]],
        certain=bool(model.content["probabilities"]),
    )
    said = f"{len(read)} samples predicted by {model.content['method']}"
    if labels is not None:
        said += f", accuracy {100 * float(np.mean(logits.argmax(axis=1) == labels[read])):.2f} on their labels"
    done = [*notes, f"{said} -> {file}"]
    if len(left_out):  # images, which are named by their files
        done.insert(0, f"{len(left_out)} images cannot be read and are left out: {few(samples.ids[left_out])}")
    return done


def _logits(model: TrainedModel, samples: Domain, name: str, *, skip: bool) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the samples that could be read, and their logits; a batch is held at a time."""
    from tqdm import tqdm

    size = max(1, BATCH // max(1, math.prod(samples.sample_shape)))
    read: list[np.ndarray] = []
    answers: list[np.ndarray] = []
    with tqdm(total=len(samples), desc=f"predicting {name}", unit="sample", disable=None) as bar:
        for start in range(0, len(samples), size):
            batch = np.arange(start, min(start + size, len(samples)))
            try:
                part = samples.take(batch)
            except DataError:
                if not skip:
                    raise
                batch = batch[[_readable(samples, int(k)) for k in batch]]
                part = samples.take(batch)
            if len(batch):
                read.append(batch)
                answers.append(model.answer(part)[1])
            bar.update(size if start + size < len(samples) else len(samples) - start)
    if not answers:
        raise DataError("There are no samples to predict; give at least one that can be read.")
    return np.concatenate(read), np.concatenate(answers)


def _readable(samples: Domain, k: int) -> bool:
    """Whether a sample that is read on access can be read."""
    try:
        samples.x[[k]]
    except DataError:
        return False
    return True
