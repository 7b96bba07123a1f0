"""The mutation gate: what it makes wrong, whom it excuses, and that it opens for this project."""

import ast
import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path

import pytest
import suite
from changed import changed
from wrong_versions import WRONG

from da.checks import __main__ as shell
from da.checks import gate
from da.checks.gate import NoTests, Target, Verdict, complaints, judge
from da.checks.mutants import mutants
from da.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent.parent
TARGETS = shell.targets()
SAMPLE, MOST = 5, 4  # wrong versions of a changed module, and modules, in the default run


def changes(source: str) -> list[str]:
    return [m.change for m in mutants(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(a, b): c = a + b", ["sign: a + b -> a - b"]),
        ("def f(a, b): c = [a] + b", []),
        ("def f(a, b): c = 'text' + b", []),
        ("def f(a): c = -a.mean()", ["sign: -a.mean() -> a.mean()"]),
        ("def f(a): c = a[:, -1]", []),
        ("def f(a): a += 1", ["sign: a += 1 -> a -= 1"]),
        ("def f(a) -> Tensor: return a.sum()", ["sign: a.sum() -> -a.sum()", "factor: a.sum() -> 2.0 * a.sum()"]),
        ("def f(a) -> str: return a.sum()", []),
        ("def f(a, w): c = w * a", ["factor: w * a -> 2.0 * (w * a)"]),
        ("def f(a): c = a.detach()", ["detach: a.detach() -> a"]),
        ("def f(a):\n with torch.no_grad():\n  g(a)", ["detach: with torch.no_grad(): g(a) -> if True: g(a)"]),
        ("def f(p): c = sigmoid_ramp(p)", ["ramp: sigmoid_ramp(p) -> 1.0"]),
        ("def f(self, progress): c = self.first(progress)", ["ramp: progress -> 1.0"]),
        ("def f(z_s): c = g(z_s)", ["domains: z_s -> z_t"]),
        ("def f(batch): c = batch.source", ["domains: batch.source -> batch.target"]),
        ("def f(v): source, target = v", ["domains: (source, target) -> (target, source)"]),
        ("def f(n): return [Phase(g, repeat=n)]", ["repeat: repeat=n -> repeat=1"]),
        ("def f(a, b): c = g(a, b)", ["transpose: g(a, b) -> g(b, a)"]),
        ("def f(a, b): c = coral(a, b)", []),
        ("def f(a, b): c = a @ b", ["transpose: a @ b -> b @ a"]),
        ("def f(a: int = -g) -> 'x':\n '''a + b'''", []),
        ("class A:\n x = a + b\n def __init__(self, *, w): self.w = w * 2", []),
        ("def f(a): raise E(a + 1)", []),
        ("x = a + b", []),
    ],
)
def test_each_operator_at_its_sites_and_nowhere_else(source, expected) -> None:
    assert changes(source) == expected


def test_terms_of_a_loss_get_a_sign_and_a_factor() -> None:
    source = "def terms(self, b) -> Terms:\n return {'task': l(b), 'adv': -w(b)}"
    assert Counter(m.operator for m in mutants(source)) == {"sign": 2, "factor": 2}


def test_a_wrong_version_differs_in_one_place() -> None:
    source = "def f(a, b):\n    c = a + b\n    return g(c, a) - g(a, c)"
    right = ast.unparse(ast.parse(source))
    for mutant in mutants(source):
        assert mutant.source != right
        assert sum(a != b for a, b in zip(mutant.source.splitlines(), right.splitlines(), strict=True)) == 1
        assert source.splitlines()[mutant.line - 1].strip() == mutant.text


@pytest.fixture
def little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A module of two functions, of which the test knows one."""
    (tmp_path / "da").mkdir()
    (tmp_path / "da" / "little.py").write_text(
        "def plus(a, b) -> float:\n    return a + b\n\n\ndef untested(a, b):\n    c = a - b\n    return c\n"
    )
    test = tmp_path / "test_little.py"
    test.write_text("from da.little import plus\n\n\ndef test_plus():\n    assert plus(1, 2) == 3\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    monkeypatch.setattr(gate, "ROOT", tmp_path)
    monkeypatch.setattr(gate, "EXCUSES", tmp_path / "excused.toml")
    return Target("little", "da.little", (test,))


EXCUSE = """[[excused]]
name = "little"
line = "c = a - b"
change = "sign: a - b -> a + b"
reason = "a reason of some length, as is asked for"
"""


def test_what_is_tested_is_killed_and_what_is_not_survives(little) -> None:
    verdict = judge(little)
    assert {m.change for m in verdict.killed} == {
        "sign: a + b -> a - b",
        "sign: a + b -> -(a + b)",
        "factor: a + b -> 2.0 * (a + b)",
    }
    assert [m.change for m in verdict.survivors] == ["sign: a - b -> a + b"]
    assert verdict.share == 0.75
    (said,) = complaints([verdict], [little])
    assert "little: 3 of 4 wrong versions are noticed, fewer than 95%" in said


def test_an_excuse_counts_for_the_line_it_names(little) -> None:
    gate.EXCUSES.write_text(EXCUSE)
    verdict = judge(little)
    assert (len(verdict.killed), len(verdict.survivors), len(verdict.excused)) == (3, 0, 1)
    assert not complaints([verdict], [little])
    gate.EXCUSES.write_text(EXCUSE.replace("c = a - b", "c = a  - b"))
    assert "needs no excuse; remove that" in complaints([judge(little)], [little])[1]


def test_excuses_without_reason_and_too_many_of_them_are_complained_of(little) -> None:
    gate.EXCUSES.write_text(EXCUSE.replace("a reason of some length, as is asked for", "because"))
    verdict = judge(little)
    assert any("does not say why" in said for said in complaints([verdict], [little]))
    many = Verdict(little, verdict.killed, (), verdict.excused * 3)
    assert any("3 of 6 wrong versions are excused, more than 5%" in said for said in complaints([many], [little]))


def test_tests_that_are_missing_or_fail_by_themselves_are_said(little) -> None:
    with pytest.raises(NoTests, match=r"little has no test_other.py; write the equations out there"):
        judge(Target("little", "da.little", (little.tests[0].with_name("test_other.py"),)))
    little.tests[0].write_text("def test_wrong():\n    assert False\n")
    with pytest.raises(NoTests, match="fail without any change"):
        judge(little)
    little.tests[0].write_text("")
    with pytest.raises(NoTests, match="could not run the tests"):
        judge(little)


def test_a_wrong_version_that_hangs_is_killed(little, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "SECONDS", 1)
    code, _ = gate.run(little, "while True:\n    pass\n")
    assert code not in (gate.PASSED, gate.FAILED)


def test_tests_that_were_imported_before_are_imported_anew() -> None:
    """As in a worker, which has run the method's own test already."""
    target = TARGETS["deep_coral"]
    (test,) = target.tests
    name = f"tests.methods.{test.stem}"
    spec = importlib.util.spec_from_file_location(name, test)
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    source = target.file.read_text(encoding="utf-8")
    assert gate.run(target, source)[0] == gate.PASSED
    assert gate.run(target, source.replace("self.weight * coral", "coral"))[0] == gate.FAILED


