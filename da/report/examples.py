"""A few runs from near: which classes are confused, and where source and target samples lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from da.analysis.embedding import GREY, MOST, PALETTE, thinned, tsne
from da.errors import UsageError, nearest
from da.files import weights_of
from da.report.attempts import Trouble, attempt
from da.report.labels import LETTER
from da.report.svg import Cross, Dot, Drawing, Label, Ring, Shape, Square, TurnedLabel, scale
from da.results.record import Record
from da.tables.label_free import PREDICTIONS, LabelFreeTable, predictions_of
from da.tables.leaderboard import Line
from da.tables.summarize import TableResults

SMALL = 5_000_000
"""Parameters of a network whose features are computed unasked; larger ones take minutes on a CPU."""
MOST_CLASSES = 40
NUMBERED = 16


@dataclass(frozen=True)
class ClassKey:
    """The colour of a class."""

    name: str
    colour: str


@dataclass(frozen=True)
class Confusions:
    """What was taken for what most often, of more classes than a matrix shows."""

    classes: int
    items: Sequence[str]


@dataclass(frozen=True)
class DrawnEmbedding:
    """Samples in the plane with a note on how to read it; without a drawing the note says why there is none."""

    note: str
    cloud: Drawing | None = None
    legend: Sequence[ClassKey] = ()


@dataclass(frozen=True)
class Example:
    """A run from near.

    Args:
        title: what the run is.
        score: its main metric.
        samples: how many test samples of the target it has.
        matrix: which classes are confused; None without labels or with too many classes.
        confusions: the same of too many classes.
        embedding: where samples lie.
    """

    title: str
    score: str
    samples: int
    matrix: Drawing | None
    confusions: Confusions | None
    embedding: DrawnEmbedding


def chosen(section: TableResults, lines: Sequence[Line]) -> list[tuple[str, Record]]:
    """The best row, the baseline and the worst row on the first task on which all have a run, by what they are.

    A row that is trained on all target labels is neither the best nor the worst, and neither is one without a figure on
    every task; where that is all, the first one and the baseline are shown as not ranked.
    """
    base = section.spec.protocol.baseline
    ranked = [line.row for line in lines if line.is_scored and not line.is_bound]
    wanted = _roles(ranked, base)
    if not wanted:
        rest = [line.row for line in lines if line.runs.get("finished")]
        wanted = dict.fromkeys([*rest[:1], *(row for row in rest if row == base)], "not ranked")
    return _first_runs(section, section.spec.protocol.tasks, wanted)


def chosen_without_labels(section: TableResults, table: LabelFreeTable) -> list[tuple[str, Record]]:
    """The rows with the highest and the lowest score of the table's rule and the baseline, by what they are."""
    ranked = [row.label for row in table.rows if row.score(table.rule).values]
    ends = f"highest {table.rule}", f"lowest {table.rule}"
    return _first_runs(section, [table.task], _roles(ranked, section.spec.protocol.baseline, *ends))


def _roles(ranked: Sequence[str], base: str, first: str = "best", last: str = "worst") -> dict[str, str]:
    """What the first and the last of ranked rows, and the baseline among them, are called."""
    if not ranked:
        return {}
    wanted = {ranked[0]: first} | ({base: "baseline"} if base in ranked[1:] else {})
    wanted.setdefault(ranked[-1], last)
    return wanted


def _first_runs(section: TableResults, tasks: Iterable[str], wanted: Mapping[str, str]) -> list[tuple[str, Record]]:
    """A run of each wanted row, with predictions, on the first task on which most rows have one."""
    found: list[tuple[str, Record]] = []
    for task in tasks:
        here = []
        for row, role in wanted.items():
            seeds = sorted(s for r, t, s in section.runs if (r, t) == (row, task))
            runs = [section.runs[row, task, seed] for seed in seeds]
            usable = [r for r in runs if r.directory is not None and (r.directory / PREDICTIONS).is_file()]
            here += [(f"{row} ({role}), {task}, seed {r.seed}", r) for r in usable[:1]]
        if len(here) > len(found):
            found = here
        if len(found) == len(wanted):
            break
    return found


