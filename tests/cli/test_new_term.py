"""A term is added by following CONTRIBUTING.md to the letter, in a copy of the project, and by the scaffold alone."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from processes import ROOT, finished
from small import SMALL


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project without history, to be added to."""
    for name in ("da", "conf", "scripts", "benchmarks", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.glob("*.*"):
        if file.is_file():
            shutil.copy(file, tmp_path)
    (tmp_path / "tests").mkdir()
    for name in ("deep.py", "conftest.py", "processes.py", "records.py", "mutants.json"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests")
    return tmp_path


def call(project: Path, *command: str) -> subprocess.CompletedProcess:
    return finished(*command, cwd=project, env={"PYTHONPATH": str(project)})


def section() -> str:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.search(r"^## Add a term\n(.*?)^## ", guide, re.DOTALL | re.MULTILINE)[1]


def test_what_cannot_be_is_refused(project: Path) -> None:
    for name, message in (("My-Term", "cannot name a term"), ("mcc", "term=mcc exists already")):
        done = call(project, "scripts/new_term.py", name)
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr


@pytest.mark.slow
def test_a_fresh_scaffold_is_a_term(project: Path) -> None:
    made = call(project, "scripts/new_term.py", "my_term")
    assert made.returncode == 0, made.stderr
    assert "dann+my_term" in call(project, "scripts/train.py", "--list").stdout
    tested = call(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/terms/test_my_term.py")
    assert "5 passed" in tested.stdout, tested.stdout
    trained = call(project, "scripts/train.py", "method=dann+my_term", "term_weights.my_term=0.5", *SMALL)
    assert "finished method=dann+my_term" in trained.stdout, trained.stderr


@pytest.mark.slow
def test_the_guide_to_a_term_works_as_written(project: Path) -> None:
    """Its blocks go to the files that the text before each names; its commands run; no file that was there changes."""
    text, before = section(), contents(project)
    blocks = list(re.finditer(r"```(bash|python|yaml)\n(.*?)```", text, re.DOTALL))
    assert [block[1] for block in blocks] == ["bash", "python", "yaml", "python", "bash"]
    for block in blocks:
        if block[1] != "bash":
            *_, file = re.findall(r"`((?:da|conf|tests)/[\w/.]+)`", text[: block.start()])
            (project / file).write_text(block[2], encoding="utf-8")
            continue
        for line in block[2].splitlines():
            words = shlex.split(line)
            assert words[0] == "python"
            small = SMALL[2:] if "scripts/train.py" in words else []  # the data are those of the guide
            done = call(project, *words[1:], *small)
            assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    tested = call(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/terms/test_mean_gap.py")
    assert "5 passed" in tested.stdout, tested.stdout
    after = contents(project)
    rendered = {"README.md", "CONTRIBUTING.md"}  # by the scaffold itself
    assert {name for name in before if after.get(name) != before[name]} <= rendered
    added = {name for name in after if name not in before and "runs/" not in name and not name.startswith("docs/")}
    assert added == {"da/terms/mean_gap.py", "conf/term/mean_gap.yaml", "tests/terms/test_mean_gap.py"}


def contents(project: Path) -> dict[str, bytes]:
    files = [file for file in project.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    return {file.relative_to(project).as_posix(): file.read_bytes() for file in files}
