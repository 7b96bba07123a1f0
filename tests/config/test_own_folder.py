"""A user's own ``conf`` and modules in the working folder, and packages that register: found, and told apart."""

import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import own_folder
import pytest

import da
from da import places
from da.cli import listing
from da.config import catalog, foreign
from da.config.compose import compose, expand
from da.config.validate import validate
from da.engine import codehash
from da.errors import ConfigError
from da.signatures import parse

TINY = ["trainer.max_epochs=1", "steps_per_epoch=2", "logger=none"]


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: None, request: pytest.FixtureRequest) -> Path:
    """A working folder with a module whose name no other test uses."""
    monkeypatch.chdir(own_folder.write(tmp_path, module_of(request.node)))
    return tmp_path


def module_of(node: pytest.Item) -> str:
    return "own_" + "".join(c if c.isalnum() else "_" for c in node.name)


def planned(*words: str):
    (plan,) = expand(list(words), multirun=False).plans
    return plan


def more(file: Path, code: str) -> None:
    file.write_text(file.read_text() + code)


def refusal(*words: str) -> str:
    with pytest.raises(ConfigError) as caught:
        planned(*words)
    return str(caught.value)


def test_what_a_folder_names_stands_beside_what_is_built_in(own: Path, request) -> None:
    found = catalog.entries("method")
    assert {"centred", "means", "heavy", "coral", "dann"} <= found.keys()
    assert [found[name].is_estimator for name in ("centred", "means", "heavy", "coral", "dann")] == [True, False, False, True, False]  # fmt: skip
    assert [found[name].family for name in ("centred", "means", "heavy", "coral")] == ["own", "moments", "moments", "subspace"]  # fmt: skip
    assert module_of(request.node) not in sys.modules, "the catalogue imports nothing"
    assert found["heavy"].access == found["means"].access
    assert {"shifted", "digits"} <= catalog.entries("data").keys()
    assert "tiny" in catalog.options("network")
    assert "  centred  " in listing.overview()
    assert re.search(r"^  moments +heavy, means$", listing.help_text(), re.MULTILINE)
    assert "| `centred` |" not in listing.methods_table(), "the pages of this project are about what is built in"


def test_an_experiment_and_overrides_compose_with_ones_own(own: Path) -> None:
    plan = planned("experiment=usual", "network=tiny", "classifier=plain", "method.weight=0.5")
    assert (plan.method.name, plan.data.name, plan.config["seed"]) == ("means", "shifted", 3)
    assert plan.config["method"]["weight"] == 0.5
    assert plan.config["network"]["width"] == 8
    assert planned("method=heavy", "data=shifted").config["method"]["weight"] == 5.0


def test_what_is_misspelt_is_told_as_of_the_built_in(own: Path) -> None:
    assert "did you mean 'centred'" in refusal("method=centerd", "data=shifted")
    assert "did you mean 'weight'" in refusal("method=means", "data=shifted", "method.wieght=1")
    assert "must be a number of at least 0" in refusal("method=means", "data=shifted", "method.weight=-1")
    assert "must be a whole number" in refusal("method=means", "data=shifted", "data.samples=many")
    assert "no key 'network.shape'" in refusal("method=means", "data=shifted", "network=tiny", "+network.shape=[3]")
    (own / "conf/experiment/wrong.yaml").write_text("# @package _global_\nmethod:\n  share: 2\n  shear: 1\n")
    assert "in conf/experiment/wrong.yaml" in refusal("method=centred", "data=shifted", "experiment=wrong")


def test_runs_of_ones_own_are_recorded_and_their_models_predict(own: Path) -> None:
    test = catalog.build({"_target_": catalog.named("data", "shifted").path}, where="data").load().target.test
    for name, family in (("centred", "own"), ("means", "moments")):
        made = da.run(f"method={name}", "data=shifted", "network=tiny", *TINY)
        assert (made.record.method, made.record.family, made.record.data) == (name, family, "shifted")
        assert not made.record.notes
        predicted = (da.load(made.directory).predict(test.x) == np.array(["no", "yes"])[test.y]).mean()
        assert 100.0 * predicted == pytest.approx(made.value)
        if name == "centred":
            assert predicted > 0.9 > 0.6 > da.run("method=unadapted", "data=shifted", "logger=none").value / 100.0


def test_the_hash_of_the_code_is_that_of_ones_own(own: Path, request) -> None:
    def hashes() -> list[str]:
        for cached in (parse, codehash.of, codehash._reach, codehash._module):
            cached.cache_clear()
        names = ("centred", "means", "coral")
        return [codehash.of_config(planned(f"method={name}", "data=shifted").config) for name in names]

    def edited(old: str, new: str) -> list[bool]:
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))
        made = hashes()
        file.write_text(text)
        return [a == b for a, b in zip(before, made, strict=True)]

    file = own / f"{module_of(request.node)}.py"
    before = hashes()
    assert edited("SCALE = 1.0", "SCALE = 2.0") == [False, True, True]
    assert edited("self.weight * gap", "self.weight * gap.sqrt()") == [True, False, True]
    assert edited("Match the mean features of both domains.", "Match means.") == [True, True, True]
    assert edited("4.0", "5.0") == [True, True, True], "of data the fingerprint says what they are"


def test_without_the_folder_built_in_methods_have_the_same_code(own: Path, tmp_path_factory, monkeypatch) -> None:
    def of_coral() -> str:
        for cached in (codehash.of, codehash._reach, codehash._module, codehash._is_module):
            cached.cache_clear()
        return codehash.of_config(planned("method=coral", "data=toy").config)

    (own / "numpy").mkdir()  # a folder that is not what `import numpy` finds
    within = of_coral()
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    assert of_coral() == within


