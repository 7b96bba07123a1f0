"""Where things lie: the folders of a checkout or of an installed package, and those of its users.

In a checkout ``conf`` and ``benchmarks`` lie beside the package, in an installation within it. Users have a folder
``conf`` of their own in the working folder, beside the modules that it names, or in packages that register in the group
``da.conf`` of entry points. Standard library only, as every command asks here first.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from da.errors import ConfigError
from da.signatures import locate

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent
"""The folder that holds the package: a checkout's, or where packages are installed."""
INSTALLED = (PACKAGE / "conf").is_dir()
"""Whether this is an installed package, which holds what a checkout has beside it."""
HOME = PACKAGE if INSTALLED else ROOT
CONF, BENCHMARKS = HOME / "conf", HOME / "benchmarks"
GROUP = "da.conf"
"""Group of entry points; the value of each is a package that has a folder ``conf``."""

PROGRAM = "da"
SCRIPTS = {"status": "sweep_status", "wandb-sweep": "wandb_sweep"}
"""Scripts of a checkout whose names are not those of the commands that they are."""


@dataclass(frozen=True)
class ConfFolder:
    """A folder ``conf``, and the code that belongs to it.

    Args:
        conf: the folder.
        folder: the working folder whose modules are its code; None for a package.
        package: the top package whose modules are its code; empty for a working folder.
    """

    conf: Path
    folder: Path | None = None
    package: str = ""

    def holds(self, top: str) -> bool:
        """Whether a top module or package is code of this origin; nothing is imported."""
        return top == self.package if self.folder is None else _lies_in(top, self.folder)

    def title(self, file: Path) -> str:
        """A file of the folder for messages, such as ``conf/method/mine.yaml``."""
        within = f"{self.package}/" if self.package not in ("", "da") else ""
        return f"{within}conf/{file.relative_to(self.conf).as_posix()}"


def others() -> Iterator[ConfFolder]:
    """Yield the origins of users: the working folder, if it has a folder ``conf``, and installed packages.

    Raises:
        ConfigError: a package that registers has no folder ``conf``.
    """
    own = working_folder()
    if own is not None:
        yield own
    yield from plugins()


def working_folder() -> ConfFolder | None:
    """The origin of the working folder, whose modules can be imported from here on; None if it has no ``conf``.

    A checkout of this project is nobody's own folder.
    """
    try:
        folder = Path.cwd()
    except OSError:  # it was removed
        return None
    if not (folder / "conf").is_dir() or (folder / "da" / "places.py").is_file():
        return None
    _make_importable(str(folder))
    return ConfFolder(folder / "conf", folder)


@cache
def _make_importable(folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as `python -m` does


@cache
def plugins() -> tuple[ConfFolder, ...]:
    """The origins of installed packages that register in :data:`GROUP`.

    Raises:
        ConfigError: one has no folder ``conf``.
    """
    from importlib.metadata import entry_points

    found = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.value, point.name)):
        file = locate(point.value)
        if file is None or not (file.parent / "conf").is_dir():
            raise ConfigError(
                f"The entry point {point.name} = {point.value!r} of the group {GROUP} must name a package that has a "
                f"folder conf{'' if file is None else f'; there is none in {file.parent}'}."
            )
        found[point.value] = ConfFolder(file.parent / "conf", package=point.value.partition(".")[0])
    return tuple(found.values())


def is_ours(path: str) -> bool:
    """Whether a dotted path is code of this package, of the working folder or of a package that registers."""
    top = path.partition(".")[0]
    return top == "da" or any(origin.holds(top) for origin in others())


@cache
def _lies_in(top: str, folder: Path) -> bool:
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    file = spec.origin if spec.has_location and spec.origin and spec.origin.endswith(".py") else None
    found = [*(spec.submodule_search_locations or ())] or [*filter(None, [file])]
    return any(Path(place).resolve().parent == folder for place in found)


def environment() -> dict[str, str]:
    """The variables with which another Python process finds this package; none where it is installed."""
    if INSTALLED:
        return {}
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}


def command(name: str) -> str:
    """How a command is called where the user is.

    Args:
        name: such as ``train``, ``checks`` or ``new method``.

    Returns:
        ``python scripts/train.py`` in a checkout, its path where the script of a checkout is called from elsewhere, and
        ``da train`` where the package is installed.
    """
    script = f"{SCRIPTS.get(name, name.replace(' ', '_'))}.py"
    called = Path(sys.argv[0])
    if in_checkout():
        return "python -m da.checks" if name == "checks" else f"python scripts/{script}"
    if not INSTALLED and name != "checks" and called.parent.name == "scripts" and called.with_name(script).is_file():
        return f"python {called.with_name(script)}"
    return f"{PROGRAM} {name}"


def checkout(what: str) -> Path:
    """The folder of the checkout, for what an installed package cannot do.

    Args:
        what: is done there, in a word or two: the beginning of the message.

    Raises:
        ConfigError: there is none.
    """
    if INSTALLED:
        raise ConfigError(f"{what} needs a checkout of the repository; this da is installed in {PACKAGE}.")
    return ROOT


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
    try:
        return not INSTALLED and Path.cwd().is_relative_to(ROOT)
    except OSError:  # the working folder was removed
        return False
