"""Client process of Weights & Biases; started by :mod:`da.engine.tracking.wandb_run`, not by users.

It reads JSON lines and imports nothing of this package, so that it starts fast and may fail without consequences.
"""

from __future__ import annotations

import inspect
import json
import os
import queue
import threading
import time
from typing import Any

INIT_SHARE = 1 / 3  # of the patience: if the server has not responded by then, the run is logged offline


def main() -> None:
    """Process events until the last one or the end of the pipe; an error is exit code 1 and a line on stdout."""
    incoming, outgoing = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # W&B's own process would hold the pipes open
    os.dup2(2, 1)
    first = json.loads(incoming.readline() or "{}")
    patience = first.get("patience", 0.0)
    events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def fail(reason: str) -> None:
        try:
            print(reason, file=outgoing, flush=True)
        finally:  # the run may have ended
            os._exit(1)  # without W&B's exit handlers, which may wait for a server

    def listen() -> None:
        """Read the pipe continuously, so that the run never waits; allow ``patience`` seconds after the last event."""
        event: dict[str, Any] = {}
        for line in incoming:
            if line.endswith("\n"):  # otherwise the run was killed while writing
                event = json.loads(line)
                events.put(event)
        if "finish" not in event:  # the run was killed
            events.put({"finish": {"status": "killed"}, "artifacts": {}, "exit_code": 1})
        time.sleep(patience)
        fail(f"W&B did not finish within {patience:g} seconds")

    threading.Thread(target=listen, daemon=True).start()
    try:
        serve(events, first["init"], first["offline"], patience)
    except BaseException as error:  # W&B raises many kinds
        fail(f"{type(error).__name__}: {error}".splitlines()[0])


def serve(
    events: queue.SimpleQueue[dict[str, Any]], keywords: dict[str, Any], offline: bool | None, patience: float
) -> None:
    """Log one run to W&B, from its first event to its last."""
    import wandb

    if offline is None and "WANDB_MODE" not in os.environ:
        offline = not key_is_known()
    settings = wandb.Settings(console="off", init_timeout=patience if offline else patience * INIT_SHARE)
    run = wandb.init(mode="offline" if offline else None, settings=settings, **keywords)
    while "finish" not in (event := events.get()):
        run.log(event["log"], step=event["step"])
    run.summary.update(event["finish"])
    for name, artifact in event["artifacts"].items():
        wandb_artifact = wandb.Artifact(name, artifact["type"])
        for file in artifact["files"]:
            wandb_artifact.add_file(file, policy="immutable")  # not copied: the files of a finished run do not change
        run.log_artifact(wandb_artifact)
    run.finish(exit_code=event["exit_code"])


def key_is_known() -> bool:
    """Whether W&B has an API key for its server; nobody is asked for one."""
    import wandb

    quietly: dict[str, Any] = (
        {"prompt": False} if "prompt" in inspect.signature(wandb.login).parameters else {}
    )  # from 0.30 on
    try:
        return bool(wandb.login(verify=False, **quietly))
    except wandb.errors.UsageError:  # no key, and standard input is no terminal
        return False


if __name__ == "__main__":
    main()
