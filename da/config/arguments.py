"""Parse a command line before Hydra reads it: options, and corrections of spellings that other programs accept."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from da.config import catalog, rows
from da.config.validate import KEYS
from da.errors import ConfigError, nearest

PROGRAM = "python scripts/train.py"
MULTIRUN = ("-m", "--multirun")
HELP = ("-h", "--help")
OURS = (*MULTIRUN, *HELP, "--list", "--dry-run")
HYDRAS = ("--cfg", "-c", "--resolve", "--package", "-p", "--run", "-r", "--hydra-help", "--version", "--info", "-i",
          "--shell-completion", "-sc", "--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd",
          "--experimental-rerun")  # fmt: skip
PAIRS = {"'": "'", '"': '"', "[": "]", "{": "}", "(": ")"}
PLAIN = re.compile(r"[^,\[\]]+")
CALL = re.compile(r"\w+\(.*\)")


@dataclass(frozen=True)
class Arguments:
    """A parsed command line.

    Args:
        overrides: ``KEY=VALUE``.
        multirun: whether several values of a key are combinations to run.
        dry: whether to print the runs without running them.
        hydra: whether it contains options of Hydra itself.
    """

    overrides: list[str]
    multirun: bool
    dry: bool
    hydra: bool


def read(words: Sequence[str]) -> Arguments:
    """Parse the options and overrides of a command line.

    Raises:
        ConfigError: an argument is neither; the message has the command that was probably meant.
    """
    options = {word for word in words if word.startswith("-") and word.partition("=")[0] in (*OURS, *HYDRAS)}
    if options - set(OURS):
        return Arguments([w for w in words if not w.startswith("-")], bool(options & set(MULTIRUN)), False, True)
    if (meant := _repaired(words)) != list(words):
        raise ConfigError(f"Write KEY=VALUE, without dashes before or spaces around it: {command(meant)}")
    overrides = [word for word in words if word not in options]
    for word in overrides:
        _refuse_stray(word)
    return Arguments(overrides, bool(options & set(MULTIRUN)), "--dry-run" in options, False)


def command(words: Sequence[str]) -> str:
    """Format a command line that can be pasted into a shell."""
    return " ".join([PROGRAM, *map(in_shell, words)])


def in_shell(word: str) -> str:
    """Quote an argument for a shell if necessary, in a readable way."""
    if "'" not in word or re.search(r"[\"$`!]|\\(?!')", word):
        return shlex.quote(word)
    key, equals, value = word.partition("=")
    return f'{key}{equals}"{value}"'


def quotings(text: str) -> Iterator[str]:
    """Yield an override with quotes for Hydra: around the parts between commas and brackets, or around its value."""
    key, _, value = text.partition("=")
    if not value or value[0] in "'\"" or CALL.fullmatch(value) or value.count("[") != value.count("]"):
        return
    yield f"{key}={PLAIN.sub(lambda match: rows.written(match[0]), value)}"
    yield f"{key}={rows.written(value)}"


def left_open(text: str) -> str | None:
    """The quote or bracket of an override that is not closed; None if all are closed."""
    waiting: list[str] = []
    for sign in re.sub(r"\\.", "", text):
        if waiting and sign == waiting[-1]:
            waiting.pop()
        elif not (waiting and waiting[-1] in "'\"") and sign in PAIRS:
            waiting.append(PAIRS[sign])
    return next((sign for sign, close in PAIRS.items() if close == waiting[0]), None) if waiting else None


def _roots() -> set[str]:
    return {*KEYS, *catalog.groups()}


def _repaired(words: Sequence[str]) -> list[str]:
    """Rewrite ``--method dann``, ``-method=dann``, ``method = dann`` and ``a, b`` in Hydra's syntax."""
    meant: list[str] = []
    for k, word in enumerate(words):
        bare = word.lstrip("-")
        if bare != word and word not in OURS and bare.partition("=")[0].partition(".")[0] in _roots():
            follows = words[k + 1] if k + 1 < len(words) else ""
            word = bare if "=" in bare or not follows or "=" in follows or follows.startswith("-") else f"{bare}="
        elif meant and not word.startswith("-") and (word.startswith(("=", ",")) or _open(meant[-1], word)):
            word = meant.pop() + word
        meant.append(word)
    return meant


def _open(before: str, word: str) -> bool:
    """Whether an argument seems to continue the one before it."""
    return "=" not in word and not before.startswith("-") and before.endswith(("=", ","))


def _refuse_stray(word: str) -> None:
    """Raise an error for an argument that sets nothing."""
    if word.startswith("-"):
        name = word.partition("=")[0]
        raise ConfigError(f"There is no option {name}; {nearest(name, [*OURS, *(f'--{k}' for k in _roots())])}")
    key, equals, value = word.partition("=")
    if equals and re.search(r"^,|,,|,$", value) and not re.search(r"['\"(]", value):
        cleaned = ",".join(part for part in value.split(",") if part)
        raise ConfigError(f"{word} has a comma with no value beside it; write {in_shell(f'{key}={cleaned}')}.")
    if "=" in word.lstrip("=") or word.startswith("~"):
        return
    chosen = [f"{group}={word}" for group in sorted(catalog.groups()) if word in catalog.options(group)]
    if word in _roots():
        raise ConfigError(f"'{word}' has no value; write {word}=VALUE.")
    raise ConfigError(f"'{word}' sets nothing; {f'did you mean {chosen[0]}?' if chosen else 'write KEY=VALUE.'}")
