"""What documents say is true: rendered parts are current, commands are real, the guides work as written."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from processes import ROOT, finished
from small import SMALL

from da.cli import docs
from da.config.compose import expand


def test_rendered_parts_are_current() -> None:
    assert docs.render(write=False) == []
    text = "".join((ROOT / page).read_text() for page in docs.PAGES)
    for name in docs.parts():
        assert f"<!-- rendered: {name} -->" in text, f"no page has a place for {name}"


def commands() -> list[str]:
    found = []
    for name in ("README.md", "CONTRIBUTING.md"):
        for block in re.findall(r"```(?:bash|sh)\n(.*?)```", (ROOT / name).read_text(), re.DOTALL):
            joined = block.replace("\\\n", " ")
            found += [
                line.split("#")[0].strip()
                for line in joined.splitlines()
                if line.startswith("python scripts/train.py") and "mean_matching" not in line
            ]
    return found


@pytest.mark.parametrize("command", commands())
def test_training_commands_of_the_documents_are_valid(command: str) -> None:
    """Composed and validated exactly as the command line does, without training."""
    arguments = command.split()[2:]
    if not {"--list", "--help"} & set(arguments):
        known = [a for a in arguments if a != "-m" and "mine" not in a and "my_method" not in a and "runs/" not in a]
        expand(known, multirun="-m" in arguments)


def test_python_snippets_of_the_readme_run(tmp_path: Path) -> None:
    snippets = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert snippets
    for snippet in snippets:
        done = finished("-c", snippet, cwd=tmp_path)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, to be changed."""
    for name in ("da", "conf", "scripts", "benchmarks"):
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
    assert "| `my_method` | transductive |" in (project / "README.md").read_text()
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


def test_the_guide_to_a_method_of_your_own_works_as_written(project: Path) -> None:
    """Does what CONTRIBUTING.md says: scaffold, paste its class and its YAML, check, train."""
    guide = (project / "CONTRIBUTING.md").read_text()
    section = guide[guide.index("## Add a method") :]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[:1]
    (config,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)[:1]
    assert call(project, "scripts/new_method.py", "mean_matching", "--family", "transductive").returncode == 0
    (project / "da/methods/transductive/mean_matching.py").write_text(code)
    (project / "conf/method/mean_matching.yaml").write_text(config)
    checked = call(project, "-m", "da.checks", "mean_matching")
    assert checked.returncode == 0, checked.stdout
    assert "weight_zero_is_source_only" in checked.stdout
    trained = call(project, "scripts/train.py", "method=mean_matching", "method.weight=0.5", *SMALL)
    assert trained.returncode == 0, trained.stderr


def test_dependencies_are_above_their_known_holes() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = {*needed["dependencies"], *(line for lines in needed["optional-dependencies"].values() for line in lines)}
    for bound in ("pillow>=12.3", "filelock>=3.20.3", "tqdm>=4.66.3"):
        assert any(line.replace(" ", "").startswith(bound) for line in listed), bound
