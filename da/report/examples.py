"""A few runs from near: which classes are confused, and where source and target samples lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from da.analysis.embedding import GREY, MOST, PALETTE, thinned, tsne
from da.errors import UsageError, nearest
from da.report.svg import cross, dot, scale, svg, text
from da.results.record import Record
from da.tables.leaderboard import Line
from da.tables.summarize import TableResults

PREDICTIONS = "predictions.npz"
WEIGHTS = "model.pt"
SMALL = 5_000_000
"""Parameters of a network whose features are computed unasked; larger ones take minutes on a CPU."""
MOST_CLASSES = 40
NUMBERED = 16


def chosen(chapter: TableResults, lines: Sequence[Line]) -> list[tuple[str, Record]]:
    """The best row, the baseline and the worst row on the first task on which all have a run, by what they are."""
    ranked = [line.row for line in lines if line.runs.get("finished")]
    if not ranked:
        return []
    base = chapter.spec.protocol.baseline
    wanted = {ranked[0]: "best"} | ({base: "baseline"} if base in ranked[1:] else {})
    wanted.setdefault(ranked[-1], "worst")
    best: list[tuple[str, Record]] = []
    for task in chapter.spec.protocol.tasks:
        found = []
        for row, role in wanted.items():
            seeds = sorted(s for r, t, s in chapter.runs if (r, t) == (row, task))
            runs = [chapter.runs[row, task, seed] for seed in seeds]
            usable = [r for r in runs if r.directory is not None and (r.directory / PREDICTIONS).is_file()]
            found += [(f"{row} ({role}), {task}, seed {r.seed}", r) for r in usable[:1]]
        if len(found) > len(best):
            best = found
        if len(best) == len(wanted):
            break
    return best


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


def example(title: str, r: Record, asked: bool) -> str:
    """The confusion matrix and the embedding of a run.

    Args:
        title: what the run is.
        r: its record, with its directory.
        asked: whether someone named this run: then features of large networks are computed too.
    """
    with np.load(r.place / PREDICTIONS) as loaded:
        arrays = dict(loaded)
    said = f"{r.metric} {r.main_of(r.target_test):.1f} %" if r.metric in r.target_test else "no target labels"
    parts = [f"<h4>{escape(title)}</h4><p>{escape(said)}, {len(arrays['logits'])} target test samples</p>"]
    parts.append(_confusion(arrays) if "y" in arrays else "")
    parts.append(_embedding(r, arrays, asked))
    return f"<figure>{''.join(parts)}</figure>"


def _confusion(arrays: Mapping[str, np.ndarray]) -> str:
    """True classes down, predicted ones across; shares of the true class as darkness."""
    y, predicted, names = arrays["y"], arrays["predicted"], [str(name) for name in arrays["classes"]]
    k = len(names)
    counts = np.zeros((k, k), int)
    np.add.at(counts, (y, predicted), 1)
    if k > MOST_CLASSES:
        wrong = sorted(zip(*np.nonzero(counts * (1 - np.eye(k, dtype=int))), strict=True), key=lambda c: -counts[c])
        items = [f"{names[i]} taken for {names[j]}: {counts[i, j]}" for i, j in wrong[:15]]
        return (
            f"<p>Most frequent confusions of {k} classes:</p><ol>{''.join(f'<li>{escape(x)}</li>' for x in items)}</ol>"
        )
    left, size = 8 + 6.0 * min(max(map(len, names)), 14), min(26.0, 300 / k)
    top = left + 2
    parts = []
    for i, name in enumerate(names):
        short = name if len(name) < 15 else f"{name[:13]}…"
        parts.append(text(left - 5, top + size * (i + 0.5) + 3.5, short, "end", "small"))
        x, y_at = left + size * (i + 0.5) + 3.5, top - 5
        parts.append(
            f'<text class="small" transform="translate({x:.1f} {y_at:.1f}) rotate(-90)">{escape(short)}</text>'
        )
    for i, j in zip(*np.nonzero(counts), strict=True):
        share = counts[i, j] / counts[i].sum()
        kind = "hit" if i == j else "miss"
        tip = f"{names[i]} taken for {names[j]}: {counts[i, j]} of {counts[i].sum()}"
        at = f'x="{left + size * j:.1f}" y="{top + size * i:.1f}" width="{size:.1f}" height="{size:.1f}"'
        parts.append(
            f'<rect class="{kind}" {at} fill-opacity="{0.08 + 0.92 * share:.2f}"><title>{escape(tip)}</title></rect>'
        )
        if k <= NUMBERED:
            words = text(left + size * (j + 0.5), top + size * (i + 0.5) + 3.5, str(counts[i, j]), "middle", "count")
            parts.append(words.replace('class="count"', 'class="count strong"') if share > 0.55 else words)
    edge = size * k
    parts.append(f'<rect class="edge" x="{left:.1f}" y="{top:.1f}" width="{edge:.1f}" height="{edge:.1f}"/>')
    parts.append(text(left, top + edge + 16, "rows: true class; columns: predicted", kind="title"))
    return svg(left + edge + 6, top + edge + 22, parts, "confusion matrix", "chart confusion")


def _embedding(r: Record, arrays: Mapping[str, np.ndarray], asked: bool) -> str:
    names = [str(name) for name in arrays["classes"]]
    why = "the run keeps no network"
    if (r.place / WEIGHTS).is_file():
        if asked or (r.parameters or 0) <= SMALL:
            try:
                z_s, y_s, z_t, y_t = _features(r.place)
            except (UsageError, OSError, RuntimeError) as error:  # data that are not at hand, other code, ...
                why = f"its features cannot be computed here: {error}"
            else:
                points = tsne(np.concatenate([z_s, z_t]))
                said = (
                    "t-SNE of features: rings are source samples, crosses are target samples, colours are true classes."
                )
                return _cloud(points, len(z_s), y_s, y_t, names, said)
        else:
            why = "its network is large; name the run with --show for its features"
    logits, y = thinned(arrays["logits"], arrays.get("y"), 0)
    distinct = len(np.unique(logits.round(6), axis=0))
    if distinct < max(10, len(logits) // 4):
        return (
            f"<p class='note'>No embedding: {escape(why)}, and its {len(logits)} predictions take only {distinct} "
            "distinct values (a nearest neighbour says a class and nothing else).</p>"
        )
    said = (
        f"t-SNE of the logits of target test samples ({why}); source samples are not in it. Colours are true classes, "
        "crosses are classified wrong."
    )
    right = None if y is None else logits.argmax(1) == y
    return _cloud(tsne(logits), 0, None, y, names, said, right)


def _features(directory: Path) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray | None]:
    """Features of at most 600 test samples of each domain, by the network that the run left."""
    from da.domain import pool
    from da.engine.run import restore
    from da.methods.inference import predict

    method, task, exam = restore(directory)
    source = pool(tuple(split.train if split.test is None else split.test for split in task.sources))
    made: list[Any] = []
    for domain, forward in ((source, method.forward_source), (exam.domains["target_test"], None)):
        index = np.sort(np.random.default_rng(0).permutation(len(domain))[:MOST])
        kept = domain.take(index)
        made += [predict(method, kept, forward)[0], None if kept.y is None else np.asarray(kept.y)]
    return made[0], made[1], made[2], made[3]


def _cloud(
    points: np.ndarray,
    n_source: int,
    y_s: np.ndarray | None,
    y_t: np.ndarray | None,
    names: Sequence[str],
    said: str,
    right: np.ndarray | None = None,
) -> str:
    x, y = scale(points[:, 0].tolist(), 6, 374, margin=0.03), scale(points[:, 1].tolist(), 314, 6, margin=0.03)
    parts = []
    for k, (a, b) in enumerate(points.tolist()):
        labels, i = (y_s, k) if k < n_source else (y_t, k - n_source)
        c = None if labels is None else int(labels[i])
        colour = GREY if c is None or c >= len(PALETTE) else PALETTE[c]
        if k < n_source:
            parts.append(f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="2.8" fill="none" stroke="{colour}"/>')
        elif n_source or (right is not None and not right[i]):
            parts.append(cross(x(a), y(b), 2.2, colour))
        else:
            parts.append(dot(x(a), y(b), 2.5, colour))
    keys = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for name, colour in zip(names, PALETTE, strict=False)
    )
    if len(names) > len(PALETTE):
        keys += f'<span><i style="background:{GREY}"></i>{len(names) - len(PALETTE)} other classes</span>'
    return (
        f'{svg(380, 320, parts, "embedding", "chart cloud")}<div class="legend">{keys}</div>'
        f"<p class='note'>{escape(said)} Distances between clusters mean little.</p>"
    )
