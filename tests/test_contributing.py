"""CONTRIBUTING.md is followed to the letter in a copy of the checkout: each file written, each command run."""

import ast
import hashlib
import importlib
import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from documents import Block, blocks
from processes import ROOT, finished

GUIDE = ROOT / "CONTRIBUTING.md"
PLACE = re.compile(r"`((?:da|conf|tests)/[\w/]+\.(?:py|yaml))`")
RENDERED = re.compile(r"<!-- rendered: .*?<!-- end -->", re.DOTALL)
TRAINED = re.compile(r"finished method=(\w+)(.*): target test accuracy ([\d.]+)")
KINDS = {
    "Add a deep method": "mean_matching",
    "Add a closed-form method": "location_scale",
    "Add a term": "mean_gap",
    "Add a data set": "tumours",
}
MADE = {"da/methods/transductive/mean_matching.py", "da/estimators/subspace/location_scale.py", "da/terms/mean_gap.py", "da/data/tumours.py"}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """What the guide says to do: to run commands, or to write a file.

    Args:
        section: its heading.
        block: the block of the page.
        place: the file that the text before the block names; empty for commands.
    """

    section: str
    block: Block
    place: str


def steps() -> Iterator[Step]:
    """The steps of the guide, in its order; a file is the last that is named before its block."""
    text, start = GUIDE.read_text(encoding="utf-8"), 0
    for block in blocks(GUIDE, "bash", "python", "yaml"):
        end = text.index(block.body, start)
        before, start = text[start:end], end + len(block.body)
        section = re.findall(r"^## (.+)$", text[:end], re.MULTILINE)[-1]
        named = PLACE.findall(before)
        yield Step(section, block, "" if block.language == "bash" else named[-1] if named else "?")


def test_each_kind_has_a_whole_example() -> None:
    found = defaultdict(list)
    for step in steps():
        found[step.section].append(step.place)
    for section, name in KINDS.items():
        written = [Path(place) for place in found[section] if place]
        assert [file.stem for file in written] == [name, name, f"test_{name}"], section
        assert [file.parts[0] for file in written] == ["da", "conf", "tests"]
        assert found[section][0] == "", f"'{section}' begins with a scaffold"
        assert found[section][-1] == "", f"'{section}' ends with checks and a run"


def pythons() -> list[Step]:
    return [step for step in steps() if step.block.language == "python"]


@pytest.mark.parametrize("step", pythons(), ids=lambda step: Path(step.place).stem)
def test_python_of_the_guide_names_what_there_is(step: Step) -> None:
    """It compiles, and what it imports from the project exists, or is a file of the guide."""
    own = {place.removesuffix(".py").replace("/", ".") for place in MADE}
    for node in ast.walk(ast.parse(step.block.body)):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("da.") and node.module not in own:
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                assert hasattr(module, alias.name), f"{step.place} imports {alias.name} from {node.module}"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What is committed, or would be, of this checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    top = ("da", "conf", "scripts", "tests", "benchmarks", "docs")
    unversioned = [file.relative_to(ROOT).as_posix() for folder in top for file in (ROOT / folder).rglob("*")]
    names = listed.stdout.splitlines() or [*unversioned, "README.md", "CONTRIBUTING.md", "pyproject.toml"]
    for name in names:
        if (ROOT / name).is_file() and "__pycache__" not in name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    """Digests of the files of a folder, rendered parts of pages left out; neither runs nor caches."""
    found = {}
    for file in folder.rglob("*"):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and not {"__pycache__", "runs", ".mypy_cache", ".pytest_cache"} & set(file.parts):
            text = RENDERED.sub("", file.read_text(encoding="utf-8")) if file.suffix == ".md" else file.read_bytes()
            found[name] = hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()
    return found


def run(copy: Path, command: str) -> str:
    words = shlex.split(command)
    assert words[0] == "python", command
    done = finished(*words[1:], cwd=copy, env={"PYTHONPATH": str(copy)})
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def accuracies(said: str) -> dict[str, float]:
    """Mean accuracy of each method, with its terms, over the runs that a command finished."""
    found = defaultdict(list)
    for method, rest, accuracy in TRAINED.findall(said):
        found[method + ("+terms" if "mean_gap" in rest else "")].append(float(accuracy))
    return {method: sum(values) / len(values) for method, values in found.items()}


@pytest.mark.slow
def test_following_the_guide_to_the_letter_adds_a_method_of_each_kind_a_term_and_a_data_set(copy: Path) -> None:
    before = contents(copy)
    said: dict[str, list[str]] = defaultdict(list)
    for step in (step for step in steps() if step.section in KINDS):
        if step.place:
            assert (copy / step.place).is_file(), f"{step.place} is written by the scaffold, and only filled in"
            (copy / step.place).write_text(step.block.body, encoding="utf-8")
        else:
            said[step.section] += [run(copy, command) for command in step.block.commands()]
    for section in KINDS:
        passed = "\n".join(said[section])
        assert re.search(r"^\d+ checks passed$", passed, re.MULTILINE), passed
        assert re.search(r"^\d+ passed", passed, re.MULTILINE) or section == "Add a term", passed
    deep, closed, term, data = (accuracies("\n".join(said[section])) for section in KINDS)
    assert deep["mean_matching"] > deep["source_only"] + 2.0
    assert closed["location_scale"] > closed["unadapted"] + 1.0
    assert term.keys() == {"dann", "dann+terms"}
    assert data["bbse"] >= data["unadapted"] > data["location_scale"] + 10.0
    after = contents(copy)
    assert before.keys() <= after.keys()
    changed = {name for name, digest in before.items() if after[name] != digest}
    assert all(name.startswith(("docs/", "benchmarks/")) and name.endswith(".md") for name in changed), changed
    pages = {f"docs/methods/{name}.md" for name in ("mean_matching", "location_scale")}
    written = {step.place for step in steps() if step.place}
    assert after.keys() - before.keys() == written | pages
