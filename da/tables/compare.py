"""Two computations of a table's cells, compared score by score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from da.tables.summary import CellResult, Summary

SAME = 1e-9
OTHER_KERNEL = 1.0
MOST = 8.0
BRANCHED = 8.0
BRANCHED_MOST = 20.0
DEEP = 3.0
SPREAD = 4.0
ALONE = 15.0
MACHINE = ("versions", "kernel", "device", "threads")
"""Of an environment what decides the last digits."""
ATEN = ", ATen"
"""What stands before PyTorch's part of a kernel."""
PARTS = ("source", "target")
SCORES: dict[str, float] = {"rel_tol": 1e-4, "abs_tol": 1e-6}
SAID = (
    f"accuracies equal, scores and diagnostics to {SCORES['rel_tol']:g} on the CPU, kernels and packages that made "
    "them; on others "
    f"accuracies alone, closed-form ones within {OTHER_KERNEL:g} point or two samples (at most {MOST:g} points), which "
    f"may lie between two classes, or {BRANCHED:g} where labels are guessed in rounds or another C was chosen (three "
    f"standard errors on few samples, at most {BRANCHED_MOST:g}), and "
    "deep ones, whose trainings drift apart from the first rounding, within "
    f"{DEEP:g} points or {SPREAD:g} deviations over seeds; those of one seed within {ALONE:g} points"
)


def differences(committed: Summary, made: Summary) -> tuple[list[str], int]:
    """What differs between finished cells of both, a line for each cell, and how many cells were compared."""
    known = {(e.row, e.task, e.seed): e for e in committed.entries}
    pairs = [(known.get((e.row, e.task, e.seed)), e) for e in made.entries if e.status == "finished"]
    compared = [(old, new) for old, new in pairs if old is not None]
    return [line for old, new in compared if (line := difference(committed, old, new))], len(compared)


def difference(committed: Summary, old: CellResult, new: CellResult) -> str:
    """How far two computations of a cell are apart, in a sentence; empty where they are equal up to the tolerance.

    Args:
        committed: the table of the first one.
        old: one of its entries.
        new: the same cell, computed again.
    """
    where = f"{committed.table}: {old.row} on {old.task}, seed {old.seed}"
    if new.status != "finished":
        return f"{where}: {old.status} in the committed table, {new.status} now: {new.reason}"
    if old.status != "finished":
        return f"{where}: {old.status} in the committed table, finished now"
    why = [changed for changed in (config_changes(old, new), data_change(old, new)) if changed]
    allowed = tolerance(committed, old, new)
    rules = [rule for rule in old.scores if rule in new.scores] or ["-"]
    gaps = {rule: new.scores.get(rule, 0.0) - old.scores.get(rule, 0.0) for rule in rules}
    apart = [
        f"{rule} {old.scores[rule]:.6g} -> {new.scores[rule]:.6g} ({gap:+.3g})"
        for rule, gap in gaps.items()
        if abs(gap) > allowed
    ]
    same = same_environment(old, new)
    if same or not is_deep(new):  # elsewhere the epochs on the way drift further apart than the ones reported
        apart += epoch_changes(old, new, allowed, scores=same)
    if same:
        apart += said_changes(old, new)
    if gone := sorted(old.scores.keys() - new.scores.keys()):
        why.append(f"there is no figure by {', '.join(gone)} now")
    if not apart and not why:
        return ""
    if old.origin and new.origin and old.origin.code != new.origin.code:
        why.append(f"the code changed ({old.origin.code or 'unknown'} -> {new.origin.code})")
    return f"{where}: {'; '.join([*apart, *why])}"


def tolerance(committed: Summary, old: CellResult, new: CellResult) -> float:
    """How far the scores of two computations of one cell may be apart, in points."""
    if same_environment(old, new):
        return SAME
    if is_deep(new):
        return spread(committed, old)
    worth = sample(old, new)
    if branches(old, new):
        return max(BRANCHED, min(3.0 * 50.0 * math.sqrt(worth / 100.0), BRANCHED_MOST)) + SAME
    return max(OTHER_KERNEL, min(2.0 * worth, MOST)) + SAME


def branches(old: CellResult, new: CellResult) -> bool:
    """Whether the last digits may have led elsewhere: labels were guessed or weights boosted in rounds, or two
    values of C tied.

    From the sketches of PACS to its photos JPDA stands at 33.8, 32.2 and 33.0 on three kinds of CPU, and JGSA at 35.3
    and 29.4 on two. From user 20 to 21 of WISDM, of whom 37 samples are tested, the C of TCA is 10 on one and 1000 on
    another for features that are equal to ten digits, and its accuracy 64.9 or 81.1: six samples.
    """
    rounds = new.origin is not None and {"method.rounds", "method.n_estimators"} & new.origin.config.keys()
    return bool(rounds) or (old.said or {}).get("C") != (new.said or {}).get("C")


def computes_the_same(old: CellResult, new: CellResult) -> bool:
    """Whether two computations agree so closely, in every number, that their code may be taken as equal.

    Accuracies are coarse, and at 100 % blind; scores such as the entropy of predictions move with any coefficient. A
    deep cell agrees on the kind of CPU that made it alone.
    """
    if any(abs(value - new.scores.get(rule, math.inf)) > SAME for rule, value in old.scores.items()):
        return False
    return not epoch_changes(old, new, SAME, scores=True) and not said_changes(old, new)


