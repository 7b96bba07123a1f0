"""What the pages tell to run, runs: every block of bash in a copy of the project, every block of Python by itself."""

import os
import re
import shutil
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from documents import Block, blocks, guides, name, pages
from processes import ROOT, finished

from da.config import catalog

NOT_RUN, DATA, MINUTES = "not run", "needs data", "minutes"
SHORTER = {"budget=10min": "budget=40s"}
PICTURES = ("photos/studio/cat", "photos/studio/dog", "photos/phone", "new_photos")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with the files of a reader: two tables, a third, photos, runs in their environment."""
    for folder in ("da", "conf", "scripts", "benchmarks", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("README.md", "CONTRIBUTING.md", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path)
    (tmp_path / "tests").mkdir()
    for file in ("deep.py", "conftest.py", "processes.py", "records.py", "mutants.json"):
        shutil.copy(ROOT / "tests" / file, tmp_path / "tests")
    tables(tmp_path)
    return tmp_path


def tables(folder: Path) -> None:
    """Two classes apart, the target moved; ids everywhere, labels in the source alone."""
    rng = np.random.default_rng(0)
    for file, shift, labelled in (("a.csv", 0.0, True), ("b.csv", 1.0, False), ("third.csv", 1.0, False)):
        y = np.arange(80) % 2
        x = rng.normal(size=(80, 3)) + 4.0 * y[:, None] + shift
        cells = [f"{file[0]}{k},{','.join(f'{v:.4f}' for v in row)}" for k, row in enumerate(x)]
        lines = [f"{c},{('no', 'yes')[label]}" for c, label in zip(cells, y, strict=True)] if labelled else cells
        head = "id,one,two,three" + ",label" * labelled
        (folder / file).write_text("\n".join([head, *lines, ""]))


def photos(folder: Path) -> None:
    images = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for place in PICTURES:
        (folder / place).mkdir(parents=True)
        for k in range(12):
            level = 60 if "cat" in place or k % 2 else 180
            pixels = rng.integers(0, 60, (32, 32, 3)) + level
            images.fromarray(pixels.astype(np.uint8)).save(folder / place / f"{k}.png")


def run(project: Path, command: str) -> None:
    """Run a command as written, but for placeholders, and for budgets that would be minutes."""
    for written, shorter in SHORTER.items():
        command = command.replace(written, shorter)
    if "train.py" in command and "max_epochs" not in command and "--" not in command:
        command += " trainer.max_epochs=1"
    if place := re.search(r"\b(DEEP_)?RUN\b", command):
        folder = newest(project, deep=bool(place[1]))
        names_run = "predict.py" in command or "export.py" in command  # as train.py prints it: a file in the folder
        command = command.replace(place[0], f"{folder}/predictions.csv" if names_run else folder)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {"PYTHONPATH": str(project), "PATH": path, "OMP_NUM_THREADS": "1"}
    done = finished("-c", f"import subprocess, sys; sys.exit(subprocess.run({['bash', '-c', command]!r}).returncode)",
                    cwd=project, env=environment)  # fmt: skip
    idle = "sweep_status" in command and "no sweep is running" in done.stdout
    assert done.returncode == (2 if idle else 0), f"{command}\n{done.stdout}\n{done.stderr}"


def newest(project: Path, deep: bool) -> str:
    """The folder of the newest run; where there is none, of one that is made."""
    kind = "model.safetensors" if deep else "model.json"
    if not list((project / "runs").rglob(kind)):
        features = "method=tca data=features data.source=a.csv data.target=b.csv data.id_column=id"
        run(project, f"python scripts/train.py {'method=dann data=digits' if deep else features}")
    found = max((project / "runs").rglob(kind), key=lambda file: (file.parent / "record.json").stat().st_mtime_ns)
    return found.parent.relative_to(project).as_posix()


def shown(page: Path) -> list[Block]:
    """The blocks of bash of a page that are run."""
    return [block for block in blocks(page, "bash") if not block.mark.startswith(NOT_RUN)]


def excuse(block: Block) -> str:
    """Why a block cannot be run here; empty where it can."""
    data = block.mark.startswith(DATA) and not os.environ.get("DA_DATA_DIR")
    return "minutes" if MINUTES in block.mark else "no DA_DATA_DIR" if data else ""


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in guides() if shown(page)], ids=name)
def test_the_commands_of_a_page_run(page: Path, project: Path) -> None:
    if "photos" in page.read_text():
        photos(project)
    for block in shown(page):
        for command in block.commands() if not excuse(block) else ():
            run(project, command)


def of_methods(data: bool = False) -> list[tuple[str, list[str], list[str]]]:
    """What stands behind the name of a method on its page, the methods, and their commands.

    Args:
        data: with the commands that need real data.
    """
    found: dict[str, tuple[list[str], list[str]]] = {}
    for block in (b for page in pages() if page.parent.name == "methods" for b in blocks(page, "bash")):
        if data or not excuse(block):
            _, name, rest = re.fullmatch(r"(python scripts/train.py method=)(\w+) (.*)", block.commands()[-1]).groups()
            names, commands = found.setdefault(rest, ([], []))
            names.append(name)
            commands += block.commands()
    return [(rest, names, commands) for rest, (names, commands) in found.items()]


@pytest.mark.slow
@pytest.mark.parametrize("rest", [rest for rest, _, _ in of_methods()])
def test_the_commands_of_the_pages_of_methods_run(rest: str, project: Path) -> None:
    """All in one sweep for each choice of data, and for one epoch; of several commands, one after the other."""
    names, commands = next((names, commands) for found, names, commands in of_methods() if found == rest)
    if len(names) > 1:
        commands = [f"python scripts/train.py -m method={','.join(names)} {rest}"]
    for command in commands:
        run(project, command)


def test_every_page_of_a_method_has_a_command() -> None:
    named = {name for _, names, _ in of_methods(data=True) for name in names}
    assert named == {e.name for e in catalog.entries("method").values()}


def test_a_block_that_is_not_run_says_why() -> None:
    marks = [b.mark for page in pages() for b in blocks(page, "bash") if b.mark and "rendered" not in b.mark]
    assert all(re.fullmatch(rf"{NOT_RUN}: .+|{DATA}(, {MINUTES})?", mark) for mark in marks), marks


def python_blocks() -> list[Block]:
    return [block for page in guides() for block in blocks(page, "python")]


@pytest.mark.parametrize(
    "block", [pytest.param(b, id=f"{name(p)}-{k}") for p, bs in groupby(python_blocks(), lambda b: b.page) for k, b in enumerate(bs)]
)  # fmt: skip
def test_the_python_of_a_page_runs(block: Block, tmp_path: Path) -> None:
    done = finished("-c", block.body, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
