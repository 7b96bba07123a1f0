"""Where the files of a new entry go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from da.config.catalog import CONF, ROOT


@dataclass(frozen=True)
class NewFiles:
    """Where a new entry of the catalogue is written.

    Args:
        code: file of its class.
        config: its YAML.
        test: its test.
        module: dotted path of ``code``.
    """

    code: Path
    config: Path
    test: Path
    module: str


def new_files(group: str, name: str, code: str, test: str) -> NewFiles:
    """Where a scaffold writes: into the checkout if the working folder lies within it, else into the working folder.

    Args:
        group: such as ``method``.
        name: of the entry.
        code: path of its module in a checkout, such as ``da/methods/transductive/mine.py``; in a working folder it is
            ``mine.py``.
        test: path of its test in a checkout; in a working folder it is ``tests/test_mine.py``.
    """
    if in_checkout():
        module = code.removesuffix(".py").replace("/", ".")
        return NewFiles(ROOT / code, CONF / group / f"{name}.yaml", ROOT / test, module)
    folder = Path.cwd()
    config = folder / "conf" / group / f"{name}.yaml"
    return NewFiles(folder / f"{name}.py", config, folder / "tests" / f"test_{name}.py", name)


def in_checkout() -> bool:
    """Whether the working folder lies within the checkout that this package is of."""
    return Path.cwd().is_relative_to(ROOT)
