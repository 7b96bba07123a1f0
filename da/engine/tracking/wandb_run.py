"""Weights & Biases in a separate process, so that its failures do not affect the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from da.engine.tracking.epoch_csv import EpochCSV
from da.engine.tracking.tracker import Stopped, Tracker, is_first_process, scores
from da.results.record import FILE, Record

CLIENT = Path(__file__).with_name("wandb_client.py")
GRACE = 5.0  # seconds beyond the patience after which a client that has not ended is killed
MODELS, RESULTS = ("model.*", "features.safetensors"), ("predictions.*", "*.png", FILE)


class WandbRun(Tracker):
    """Send events to a client process (:mod:`da.engine.tracking.wandb_client`) as JSON lines.

    Whatever happens to the client (it cannot reach the server, is killed, hangs), the run does not wait for it before
    its end, and then for a bounded time. If a client fails, a second one is sent all events again and writes them
    offline, for ``wandb sync``.

    If the run itself is killed, the client reads the end of the pipe and ends the W&B run as failed. The button "stop
    run" of W&B's page has no effect; its sweep agent ends runs by itself.

    Args:
        directory: the run's directory.
        info: ``name``, ``group``, ``tags`` and ``config`` of the run.
        rows: the epochs before this start, if the run is resumed from a checkpoint.
        options: ``project``, ``offline`` and ``artifacts`` of ``logger=wandb``.
        patience: seconds to wait for a client at the end.

    Raises:
        RuntimeError: (``end``) both clients failed.
    """

    name = "wandb"

    def __init__(self, directory: Path, info: dict[str, Any], rows: EpochCSV, options: dict[str, Any], patience: float):
        super().__init__()
        self.rows, self.options, self.patience = rows, options, patience
        group = os.environ.get("WANDB_RUN_GROUP", info["group"])
        keywords = {**info, "group": group, "project": options["project"], "dir": str(directory)}
        self.first = {"init": keywords, "patience": patience}
        self.events: list[dict[str, Any]] = []
        if is_first_process():
            self.guard(self.start, options["offline"])

    def start(self, offline: bool | None) -> None:
        """Start a client and send it all events so far."""
        system = {"WANDB_SILENT": "true", "WANDB_X_STATS_PID": str(os.getpid())}  # the user's values take precedence
        self.client = subprocess.Popen(
            [sys.executable, "-P", str(CLIENT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=system | os.environ,
            text=True,
            start_new_session=True,  # so that Ctrl-C reaches the run only
        )
        for event in ({**self.first, "offline": offline}, *self.events):
            self._write(event)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        if not self.events:  # a resumed run: its earlier part is a failed run in W&B, so all epochs are sent
            for row in self.rows.rows:
                numbers = {key: float(value) for key, value in row.items() if value not in ("", None)}
                earlier = int(numbers.pop("step"))
                if earlier < step:
                    self._tell({"log": numbers, "step": earlier})
        self._tell({"log": dict(metrics), "step": step})

    def end(self, made: Record | Stopped, directory: Path) -> None:
        summary, artifacts, exit_code = scores(made), {}, 1
        if isinstance(made, Record) and made.is_finished:
            exit_code = 0
            # a sweep of W&B reads the score of the chosen epoch, not of the last one
            summary |= {f"selection/{rule}": chosen.score for rule, chosen in made.selection.items()}
            artifacts = self._artifacts(made, directory) if self.options["artifacts"] else {}
        self._tell({"finish": summary, "artifacts": artifacts, "exit_code": exit_code})
        reason = self._wait()
        if reason is None:
            return
        self.start(offline=True)
        again = self._wait()
        if again is not None:
            raise RuntimeError(again)
        self.warn(f"{reason}; the whole run is kept offline: wandb sync {directory}/wandb/offline-run-*")

    @staticmethod
    def _artifacts(made: Record, directory: Path) -> dict[str, Any]:
        """The files that are kept with the run, by the artifact's name."""
        artifacts: dict[str, Any] = {}
        for kind, patterns in (("model", MODELS), ("results", RESULTS)):
            files = sorted(str(file) for pattern in patterns for file in directory.glob(pattern))
            name = f"{made.method}-{made.data}-{made.run_id}-{kind}"
            artifacts |= {name: {"type": kind, "files": files}} if files else {}
        return artifacts

    def _tell(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self._write(event)

    def _write(self, event: dict[str, Any]) -> None:
        assert self.client.stdin is not None
        try:
            self.client.stdin.write(json.dumps(event) + "\n")
            self.client.stdin.flush()
        except OSError:
            pass  # the client has ended; at the end, all events are sent to a second one

    def _wait(self) -> str | None:
        """Wait for the client to end; returns the reason if it failed, else None."""
        try:
            said, _ = self.client.communicate(timeout=self.patience + GRACE)
        except subprocess.TimeoutExpired:
            self.client.kill()
            said, _ = self.client.communicate()
        if self.client.returncode == 0:
            return None
        lines = said.strip().splitlines()
        return lines[-1] if lines else f"the process of W&B ended with exit code {self.client.returncode}"
