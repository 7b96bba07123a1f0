"""Weights & Biases in a process of its own, so that nothing that happens to it happens to the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.utilities import rank_zero_only

from da.engine.tracking.epoch_csv import EpochCSV
from da.engine.tracking.tracker import Stopped, Tracker, scores
from da.results.record import FILE, Record

CLIENT = Path(__file__).with_name("wandb_client.py")
GRACE = 5.0  # seconds beyond its patience before a client that does not end by itself is killed
MODELS, RESULTS = ("*.pt",), ("*.npz", "*.png", FILE)


class WandbRun(Tracker):
    """Tells a client process (:mod:`da.engine.tracking.wandb_client`) what happens, a JSON line at a time.

    Whatever becomes of the client (it cannot reach the server, is killed, hangs), the run never waits for it before its
    end, and then for a bounded time. A client that did not end well is followed by one that hears everything again and
    writes it offline, for ``wandb sync``.

    The client sees the end of the pipe if the run itself is killed, and ends the W&B run as failed. The button "stop
    run" of W&B's page is not obeyed; its sweep agent ends runs by itself.

    Args:
        directory: the run's directory.
        info: ``name``, ``group``, ``tags`` and ``config`` of the run.
        rows: the epochs before this start, if the run goes on from a checkpoint.
        options: ``project``, ``offline`` and ``artifacts`` of ``logger=wandb``.
        patience: seconds to wait for a client at the end.
    """

    name = "wandb"

    def __init__(self, directory: Path, info: dict[str, Any], rows: EpochCSV, options: dict[str, Any], patience: float):
        super().__init__()
        self.rows, self.options, self.patience = rows, options, patience
        group = os.environ.get("WANDB_RUN_GROUP", info["group"])
        keywords = {**info, "group": group, "project": options["project"], "dir": str(directory)}
        self.first = {"init": keywords, "patience": patience}
        self.events: list[dict[str, Any]] = []
        rank_zero_only(self.guard)(self.start, options["offline"])

    def start(self, offline: bool | None) -> None:
        """A client, told all there is to tell."""
        system = {"WANDB_SILENT": "true", "WANDB_X_STATS_PID": str(os.getpid())}  # the user's own values win
        self.client = subprocess.Popen(
            [sys.executable, "-P", str(CLIENT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=system | os.environ,
            text=True,
            start_new_session=True,  # Ctrl-C is for the run
        )
        for event in ({**self.first, "offline": offline}, *self.events):
            self._write(event)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        if not self.events:  # a resumed run: W&B has no part of it, for the one before it ended as failed
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
            pass  # it is gone; the end will show, and everything is told again

    def _wait(self) -> str | None:
        """Let the client end; why it did not end well, or None."""
        try:
            said, _ = self.client.communicate(timeout=self.patience + GRACE)
        except subprocess.TimeoutExpired:
            self.client.kill()
            said, _ = self.client.communicate()
        if self.client.returncode == 0:
            return None
        lines = said.strip().splitlines()
        return lines[-1] if lines else f"the process of W&B ended with exit code {self.client.returncode}"
