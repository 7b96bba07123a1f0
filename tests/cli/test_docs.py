"""A fresh scaffold of a deep method trains and passes the checks; bounds of dependencies."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from processes import ROOT, finished
from small import SMALL


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, to be changed."""
    for name in ("da", "conf", "scripts", "benchmarks", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "tests").mkdir()
    for name in ("deep.py", "conftest.py", "processes.py", "records.py", "mutants.json"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests")
    return tmp_path


def call(project: Path, *command: str) -> subprocess.CompletedProcess:
    return finished(*command, cwd=project, env={"PYTHONPATH": str(project)})


def test_a_fresh_scaffold_is_a_method(project: Path) -> None:
    made = call(project, "scripts/new_method.py", "my_method", "--family", "transductive")
    assert made.returncode == 0, made.stderr
    assert "| [`my_method`](my_method.md) | transductive |" in (project / "docs" / "methods" / "index.md").read_text()
    assert (project / "docs" / "methods" / "my_method.md").read_text().startswith("# my_method\n")
    assert "my_method" in call(project, "scripts/train.py", "--list").stdout
    assert call(project, "scripts/render_docs.py", "--check").returncode == 0
    checked = call(project, "-m", "da.checks", "my_method")
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("passed") >= 18
    shell = call(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/methods/test_my_method.py")
    assert "4 passed" in shell.stdout, shell.stdout
    swept = call(project, "scripts/train.py", "-m", "method=my_method", "seed=0,1", *SMALL)
    assert swept.stdout.count("finished method=my_method") == 2, swept.stderr
    again = call(project, "scripts/new_method.py", "my_method")
    assert (again.returncode, "exists already" in again.stderr) == (2, True)


@pytest.mark.parametrize(("name", "family", "message"), [("My-Method", "transductive", "lower-case"), ("mine", "transductve", "did you mean 'transductive'")])  # fmt: skip
def test_a_scaffold_that_cannot_be_is_refused(project: Path, name: str, family: str, message: str) -> None:
    done = call(project, "scripts/new_method.py", name, "--family", family)
    assert done.returncode == 2
    assert message in done.stderr


def test_dependencies_are_above_their_known_holes() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = {*needed["dependencies"], *(line for lines in needed["optional-dependencies"].values() for line in lines)}
    for bound in ("pillow>=12.3", "filelock>=3.20.3", "tqdm>=4.66.3"):
        assert any(line.replace(" ", "").startswith(bound) for line in listed), bound
