"""Domain adaptation and transfer learning with PyTorch Lightning and Hydra.

In Python, :func:`run` is the command line of ``scripts/train.py``, and :func:`load` a model that a run left.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from da.engine.result import Result
    from da.engine.saved import TrainedModel

__version__ = "0.1.0"
__all__ = ["load", "run"]


def run(*overrides: str) -> Result:
    """Train, evaluate and record one run, or find it finished, as the same words on the command line do.

    >>> result = run("method=coral", "data=toy", "output=runs")  # doctest: +SKIP
    >>> result.value, result.record.main("infomax"), result.directory  # doctest: +SKIP

    Args:
        overrides: such as ``"method=dann"`` and ``"data=digits"``.

    Returns:
        Its record, its directory, and ``value``, the main metric on the target test split in percent.

    Raises:
        UsageError: they cannot be run as given; the message names the remedy.
        RunFailed: loading or training failed; the record holds the traceback.
    """
    from da.config.compose import expand
    from da.engine.run import run as run_config
    from da.errors import UsageError

    if options := [word for word in overrides if word.startswith("-")]:
        raise UsageError(f"da.run takes overrides such as method=coral, not {options[0]!r}.")
    return run_config(expand(list(overrides), multirun=False).plans[0].config)


def load(directory: str | Path) -> TrainedModel:
    """The model that a finished run left, ready to predict new samples of its target; no data are needed.

    >>> model = load("runs/features/coral/seed0-0123456789ab")  # doctest: +SKIP
    >>> model.predict("new.csv"), model.predict_proba(x), model.classes_  # doctest: +SKIP

    Args:
        directory: of the run, or a copy of it.

    Raises:
        DataError: it holds no model, or one that cannot be read here.
    """
    from da.engine.saved import load as load_model

    return load_model(directory)
