"""Two-dimensional embeddings of source and target features, by class."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from da.errors import UsageError
from da.metrics import scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from da.data.grant import Exam
    from da.domain import Task
    from da.methods.base import Method

PALETTE = ("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#8c613c", "#f0a8d0", "#7a7a7a", "#c9b800", "#56b4e9")
"""Ten colours that are distinguishable with colour-blindness (seaborn's ``colorblind``, some darker)."""
GREY = "#b5b5b5"
MOST = 600
EXAMPLES = 10


@dataclass(frozen=True, eq=False)
class Panel:
    """One method's features of both domains.

    Args:
        title: title of the panel.
        z_s, z_t: ``(n, d)`` and ``(m, d)`` features of source and target.
        y_s, y_t: ``(n,)`` and ``(m,)`` their labels, or None where there are none.
        classes: names of the classes.
    """

    title: str
    z_s: np.ndarray
    z_t: np.ndarray
    y_s: np.ndarray | None
    y_t: np.ndarray | None
    classes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Strip:
    """Example inputs of one domain: ``side`` is source or target, ``images`` are ``(k, h, w, 3)`` in [0, 1]."""

    side: str
    name: str
    images: np.ndarray


def panel(name: str, method: Method, task: Task, exam: Exam) -> Panel:
    """Embed the test samples of both domains (the source's training samples where it has no test split).

    Args:
        name: the method's name; the title adds its main metric on the target.
        method: a trained method, such as from :func:`da.engine.run.restore`.
        task: the task that it was trained on.
        exam: the samples that it was evaluated on.
    """
    from da.domain import pool
    from da.methods.inference import predict

    source = pool(tuple(split.train if split.test is None else split.test for split in task.sources))
    target = exam.domains["target_test"]
    z_s, _ = predict(method, source, method.forward_source)
    z_t, logits = predict(method, target)
    title = name
    if target.y is not None:
        metric, value = next(iter(scores(np.asarray(target.y), logits, method.metrics, exam.metric).items()))
        title = f"{name}: target {metric} {value:.1f} %"
    y_s, y_t = (None if domain.y is None else np.asarray(domain.y) for domain in (source, target))
    return Panel(title, z_s, z_t, y_s, y_t, task.classes)


def strips(task: Task) -> list[Strip]:
    """One example image of each class from both domains, in the same order; empty if inputs are not images."""
    from da.domain import pool

    pair = []
    source = pool(tuple(split.train for split in task.sources))
    for side, domain in (("source", source), ("target", task.target.train)):
        shape = domain.sample_shape
        if len(shape) != 3 or shape[0] not in (1, 3):
            return []
        index = np.arange(min(len(domain), EXAMPLES))
        if domain.y is not None:
            classes = np.unique(np.asarray(domain.y))[:EXAMPLES]
            index = np.array([np.flatnonzero(np.asarray(domain.y) == c)[0] for c in classes])
        images = domain.take(index).tensors().x.numpy().transpose(0, 2, 3, 1)
        low, high = min(float(images.min()), 0.0), max(float(images.max()), 1.0)  # normalised inputs leave [0, 1]
        images = (images - low) / (high - low)
        pair.append(Strip(side, domain.name, np.broadcast_to(images, (*images.shape[:3], 3))))
    return pair


def thinned(z: np.ndarray, y: np.ndarray | None, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """A random subsample of at most 600 samples."""
    index = np.sort(np.random.default_rng(seed).permutation(len(z))[:MOST])
    return z[index], None if y is None else y[index]


def tsne(z: np.ndarray, seed: int = 0) -> np.ndarray:
    """``(n, 2)`` t-SNE of ``(n, d)`` features, initialised by PCA and deterministic for a seed.

    Raises:
        UsageError: there are fewer than four samples.

    Reference: van der Maaten & Hinton, Visualizing data using t-SNE, JMLR 2008.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # a dependency of scikit-learn

    if len(z) < 4:
        raise UsageError(f"t-SNE of {len(z)} samples shows nothing; give at least 4.")
    perplexity = min(30.0, (len(z) - 1) / 3)
    init: Any = "pca" if z.shape[1] > 1 else "random"
    with threadpool_limits(1):  # few points are faster on one thread, by far on shared cores
        return np.asarray(TSNE(2, perplexity=perplexity, init=init, random_state=seed).fit_transform(z))


def embedding_figure(panels: Sequence[Panel], file: Path, examples: Sequence[Strip] = (), seed: int = 0) -> Path:
    """Write a figure with example inputs and a t-SNE of source and target features for each method.

    Each panel has its own t-SNE of at most 600 samples per domain, so that distances in different panels cannot be
    compared.

    Args:
        panels: one or more methods on the same task.
        file: file to write; the suffix determines the format (``.png``, ``.pdf``, ``.svg``).
        examples: rows of example inputs, such as from :func:`strips`.
        seed: seed of the subsampling and of t-SNE.

    Returns:
        ``file``.

    Raises:
        UsageError: there is no panel, or matplotlib is missing.
    """
    from da.files import write_atomically

    if not panels:
        raise UsageError("There is no panel to draw; give at least one.")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError('Figures need matplotlib: pip install "da[report]".') from error
    width = max(3.4 * len(panels), 4.2)
    entries = _legend_entries(panels[0].classes)
    lines = -(-sum(len(name) + 4 for name, _, _ in entries) // int(18 * width))  # about 18 characters an inch
    above, below = 0.5 * len(examples), 0.1 + 0.2 * lines
    height = above + 3.5 + below
    figure = Figure(figsize=(width, height), dpi=200)
    FigureCanvasAgg(figure)
    for k, strip in enumerate(examples):
        _draw_strip(figure, strip, 1.0 - 0.5 * (k + 1) / height, 0.5 / height)
    for k, shown in enumerate(panels):
        box = (k / len(panels) + 0.01, below / height, 1 / len(panels) - 0.02, 3.2 / height)
        _draw_panel(figure.add_axes(box), shown, seed)
    _draw_legend(figure, entries, -(-len(entries) // lines))
    stream = io.BytesIO()
    figure.savefig(stream, format=file.suffix.lstrip(".") or "png")
    return write_atomically(file, stream.getvalue())


def _draw_strip(figure: Figure, strip: Strip, bottom: float, height: float) -> None:
    """Draw a row of square images with its title at the left."""
    words = f"$\\bf{{{strip.side}}}$\n{strip.name}"
    figure.text(0.01, bottom + 0.45 * height, words, va="center", fontsize=8, linespacing=1.3)
    side = 0.9 * height * figure.get_figheight() / figure.get_figwidth()
    step = 0.76 / EXAMPLES
    for k, image in enumerate(strip.images):
        axes = figure.add_axes((0.99 - (len(strip.images) - k) * step + step - side, bottom, side, 0.9 * height))
        axes.imshow(image, interpolation="nearest")
        axes.set_axis_off()


def _draw_panel(axes: Axes, shown: Panel, seed: int) -> None:
    from matplotlib.patheffects import withStroke

    (z_s, y_s), (z_t, y_t) = thinned(shown.z_s, shown.y_s, seed), thinned(shown.z_t, shown.y_t, seed)
    points = tsne(np.concatenate([z_s, z_t]), seed)
    source, target = points[: len(z_s)], points[len(z_s) :]
    drawn: dict[str, Any] = {"linewidths": 0.9}
    circles: dict[str, Any] = {"facecolors": "none", "edgecolors": _colours(y_s, z_s)}
    axes.scatter(source[:, 0], source[:, 1], s=16, marker="o", **circles, **drawn)
    axes.scatter(target[:, 0], target[:, 1], s=13, marker="x", c=_colours(y_t, z_t), **drawn)
    if y_s is not None and len(shown.classes) <= len(PALETTE):
        for c in np.unique(y_s):
            own = source[y_s == c]
            distances = np.sort(np.linalg.norm(own[:, None] - own[None], axis=2), axis=1)
            x, y = own[distances[:, : len(own) // 2 + 1].sum(1).argmin()]  # the densest point of the class
            halo = withStroke(linewidth=2.5, foreground="white")
            axes.text(x, y, shown.classes[c], ha="center", va="center", fontsize=9, weight="bold", path_effects=[halo])
    axes.set_title(shown.title, fontsize=9, pad=4)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.04)


def _colours(y: np.ndarray | None, z: np.ndarray) -> list[str]:
    return [GREY] * len(z) if y is None else [PALETTE[c] if c < len(PALETTE) else GREY for c in y]


def _legend_entries(classes: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Name, marker and colour of each entry of the legend."""
    entries = [("source", "o", "black"), ("target", "x", "black")]
    entries += [(name, "s", colour) for name, colour in zip(classes, PALETTE, strict=False)]
    if len(classes) > len(PALETTE):
        entries.append((f"{len(classes) - len(PALETTE)} other classes", "s", GREY))
    return entries


def _draw_legend(figure: Figure, entries: list[tuple[str, str, str]], columns: int) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for name, marker, colour in entries:
        inside = "none" if marker == "o" else colour
        style: dict[str, Any] = {"linestyle": "none", "markersize": 5, "markerfacecolor": inside}
        handles.append(Line2D([], [], marker=marker, color=colour, label=name, **style))
    spacing: dict[str, Any] = {"handletextpad": 0.1, "columnspacing": 0.9, "borderaxespad": 0.1}
    figure.legend(handles=handles, loc="lower center", ncols=columns, fontsize=8, frameon=False, **spacing)