def named(records: Sequence[Record], names: Sequence[str]) -> list[tuple[str, Record]]:
    """The runs that ``--show`` names, by directory or identity.

    Raises:
        UsageError: there is no such run, or it keeps no predictions.
    """
    known = {key: r for r in records for key in (r.run_id, r.place.name)}
    found = []
    for name in names:
        r = known.get(Path(name).name)
        if r is None:
            raise UsageError(f"There is no run '{name}' in this folder; {nearest(Path(name).name, known)}")
        if r.task is None or not (r.place / PREDICTIONS).is_file():
            raise UsageError(f"The run '{name}' keeps no predictions ({r.status}); name one that finished.")
        found.append((f"{r.method}, {r.task.name}, seed {r.seed}", r))
    return found


def example(title: str, r: Record, asked: bool) -> Example:
    """The confusion matrix and the embedding of a run.

    Args:
        title: what the run is.
        r: its record, with its directory.
        asked: whether someone named this run: then features of large networks are computed too.
    """
    arrays = predictions_of(r)
    said = f"{r.metric} {r.main_of(r.target_test):.1f} %" if r.metric in r.target_test else "no target labels"
    many = len(arrays["classes"]) > MOST_CLASSES
    placed = attempt(f"The embedding of {r.directory}", partial(_embedding, r, arrays, asked))
    return Example(
        title=title,
        score=said,
        samples=len(arrays["logits"]),
        matrix=_matrix(arrays) if "y" in arrays and not many else None,
        confusions=_confusions(arrays) if "y" in arrays and many else None,
        embedding=DrawnEmbedding(placed.sentence) if isinstance(placed, Trouble) else placed,
    )


def _counts(arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, list[str]]:
    """Samples by true class, down, and predicted one, across; the classes' names."""
    names = [str(name) for name in arrays["classes"]]
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (arrays["y"], arrays["predicted"]), 1)
    return counts, names


def _confusions(arrays: Mapping[str, np.ndarray]) -> Confusions:
    counts, names = _counts(arrays)
    k = len(names)
    wrong = sorted(zip(*np.nonzero(counts * (1 - np.eye(k, dtype=int))), strict=True), key=lambda c: -counts[c])
    return Confusions(k, [f"{names[i]} taken for {names[j]}: {counts[i, j]}" for i, j in wrong[:15]])


READING = "rows: true class; columns: predicted"


def _matrix(arrays: Mapping[str, np.ndarray]) -> Drawing:
    """True classes down, predicted ones across; shares of the true class as darkness."""
    counts, names = _counts(arrays)
    k = len(names)
    left, size = 8 + 6.0 * min(max(map(len, names)), 14), min(26.0, 300 / k)
    top = left + 2
    shapes: list[Shape] = []
    for i, name in enumerate(names):
        short = name if len(name) < 15 else f"{name[:13]}…"
        shapes.append(Label(left - 5, top + size * (i + 0.5) + 3.5, short, "end", "small"))
        shapes.append(TurnedLabel(left + size * (i + 0.5) + 3.5, top - 5, short, "small"))
    for i, j in zip(*np.nonzero(counts), strict=True):
        share = counts[i, j] / counts[i].sum()
        tip = f"{names[i]} taken for {names[j]}: {counts[i, j]} of {counts[i].sum()}"
        x, y = left + size * j, top + size * i
        shapes.append(Square(x, y, size, "hit" if i == j else "miss", 0.08 + 0.92 * share, tip))
        if k <= NUMBERED:
            kind = "count strong" if share > 0.55 else "count"
            middle = left + size * (j + 0.5), top + size * (i + 0.5) + 3.5
            shapes.append(Label(*middle, str(counts[i, j]), "middle", kind))
    edge = size * k
    shapes.append(Square(left, top, edge, "edge"))
    shapes.append(Label(left, top + edge + 16, READING, kind="title"))
    return Drawing(
        left + max(edge, LETTER * len(READING)) + 6, top + edge + 22, shapes, "confusion matrix", "chart confusion"
    )


