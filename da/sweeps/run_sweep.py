"""Run the plans of a command line with ``-m``."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from da.config import catalog
from da.config.titles import distinct_titles
from da.config.validate import Plan
from da.errors import ConfigError
from da.results import writable
from da.sweeps.job import Grid, Job, Outcome, exit_code, said
from da.sweeps.launchers import Launcher


def sweep(plans: Sequence[Plan], refused: Sequence[str], what: str, once: Sequence[str] = ()) -> int:
    """Run all plans, or search hyper-parameters starting from them; returns the exit code.

    Args:
        plans: the runs.
        refused: combinations that cannot be run, with the reason.
        what: the command, for messages.
        once: sentences on runs that replace several seeds.

    Raises:
        ConfigError: the plans have different launchers, searches or output folders, or one that cannot be written to.
        KeyboardInterrupt: it was interrupted, and has stopped.
    """
    first = plans[0].config
    for key in ("launcher", "sweep", "output"):
        if any(plan.config.get(key) != first.get(key) for plan in plans):
            raise ConfigError(f"'{key}' must be the same in all runs of a sweep.")
    output = Path(first["output"])
    writable.check(output)
    for reason in refused:
        print(f"LEFT OUT {reason}", file=sys.stderr)
    for sentence in once:
        print(f"ONCE     {sentence}", flush=True)
    launcher: Launcher = catalog.build(first["launcher"], where="launcher")
    if "sweep" in first:
        return _search(plans, launcher, output, what)
    stopped: dict[str, list[str]] = {}
    names = distinct_titles(plans)

    def done(job: Job, outcome: Outcome) -> None:
        if outcome.kind == "refused":
            stopped.setdefault(outcome.message, []).append(job.title)

    counts = launcher.run(
        Grid([Job(plan, name=name) for plan, name in zip(plans, names, strict=True)]), output, what, done
    )
    print(said(counts), flush=True)
    for reason, titles in stopped.items():
        others = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
        print(f"REFUSED  {titles[0]}{others}: {reason}", file=sys.stderr, flush=True)
    return exit_code(counts)


def _search(plans: Sequence[Plan], launcher: Launcher, output: Path, what: str) -> int:
    if not launcher.lazy:
        raise ConfigError(
            "sweep=optuna needs launcher=processes; on a cluster start the same command in several tasks: "
            "they share the study."
        )
    studies: dict[str, list[Plan]] = {}
    for plan in plans:
        studies.setdefault(json.dumps(plan.config | {"seed": None}, sort_keys=True), []).append(plan)
    search = catalog.build(plans[0].config["sweep"], where="sweep")
    total, unfinished = Counter[str](), False
    for group in studies.values():
        study = search.study(group, output)
        total.update(launcher.run(study, output, what, study.done))
        unfinished |= not study.finished()
        print(study.verdict(), flush=True)
        if (file := study.write()) is not None:
            print(f"  file:  {file}", flush=True)
    return exit_code(total) or int(unfinished)
