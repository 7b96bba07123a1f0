"""How long it takes to read many records into a data frame and to average them over seeds.

Records are made as a sweep of closed-form methods leaves them (one epoch, all selection rules), written below a
temporary folder, and collected with a warm file cache. Times are CPU seconds of one process, so that other work on the
machine does not count, and the best of several rounds; a ratio of 1 is parsing the same JSON from memory and nothing
else. Usage: python benchmarks/performance/collect.py [--runs 20000]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from da import selection
from da.config.compose import compose
from da.config.validate import validate
from da.results import frame, record

METHODS, TASKS = 20, 20


def example() -> dict[str, Any]:
    """A record as :mod:`da.engine.run` leaves it, of a closed-form method."""
    plan = validate(compose(["method=tca", "data=office_caltech10", "classifier=one_nn"]))
    test = {"accuracy": 0.0}
    rules = selection.names()
    counts = {"name": "caltech10", "samples": 1123, "per_class": list(range(85, 95))}
    return {
        "schema": 1,
        "status": "finished",
        "run_id": "218c5470f1a3",
        "method": "tca",
        "family": "subspace",
        "setting": "transductive",
        "data": "office_caltech10",
        "seed": 0,
        "config": plan.config,
        "fingerprint": "3ba731861473860c",
        "code": {"source": "82c42aaf44c58b7d", "commit": "0" * 40},
        "versions": record.package_versions(),
        "finished": record.now(),
        "task": {
            "name": "caltech10->dslr",
            "classes": [f"class {k}" for k in range(10)],
            "transductive": True,
            "steps_per_epoch": 1,
            "evaluated": {"target_train": 157, "target_test": 157},
            "domains": dict.fromkeys(("source/train", "target/train", "target/test"), counts),
        },
        "parameters": 0,
        "device": "1 x cpu",
        "target_test": test,
        "source_test": {},
        "selection": {rule: {"epoch": 1, "score": 0.123456789, "target_test": dict(test)} for rule in rules},
        "epochs": [{"epoch": 1, "step": 1, "scores": dict.fromkeys(rules, 0.123456789), "target_test": test}],
        "seconds": {"train": 0.31695, "evaluate": 0.01503, "load": 0.00029},
        "started": record.now(),
    }


def write(folder: Path, runs: int) -> list[str]:
    """Write records of 20 methods on 20 tasks with as many seeds as it takes; returns their texts."""
    rng, now, texts = np.random.default_rng(0), example(), []
    for k in range(runs):
        method, task, seed = k % METHODS, k // METHODS % TASKS, k // (METHODS * TASKS)
        now |= {"method": f"method{method}", "seed": seed, "run_id": f"{k:012x}"}
        now["task"]["name"] = f"source{task}->target"
        now["config"] |= {"seed": seed}
        for chosen in now["selection"].values():
            chosen["target_test"]["accuracy"] = float(rng.normal(50, 5))
        directory = folder / "office_caltech10" / f"method{method}" / f"seed{seed}-{k:012x}"
        directory.mkdir(parents=True)
        texts.append(json.dumps(now, indent=1))
        (directory / record.FILE).write_text(texts[-1])
    return texts


def best(work: Callable[[], Any], rounds: int = 3) -> float:
    """CPU seconds of the fastest round."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Seconds to collect records into a frame, and to average them.")
    parser.add_argument("--runs", type=int, default=20_000)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        texts = write(Path(name), runs)
        whole = frame.collect(Path(name))
        assert len(whole) == runs
        parse = best(lambda: [json.loads(text) for text in texts])
        collect = best(lambda: frame.collect(Path(name)))
        group = best(lambda: frame.grouped(whole))
    print(f"{runs} records of {sum(map(len, texts)) / runs:.0f} bytes, {whole.shape[1]} columns")
    print(f"collect {collect:.2f} s ({collect / parse:.1f} times parsing them from memory, {parse:.2f} s)")
    print(f"group   {1000 * group:.1f} ms (mean, deviation and count by data, task and method)")


if __name__ == "__main__":
    main()
