"""The command ``da``: what the scripts of a checkout do, from any folder."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence

from da.cli.start import start
from da.errors import UsageError, nearest
from da.places import PROGRAM, working_folder

COMMANDS = {
    "demo": ("da.cli.demo:main", "compare four methods on a shift of handwritten digits, without any download"),
    "list": ("da.cli.listing:main", "methods with what they need, and the data that each can run on"),
    "choose": ("da.cli.choose:choose", "choose a method for your data without target labels"),
    "train": ("da.cli.train:train", "train one configuration, or a sweep of them with -m"),
    "predict": ("da.cli.predict:predict", "predict new samples with the model of a finished run"),
    "export": ("da.cli.export:export", "write the network of a finished run for other programs"),
    "report": ("da.cli.report:main", "print the tables of a results folder, and write them as a page"),
    "status": ("da.cli.status:main", "say how far the sweeps on a results folder are"),
    "benchmark": ("da.cli.benchmark:main", "run a published result table again"),
    "checks": ("da.checks.__main__:run", "run the common checks on methods and data sets, your own among them"),
    "new": ("da.cli.new:main", "start a method or a data set of your own: its code, its YAML and its test"),
    "wandb-sweep": ("da.cli.wandb_sweep:main", "write the sweep file of a method for Weights & Biases"),
}
"""Function of each command, which takes its words and returns the exit code, and what it does."""


def help_text() -> str:
    """The commands, a line each."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name.ljust(width)}  {what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(
        [
            f"usage: {PROGRAM} COMMAND ...",
            "",
            "Domain adaptation: train, compare and choose methods.",
            "",
            *lines,
            "",
            f"{PROGRAM} COMMAND --help says more. A folder conf where you are adds methods and data of your own.",
        ]
    )


def main(words: Sequence[str]) -> int:
    """Run a command line; returns its exit code, 2 where there is no such command."""
    if not words or words[0] in ("-h", "--help", "help"):
        print(help_text())
        return 0
    name, *rest = words
    if name not in COMMANDS:
        print(f"{PROGRAM}: There is no command '{name}'; {nearest(name, COMMANDS)}", file=sys.stderr)
        return 2
    module, _, function = COMMANDS[name][0].partition(":")
    working_folder()  # its modules can be imported from here on
    command: Callable[[Sequence[str]], int] = getattr(importlib.import_module(module), function)
    try:
        return command(rest)
    except UsageError as error:
        print(f"{name}: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return 2


def run() -> int:
    """Run the command line of this process."""
    return start(lambda: main(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(run())