def _embedding(r: Record, arrays: Mapping[str, np.ndarray], asked: bool) -> DrawnEmbedding:
    """Samples in the plane, the target's in the colours of their labels, or where it has none of their predictions."""
    names = [str(name) for name in arrays["classes"]]
    labelled = "y" in arrays
    why = "the run keeps no network"
    if weights_of(r.place) is not None:
        if asked or (r.parameters or 0) <= SMALL:
            try:
                z_s, y_s, z_t, y_t = _features(r.place)
            except (UsageError, OSError, RuntimeError) as error:  # data that are not at hand, other code, ...
                why = f"its features cannot be computed here: {error}"
            else:
                colours = "colours are true classes" if labelled else f"colours are {TRUE_OF_SOURCE}"
                said = f"t-SNE of features: rings are source samples, crosses are target samples, {colours}."
                return _cloud(tsne(np.concatenate([z_s, z_t])), len(z_s), y_s, y_t, names, said)
        else:
            why = "its network is large; name the run with --show for its features"
    logits, y = thinned(arrays["logits"], arrays["y" if labelled else "predicted"], 0)
    distinct = len(np.unique(logits.round(6), axis=0))
    if distinct < max(10, len(logits) // 4):
        return DrawnEmbedding(
            f"No embedding: {why}, and its {len(logits)} predictions take only {distinct} distinct values (a nearest "
            "neighbour says a class and nothing else)."
        )
    colours = "true classes, crosses are classified wrong" if labelled else "predicted classes: there are no labels"
    said = f"t-SNE of the logits of target test samples ({why}); source samples are not in it. Colours are {colours}."
    right = logits.argmax(1) == y if labelled else None
    return _cloud(tsne(logits), 0, None, y, names, said, right)


TRUE_OF_SOURCE = "true classes of source samples and predicted classes of target samples, which have no labels"


def _features(directory: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Features and labels of at most 600 test samples of each domain, by the network that the run left.

    The labels of a target that has none are those that the network predicts.
    """
    from da.domain import pool
    from da.engine.run import restore
    from da.methods.inference import predict

    method, task, exam = restore(directory)
    source = pool(tuple(split.train if split.test is None else split.test for split in task.sources))
    made: list[Any] = []
    for domain, forward in ((source, method.forward_source), (exam.domains["target_test"], None)):
        index = np.sort(np.random.default_rng(0).permutation(len(domain))[:MOST])
        kept = domain.take(index)
        z, logits = predict(method, kept, forward)
        made += [z, logits.argmax(1) if kept.y is None else np.asarray(kept.y)]
    return made[0], made[1], made[2], made[3]


def _cloud(
    points: np.ndarray,
    n_source: int,
    y_s: np.ndarray | None,
    y_t: np.ndarray | None,
    names: Sequence[str],
    said: str,
    right: np.ndarray | None = None,
) -> DrawnEmbedding:
    x, y = scale(points[:, 0].tolist(), 6, 374, margin=0.03), scale(points[:, 1].tolist(), 314, 6, margin=0.03)
    shapes: list[Shape] = []
    for k, (a, b) in enumerate(points.tolist()):
        labels, i = (y_s, k) if k < n_source else (y_t, k - n_source)
        c = None if labels is None else int(labels[i])
        colour = GREY if c is None or c >= len(PALETTE) else PALETTE[c]
        if k < n_source:
            shapes.append(Ring(x(a), y(b), 2.8, colour))
        elif n_source or (right is not None and not right[i]):
            shapes.append(Cross(x(a), y(b), 2.2, colour))
        else:
            shapes.append(Dot(x(a), y(b), 2.5, colour))
    keys = [ClassKey(name, colour) for name, colour in zip(names, PALETTE, strict=False)]
    if len(names) > len(PALETTE):
        keys.append(ClassKey(f"{len(names) - len(PALETTE)} other classes", GREY))
    cloud = Drawing(380, 320, shapes, "embedding", "chart cloud")
    return DrawnEmbedding(f"{said} Distances between clusters mean little.", cloud, keys)