def epoch_changes(old: CellResult, new: CellResult, allowed: float, *, scores: bool) -> list[str]:
    """What differs between the evaluated epochs of two computations of a cell, a sentence for each kind of number.

    Args:
        old: a cell.
        new: the same, computed again.
        allowed: how far accuracies may be apart, in points.
        scores: compare those of selection rules, too.
    """
    a, b = old.epochs or {}, new.epochs or {}
    if a.keys() != b.keys() or a.get("epoch") != b.get("epoch"):
        return [f"evaluated epochs {a.get('epoch')} -> {b.get('epoch')}"]
    if not a:
        return []
    columns = [(f"{part} accuracy", a[part], b[part], {"rel_tol": 0.0, "abs_tol": allowed}) for part in PARTS]
    if scores:
        none = [None] * len(a["epoch"])
        columns += [(f"score of {rule}", own, b["scores"].get(rule, none), SCORES) for rule, own in a["scores"].items()]
    found = []
    for name, before, after, limit in columns:
        places = [k for k, pair in enumerate(zip(before, after, strict=True)) if not _close(*pair, limit)]
        if places:
            k = places[0]
            found.append(f"{name} in epoch {a['epoch'][k]} {_shown(before[k])} -> {_shown(after[k])}")
    return found


def said_changes(old: CellResult, new: CellResult) -> list[str]:
    """What differs between the diagnostics of two computations of a cell: the C that was chosen, iterations, ..."""
    a, b = old.said or {}, new.said or {}
    names = [name for name in dict.fromkeys([*a, *b]) if not _close(a.get(name), b.get(name), SCORES)]
    return [f"diagnostic {name} {_shown(a.get(name))} -> {_shown(b.get(name))}" for name in names]


def _close(before: float | None, after: float | None, limit: Mapping[str, float]) -> bool:
    if before is None or after is None:
        return before is after
    return math.isclose(before, after, **limit)


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


def sample(old: CellResult, new: CellResult) -> float:
    """What a test sample is worth in points, by the scores, which are shares of the samples."""
    values = [value for entry in (old, new) for value in entry.scores.values()]
    return 100.0 / max((Fraction(value / 100.0).limit_denominator(20_000).denominator for value in values), default=1)


def spread(committed: Summary, old: CellResult) -> float:
    """How far apart trainings may end that differ in rounding: as far as seeds do, in this cell or the whole table.

    A cell of one seed says nothing of that; it may move by :data:`ALONE` points.
    """
    rules = [rule for rule in committed.rules() if rule in old.scores]
    own = [std for rule in rules if (std := committed.std(old.row, old.task, rule)) is not None]
    everywhere = [
        std
        for row in committed.rows()
        for task in committed.tasks()
        for rule in rules[:1]
        if (std := committed.std(row, task, rule)) is not None
    ]
    if not own:
        return ALONE
    pooled = math.sqrt(math.fsum(std**2 for std in everywhere) / len(everywhere))
    return max(DEEP, SPREAD * max(*own, pooled))


def is_deep(entry: CellResult) -> bool:
    """Whether a network was trained."""
    return entry.origin is not None and _trains(entry.origin.config)


def _trains(config: Mapping[str, Any]) -> bool:
    return str(config.get("method._target_", "")).startswith("da.methods.")


def same_environment(old: CellResult, new: CellResult) -> bool:
    """Whether two cells were computed by the same packages and as many threads on the same kind of CPU."""
    if old.origin is None or new.origin is None or "kernel" not in old.origin.environment:
        return False
    one, other = ({key: e.environment.get(key) for key in MACHINE} for e in (old.origin, new.origin))
    if not all(ATEN in str(e["kernel"]) for e in (one, other)):  # a run without PyTorch does not name its kernels
        one, other = (e | {"kernel": str(e["kernel"]).partition(ATEN)[0]} for e in (one, other))
    return one == other


def config_changes(old: CellResult, new: CellResult) -> str:
    """Which keys of the configuration are not as they were; classes are compared by name, as modules may move."""
    if old.origin is None or new.origin is None:
        return ""
    a, b = (used(e.origin.config) for e in (old, new) if e.origin)
    keys = sorted(key for key in a.keys() | b.keys() if a.get(key) != b.get(key))
    return ", ".join(f"{key} was {a.get(key, 'unset')} and is {b.get(key, 'unset')}" for key in keys)


def used(config: Mapping[str, Any]) -> dict[str, object]:
    """What a run's method looks at of a flat configuration; of classes their names alone.

    A network is followed by no classifier, and an estimator trains no network.
    """
    idle = ("classifier",) if _trains(config) else ("network", "optimizer", "schedule", "clip")
    return {
        key: str(value).rpartition(".")[2] if key.endswith("_target_") else value
        for key, value in config.items()
        if key.partition(".")[0] not in idle
    }


def data_change(old: CellResult, new: CellResult) -> str:
    """Whether the data are others."""
    if old.origin is None or new.origin is None or old.origin.data == new.origin.data:
        return ""
    return f"the data changed (content {old.origin.data[:8]} -> {new.origin.data[:8]})"
