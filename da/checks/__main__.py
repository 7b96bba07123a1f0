"""Run the common checks from a shell: ``python -m da.checks [NAME ...]``, or the mutation gate: ``--mutants``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from da.checks import CheckedMethod, checks_for
from da.checks.gate import NoTests, Target, Verdict, complaints, judge
from da.config import catalog
from da.config.catalog import ROOT
from da.errors import ConfigError, nearest

PARTS = ("divergences", "nn")
COUNTS = ROOT / "tests" / "mutants.json"


def subject_of(entry: catalog.Entry) -> CheckedMethod:
    """The subject for an entry of the catalogue, with its defaults."""
    return CheckedMethod(entry.name, entry.locate(), entry.access, config=entry.config)


def targets() -> dict[str, Target]:
    """Modules that the mutation gate covers, by name: deep methods, divergences, parts of networks, schedules."""
    by_name = {}
    for name, entry in catalog.entries("method").items():
        if not entry.is_estimator:
            module = entry.path.rpartition(".")[0]
            by_name[name] = Target(name, module, (ROOT / "tests" / "methods" / f"test_{name}.py",))
    for part in PARTS:
        for file in sorted((ROOT / "da" / part).glob("*.py")):
            test = ROOT / "tests" / part / f"test_{file.stem}.py"
            if test.is_file():  # modules without equations of ours, such as third-party networks, have none
                by_name[f"{part}.{file.stem}"] = Target(f"{part}.{file.stem}", f"da.{part}.{file.stem}", (test,))
    by_name["schedules"] = Target("schedules", "da.schedules", (ROOT / "tests" / "test_schedules.py",))
    return by_name


def check(names: Sequence[str]) -> int:
    """Run all checks on the named entries, or on all; returns the number that failed."""
    failures = 0
    for name in names or list(catalog.entries("method")):
        subject = subject_of(catalog.named("method", name))
        for title, run in checks_for(subject):
            start = time.perf_counter()
            try:
                run(subject)
                word = "passed"
            except AssertionError as error:
                failures += 1
                word = f"FAILED: {error}"
            print(f"{name:24} {title:48} {time.perf_counter() - start:5.1f} s  {word}", flush=True)
    return failures


def guard(names: Sequence[str], *, write: bool = False) -> int:
    """Run the mutation gate on the named modules, or on all; returns the number of complaints.

    Raises:
        ConfigError: a name is not a module that the gate covers.
    """
    known = targets()
    for name in names:
        if name not in known:
            raise ConfigError(f"There is nothing called '{name}' under the mutation gate; {nearest(name, known)}")
    verdicts = []
    for name in names or known:
        start = time.perf_counter()
        verdict = judge(known[name])
        verdicts.append(verdict)
        excused = f", {len(verdict.excused)} excused" if verdict.excused else ""
        killed = f"{len(verdict.killed)}/{verdict.total} killed{excused}"
        print(f"{name:24} {killed:32} {time.perf_counter() - start:6.1f} s", flush=True)
        for mutant in verdict.survivors:
            print(f"    survives: line {mutant.line}, {mutant.change}", flush=True)
    total, killed_in_all = sum(v.total for v in verdicts), sum(len(v.killed) for v in verdicts)
    print(f"{'all':24} {killed_in_all}/{total} killed")
    wrong = complaints(verdicts, list(known.values()))
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if write:
        record(verdicts, COUNTS)
    return len(wrong)


def record(verdicts: Sequence[Verdict], file: Path) -> None:
    """Write the counts to a file, keeping those of other modules."""
    counts = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    for verdict in verdicts:
        numbers = {"total": verdict.total, "killed": len(verdict.killed), "excused": len(verdict.excused)}
        counts[verdict.target.name] = numbers
    current = {name: counts[name] for name in sorted(counts) if name in targets()}
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(numbers)}" for name, numbers in current.items())
    file.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Run the checks or the mutation gate; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m da.checks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="entries of the catalogue; none means all")
    parser.add_argument(
        "--mutants",
        action="store_true",
        help="make small wrong versions of a method (or divergences.NAME, nn.NAME, schedules), and demand that its "
        "tests notice each",
    )
    parser.add_argument("--write", action="store_true", help="with --mutants: write the counts to tests/mutants.json")
    options = parser.parse_args(arguments)
    failures = guard(options.names, write=options.write) if options.mutants else check(options.names)
    return min(failures, 1)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ConfigError, NoTests) as error:
        print(f"checks: {error}", file=sys.stderr)
        sys.exit(2)
