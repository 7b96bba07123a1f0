"""Checkpoints for resuming interrupted runs: written atomically, with the state of the random generators."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, Trainer

from da.engine.runner import CHECKPOINT
from da.files import write_atomically
from da.results.record import code_version


class Resumable(Callback):
    """Write ``last.ckpt`` after each epoch, and at the current step when training is interrupted.

    Args:
        directory: the run's directory.
    """

    def __init__(self, directory: Path):
        self.file = directory / CHECKPOINT
        self._restored: dict[str, Any] | None = None

    def on_train_epoch_end(self, trainer: Trainer, method: Any) -> None:
        if trainer.current_epoch + 1 < (trainer.max_epochs or 0):
            self.save(trainer)

    def on_exception(self, trainer: Trainer, method: Any, exception: BaseException) -> None:
        if not isinstance(exception, Exception):  # an interruption, not an error of the run
            self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        """Write the checkpoint; called in every process, written by the first."""
        checkpoint = trainer._checkpoint_connector.dump_checkpoint(weights_only=False)
        if trainer.is_global_zero:
            stream = io.BytesIO()
            torch.save(checkpoint, stream)
            write_atomically(self.file, stream.getvalue())

    def state_dict(self) -> dict[str, Any]:
        # Only torch draws random numbers while training.
        state: dict[str, Any] = {"cpu": torch.get_rng_state(), "code": code_version()["source"]}
        if torch.cuda.is_available():
            state["cuda"] = torch.cuda.get_rng_state()
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._restored = state_dict

    def on_train_start(self, trainer: Trainer, method: Any) -> None:
        if self._restored is not None:
            torch.set_rng_state(self._restored["cpu"].cpu())
            if "cuda" in self._restored and torch.cuda.is_available():
                torch.cuda.set_rng_state(self._restored["cuda"].cpu())
            self._restored = None


def usable(directory: Path) -> Path | None:
    """The checkpoint to resume from; None if there is none that can be read."""
    file = directory / CHECKPOINT
    if not file.is_file():
        return None
    try:
        code = torch.load(file, map_location="cpu", weights_only=True)["callbacks"]["Resumable"]["code"]
    except Exception as error:  # the remedy is the same for any error in the file
        print(f"{file} cannot be read ({type(error).__name__}); the run starts over.")
        return None
    if code != code_version()["source"]:
        print(f"{file} was made by other code; the run starts over.")
        return None
    return file
