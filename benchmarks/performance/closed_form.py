"""What fitting the closed-form estimators costs as domains grow, beside the same methods of skada.

CPU seconds of one thread, in one process where contenders take turns, so that other work on the machine hardly counts;
larger sizes run in processes of their own, on memory-mapped inputs, with their peak memory. Inputs have 800 features
whose variances fall off as 1 / index, in ten classes, half of the samples in each domain.
``--ratios`` compares with skada in 20 and in 800 features, turn by turn, also where both have the same kernel and where
skada's principal components are exact like ours (by itself it takes a randomised method above 500 samples).
Usage: python benchmarks/performance/closed_form.py [--sizes 500 1000 2000] [--large] [--write] [--ratios]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from sklearn.decomposition import PCA

from da.config import catalog
from da.domain import Domain

WIDTH = 800
PATIENCE = 40.0
RESULTS = Path(__file__).resolve().parents[1] / "results"
OURS: dict[str, tuple[str, dict[str, Any]]] = {
    "coral": ("coral", {}),
    "subspace_alignment": ("subspace_alignment", {}),
    "gfk": ("gfk", {}),
    "easytl": ("easytl", {}),
    "kmm": ("kmm", {}),
    "kmm (one kernel)": ("kmm", {"bandwidth": 40.0}),
    "tca (linear)": ("tca", {}),
    "tca (rbf, exact)": ("tca", {"kernel": "rbf", "n_components": 20}),
    "tca (rbf, 1000 landmarks)": ("tca", {"kernel": "rbf", "n_components": 20, "features": 1000}),
    "jda (primal)": ("jda", {}),
    "jda (rbf, exact)": ("jda", {"kernel": "rbf", "n_components": 20, "normalize": False}),
}
PEERS = {
    "coral": ("skada._mapping", "CORALAdapter", {"reg": 0.1}),
    "subspace_alignment": ("skada._subspace", "SubspaceAlignmentAdapter", {"n_components": 20}),
    "kmm": ("skada._reweight", "KMMReweightAdapter", {}),
    "kmm (one kernel)": ("skada._reweight", "KMMReweightAdapter", {"gamma": 1.0 / (2.0 * 40.0**2)}),
    "tca (rbf, exact)": ("skada._subspace", "TransferComponentAnalysisAdapter", {"n_components": 20}),
}
RIVALS = [
    ("coral", "coral"),
    ("subspace_alignment", "subspace_alignment"),
    ("subspace_alignment", "subspace_alignment (exact)"),
    ("gfk", "subspace_alignment"),
    ("gfk", "subspace_alignment (exact)"),
    ("kmm", "kmm"),
    ("kmm (one kernel)", "kmm (one kernel)"),
]
WIDTHS = (20, WIDTH)
LARGE = [
    ("tca (rbf, exact)", 10_000),
    ("jda (rbf, exact)", 10_000),
    ("tca (linear)", 10_000),
    ("jda (primal)", 10_000),
    ("tca (linear)", 100_000),
    ("tca (rbf, 1000 landmarks)", 100_000),
    ("tca (linear)", 1_000_000),
    ("tca (rbf, 1000 landmarks)", 1_000_000),
]


def draw(n: int, seed: int, width: int = WIDTH) -> tuple[np.ndarray, np.ndarray]:
    """``(n, width)`` samples of a domain and their classes."""
    rng = np.random.default_rng([seed, n])
    y = rng.integers(10, size=n)
    centres = np.random.default_rng(0).normal(size=(10, width))
    spread = 10.0 / np.sqrt(np.arange(1, width + 1))
    x = rng.standard_normal((n, width), dtype=np.float32)
    x += centres[y].astype(np.float32) + np.float32(0.3 * (seed % 2))
    x *= spread.astype(np.float32)
    return x, y


def mapped(n: int, seed: int, folder: str) -> Domain:
    """A domain in a file, written a block at a time."""
    x = np.lib.format.open_memmap(f"{folder}/{seed}.npy", "w+", np.float32, (n, WIDTH))
    y = np.empty(n, dtype=np.int64)
    for start in range(0, n, 10_000):
        block = slice(start, min(start + 10_000, n))
        x[block], y[block] = draw(block.stop - start, 2 * start + seed)
    del x
    return Domain(np.load(f"{folder}/{seed}.npy", mmap_mode="r"), y)


def ours(name: str, source: Domain, target: Domain) -> Callable[[], Any]:
    """One fit of an estimator of the catalogue."""
    entry, options = OURS[name]
    estimator = catalog.named("method", entry).locate()(**options)
    return lambda: estimator.fit(source, target.without_labels())


def peer(name: str, source: Domain, target: Domain) -> Callable[[], Any]:
    """One fit of skada's adapter; called ``exact``, with all singular values where it decomposes."""
    module, adapter, options = PEERS[name.removesuffix(" (exact)")]
    fitted = getattr(__import__(module, fromlist=[adapter]), adapter)(**options)
    x, domain = np.vstack([source.x, target.x]), np.repeat([1, -2], [len(source), len(target)])
    if name.endswith(" (exact)"):
        full = patch(f"{module}.PCA", partial(PCA, svd_solver="full"))
        return lambda: full(fitted.fit)(x, sample_domain=domain)
    return lambda: fitted.fit(x, sample_domain=domain)


