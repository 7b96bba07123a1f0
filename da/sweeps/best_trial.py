"""What a search found: the best setting, the accuracy of its runs, where they lie, and how to repeat them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from da.config import repeat
from da.files import write_atomically
from da.results.record import Record, portable
from da.results.scores import brief, deviation, mean, shown


@dataclass(frozen=True)
class BestTrial:
    """The trial of a search with the highest score.

    Args:
        objective: the selection rule that was maximised; it also chooses the epoch of the accuracies.
        score: its mean over the seeds.
        trials: how many trials it is the best of.
        setting: the hyper-parameters, by key as on the command line.
        metric: name of the accuracies' metric; empty without target labels.
        accuracies: on the target test split in percent, one for each seed.
        directories: of the runs, one for each seed.
        command: what runs them again.
    """

    objective: str
    score: float
    trials: int
    setting: Mapping[str, Any]
    metric: str
    accuracies: Sequence[float]
    directories: Sequence[str]
    command: str

    def text(self) -> str:
        """Lines for a console; numbers are shortened everywhere but in the command."""
        setting = " ".join(f"{key}={brief(value)}" for key, value in self.setting.items())
        lines = [f"best of {self.trials} finished trials by {self.objective} {self.score:.4f}: {setting}"]
        lines.append(f"  {self._accuracy()}")
        lines += [f"  run:   {directory}" for directory in self.directories]
        return "\n".join([*lines, f"  again: {self.command}"])

    def _accuracy(self) -> str:
        if not self.accuracies:
            return "no target labels, so no accuracy"
        spread = deviation(self.accuracies)
        over = "" if spread is None else f" ± {shown(spread, 2)} over {len(self.accuracies)} seeds"
        scored = f"target test {self.metric} {shown(mean(self.accuracies), 2)}{over}"
        return f"{scored}, in the epoch that {self.objective} chose"

    def write(self, file: Path) -> Path:
        """Write it as JSON, numbers in full."""
        return write_atomically(file, json.dumps(portable(asdict(self)), indent=1, ensure_ascii=False).encode())


def noted(r: Record, directory: str, objective: str) -> dict[str, Any]:
    """What a trial keeps of one of its runs."""
    chosen = r.selection[objective].target_test
    return {"seed": r.seed, "directory": directory, "metric": r.metric, "accuracy": chosen.get(r.metric)}


def best_trial(
    objective: str,
    trials: int,
    score: float,
    keywords: Mapping[str, Any],
    configs: Sequence[Mapping[str, Any]],
    runs: Sequence[Mapping[str, Any]],
) -> BestTrial:
    """Describe a trial.

    Args:
        objective: the selection rule that was maximised.
        trials: how many trials finished.
        score: of the trial.
        keywords: of the method, as the trial set them.
        configs: the configuration of each of its runs, which differ by their seeds.
        runs: what :func:`noted` kept of them; empty for a trial of an earlier version, which kept nothing.
    """
    runs = sorted(runs, key=lambda run: run["seed"])
    return BestTrial(
        objective=objective,
        score=score,
        trials=trials,
        setting={f"method.{key}": value for key, value in keywords.items()},
        metric=next((run["metric"] for run in runs), ""),
        accuracies=[run["accuracy"] for run in runs if run["accuracy"] is not None],
        directories=[run["directory"] for run in runs],
        command=repeat.command(dict(configs[0]) | {"selection": objective}, [c["seed"] for c in configs]),
    )
