"""The wheel, installed outside the checkout: it holds what commands read, and runs what is built in and one's own."""

import os
import subprocess
import sys
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import own_folder
import pytest
from processes import ROOT, mortal

pytestmark = pytest.mark.slow
UV = Path(sys.executable).with_name("uv")
QUICK = ["trainer.max_epochs=1", "steps_per_epoch=2"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    if find_spec("hatchling") is not None:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    elif UV.is_file():  # which gets hatchling itself
        command = [UV, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT]
    else:
        pytest.skip("neither hatchling nor uv is installed")
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


class Installed:
    """An environment with the wheel and, by a path file, the other packages of the running one."""

    def __init__(self, folder: Path, wheel: Path):
        venv.create(folder, with_pip=False, symlinks=True)
        self.programs = folder / "bin"
        (self.packages,) = folder.glob("lib/python*/site-packages")
        others = [path for path in sys.path if path.endswith("site-packages")]
        (self.packages / "others.pth").write_text("\n".join(others))
        python = self.programs / "python"
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index"]
        uv = [UV, "pip", "install", "--quiet", "--python", python, "--offline"]
        command = pip if find_spec("pip") is not None else uv
        subprocess.run(
            [*command, "--no-deps", "--ignore-installed" if command is pip else "--reinstall", wheel], check=True
        )

    def run(self, folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
        """What a program of the environment comes to in a folder, without this checkout on any path."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL", "DA_"))}
        program, *rest = map(str, words)
        with mortal() as mark:
            return subprocess.run(
                [self.programs / program, *rest],
                cwd=folder,
                env=kept | {"OMP_NUM_THREADS": "1"} | mark,
                capture_output=True,
                text=True,
            )

    def da(self, folder: Path, *words: str, code: int = 0) -> str:
        """Output of a command that must end with this exit code."""
        made = self.run(folder, "da", *words)
        assert made.returncode == code, made.stdout + made.stderr
        return made.stdout + made.stderr


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("environment"), wheel)


def test_the_wheel_holds_what_commands_read_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    code = {f"da/{file.relative_to(ROOT / 'da')}" for file in (ROOT / "da").rglob("*") if _is_content(file)}
    conf = {f"da/conf/{file.relative_to(ROOT / 'conf')}" for file in (ROOT / "conf").rglob("*.yaml")}
    benchmarks = {f"da/benchmarks/tables/{file.name}" for file in (ROOT / "benchmarks" / "tables").glob("*.yaml")}
    benchmarks |= {f"da/benchmarks/results/{file.name}" for file in (ROOT / "benchmarks" / "results").glob("*.json")}
    assert held == code | conf | benchmarks | {"da/benchmarks/equal.json"}
    assert wheel.stat().st_size < 3e6


def _is_content(file: Path) -> bool:
    return file.is_file() and file.suffix not in (".pyc", ".pyo")


def test_it_is_imported_from_its_environment(installed: Installed, tmp_path: Path) -> None:
    made = installed.run(tmp_path, "python", "-c", "import da.places as p; print(p.PACKAGE, p.INSTALLED, p.CONF)")
    package = installed.packages / "da"
    assert made.stdout.split() == [str(package), "True", str(package / "conf")]


def test_it_runs_what_is_built_in(installed: Installed, tmp_path: Path) -> None:
    assert "usage: da COMMAND" in installed.da(tmp_path)
    assert "coral" in installed.da(tmp_path, "list")
    assert installed.da(tmp_path, "train", "--help").startswith("usage: da train")
    demo = installed.da(tmp_path, "demo", "trainer.max_epochs=1", "steps_per_epoch=2", "evaluate_every=1")
    assert "target_only" in demo
    assert (tmp_path / "runs/demo/table.md").is_file()
    assert " checks passed" in installed.da(tmp_path, "checks", "coral")
    plan = installed.da(tmp_path, "benchmark", "table=digits_deep", "methods=dann", "seeds=0", "--dry-run")
    assert "1 methods on 2 tasks, 2 cells" in plan
    assert "--write needs a checkout of the repository" in installed.da(
        tmp_path, "benchmark", "table=digits_deep", "--write", code=2
    )
    assert "--mutants needs a checkout" in installed.da(tmp_path, "checks", "--mutants", "dann", code=2)
    chosen = installed.da(tmp_path, "choose", "data=toy", "data.samples=60", "methods=coral", "budget=60s")
    assert "coral" in chosen


def test_it_runs_ones_own_folder(installed: Installed, tmp_path: Path) -> None:
    own_folder.write(tmp_path)
    words = ["method=centred,means,unadapted", "data=shifted", "network=tiny", "seed=0,1", *QUICK]
    made = installed.da(tmp_path, "train", "-m", *words, "launcher=processes", "launcher.jobs=2")
    assert "4 finished" in made, "closed-form methods draw nothing, and are run once"
    report = installed.da(tmp_path, "report")
    assert all(name in report for name in ("centred", "means", "unadapted"))
    assert (tmp_path / "runs/report.html").is_file()
    again = ["method=centred", "data=shifted", "network=tiny", *QUICK]
    assert "rerun=stale" not in installed.da(tmp_path, "train", *again)
    file = tmp_path / "mine.py"
    file.write_text(file.read_text().replace("SCALE = 1.0", "SCALE = 0.5"))
    assert "made by other code, rerun=stale runs it again" in installed.da(tmp_path, "train", *again)
    assert "finished method=centred" in installed.da(tmp_path, "train", *again, "rerun=stale")
    assert "did you mean 'centred'" in installed.da(tmp_path, "train", "method=centerd", "data=shifted", code=2)


def test_it_starts_a_method_and_data_of_ones_own(installed: Installed, tmp_path: Path) -> None:
    written = installed.da(tmp_path, "new", "method", "shrunk", "--family", "subspace")
    assert "da train method=shrunk" in written
    installed.da(tmp_path, "new", "data", "measured")
    assert "finished method=shrunk data=measured" in installed.da(tmp_path, "train", "method=shrunk", "data=measured")


def test_it_finds_a_package_that_registers(installed: Installed, tmp_path: Path) -> None:
    package = installed.packages / "plugged"
    package.mkdir()
    (package / "__init__.py").touch()
    own_folder.write(package, "methods")
    for file in package.glob("conf/*/*.yaml"):
        file.write_text(file.read_text().replace("_target_: methods.", "_target_: plugged.methods."))
    about = installed.packages / "plugged-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[da.conf]\nplugged = plugged\n")
    try:
        made = installed.da(tmp_path, "train", "-m", "method=means,centred", "data=shifted", "network=tiny", *QUICK)
        assert "2 finished" in made
    finally:
        (about / "entry_points.txt").unlink()
