"""Run the common checks on methods, terms or data sets, ``python -m da.checks [NAME ...]``; ``--mutants``: the gate."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from da import places
from da.checks import CheckedData, CheckedMethod, CheckedTerm, checks_for
from da.checks.gate import NoTests, Target, Verdict, complaints, judge
from da.checks.results import CheckResult, results, summary
from da.config import catalog
from da.errors import ConfigError, few, nearest, nearest_of_many
from da.places import ROOT

GROUPS = {"method": "a method", "term": "a term", "data": "a data set"}
PARTS = ("divergences", "nn", "terms")
COUNTS = ROOT / "tests" / "mutants.json"


def subject_of(entry: catalog.Entry) -> CheckedMethod:
    """The subject for a method of the catalogue, with its defaults."""
    return CheckedMethod(entry.name, entry.locate(), entry.access, config=entry.config)


def term_of(entry: catalog.Entry) -> CheckedTerm:
    """The subject for a term of the catalogue, with its defaults."""
    return CheckedTerm(entry.name, entry.locate(), entry.access, config=entry.config)


def data_of(entry: catalog.Entry, options: dict[Any, Any]) -> CheckedData:
    """The subject for a data set of the catalogue, with its defaults but for some keywords."""
    return CheckedData(entry.name, entry.locate(), entry.access, options=options, config=entry.config)


def targets() -> dict[str, Target]:
    """Modules that the mutation gate covers, by name: deep methods, divergences, networks, terms, schedules."""
    by_name = {}
    for name, entry in catalog.entries("method").items():
        if entry.is_built_in and not entry.is_estimator:
            module = entry.path.rpartition(".")[0]
            by_name[name] = Target(name, module, (ROOT / "tests" / "methods" / f"test_{name}.py",))
    for part in PARTS:
        for file in sorted((ROOT / "da" / part).glob("*.py")):
            test = ROOT / "tests" / part / f"test_{file.stem}.py"
            if test.is_file():  # modules without equations of ours, such as third-party networks, have none
                by_name[f"{part}.{file.stem}"] = Target(f"{part}.{file.stem}", f"da.{part}.{file.stem}", (test,))
    by_name["schedules"] = Target("schedules", "da.schedules", (ROOT / "tests" / "test_schedules.py",))
    return by_name


def subjects_of(words: Sequence[str]) -> Iterator[tuple[str, Callable[[], CheckedMethod | CheckedTerm | CheckedData]]]:
    """What the words of a command line name, each with a function that makes it; no name means all methods and terms.

    Args:
        words: names, as ``coral`` or ``data/digits``, and ``KEY=VALUE`` of the one data set that is named.

    Raises:
        ConfigError: a name is unknown or ambiguous, or keywords are given that are of no one data set.
    """
    names = [word for word in words if "=" not in word]
    options = OmegaConf.to_container(OmegaConf.from_dotlist([word for word in words if "=" in word]))
    assert isinstance(options, dict)
    found = [entry_of(name) for name in names] or [
        e for group in ("method", "term") for e in catalog.entries(group).values()
    ]
    if options and [entry.group for entry in found] != ["data"]:
        raise ConfigError(
            f"{few(options)}= is a keyword of one data set; name it, as in: features source=FILE target=FILE"
        )
    for entry in found:
        makers: dict[str, Callable[[catalog.Entry], CheckedMethod | CheckedTerm | CheckedData]]
        makers = {"method": subject_of, "term": term_of, "data": partial(data_of, options=options)}
        yield entry.name, partial(makers[entry.group], entry)


def entry_of(name: str) -> catalog.Entry:
    """The method, term or data set of a name, which may be preceded by its group, as in ``data/digits``.

    Raises:
        ConfigError: there is none, or several.
    """
    group, slash, rest = name.partition("/")
    if slash and group in GROUPS:
        return catalog.named(group, rest)
    having = [group for group in GROUPS if name in catalog.entries(group)]
    if len(having) > 1:
        kinds = " and ".join(GROUPS[group] for group in having)
        raise ConfigError(f"'{name}' is {kinds}; write {' or '.join(f'{g}/{name}' for g in having)}.")
    if not having:
        known = [other for group in GROUPS for other in catalog.entries(group)]
        raise ConfigError(f"There is no method, term or data set '{name}'; {nearest_of_many(name, known)}")
    return catalog.named(having[0], name)


def check(words: Sequence[str], *, verbose: bool = False) -> int:
    """Run all checks on what is named, or on all methods and terms, and say how many failed; returns that number."""
    found: list[CheckResult] = []
    for name, make in subjects_of(words):
        for result in results(name, make, checks_for):
            found.append(result)
            print(result, flush=True)
            if verbose and result.trace:
                print(result.trace, flush=True)
    print(summary(found))
    return sum(result.failed for result in found)


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
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="methods, terms and data sets, as coral, mcc or data/digits; none means all methods and terms. "
        "KEY=VALUE are keywords of the data set",
    )
    parser.add_argument(
        "--mutants",
        action="store_true",
        help="make small wrong versions of a method (or divergences.NAME, nn.NAME, terms.NAME, schedules), and demand "
        "that its tests notice each",
    )
    parser.add_argument("--write", action="store_true", help="with --mutants: write the counts to tests/mutants.json")
    parser.add_argument("--verbose", action="store_true", help="print the traceback of each failure")
    options = parser.parse_args(arguments)
    if options.mutants:
        places.checkout("--mutants")
        return min(guard(options.names, write=options.write), 1)
    failures = check(options.names, verbose=options.verbose)
    return min(failures, 1)


def run(words: Sequence[str]) -> int:
    """As :func:`main`, with what cannot be done as asked in a sentence and exit code 2."""
    try:
        return main(words)
    except (ConfigError, NoTests) as error:
        print(f"checks: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
