"""Who may import whom, and how large a file may grow."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from processes import ROOT, finished

FILES = sorted((ROOT / "da").rglob("*.py"))

FLOORS = (
    ("bounds", "divergences", "errors", "metrics", "schedules", "search_space", "setting", "signatures"),
    ("domain", "files", "renamed"),
    ("estimators", "nn", "results", "selection"),
    ("config", "data", "methods"),
    ("analysis", "engine"),
    ("checks", "sweeps"),
    ("tables",),
    ("report",),
    ("cli",),
)
"""Folders and single files of the package, from the ground up: each imports from floors below its own."""
LEVELS = {name: level for level, names in enumerate(FLOORS) for name in names}
ONLY_IN = {
    "hydra": {"da.config.compose"},
    "wandb": {"da.engine.tracking"},
    "ot": {"da.estimators.transport"},
    "torchvision": {"da.nn.torchvision"},
    "jinja2": {"da.report.templating"},
    "matplotlib": {"da.tables.critical_difference", "da.analysis.embedding", "da.analysis.gallery"},
}


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room(module: str) -> str:
    """The folder, or the single file, that a module belongs to; empty for the package itself."""
    return module.split(".")[1] if "." in module else ""


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield f"{'.' * node.level}{node.module or ''}"
                continue
            for alias in node.names:
                child = f"{node.module}.{alias.name}"
                path = ROOT / child.replace(".", "/")
                yield child if path.with_suffix(".py").exists() or path.is_dir() else str(node.module)


def wrongly_imported(file: Path) -> Iterator[str]:
    own = name_of(file)
    for module in imported(file):
        top = module.split(".")[0]
        if not top:
            yield f"{own} imports {module}: relative imports hide who imports whom"
        if top == "da":
            here, there = room(own), room(module)
            if here and there not in ("", here) and LEVELS[there] >= LEVELS[here]:
                yield f"{own} imports {module}, which is not below it"
            siblings = own.startswith("da.methods.") and module.startswith("da.methods.")
            if siblings and module not in {"da.methods.base", "da.methods.inference", "da.methods.parts"}:
                yield f"{own} imports the method {module}; move what they share to da.nn or da.divergences"
        if top in ONLY_IN and not any(own.startswith(place) for place in ONLY_IN[top]):
            yield f"{own} imports {top}; only {', '.join(sorted(ONLY_IN[top]))} may"


def test_every_folder_has_its_floor_and_none_is_made_up() -> None:
    there = {file.stem if file.is_file() else file.name for file in (ROOT / "da").iterdir()}
    assert there - {"__init__", "__pycache__", "py"} == LEVELS.keys()


def test_places_that_alone_may_import_a_package_are_there() -> None:
    for place in {place for places in ONLY_IN.values() for place in places}:
        path = ROOT / place.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), place


def test_imports_go_down() -> None:
    wrong = [sentence for file in FILES for sentence in wrongly_imported(file)]
    assert not wrong, "\n".join(wrong)


def test_the_foundation_needs_the_standard_library_only() -> None:
    known = {"__future__", "ast", "collections", "dataclasses", "difflib", "enum", "functools", "importlib", "math",
             "pathlib", "typing"}  # fmt: skip
    wrong = [
        f"da.{name} imports {module}"
        for name in ("setting", "errors", "schedules", "search_space", "signatures", "bounds")
        for module in imported(ROOT / "da" / f"{name}.py")
        if module.split(".")[0] not in known
    ]
    assert not wrong, "\n".join(wrong)


def test_files_stay_small() -> None:
    sizes = {file: len(file.read_text().splitlines()) for file in FILES}
    wrong = [
        f"{name_of(file)} has {lines} lines; split it along an idea"
        for file, lines in sizes.items()
        if lines > (150 if file.is_relative_to(ROOT / "da" / "methods") else 400)
    ]
    assert not wrong, "\n".join(wrong)


def test_scripts_and_the_root_configuration_are_thin() -> None:
    wrong = [file.name for file in (ROOT / "scripts").glob("*.py") if len(file.read_text().splitlines()) > 40]
    assert not wrong, f"{wrong}: more than 40 lines; move what they do to da"
    assert len((ROOT / "conf" / "train.yaml").read_text().splitlines()) <= 27


def test_files_speak_of_the_project_alone() -> None:
    pattern = re.compile(r"""["'= (](/home|/root|/work|/tmp)/[a-z]|\.\./shared""")
    wrong = [
        f"{file.relative_to(ROOT)}: {found[0]}"
        for folder in ("da", "conf", "scripts", "tests", "benchmarks")
        for file in sorted((ROOT / folder).rglob("*"))
        if file.suffix in {".py", ".yaml", ".md"} and file != Path(__file__)
        for found in pattern.finditer(file.read_text())
    ]
    assert not wrong, "\n".join(wrong)


def test_importing_has_no_side_effects() -> None:
    """Every module imports without printing, and without PyTorch where help and lists need it."""
    code = "import sys, da.config.catalog, da.config.validate, da.results.store\n"
    code += "import da.cli.listing, da.cli.train, da.cli.docs, da.cli.scaffold\n"
    code += "assert not {'torch', 'sklearn', 'wandb', 'matplotlib', 'hydra'} & set(sys.modules)"
    done = finished("-W", "error", "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_tests_stand_where_what_they_test_stands() -> None:
    """A folder of tests bears the name of a folder of the package; published figures and benchmarks have their own."""
    folders = {file.relative_to(ROOT / "tests").parts[0] for file in (ROOT / "tests").glob("*/test_*.py")}
    assert folders - {"published", "benchmarks"} <= LEVELS.keys()