def test_the_gate_leaves_the_modules_of_its_own_process_alone(little) -> None:
    import da.divergences.coral
    import da.methods.transductive.deep_coral

    before = da.divergences.coral, da.methods.transductive.deep_coral.DeepCORAL
    target = Target("coral", "da.divergences.coral", little.tests)
    assert {"da.divergences.coral", "da.methods.transductive.deep_coral"} <= gate.made_with(target.module)
    gate.run(target, "raise RuntimeError")
    import da.divergences.coral as again

    assert (again, da.methods.transductive.deep_coral.DeepCORAL) == before


def test_the_gate_speaks_through_the_shell(little, monkeypatch: pytest.MonkeyPatch, capsys, tmp_path) -> None:
    monkeypatch.setattr(shell, "targets", lambda: {"little": little})
    monkeypatch.setattr(shell, "COUNTS", tmp_path / "mutants.json")
    assert shell.main(["--mutants", "--write"]) == 1
    out, err = capsys.readouterr()
    assert "little                   3/4 killed" in out
    assert "survives: line 6, sign: a - b -> a + b" in out
    assert "fewer than 95%" in err
    assert json.loads((tmp_path / "mutants.json").read_text()) == {"little": {"total": 4, "killed": 3, "excused": 0}}
    with pytest.raises(ConfigError, match="nothing called 'litle' under the mutation gate; did you mean 'little'"):
        shell.main(["--mutants", "litle"])


def test_counts_are_those_of_the_source_as_it_is() -> None:
    """A changed source has other wrong versions: run the gate again with --write."""
    counts = json.loads((ROOT / "tests" / "mutants.json").read_text())
    assert list(counts) == sorted(TARGETS)
    for name, target in TARGETS.items():
        found = counts[name]
        again = f"python -m da.checks --mutants {name} --write"
        assert found["total"] == len(target.mutants()), f"{target.file} changed: {again}"
        assert found["killed"] >= gate.LEAST * (found["total"] - found["excused"]), again
    total, excused = (sum(c[key] for c in counts.values()) for key in ("total", "excused"))
    assert excused <= gate.MOST_EXCUSED * total


def test_an_average_method_has_fifteen_sites_and_more() -> None:
    counts = json.loads((ROOT / "tests" / "mutants.json").read_text())
    deep = [counts[name]["total"] for name, target in TARGETS.items() if target.module.startswith("da.methods")]
    assert sum(deep) >= 15 * len(deep)


def test_every_file_with_an_equation_is_guarded() -> None:
    by_processes = {"gather"}  # the two-process check of every method holds it
    for part in shell.PARTS:
        for file in (ROOT / "da" / part).glob("*.py"):
            known = file.stem.startswith("_") or file.stem in by_processes
            assert known or f"{part}.{file.stem}" in TARGETS, file


LATELY = suite.drawn(
    (
        name
        for name, target in TARGETS.items()
        if changed() & {file.relative_to(ROOT).as_posix() for file in (target.file, *target.tests)}
    ),
    MOST,
)


@pytest.mark.parametrize("name", LATELY)
def test_some_wrong_versions_of_what_changed_are_noticed(name: str) -> None:
    target = TARGETS[name]
    by_place = {f"{k} {m.change}": m for k, m in enumerate(target.mutants())}
    verdict = judge(target, [by_place[place] for place in suite.drawn(by_place, SAMPLE, salt=name)])
    assert not verdict.survivors, [f"line {m.line}, {m.change}" for m in verdict.survivors]


@pytest.mark.mutants
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_wrong_versions_are_noticed(name: str) -> None:
    verdict = judge(TARGETS[name])
    assert verdict.share >= gate.LEAST, [f"line {m.line}, {m.change}" for m in verdict.survivors]


@pytest.mark.parametrize(("name", "right", "wrong", "what"), WRONG, ids=[f"{w[0]}: {w[3]}" for w in WRONG])
def test_its_own_test_notices_a_mistake_that_was_made(name, right, wrong, what) -> None:
    target = TARGETS[name]
    source = target.file.read_text(encoding="utf-8")
    assert source.count(right) == 1, f"{target.file} has {source.count(right)} times: {right}"
    gate.prepare()
    code, said = gate.run(target, source.replace(right, wrong))
    assert code == gate.FAILED, said
