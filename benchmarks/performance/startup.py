"""What a run costs before it computes, in CPU seconds, beside importing the packages that it cannot do without.

Each contender is a process of its own, on one thread; contenders take turns, and the least of all rounds counts, as
other work on the machine only adds. Usage: python benchmarks/performance/startup.py [--rounds 5] [--write]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "benchmarks" / "results" / "startup.md"
TRAIN = [str(ROOT / "scripts" / "train.py")]
FIRST_STEP = """
import os, sys
from da.cli import train
from da.methods.transductive.dann import DANN
DANN.terms = lambda *_: os._exit(0)
train.train(sys.argv[1:])
"""
CLOSED, DEEP = "scikit-learn and Hydra", "PyTorch, Lightning and Hydra"
FLOORS = {
    CLOSED: ["-c", "import sklearn.linear_model, hydra"],
    DEEP: ["-c", "import torch, pytorch_lightning, hydra"],
}
CONTENDERS = {
    "`method=coral data=toy`, to its record": (CLOSED, [*TRAIN, "method=coral", "data=toy"]),
    "`-m ... --dry-run` of 100 closed-form runs": (
        CLOSED,
        [*TRAIN, "-m", "method=coral", "data=toy", f"seed={','.join(map(str, range(100)))}", "--dry-run"],
    ),
    "`--list`": (CLOSED, [*TRAIN, "--list"]),
    "`method=dann data=toy`, to its first step": (DEEP, ["-c", FIRST_STEP, "method=dann", "data=toy"]),
}


def cpu_seconds(words: list[str], folder: Path) -> float:
    """User and system time of a Python process, which must end well."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, *words], env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{words} ended with {process.returncode}: {said.decode()[-500:]}")
    return used.ru_utime + used.ru_stime


def measure(rounds: int) -> dict[str, float]:
    """The least CPU seconds of every floor and contender."""
    commands = FLOORS | {name: words for name, (_, words) in CONTENDERS.items()}
    found: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, words in commands.items():
            with tempfile.TemporaryDirectory() as folder:
                seconds = cpu_seconds(words, Path(folder))
            if number:  # the first round compiles and fills the file cache
                found[name].append(seconds)
    return {name: min(seconds) for name, seconds in found.items()}


def table(seconds: dict[str, float]) -> str:
    """The measured page, in Markdown."""
    packages = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "pytorch-lightning", "scikit-learn"))
    lines = [
        f"<!-- python benchmarks/performance/startup.py --write; CPU seconds, one thread, {packages} -->",
        "| what | CPU seconds | of these imports of | seconds | ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, (floor, _) in CONTENDERS.items():
        cost, least = seconds[name], seconds[floor]
        lines.append(f"| {name} | {cost:.1f} | {floor} | {least:.1f} | {cost / least:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write the page that the README shows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    text = table(measure(options.rounds))
    print(text, end="")
    if options.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
