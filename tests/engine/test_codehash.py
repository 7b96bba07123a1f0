"""The hash of a run's code: what changes it, and what does not."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from da.config import catalog
from da.config.compose import compose
from da.engine import codehash
from da.signatures import parse

SAY = "import sys; from da.engine import codehash; print(*(codehash.of(path) for path in sys.argv[1:]))"
DANN, CORAL, DAN = (
    "da.methods.transductive.dann.DANN",
    "da.estimators.subspace.coral.CORAL",
    "da.methods.transductive.dan.DAN",
)


def hashes(root: Path, *paths: str) -> list[str]:
    environment = os.environ | {"PYTHONPATH": str(root)}
    made = subprocess.run(
        [sys.executable, "-c", SAY, *paths], capture_output=True, text=True, check=True, env=environment, cwd=root
    )
    return made.stdout.split()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("da", "conf"):
        shutil.copytree(catalog.ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} has {text.count(old)} of {old!r}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_what_is_computed_changes_it_and_only_of_what_computes_it(copy: Path) -> None:
    before = hashes(copy, DANN, CORAL, DAN)
    edit(
        copy / "da/divergences/adversarial.py", "torch.full_like(logits, label)", "torch.full_like(logits, 0.9 * label)"
    )
    assert [a == b for a, b in zip(before, hashes(copy, DANN, CORAL, DAN), strict=True)] == [False, True, True]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("da/divergences/mmd.py", "kernels: int = 5", "kernels: int = 4"),  # a default two calls away
        ("da/nn/update.py", "LOOK_EVERY = 50", "LOOK_EVERY = 51"),  # a constant of the base
        ("da/methods/transductive/dan.py", "import cross_entropy", "import nll_loss as cross_entropy"),  # of others
    ],
)
def test_it_follows_defaults_constants_and_names_of_other_packages(copy: Path, file: str, old: str, new: str) -> None:
    before = hashes(copy, DAN)
    edit(copy / file, old, new)
    assert hashes(copy, DAN) != before


@pytest.mark.parametrize(
    ("file", "old", "new", "parts"),
    [
        ("da/selection/entropy.py", ".sum(axis=1)", ".sum(axis=1) * 2.0", {"entropy"}),
        ("da/selection/_density_ratio.py", "WIDEST = 32", "WIDEST = 16", {"importance_weighted", "dev"}),
        ("da/metrics.py", "100.0 * np.mean(y == predicted)", "99.0 * np.mean(y == predicted)", {"evaluation"}),
        ("da/engine/evaluation.py", 'best = max(scored', 'best = min(scored', {"evaluation"}),
        ("da/methods/inference.py", "eval()", "train()", {"evaluation"}),
    ],
)  # fmt: skip
def test_what_scores_has_a_hash_for_each_rule_and_one_for_the_evaluation(copy: Path, file: str, old: str, new: str, parts: set[str]) -> None:  # fmt: skip
    say = "import json; from da.engine import codehash; print(json.dumps(codehash.of_scoring()))"
    command = [sys.executable, "-c", say]

    def made() -> dict[str, str]:
        environment = os.environ | {"PYTHONPATH": str(copy)}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=copy)
        found: dict[str, str] = json.loads(done.stdout)
        return found

    before = made()
    edit(copy / file, old, new)
    after = made()
    assert {part for part, code in before.items() if after[part] != code} == parts


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("da/engine/assembly.py", 'embedding: str = "joint"', 'embedding: str = "apart"', {"dan", "coral"}),
        ("da/engine/deep.py", "optimization, embedding\n", "optimization, 'joint'\n", {"dan"}),
        ("da/engine/closed_form.py", "np.random.seed(seed)", "np.random.seed(0)", {"coral"}),
        ("da/engine/lightning.py", '"use_distributed_sampler": False', '"use_distributed_sampler": True', {"dan"}),
        ("da/engine/run.py", 'seed=config["seed"], **parts', "seed=0, **parts", {"dan", "coral"}),
        ("da/engine/run.py", 'config.get("embedding", "joint")', '"joint"', {"dan"}),
        ("da/engine/run.py", "plan.config[f.name] for f", "plan.config[f.name] and None for f", {"dan", "coral"}),
        ("da/engine/run.py", "        settings_of(plan),\n", "        Settings(),\n", {"dan", "coral"}),
        ("da/engine/run.py", "threads=hardware.threads(of_torch=of_torch)", "threads=1", set()),
        ("da/estimators/transfer.py", "class Transfer:", "class Transfer:\n    other = 1", {"coral"}),
        ("da/schedules.py", "return 1.0", "return 1.5", {"dan"}),  # the default of every deep method
        ("da/schedules.py", "1.0 + math.cos", "1.1 + math.cos", set()),
        ("da/engine/progress.py", "class ProgressBar", "OTHER = 1\n\n\nclass ProgressBar", set()),
        ("da/metrics.py", "100.0 * np.mean(y == predicted)", "99.0 * np.mean(y == predicted)", set()),
    ],
)  # fmt: skip
def test_what_puts_a_run_together_is_part_of_it_and_what_shows_or_scores_it_is_not(copy: Path, file: str, old: str, new: str, changed: set[str]) -> None:  # fmt: skip
    say = (
        "from da.engine import codehash; from da.config.compose import compose;"
        "print(*(codehash.of_config(compose([f'method={name}', 'data=toy'])) for name in ('dan', 'coral')))"
    )

    def made() -> list[str]:
        environment = os.environ | {"PYTHONPATH": str(copy)}
        command = [sys.executable, "-c", say]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=copy)
        return done.stdout.split()

    before = made()
    edit(copy / file, old, new)
    after = made()
    assert {name for name, a, b in zip(("dan", "coral"), before, after, strict=True) if a != b} == changed


def test_documents_comments_annotations_unused_code_and_search_ranges_change_nothing(copy: Path) -> None:
    before = hashes(copy, DAN)
    edit(copy / "da/methods/transductive/dan.py", '    r"""Match', '    # a comment\n    r"""Really match')
    edit(copy / "da/methods/transductive/dan.py", "progress: float) -> Terms:", "progress: 'float') -> 'Terms':")
    edit(copy / "da/methods/transductive/dan.py", "log_uniform(0.1, 10.0)", "log_uniform(0.2, 10.0)")
    mmd = copy / "da/divergences/mmd.py"
    mmd.write_text(mmd.read_text() + "\n\ndef unused():\n    return 1\n", encoding="utf-8")
    assert hashes(copy, DAN) == before


