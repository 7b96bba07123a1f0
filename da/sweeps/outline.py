"""Describe what a command line would run, and its cost, without running it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from da.config.titles import distinct_titles
from da.config.validate import Plan
from da.engine.result import directory_of, needs_rerun
from da.results import record, store
from da.results.record import Record

SHOWN = 20  # largest number of runs that are listed individually
STATES = ("to run", "finished, skipped", "failed before, not tried again (rerun=failed does)")


def outline(plans: Sequence[Plan], refused: Sequence[str], once: Sequence[str]) -> str:
    """Describe the plan: number of runs, finished and refused ones, and CPU hours estimated from records.

    Args:
        plans: the runs.
        refused: sentences on why other combinations cannot be run.
        once: sentences on runs that replace several equal ones.
    """
    folders = [store.scan(Path(folder)) for folder in sorted({plan.config["output"] for plan in plans})]
    found = [r for folder in folders for r in folder.records]
    lines = [f"LEFT OUT {reason}" for reason in refused] + [f"ONCE     {sentence}" for sentence in once]
    lines += [complaint for folder in folders if (complaint := folder.complaint())]
    search = plans[0].config.get("sweep")
    if search:
        trials = int(search["trials"])
        lines.append(f"{len(plans)} runs in each of at most {trials} trials: {len(plans) * trials} runs")
        return "\n".join([*lines, *_costs([(plan, trials) for plan in plans], found)])
    known = _fingerprints(found)
    states = [_state(plan, known[_data(plan.config)]) for plan in plans]
    counts = Counter(states)
    parts = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    lines.append(f"{len(plans)} {'run' if len(plans) == 1 else 'runs'}: {parts}")
    missing = [plan for plan, state in zip(plans, states, strict=True) if state == STATES[0]]
    lines += [f"  {name}" for name in distinct_titles(missing)[:SHOWN]]
    if len(missing) > SHOWN:
        lines.append(f"  ... and {len(missing) - SHOWN} more")
    return "\n".join([*lines, *_costs([(plan, 1) for plan in missing], found)])


def _data(config: Mapping[str, Any]) -> str:
    return json.dumps([config["data"], config.get("features")], sort_keys=True)


def _fingerprints(records: Iterable[Record]) -> dict[str, set[str]]:
    """Fingerprints of the data in earlier runs, so that records are looked up without loading data."""
    known: dict[str, set[str]] = defaultdict(set)
    for r in records:
        if r.fingerprint:
            known[_data(r.config)].add(r.fingerprint)
    return known


def _state(plan: Plan, fingerprints: Iterable[str]) -> str:
    places = [directory_of(plan, fingerprint) for fingerprint in sorted(fingerprints)]
    for found in filter(None, map(record.read, places)):
        if not needs_rerun(found, plan.config["rerun"]):
            return STATES[2] if not found.is_finished else STATES[1]
    return STATES[0]


def _costs(runs: Sequence[tuple[Plan, int]], records: Sequence[Record]) -> list[str]:
    """Estimated CPU hours of missing runs, from the mean seconds times threads of finished runs of method and data."""
    if not runs:
        return []
    known: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for r in records:
        if r.is_finished:
            known[r.method, r.data].append(r)
    hours, unknown = 0.0, Counter[str]()
    for plan, times in runs:
        costs = [_hours(r, plan) for r in known[plan.method.name, plan.data.name] if _comparable(r, plan)]
        if costs:
            hours += times * fmean(costs)
        else:
            unknown[f"method={plan.method.name} on data={plan.data.name}"] += times
    timed = sum(times for _, times in runs) - unknown.total()
    lines = [f"about {_shown(hours)} CPU hours for {timed} of them, by what such runs took before"] if timed else []
    return lines + [
        f"CPU hours unknown of {count} of {name}: none has finished here" for name, count in unknown.items()
    ]


def _comparable(r: Record, plan: Plan) -> bool:
    """Whether a run's cost applies to a plan: not if the plan has full epochs and the run had fewer steps."""
    asked, made = plan.config["steps_per_epoch"], r.config["steps_per_epoch"]
    return plan.method.is_estimator or asked is not None or made is None


def _hours(r: Record, plan: Plan) -> float:
    """CPU hours of a recorded run, scaled to the planned number of epochs and steps."""
    epochs = steps = 1.0
    if not plan.method.is_estimator:
        epochs = plan.config["trainer"]["max_epochs"] / r.config["trainer"]["max_epochs"]
        last = r.epochs[-1]
        steps = (plan.config["steps_per_epoch"] or 0) * last.epoch / last.step or 1.0
    seconds = r.seconds
    spent = seconds.get("load", 0.0) + (seconds["train"] * steps + seconds["evaluate"]) * epochs
    return spent * (r.threads or 1) / 3600


def _shown(hours: float) -> str:
    return f"{hours:.3g}" if hours >= 0.01 else "less than 0.01"
