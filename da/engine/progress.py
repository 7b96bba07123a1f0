"""Progress of a run: a bar on a terminal, otherwise a line per epoch."""

from __future__ import annotations

import sys
import time
from typing import Any

from pytorch_lightning import Callback, Trainer
from tqdm.auto import tqdm

from da.engine.evaluation import Evaluator
from da.results.scores import clock


class ProgressBar(Callback):
    """Progress bar of steps over all epochs; if standard error is a file, a line per epoch instead.

    Args:
        title: text before the bar.
        scorer: the evaluation whose scores a line shows.
    """

    def __init__(self, title: str, scorer: Evaluator):
        self.title, self.scorer = title, scorer
        self.bar: Any = None
        self.begun, self.first = 0.0, 0

    def on_train_start(self, trainer: Trainer, method: Any) -> None:
        self.begun, self.first = time.monotonic(), trainer.current_epoch
        total = (trainer.max_epochs or 1) * int(trainer.num_training_batches)
        if trainer.is_global_zero and _redrawn():
            self.bar = tqdm(total=total, initial=method.steps_done, desc=self.title, unit="step", leave=False)

    def on_train_batch_end(self, trainer: Trainer, method: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.bar is not None:
            self.bar.update()

    def on_train_epoch_end(self, trainer: Trainer, method: Any) -> None:
        if self.bar is not None:
            self.bar.set_postfix_str(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}")
        elif trainer.is_global_zero:
            print(f"{self.title}: {', '.join(self.said(trainer, method))}", file=sys.stderr, flush=True)

    def said(self, trainer: Trainer, method: Any) -> list[str]:
        """Parts of the line on an epoch that just ended."""
        epoch, last = trainer.current_epoch + 1, trainer.max_epochs or 1
        loss = sum(float(value) for value in method.term_sums.values()) / int(trainer.num_training_batches)
        words = [f"epoch {epoch}/{last}", f"loss {loss:.4g}"]
        if self.scorer.history and self.scorer.history[-1]["epoch"] == epoch:
            scores = self.scorer.history[-1]["source_test"]
            words += [f"source {name} {value:.1f} %" for name, value in scores.items()][:1]
        left = (time.monotonic() - self.begun) / (epoch - self.first) * (last - epoch)
        return [*words, f"{clock(left)} left"] if epoch < last else words

    def teardown(self, trainer: Trainer, method: Any, stage: str) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def _redrawn() -> bool:
    """Whether standard error can show a line that is redrawn: on a terminal or in a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
