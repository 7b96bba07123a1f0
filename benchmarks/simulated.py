"""The table of skada-bench's simulated shifts: python benchmarks/simulated.py [ROW ...] [--reason=WHY].

An SVC with scikit-learn's defaults on 25 draws and splits a shift. Parameters are chosen as in the published column
``supervised``: by the target's own labels, on five inner splits of the training part, so these are upper bounds, and
the published grids are kept where a parameter means the same. Weightings stand there as they are estimated, and once
more with all their defaults, chosen by nobody (em_prior asks for probabilities, which this SVC has not). Rows that are
not named keep their figures.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.svm import SVC

from da.config import catalog
from da.data.simulated import SPLITS, Simulated
from da.domain import Domain
from da.engine import codehash, hardware
from da.errors import DataError
from da.estimators.transfer import Transfer
from da.results import record
from da.tables import ledger, spec, summary
from da.tables import results_page as page
from da.tables.summary import CellResult as Entry  # the name is part of the hash of this file's code
from da.tables.summary import Origin

DRAWS = 5
GAMMAS = [10.0**k for k in range(-4, 4)] + [0.5]  # 1 / d where skada has None
METRICS = ["sqeuclidean", "cosine", "cityblock"]
WIDTHS = [(2.0 * gamma) ** -0.5 for gamma in GAMMAS]
TARGET = "trained on the target"
METHODS: dict[str, dict[str, list[Any]]] = {
    "unadapted": {},
    TARGET: {},
    "kde_ratio": {"bandwidth": [0.01, 0.1, 1.0, 10.0, 100.0]},
    "logistic_ratio": {"C": [1.0]},
    "gaussian_ratio": {"regularization": [1e-5, 1e-2, 0.5]},
    "kliep": {"bandwidth": WIDTHS},
    "kmm": {"bandwidth": WIDTHS},
    "nearest_neighbour": {"smoothing": [0.0, 1.0]},
    "mmd_target_shift": {"bandwidth": WIDTHS, "regularization": [1e-6]},
    "coral": {"regularization": [1e-3]},
    "ot_emd": {"metric": METRICS},
    "ot_linear": {"regularization": [1e-8, 1e-6, 0.1, 1.0, 10.0], "centre": [True, False]},
    "ot_sinkhorn": {"metric": METRICS, "entropy": [0.1, 0.5, 1.0], "tol": [1e-6]},
    "ot_class_lpl1": {"entropy": [0.5], "class_weight": [0.5], "cost_norm": ["none"], "tol": [1e-6]},
    "ot_label_propagation": {"metric": METRICS, "entropy": [0.0, 0.1, 1.0], "cost_norm": ["none"], "max_iter": [200]},
    "jdot": {"distance_weight": [1.0], "cost_norm": ["mean"]},
    "subspace_alignment": {"n_components": [1, 2]},
    "pca": {"n_components": [1, 2]},
}
DEFAULTS = " (defaults)"
METHODS |= {row: {} for row in spec.load("simulated").protocol.rows() if row.endswith(DEFAULTS)}


def settings(grid: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """All combinations."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def scores(row: str, options: dict[str, Any], source: Domain, target: Domain, *tests: Domain) -> list[float]:
    """Accuracy of a method with an SVC, or of the SVC trained on the target, on some samples."""
    if row == TARGET:
        model = SVC().fit(target.x, target.y)
        return [float(model.score(test.x, test.y)) for test in tests]
    entry = catalog.named("method", row.removesuffix(DEFAULTS))
    if "min_effective" in entry.config and not row.endswith(DEFAULTS):
        options = {"min_effective": 0.0} | options  # the published weights are as they are estimated
    transfer = Transfer(entry.locate()(**options), SVC())
    try:
        transfer.fit((source,), target.without_labels())
        return [float(np.mean(transfer.answer(test.x).labels == test.y)) for test in tests]
    except DataError:
        return [0.0 for _ in tests]  # as in the published search, a setting that fails is the worst


