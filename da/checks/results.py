"""Run checks one after the other, whatever one of them raises, and say of each failure what was wrong, and where."""

from __future__ import annotations

import inspect
import sysconfig
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from da.checks.suite import NotChecked
from da.errors import UsageError

PACKAGE = Path(__file__).resolve().parents[1]
CHECKS = Path(__file__).resolve().parent
LIBRARY = Path(sysconfig.get_paths()["stdlib"]).resolve()


@dataclass(frozen=True)
class CheckResult:
    """What a check said of a subject.

    Args:
        subject: the subject's name.
        check: the check's name.
        seconds: that it took.
        wrong: a sentence that says what was wrong; empty where it passed.
        trace: the traceback of a failure.
        ran: whether it could be run at all.
    """

    subject: str
    check: str
    seconds: float = 0.0
    wrong: str = ""
    trace: str = ""
    ran: bool = True

    @property
    def failed(self) -> bool:
        """Whether it ran and did not pass."""
        return self.ran and bool(self.wrong)

    def __str__(self) -> str:
        word = "not run: " if not self.ran else "FAILED: " if self.wrong else "passed"
        return f"{self.subject:24} {self.check:48} {self.seconds:5.1f} s  {word}{self.wrong}"


def run_check(name: str, title: str, check: Callable[[], Any], made: Any = None) -> CheckResult:
    """Run one check; nothing that it raises ends the others, but Ctrl-C does.

    Args:
        name: of the subject.
        title: of the check.
        check: raises where something is wrong.
        made: the class under check; errors are said to be where its file is passed last.
    """
    begun = time.perf_counter()
    try:
        check()
    except KeyboardInterrupt:
        raise
    except NotChecked as error:
        return CheckResult(name, title, wrong=str(error), ran=False)
    except BaseException as error:  # also SystemExit, and pytest's failures, which are no Exception
        seconds = time.perf_counter() - begun
        return CheckResult(name, title, seconds, sentence(error, made), "".join(traceback.format_exception(error)))
    return CheckResult(name, title, time.perf_counter() - begun)


def results(
    name: str, make: Callable[[], Any], checks_for: Callable[[Any], Iterable[tuple[str, Callable[[Any], None]]]]
) -> Iterator[CheckResult]:
    """Make a subject and run the checks on it, one after the other; one that cannot be made has failed.

    Args:
        name: of the subject.
        make: makes it.
        checks_for: the checks that apply to it, by title.
    """
    subjects: list[Any] = []
    made = run_check(name, "can_be_imported", lambda: subjects.append(make()))
    if made.failed:
        yield made
    for subject in subjects:
        for title, check in checks_for(subject):
            yield run_check(name, title, partial(check, subject), subject.make)


def sentence(error: BaseException, made: Any = None) -> str:
    """What an error says, in one line; of one that no check raised by itself also its kind and where it was raised."""
    words = next((" ".join(line.split()) for line in str(error).splitlines() if line.strip()), "")
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, AssertionError) and words and _within(frames[-1].filename, CHECKS):
        return " ".join(str(error).split())
    if isinstance(error, UsageError) and words:
        return words  # such errors are sentences that say where
    own = inspect.getsourcefile(made) if inspect.isclass(made) else None
    inside = [frame for frame in frames if frame.filename == own] or [f for f in frames if _is_authors(f.filename)]
    at = (inside or frames)[-1]
    file = Path(at.filename).resolve()
    shown = file.relative_to(PACKAGE.parent) if file.is_relative_to(PACKAGE) else file
    stop = "" if words.endswith((".", "!", "?")) else "."
    return f"{type(error).__name__} in {shown}, line {at.lineno}, in {at.name}: {words or 'it says nothing'}{stop}"


def _within(file: str, folder: Path) -> bool:
    return Path(file).resolve().is_relative_to(folder)


def _is_authors(file: str) -> bool:
    """Whether a file is neither of an installed package nor of what calls methods: of the method, or what it uses."""
    foreign = {"site-packages", "dist-packages"} & set(Path(file).parts) or not file.endswith(".py")
    return not foreign and not any(_within(file, folder) for folder in (CHECKS, PACKAGE / "engine", LIBRARY))


def summary(found: Iterable[CheckResult]) -> str:
    """How many checks failed: ``1 of 20 failed``, or ``20 checks passed``."""
    found = list(found)
    ran = [result for result in found if result.ran]
    failed = sum(result.failed for result in ran)
    left = f"; {len(found) - len(ran)} could not be run" if len(ran) < len(found) else ""
    return (f"{failed} of {len(ran)} failed" if failed else f"{len(ran)} checks passed") + left
