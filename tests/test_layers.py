"""Who may import whom, and how large a file may grow."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from processes import ROOT, finished

FILES = sorted((ROOT / "da").rglob("*.py"))

# The longest prefix that fits decides; a module may import its own level and those below.
LEVELS = {
    "da": 0,
    "da.annotations": 0,
    "da.bounds": 0,
    "da.errors": 0,
    "da.mortality": 0,
    "da.setting": 0,
    "da.space": 0,
    "da.signatures": 0,
    "da.domain": 1,
    "da.schedules": 1,
    "da.metrics": 1,
    "da.divergences": 2,
    "da.data.files": 1,
    "da.nn": 2,
    "da.selection": 2,
    "da.estimators": 3,
    "da.methods": 5,
    "da.methods.base": 3,
    "da.methods.parts": 3,
    "da.inference": 4,
    "da.data": 5,
    "da.results": 5,
    "da.results.by_task": 8,
    "da.results.render": 8,
    "da.results.table": 8,
    "da.analysis": 5,
    "da.analysis.ranking": 8,
    "da.watch": 0,
    "da.checkpoint": 6,
    "da.evaluation": 6,
    "da.progress": 6,
    "da.training": 6,
    "da.assembly": 6,
    "da.checks": 7,
    "da.checks.__main__": 8,
    "da.accepted": 8,
    "da.arguments": 8,
    "da.catalog": 8,
    "da.codehash": 8,
    "da.compose": 8,
    "da.config": 8,
    "da.demo": 8,
    "da.docs": 8,
    "da.drawing": 8,
    "da.entry": 8,
    "da.evidence": 8,
    "da.foreign": 8,
    "da.grid": 8,
    "da.launch": 8,
    "da.listing": 8,
    "da.lock": 8,
    "da.machine": 8,
    "da.outcome": 8,
    "da.planned": 8,
    "da.pretrained": 8,
    "da.pairs": 8,
    "da.renamed": 8,
    "da.benchmark": 8,
    "da.report": 8,
    "da.rows": 8,
    "da.run": 8,
    "da.scaffold": 8,
    "da.start": 0,
    "da.sweeps": 8,
    "da.titles": 8,
    "da.worker": 8,
}
ONLY_IN = {
    "hydra": {"da.compose"},
    "wandb": {"da.results.tracking"},
    "ot": {"da.divergences.transport", "da.estimators.transport"},
    "torchvision": {"da.nn.torchvision"},
    "matplotlib": {"da.analysis.critical_difference", "da.analysis.embedding", "da.analysis.gallery"},
}


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def level(module: str) -> int:
    while module not in LEVELS:
        module = module.rpartition(".")[0]
    return LEVELS[module]


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
                yield child if (ROOT / child.replace(".", "/")).with_suffix(".py").exists() else str(node.module)


def wrongly_imported(file: Path) -> Iterator[str]:
    own = name_of(file)
    for module in imported(file):
        top = module.split(".")[0]
        if not top:
            yield f"{own} imports {module}: relative imports hide who imports whom"
        if top == "da":
            if level(module) > level(own):
                yield f"{own} imports {module}, which is above it"
            siblings = own.startswith("da.methods.") and module.startswith("da.methods.")
            if siblings and module not in {"da.methods.base", "da.methods.parts"}:
                yield f"{own} imports the method {module}; move what they share to da.nn or da.divergences"
        if top in ONLY_IN and not any(own.startswith(place) for place in ONLY_IN[top]):
            yield f"{own} imports {top}; only {', '.join(sorted(ONLY_IN[top]))} may"


def test_imports_go_down() -> None:
    wrong = [sentence for file in FILES for sentence in wrongly_imported(file)]
    assert not wrong, "\n".join(wrong)


def test_the_foundation_needs_the_standard_library_only() -> None:
    known = {"__future__", "ast", "collections", "dataclasses", "difflib", "enum", "functools", "importlib", "math",
             "pathlib", "typing"}  # fmt: skip
    wrong = [
        f"da.{name} imports {module}"
        for name in ("setting", "errors", "schedules", "space", "signatures", "bounds")
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
    assert len((ROOT / "conf" / "train.yaml").read_text().splitlines()) <= 26


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
    code = "import sys, da.catalog, da.config, da.listing, da.entry, da.docs, da.scaffold, da.results.store\n"
    code += "assert not {'torch', 'sklearn', 'wandb', 'matplotlib', 'hydra'} & set(sys.modules)"
    done = finished("-W", "error", "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