def ratios(sizes: list[int]) -> str:
    """A Markdown table of our CPU seconds divided by skada's, the least of seven fits each, and ours in brackets."""
    cases = [(d, n) for d in WIDTHS for n in sizes]
    table: dict[tuple[str, str], list[str]] = {pair: [] for pair in RIVALS}
    for d, n in cases:
        source, target = (Domain(x.astype(np.float64), y) for x, y in (draw(n // 2, 0, d), draw(n // 2, 1, d)))
        for name, rival in RIVALS:
            fits = ours(name, source, target), peer(rival, source, target)
            costs = np.array([[cost(fit) for fit in fits] for _ in range(8)])[1:].min(0)
            table[name, rival].append(f"{costs[0] / costs[1]:.2f} ({costs[0]:.4f})")
            print(f"{name:20} {rival:28} d = {d:3} n = {n:5} {costs}", file=sys.stderr, flush=True)
    lines = ["| ours | skada's | " + " | ".join(f"d={d}, n={n}" for d, n in cases) + " |"]
    lines += ["| --- |" + " --- |" * (len(cases) + 1)]
    return "\n".join(lines + [f"| {' | '.join([*pair, *cells])} |" for pair, cells in table.items()])


def cost(fit: Callable[[], Any], repeats: int = 1) -> float:
    """Least CPU seconds of some fits."""
    found = []
    for _ in range(repeats):
        start = time.process_time()
        fit()
        found.append(time.process_time() - start)
    return min(found)


def measure(sizes: list[int]) -> dict[str, dict[int, float]]:
    """CPU seconds by contender and size; what has become too slow is left out of larger sizes."""
    table: dict[str, dict[int, float]] = {}
    known = set(catalog.entries("method"))
    for n in sizes:
        source, target = (Domain(x.astype(np.float64), y) for x, y in (draw(n // 2, 0), draw(n // 2, 1)))
        contenders = {name: ours(name, source, target) for name, (entry, _) in OURS.items() if entry in known}
        contenders |= {f"skada: {name}": peer(name, source, target) for name in PEERS}
        for name, fit in contenders.items():
            costs = table.setdefault(name, {})
            if not costs or max(costs.values()) * 5 < PATIENCE or n == sizes[0]:
                if not costs:
                    fit()  # the first call warms up
                costs[n] = cost(fit, 2 if n <= 1000 else 1)
                print(f"{name:40} n = {n:6} {costs[n]:8.3f} CPU-s", file=sys.stderr, flush=True)
    return table


def one(name: str, n: int) -> None:
    """Fit once on memory-mapped domains and print CPU seconds and the peak of memory in GB."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = (mapped(n // 2, seed, folder) for seed in (0, 1))
        peaks, done = [resident()], threading.Event()

        def watch() -> None:
            while not done.wait(0.02):
                peaks.append(resident())

        watcher = threading.Thread(target=watch)
        watcher.start()
        wall = time.perf_counter()
        seconds = cost(ours(name, source, target))
        wall = time.perf_counter() - wall
        done.set()
        watcher.join()
    print(json.dumps({"cpu": seconds, "wall": wall, "peak": max(peaks), "before": peaks[0]}))


def resident() -> float:
    """Memory of this process in GB, without pages of mapped files, which the system may drop (Linux)."""
    status = Path("/proc/self/status").read_text()
    return float(status.partition("RssAnon:")[2].split()[0]) / 1e6


def large(threads: int) -> dict[str, dict[int, str]]:
    """CPU seconds and peak memory of the largest sizes, each in a process of its own."""
    table: dict[str, dict[int, str]] = {}
    for name, n in LARGE:
        command = [sys.executable, __file__, "--one", name, "--sizes", str(n), "--threads", str(threads)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout)
        print(f"{name:40} n = {n:8} {found}", file=sys.stderr, flush=True)
        table.setdefault(name, {})[n] = f"{found['cpu']:.1f} ({found['peak']:.1f} GB)"
    return table


def figure(table: dict[str, dict[int, float]], path: Path) -> None:
    """Draw the costs against the size, both logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    axes = plt.figure(figsize=(7.5, 4.5)).add_subplot()
    colours: dict[str, Any] = {}
    for name, costs in table.items():
        plain = name.removeprefix("skada: ")
        (line,) = axes.plot(
            list(costs), list(costs.values()), marker="o", ms=3, ls="--" if plain != name else "-",
            color=colours.get(plain), label=name,
        )  # fmt: skip
        colours[plain] = line.get_color()
    axes.set(xscale="log", yscale="log", xlabel="samples of both domains", ylabel="CPU seconds of a fit")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    axes.figure.savefig(path, dpi=110, bbox_inches="tight")


def markdown(table: dict[str, dict[int, Any]], sizes: list[int]) -> str:
    """A table of costs, contenders by rows."""
    lines = ["| fit | " + " | ".join(f"n={n}" for n in sizes) + " |", "| --- |" + " --- |" * len(sizes)]
    for name, costs in table.items():
        cells = [costs.get(n, "") for n in sizes]
        shown = [cell if isinstance(cell, str) else f"{cell:.2f}" for cell in cells]
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 1000, 2000])
    parser.add_argument("--large", action="store_true", help="also 10^4 to 10^6 samples, in minutes")
    parser.add_argument("--write", action="store_true", help="write figure and table to benchmarks/results")
    parser.add_argument(
        "--ratios", action="store_true", help="only our cost divided by skada's, in 20 and 800 features"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--one", choices=OURS, help="fit one contender on the first size; used by --large")
    options = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != str(options.threads):  # read when libraries are loaded: begin again
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"OMP_NUM_THREADS": str(options.threads)})
    if options.one:
        one(options.one, options.sizes[0])
        return
    if options.ratios:
        print(ratios(options.sizes))
        return
    table: dict[str, dict[int, Any]] = dict(measure(options.sizes))
    if options.write:
        figure(table, RESULTS / "closed_form_cost.png")
    sizes = list(options.sizes)
    if options.large:
        for name, cells in large(options.threads).items():
            table[name] = table[name] | cells
            sizes += [n for n in cells if n not in sizes]
    text = markdown(table, sorted(sizes))
    print(text)
    if options.write:
        import sklearn

        command = "python " + " ".join(["benchmarks/performance/closed_form.py", *sys.argv[1:]])
        about = f"CPU seconds, {options.threads} thread, {os.cpu_count()} cores, d = {WIDTH}, "
        about += f"numpy {np.__version__}, scikit-learn {sklearn.__version__}, skada 0.6.0"
        (RESULTS / "closed_form_cost.md").write_text(f"<!-- {command}; {about} -->\n{text}\n")


if __name__ == "__main__":
    main()
