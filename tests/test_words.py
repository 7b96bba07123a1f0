"""Names: one class a name, and standard terms in place of words that a reader of the field would not know."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from processes import ROOT

RETIRED = {
    "Arena": "ToyProblem",
    "Drawn": "what was drawn",
    "Handed": "Granted",
    "Mapping": "FeatureMapping, as Mapping is the standard library's",
    "Subject": "CheckedMethod",
    "Told": "Observation, or another RunObserver",
    "View": "Embedded, as a view is an augmentation",
    "Watch": "RunObserver",
    "beat": "heartbeat",
    "board": "leaderboard or tensorboard_run",
    "bury": "remove_stale_status",
    "called": "run_title",
    "chapter": "section",
    "divide": "grant and examine",
    "drive": "run_sweep",
    "fail": "write_failure",
    "figure": "score",
    "figures": "scores",
    "head": "record_header",
    "lost": "write_failure",
    "mortality": "parent_death",
    "nobody": "ignore",
    "outcome": "result",
    "reap": "requeue_dead_trials",
    "space": "search_space",
    "title": "run_title",
    "told": "error_message",
    "trial": "harness",
    "unloaded": "load_failure_directory",
    "view": "embed",
    "views": "embed_pair",
    "wanted": "needs_rerun",
}
"""Names that modules, classes and functions of modules had, and what they are called now."""


def named() -> Iterator[tuple[str, str]]:
    """Names of modules, and of the classes and functions at their top level, each with where it stands."""
    for file in sorted((ROOT / "da").rglob("*.py")):
        where = file.relative_to(ROOT).as_posix()
        yield file.stem, where
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                yield node.name, f"{where}:{node.lineno}"


def test_retired_names_do_not_come_back() -> None:
    wrong = [f"{where}: {name} is {RETIRED[bare]}" for name, where in named() if (bare := name.strip("_")) in RETIRED]
    assert not wrong, "\n".join(wrong)


def types(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names of the classes of a module, and of the types that its top level gives a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name, node.lineno
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and re.fullmatch("[A-Z][a-z]+([A-Z][a-z]*)*", target.id):
            yield target.id, node.lineno


def test_no_two_types_share_a_name() -> None:
    places = defaultdict(list)
    for file in sorted((ROOT / "da").rglob("*.py")):
        for name, line in types(ast.parse(file.read_text(encoding="utf-8"))):
            places[name].append(f"{file.relative_to(ROOT)}:{line}")
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert not twice
    assert len(places) > 200


def test_a_view_is_an_augmentation_and_nothing_else() -> None:
    """Tensors have a method of this name; methods of ours embed."""
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sorted((ROOT / "da").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name in {"view", "views"}
    ]
    assert not wrong
