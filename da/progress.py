"""One progress bar for a whole run."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import Callback, Trainer
from tqdm.auto import tqdm


class ProgressBar(Callback):
    """Steps done, over all epochs.

    Args:
        title: what stands before the bar.
    """

    def __init__(self, title: str):
        self.title = title
        self.bar: Any = None

    def on_train_start(self, trainer: Trainer, method: Any) -> None:
        total = (trainer.max_epochs or 1) * int(trainer.num_training_batches)
        if trainer.is_global_zero:
            self.bar = tqdm(total=total, initial=method.steps_done, desc=self.title, unit="step", leave=False)

    def on_train_batch_end(self, trainer: Trainer, method: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.bar is not None:
            self.bar.update()

    def on_train_epoch_end(self, trainer: Trainer, method: Any) -> None:
        if self.bar is not None:
            self.bar.set_postfix_str(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}")

    def teardown(self, trainer: Trainer, method: Any, stage: str) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