def test_a_name_that_is_taken_is_refused(own: Path) -> None:
    file = own / "conf/method/coral.yaml"
    file.write_text((own / "conf/method/means.yaml").read_text())
    for words in (["method=means", "data=toy"], ["method=coral", "data=toy"]):
        assert "conf/method/coral.yaml has the name of a built-in one; rename one of your own." in refusal(*words)
    file.unlink()
    assert planned("method=means", "data=toy")
    (own / "conf/train.yaml").write_text("seed: 1\n")
    assert "defaults of your own are an experiment" in refusal("method=means", "data=toy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("weight: 1.0\n", "conf/method/odd.yaml names no class; its first line"),
        ("_target_: subprocess.run\n", "'subprocess.run' in conf/method/odd.yaml is not allowed"),
        ("_target_: subprocess.Popen\n", "is not allowed"),
        ("_target_: elsewhere.Method\n", "does not exist"),
        ("_target_: {module}.Absent\n", "there is no 'Absent'"),
    ],
)
def test_a_folder_names_its_own_code_alone(own: Path, request, text: str, message: str) -> None:
    (own / "conf/method/odd.yaml").write_text(text.format(module=module_of(request.node)))
    with pytest.raises(ConfigError) as caught:
        catalog.entries("method")
    assert message in str(caught.value)
    with pytest.raises(ConfigError):
        planned("method=odd", "data=toy")


def test_a_configuration_from_elsewhere_names_nothing_that_the_folder_does_not(own: Path, request) -> None:
    module = module_of(request.node)
    more(own / f"{module}.py", "\ndef wipe(folder='.'):\n    raise SystemExit\n\nclass Other: pass\n")
    config = compose(["method=means", "data=shifted"])
    for target in (f"{module}.wipe", f"{module}.Other", "shutil.rmtree"):
        for group in ("method", "data", "network"):
            with pytest.raises(ConfigError, match="is not allowed"):
                validate(config | {group: {"_target_": target}})


def test_a_file_that_is_no_python_is_told_by_its_line(own: Path, request) -> None:
    (own / "broken_of_own.py").write_text("class Broken(:\n")
    (own / "conf/method/odd.yaml").write_text("_target_: broken_of_own.Broken\n")
    assert "broken_of_own.py:1" in refusal("method=odd", "data=toy")


def test_annotations_of_ones_own_that_are_not_known_are_not_checked(own: Path, request) -> None:
    module = module_of(request.node)
    more(
        own / f"{module}.py",
        "\nclass Odd(Centred):\n    def __init__(self, *, a: 'Path' = '', b: list = (), c: tuple[int, ...] = (), "
        "d: dict[str, int] | None = None, e: np.ndarray | None = None): pass\n",
    )
    signature = catalog.resolve(f"{module}.Odd", "method")
    assert [foreign.annotation(signature, key) for key in "abcde"] == ["", "", "", "dict[str, int] | None", ""]


def test_another_checkout_is_nobodys_own_folder(own: Path) -> None:
    (own / "da").mkdir()
    (own / "da" / "places.py").touch()
    assert "means" not in catalog.entries("method")


def test_a_package_that_registers_is_found(tmp_path: Path, monkeypatch, path: None) -> None:
    package = tmp_path / "site" / "plugged_in"
    package.mkdir(parents=True)
    own_folder.write(package, "methods")
    (package / "__init__.py").touch()
    for file in package.glob("conf/*/*.yaml"):
        file.write_text(file.read_text().replace("_target_: methods.", "_target_: plugged_in.methods."))
    monkeypatch.syspath_prepend(tmp_path / "site")
    register(monkeypatch, EntryPoint("any", "plugged_in", places.GROUP))
    assert planned("experiment=usual", "network=tiny").method.path == "plugged_in.methods.Means"
    assert catalog.entries("method")["means"].family == "moments"
    assert places.is_ours("plugged_in.methods")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(own_folder.write(folder, "beside_a_package"))
    assert "plugged_in/conf/method/centred.yaml has the name of conf/method/centred.yaml" in refusal(
        "method=coral", "data=toy"
    )


def test_a_package_without_conf_is_told(monkeypatch) -> None:
    register(monkeypatch, EntryPoint("mine", "json", places.GROUP))
    with pytest.raises(ConfigError, match=r"entry point mine = 'json' of the group da\.conf must name a package that"):
        catalog.entries("method")


def register(monkeypatch: pytest.MonkeyPatch, point: EntryPoint) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point] if group == places.GROUP else [])
    monkeypatch.setattr(places, "plugins", places.plugins.__wrapped__)


def test_where_a_scaffold_writes(tmp_path: Path, monkeypatch) -> None:
    asked = ("method", "mine", "da/methods/transductive/mine.py", "tests/methods/test_mine.py")
    monkeypatch.chdir(places.ROOT / "tests")
    made = places.new_files(*asked)
    assert (made.code, made.test) == (places.ROOT / asked[2], places.ROOT / asked[3])
    assert (made.config, made.module) == (places.CONF / "method/mine.yaml", "da.methods.transductive.mine")
    monkeypatch.chdir(tmp_path)
    made = places.new_files(*asked)
    assert (made.code, made.test) == (tmp_path / "mine.py", tmp_path / "tests/test_mine.py")
    assert (made.config, made.module) == (tmp_path / "conf/method/mine.yaml", "mine")


def test_what_needs_a_checkout_says_so(monkeypatch, capsys) -> None:
    from da.checks.__main__ import main as checks
    from da.cli import benchmark

    monkeypatch.setattr(places, "INSTALLED", True)
    assert benchmark.main(["table=digits_deep", "--write"]) == 2
    assert "--write needs a checkout of the repository" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="--mutants needs a checkout"):
        checks(["--mutants", "dann"])
    assert places.environment() == {}