def test_a_module_that_is_moved_changes_nothing(copy: Path) -> None:
    (before,) = hashes(copy, DAN)
    shutil.move(copy / "da/divergences/mmd.py", copy / "da/nn/discrepancy.py")
    for file in (copy / "da").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if "da.divergences.mmd" in text:
            file.write_text(text.replace("da.divergences.mmd", "da.nn.discrepancy"), encoding="utf-8")
    shutil.move(copy / "da/methods/transductive/dan.py", copy / "da/methods/transductive/aligned.py")
    assert hashes(copy, "da.methods.transductive.aligned.DAN") == [before]


def test_a_file_outside_of_the_project_is_hashed_by_its_definitions(tmp_path: Path) -> None:
    def of(text: str) -> str:
        (tmp_path / "a.py").write_text(text, encoding="utf-8")
        parse.cache_clear()
        return codehash.of_definitions(tmp_path / "a.py", "f", "N")

    before = of("N = 1\n\n\ndef f(x):\n    return x + N\n")
    assert of('N = 1\nOTHER = 2\n\n\ndef f(x: int):\n    """Adds."""\n    return x + N\n') == before
    assert of("N = 2\n\n\ndef f(x):\n    return x + N\n") != before
    assert of("N = 1\n\n\ndef f(x):\n    return x - N\n") != before


def test_a_configuration_names_all_that_it_computes_with() -> None:
    def of(*overrides: str) -> str:
        return codehash.of_config(compose(list(overrides)))

    base = of("method=coral", "data=toy")
    assert of("method=coral", "data=toy", "classifier=one_nn") != base
    assert of("method=coral", "data=toy", "classifier.C=3.0", "network=lenet", "data.shift=rotation") == base
    deep = of("method=dann", "data=toy")
    assert of("method=dann", "data=toy", "network=mlp") != deep
    assert of("method=dann", "data=toy", "schedule=inverse_decay") != deep
    assert of("method=dann", "data=toy", "classifier=one_nn", "method.weight=0.3") == deep
    assert of("method=weighted_risk", "data=toy", "method.weighting=kliep") != of("method=weighted_risk", "data=toy")


@pytest.mark.parametrize("name", sorted(catalog.entries("method")))
def test_every_method_reaches_its_own_computation(name: str) -> None:
    """Changing a number in the class's own source changes the hash: nothing of it is left out."""
    place = codehash.Place(*catalog.entries("method")[name].path.rpartition(".")[::2])
    texts, leads = codehash._reach(place)
    (text,) = [t for t in texts if t.startswith("ClassDef")]
    assert "FunctionDef" in text or leads
    assert "Expr(Constant('" not in text, "a docstring is left in"
    statement = codehash._module(place.module).definitions[place.name][0]
    methods = [n.name for n in ast.walk(statement) if isinstance(n, ast.FunctionDef)]
    assert all(f"'{method}'" in text for method in methods)