def chosen(row: str, grid: list[dict[str, Any]], source: Domain, target: Domain) -> dict[str, Any]:
    """The setting of highest mean accuracy on the target's inner test parts."""
    if len(grid) == 1:
        return grid[0]
    strata = np.r_[source.y + 1, np.zeros(len(target), int)]  # the target's labels are masked there
    means = np.zeros(len(grid))
    for train, test in StratifiedShuffleSplit(SPLITS, test_size=0.2, random_state=0).split(strata, strata):
        n = len(source)
        inner, rest = source.take(train[train < n]), target.take(train[train >= n] - n)
        held = target.take(test[test >= n] - n)
        means += [scores(row, options, inner, rest, held)[0] for options in grid]
    return grid[int(means.argmax())]


def entry(row: str, task: str, seed: int) -> Entry:
    """A cell: a method on a draw and split (``seed`` counts both) of a shift (``task``)."""
    start = time.perf_counter()
    draw, split = divmod(seed, SPLITS)
    loaded = Simulated(shift=task, draw_seed=draw, split=split).load()
    source, target = loaded.sources[0], loaded.target
    assert source.test is not None
    assert target.test is not None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The weighting is degenerate")  # some settings of a search are
        best = chosen(row, settings(METHODS[row]), source.train, target.train)
        found = scores(row, best, source.train, target.train, source.test, target.test)
    of_source, of_target = (100.0 * share for share in found)
    seconds = round(time.perf_counter() - start, 3)
    origin = Origin(code(row), loaded.fingerprint(), {"grid": METHODS[row], "chosen": best}, environment())
    epochs = {"epoch": [1], "source": [of_source], "target": [of_target], "scores": {"oracle_accuracy": [of_target]}}
    return Entry(row, task, seed, "finished", {"oracle_accuracy": of_target}, seconds, origin=origin, epochs=epochs)


def code(row: str) -> str:
    """Hash of the code that a row computes with."""
    own = [] if row == TARGET else [catalog.named("method", row.removesuffix(DEFAULTS)).path]
    reached = codehash.of(*own, "da.estimators.transfer.Transfer", "da.data.simulated.Simulated")
    here = codehash.of_definitions(Path(__file__), "settings", "scores", "chosen", "entry")
    return hashlib.sha256(f"{reached}{here}{METHODS[row]}".encode()).hexdigest()[:12]


def environment() -> dict[str, Any]:
    """As a record has it; nothing else than the code above scores."""
    made = {k: v for k, v in record.code_version().items() if v}
    machine = {
        "device": "1 x cpu",
        "kernel": hardware.kernel(of_torch=False),
        "threads": hardware.threads(of_torch=False),
    }
    return made | machine | {"versions": record.package_versions()}


def entries(row: str) -> list[Entry]:
    """A row of the table: 25 draws and splits of every shift."""
    return [entry(row, shift, seed) for shift in Simulated.shifts for seed in range(DRAWS * SPLITS)]


def main(rows: list[str], reason: str) -> None:
    """Compute the rows and write the summary with them."""
    file = page.RESULTS / "simulated.json"
    known = {e.row: [] for e in summary.read(file).entries} if file.is_file() else {}
    for e in summary.read(file).entries if known else ():
        known[e.row].append(e)
    for row in rows or METHODS:
        start = time.perf_counter()
        known[row] = entries(row)
        print(f"{row}: {time.perf_counter() - start:.0f} s", flush=True)
        made = {"code": [record.code_version()["source"]], "versions": versions(), "devices": ["1 x cpu"]}
        listed = [e for name in METHODS for e in known.get(name, ())]
        made_of_all = summary.Summary("simulated", tuple(listed), "accuracy", made)
        ledger.enter(spec.load("simulated").protocol, made_of_all, reason)
        summary.write(made_of_all, file)
    page.write()


def _reason(arguments: list[str]) -> str:
    return next((w.removeprefix("--reason=") for w in arguments if w.startswith("--reason=")), "")


def versions() -> dict[str, list[str]]:
    """Of the packages, as a summary has them."""
    return {name: [version] for name, version in record.package_versions().items()}


if __name__ == "__main__":
    main([word for word in sys.argv[1:] if not word.startswith("--reason=")], _reason(sys.argv[1:]))
