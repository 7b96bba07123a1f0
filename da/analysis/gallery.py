"""Figures of closed-form methods on two-dimensional toy shifts."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from da.analysis.embedding import PALETTE
from da.data.grant import choose_few
from da.data.toy import Toy, ToyDimensions
from da.domain import Domain
from da.errors import UsageError
from da.estimators.arrays import as_numpy, matrix
from da.estimators.base import Estimator, FeatureMapping, Predictor, Weighting
from da.estimators.linalg import covariance, leading
from da.estimators.subspace.pooled import Pooled
from da.estimators.subspace.unadapted import Unadapted
from da.estimators.transfer import Transfer
from da.setting import DIFFERENT, FEW, MANY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 4
SAMPLES = 150
SHOTS = 3
GRID = 120
CLASSES = {"target": 6}  # priors matter only where classes overlap
BEFORE = "before"


@dataclass(frozen=True, eq=False)
class Toybox:
    """The data of one shift that an estimator is given.

    Args:
        shift: its name.
        sources: one labelled source, or two.
        target: unlabelled target samples for adaptation.
        labelled: the few labelled target samples.
        test: target samples for testing.
    """

    shift: str
    sources: tuple[Domain, ...]
    target: Domain
    labelled: Domain
    test: Domain


@dataclass(frozen=True, eq=False)
class Exhibit:
    """One panel: a fitted model on a toy shift, or the error that it raised.

    Args:
        name: of the method, or ``before``.
        summary: text below the panel.
        box: the data.
        model: the fitted estimator and classifier, or the message of the error.
        accuracy: on the target's test samples before and after adaptation, in percent.
    """

    name: str
    summary: str
    box: Toybox
    model: Transfer | str
    accuracy: tuple[float, float] = (float("nan"), float("nan"))


@cache
def toybox(shift: Any, many: bool) -> Toybox:
    """Data of a shift with few samples; a second source is rotated by 25 degrees, or has different priors."""
    if shift == "dimensions":
        task = ToyDimensions(samples=SAMPLES, classes=3).load()
    else:
        task = Toy(shift=shift, samples=SAMPLES, classes=CLASSES.get(shift, 3), split_seed=2).load()
    source, target = task.sources[0].train, task.target
    assert target.test is not None
    few = choose_few(target.train, task.n_classes, SHOTS, 0)
    sources: tuple[Domain, ...] = (source,)
    if many and shift == "target":
        selected = np.random.default_rng(0).uniform(size=len(source)) < (1 + source.y) / task.n_classes
        sources = (source, source.take(np.flatnonzero(selected)))
    elif many:
        turn = np.radians(25.0)
        turned = source.x[:, :2] @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        sources = (source, replace(source, x=np.c_[turned, source.x[:, 2:]].astype(np.float32)))
    rest = np.setdiff1d(np.arange(len(target.train)), few)
    return Toybox(shift, sources, target.train.take(rest).without_labels(), target.train.take(few), target.test)


def fitted(estimator: Estimator, box: Toybox) -> tuple[Transfer, float]:
    """Fit an estimator and a logistic regression; returns both, and the accuracy on the target in percent."""
    from sklearn.linear_model import LogisticRegression

    model = Transfer(estimator, LogisticRegression(max_iter=1000))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The weighting is degenerate")  # visible in the figure
        model.fit(box.sources, box.target, box.labelled)
        accuracy = 100.0 * float(np.mean(model.answer(box.test.x).labels == box.test.y))
    return model, accuracy


def exhibit(name: str, summary: str, estimator: Estimator) -> Exhibit:
    """Fit an estimator on the shift with the largest gain, of those that it states to correct."""
    from sklearn.base import clone

    needs = estimator.needs
    shifts = ("dimensions",) if needs.spaces == DIFFERENT else tuple(estimator.corrects)
    exhibits: list[Exhibit] = []
    for shift in shifts:
        box = toybox(shift, needs.sources == MANY)
        try:
            before = baseline(box, few=needs.target_y == FEW)
            model, after = fitted(clone(estimator), box)
            exhibits.append(Exhibit(name, summary, box, model, (before, after)))
        except (UsageError, ValueError) as error:
            exhibits.append(Exhibit(name, summary, box, str(error)))
    return max(exhibits, key=lambda e: np.nan_to_num(e.accuracy[1] - e.accuracy[0], nan=-1e9))


def baseline(box: Toybox, *, few: bool) -> float:
    """Accuracy without transfer, in percent; from the few target labels alone where the feature spaces differ."""
    if box.shift == "dimensions":
        box = replace(box, sources=(box.labelled,))
    return fitted(Pooled() if few and box.shift != "dimensions" else Unadapted(), box)[1]


def gallery(family: str, exhibits: Sequence[Exhibit], file: Path) -> Path:
    """Write the figure of a family: for each shift a panel without adaptation, then one for each method.

    Args:
        family: the title.
        exhibits: the methods' panels, from :func:`exhibit`.
        file: file to write.

    Raises:
        UsageError: matplotlib is missing.
    """
    from da.files import write_atomically

    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError('Figures need matplotlib: pip install "da[report]".') from error
    panels = list(_with_before(exhibits))
    columns = COLUMNS if len(panels) > 6 else max(2, min(3, len(panels)))
    rows = -(-len(panels) // columns)
    width, height = 2.7 * columns, 3.35 * rows + 0.75
    figure = Figure(figsize=(width, height), dpi=110)
    FigureCanvasAgg(figure)
    figure.text(0.012, 1 - 0.22 / height, family, fontsize=14, weight="bold", va="center")
    _legend(figure, exhibits, 1 - 0.22 / height)
    for k, panel in enumerate(panels):
        left, top = (k % columns) * 2.7 + 0.1, height - 0.7 - (k // columns) * 3.35
        axes = figure.add_axes((left / width, (top - 2.5) / height, 2.5 / width, 2.5 / height))
        _draw(axes, panel)
        caption = textwrap.fill(panel.summary, 46, max_lines=4, placeholder=" ...")
        figure.text((left + 0.02) / width, (top - 2.57) / height, caption, fontsize=6.8, va="top", color="#444444")
    stream = io.BytesIO()
    kind = file.suffix.lstrip(".") or "png"
    figure.savefig(stream, format=kind)
    return write_atomically(file, _few_colours(stream) if kind == "png" else stream.getvalue())


def _few_colours(stream: io.BytesIO) -> bytes:
    """Reduce an image to 256 colours, which suffice for flat drawings and take a third of the bytes."""
    from PIL import Image  # a dependency of matplotlib

    smaller = io.BytesIO()
    Image.open(stream).convert("RGB").quantize(256).save(smaller, format="png", optimize=True)
    return smaller.getvalue()


def _with_before(exhibits: Sequence[Exhibit]) -> Iterator[Exhibit]:
    """The panels by shift, with a panel without adaptation first for each shift."""
    boxes = {id(e.box): e.box for e in exhibits}
    for box in sorted(boxes.values(), key=lambda b: b.shift):
        own = [e for e in exhibits if e.box is box]
        if box.shift != "dimensions":
            model, accuracy = fitted(Unadapted(), box)
            yield Exhibit(BEFORE, f"The {box.shift} shift, and what a classifier of the source says.", box, model,
                          (accuracy, accuracy))  # fmt: skip
        yield from own


def _draw(axes: Axes, shown: Exhibit) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#cccccc")
    before, after = shown.accuracy
    figures = f"{before:.0f} %" if shown.name == BEFORE else f"{before:.0f} $\\rightarrow$ {after:.0f} %"
    if isinstance(shown.model, str):
        axes.text(0.5, 0.5, textwrap.fill(shown.model, 34), ha="center", va="center", fontsize=7, color="#777777",
                  transform=axes.transAxes)  # fmt: skip
        figures = ""
    axes.set_title(shown.name, fontsize=9.5, pad=4, loc="left", weight="bold" if shown.name != BEFORE else "normal")
    axes.set_title(figures, fontsize=9.5, pad=4, loc="right")
    if isinstance(shown.model, Transfer):
        _draw_model(axes, shown.box, shown.model)


def _draw_model(axes: Axes, box: Toybox, model: Transfer) -> None:
    estimator, test = model.estimator, box.test
    mapped = isinstance(estimator, FeatureMapping)
    raw_s, raw_t = [as_numpy(matrix(s.x)) for s in box.sources], as_numpy(matrix(test.x))
    z_s = [model.adapted(s.x, "source") if mapped else x for s, x in zip(box.sources, raw_s, strict=True)]
    z_t = model.adapted(test.x, "target") if mapped else raw_t
    if isinstance(estimator, Predictor) and z_s[0].shape[1] != z_t.shape[1]:
        z_s = []  # another feature space, which cannot be drawn here
    two = z_t.shape[1] == 2
    moved = mapped and raw_t.shape == z_t.shape and np.allclose(z_t, raw_t, atol=1e-6)  # only the source is mapped
    view = (lambda z: z) if two else _plane(np.concatenate([*raw_s, raw_t] if moved else [*z_s, z_t]))
    _limit(axes, view(np.concatenate([*(raw_s if moved else z_s), z_t])))
    if two:
        _regions(axes, model, mapped)
    size: Any = 14.0
    if isinstance(estimator, Weighting):
        size = np.clip(14.0 * estimator.weights_, 0.6, 160.0)
    start = 0
    for source, raw, z in zip(box.sources, raw_s, z_s, strict=False):
        p = view(z)
        colours = [PALETTE[c] for c in source.y]
        if moved:
            _lines(axes, np.stack([view(raw), p], axis=1), colours)
        own = size[start : start + len(p)] if isinstance(size, np.ndarray) else size
        axes.scatter(p[:, 0], p[:, 1], s=own, facecolors="none", edgecolors=colours, linewidths=0.8, zorder=2)
        start += len(p)
    p = view(z_t)
    axes.scatter(p[:, 0], p[:, 1], s=12, marker="x", c=[PALETTE[c] for c in test.y], linewidths=0.9, zorder=3)
    if not two:
        wrong = model.answer(test.x).labels != test.y
        axes.scatter(p[wrong, 0], p[wrong, 1], s=34, facecolors="none", edgecolors="black", linewidths=0.5, zorder=4)
    if estimator is not None and estimator.needs.target_y == FEW:
        q = view(model.adapted(box.labelled.x, "target") if mapped else as_numpy(matrix(box.labelled.x)))
        axes.scatter(q[:, 0], q[:, 1], s=34, marker="s", c=[PALETTE[c] for c in box.labelled.y],
                     edgecolors="black", linewidths=0.9, zorder=5)  # fmt: skip


def _plane(z: np.ndarray) -> Any:
    """Project onto the two directions of largest variance; a single direction is drawn over the order of samples."""
    centre = z.mean(0)
    if z.shape[1] == 1:
        return lambda x: np.c_[x[:, 0], np.random.default_rng(0).uniform(-1, 1, len(x)) * np.ptp(z) / 4]
    _, axes = leading(covariance(z), 2)
    return lambda x: (x - centre) @ axes


def _limit(axes: Axes, p: np.ndarray) -> None:
    """Set the limits of the axes such that outliers are outside."""
    low, high = np.percentile(p, [1, 99], axis=0)
    margin = 0.12 * np.maximum(high - low, 1e-9)
    axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axes.set_ylim(low[1] - margin[1], high[1] + margin[1])


def _regions(axes: Axes, model: Transfer, mapped: bool) -> None:
    """Draw the classes that the model predicts over the area of the panel."""
    from matplotlib.colors import ListedColormap

    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    grid = np.stack(np.meshgrid(np.linspace(left, right, GRID), np.linspace(bottom, top, GRID)), -1).reshape(-1, 2)
    try:
        labels = model.classifier.predict(grid) if mapped else model.answer(grid).labels
    except (UsageError, ValueError):
        return
    picture = np.asarray(labels, dtype=int).reshape(GRID, GRID)
    colours = ListedColormap(PALETTE)
    axes.imshow(picture, extent=(left, right, bottom, top), origin="lower", cmap=colours, vmin=0,
                vmax=len(PALETTE) - 1, alpha=0.13, aspect="auto", interpolation="nearest", zorder=0)  # fmt: skip


def _lines(axes: Axes, lines: np.ndarray, colours: list[str]) -> None:
    from matplotlib.collections import LineCollection

    axes.add_collection(LineCollection(list(lines), colors=colours, linewidths=0.4, alpha=0.45, zorder=1))


def _legend(figure: Any, exhibits: Sequence[Exhibit], height: float) -> None:
    from matplotlib.lines import Line2D

    estimators = [e.model.estimator for e in exhibits if isinstance(e.model, Transfer)]
    plain: dict[str, Any] = {"linestyle": "", "color": "black", "markersize": 5, "markerfacecolor": "none"}
    marks = [Line2D([], [], marker="o", label="source", **plain), Line2D([], [], marker="x", label="target", **plain)]
    if any(isinstance(e, Weighting) for e in estimators):
        marks.append(Line2D([], [], marker="o", label="large weight", **(plain | {"markersize": 9})))
    if any(e is not None and e.needs.target_y == FEW for e in estimators):
        marks.append(Line2D([], [], marker="s", label="labelled target", **plain))
    if any(e.box.target.x.shape[1] != 2 for e in exhibits):
        marks.append(Line2D([], [], marker="o", label="wrong", **(plain | {"markersize": 7, "markeredgewidth": 0.5})))
    marks.append(
        Line2D([], [], marker="s", linestyle="", color=PALETTE[0], alpha=0.25, markersize=8, label="prediction")
    )
    figure.legend(handles=marks, loc="center right", bbox_to_anchor=(0.995, height), ncol=len(marks), frameon=False,
                  fontsize=7, handletextpad=0.2, columnspacing=0.9)  # fmt: skip
