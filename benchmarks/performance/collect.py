"""How long it takes to load many records, to make a data frame of them, and to write the report of a folder.

Records are made as a sweep leaves them, of all selection rules and of this code, written below a temporary folder, and
read with a warm file cache: closed-form runs of one epoch, and for the report deep ones of ten. The first reading of a
folder parses every file and leaves an index (:mod:`da.results.index`), later ones take what did not change from it.
Times are CPU seconds of one process, so that other work on the machine does not count, and but for the first reading
the best of several rounds. Usage: python benchmarks/performance/collect.py [--runs 10000] [--reported 2000]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from da import selection
from da.cli import report
from da.config.compose import compose
from da.config.validate import validate
from da.engine.result import record_header
from da.results import frame, index, record, store
from da.results.record import Record, Status
from da.results.schema import Epochs, EvaluatedEpoch, Part, Selected, TaskRecord

METHODS, TASKS = 20, 20
PAST = 3600
"""Seconds that the files are old: an index does not enter what was written a moment ago."""


def example(epochs: int) -> Record:
    """A record as :mod:`da.engine.run` leaves it: of one epoch of a closed-form method, of several of a deep one."""
    method = ["method=tca", "classifier=one_nn"] if epochs == 1 else ["method=dann", f"trainer.max_epochs={epochs}"]
    plan = validate(compose([*method, "data=office_caltech10"]))
    counts = Part("caltech10", 1123, list(range(85, 95)))
    places = dict.fromkeys(("source/train", "target/train", "target/test"), counts)
    return replace(
        record_header(plan, {"run_id": "218c5470f1a3", "fingerprint": "3ba731861473860c"}, Status.FINISHED),
        task=TaskRecord("caltech10->dslr", True, [f"class {k}" for k in range(10)], 1, {"target_test": 157}, places),
        parameters=0,
        device="1 x cpu",
        kernel="EPYC, OpenBLAS Haswell, ATen AVX2",
        threads=1,
        metric="accuracy",
        seconds={"train": 0.31695, "evaluate": 0.01503, "load": 0.00029},
        started=record.now(),
    )


def scored(r: Record, epochs: int, rng: np.random.Generator) -> Record:
    """The record with accuracies and scores of its own."""
    rules = selection.names()
    accuracies = [{"accuracy": float(value)} for value in rng.normal(50, 5, epochs)]
    history = [
        EvaluatedEpoch(k, 7 * k, {}, test, dict.fromkeys(rules, 0.123456789), {"C": 1.0}, {"task": 0.7, "domain": 0.6})
        for k, test in enumerate(accuracies, 1)
    ]
    chosen = {rule: Selected(epochs, 0.123456789, accuracies[-1]) for rule in rules}
    return replace(r, target_test=accuracies[-1], selection=chosen, epochs=Epochs(history))


def write(folder: Path, runs: int, epochs: int = 1) -> float:
    """Write records of 20 methods on 20 tasks with as many seeds as it takes; returns their mean size in bytes."""
    rng, first, size = np.random.default_rng(0), example(epochs), 0
    assert first.task is not None
    for k in range(runs):
        method, task, seed = k % METHODS, k // METHODS % TASKS, k // (METHODS * TASKS)
        where = first.task._replace(name=f"source{task}->target")
        r = replace(first, method=f"method{method}", seed=seed, run_id=f"{k:012x}", task=where)
        r = replace(r, fingerprint=f"{task:016x}", config=first.config | {"seed": seed})
        directory = folder / "office_caltech10" / r.method / f"seed{seed}-{r.run_id}"
        file = record.write(directory, scored(r, epochs, rng))
        os.utime(file, (time.time() - PAST,) * 2)
        size += file.stat().st_size
    return size / runs


def once(work: Callable[[], Any]) -> float:
    """CPU seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start


def best(work: Callable[[], Any], rounds: int = 3) -> float:
    """CPU seconds of the fastest round."""
    return min(once(work) for _ in range(rounds))


def silently(work: Callable[[], Any]) -> None:
    """Without what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        work()


def of_lists(runs: int) -> None:
    """Measure lists and frames."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write(folder, runs)
        time.sleep(2 * index.YOUNG / 1e9)  # files were changed (their times were set) a moment ago
        first = once(lambda: store.load(folder))
        assert len(index.read(folder)) == runs
        again = best(lambda: store.load(folder))
        framed = best(lambda: frame.collect(folder))
        whole = frame.collect(folder)
        group = best(lambda: frame.grouped(whole))
        entry = (folder / index.FILE).stat().st_size / runs
    print(f"{runs} records of {size:.0f} bytes, {entry:.0f} in the index, {whole.shape[1]} columns")
    print(f"list    {again:.2f} s from the index ({first:.2f} s the first time, which writes it)")
    print(f"frame   {framed:.2f} s from the index")
    print(f"group   {1000 * group:.1f} ms (mean, deviation and count by data, task and method)")


def of_report(runs: int) -> None:
    """Measure the command that prints all tables and writes the page."""
    with tempfile.TemporaryDirectory() as name:
        size = write(Path(name), runs, epochs=10)
        time.sleep(2 * index.YOUNG / 1e9)
        sys.argv = ["report.py", name]
        first = once(lambda: silently(report.main))
        again = best(lambda: silently(report.main))
    print(f"report  {again:.2f} s of {runs} records of {size:.0f} bytes ({first:.2f} s the first time)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="CPU seconds to load records, to make a frame of them, and a report.")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--reported", type=int, default=2_000)
    options = parser.parse_args()
    of_lists(options.runs)
    of_report(options.reported)


if __name__ == "__main__":
    main()
