"""The configuration folder is the registry."""

import ast
import inspect
import shutil
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from da import signatures
from da.config import catalog
from da.errors import ConfigError
from da.methods.base import Method
from da.setting import ALL, DIFFERENT, Access
from da.signatures import find

OWN = [(group, e) for group in ("method", "data") for e in catalog.entries(group).values()]
GROUPS = ("method", "data", "network", "classifier", "optimizer", "trainer", "logger", "features")


@pytest.mark.parametrize(("group", "package", "constant"), [("method", "methods", "needs"), ("method", "estimators", "needs"), ("data", "data", "offers")])  # fmt: skip
def test_every_class_has_a_yaml_and_the_reverse(group: str, package: str, constant: str) -> None:
    classes = {
        path
        for path in catalog.classes(package, constant)
        if not path.startswith("da.methods.base") and "regression" not in find(path).constants
    }
    named = {e.path for e in catalog.entries(group).values() if e.path.startswith(f"da.{package}.")}
    assert named == classes


@pytest.mark.parametrize(("group", "entry"), OWN, ids=lambda x: getattr(x, "name", x))
def test_yaml_values_are_the_defaults(group: str, entry: catalog.Entry) -> None:
    given = {key: value for key, value in entry.config.items() if key != "_target_"}
    signature = inspect.signature(entry.locate())
    defaults = {p.name: p.default for p in signature.parameters.values()}
    assert given == defaults
    for parameter in signature.parameters.values():
        assert parameter.kind == parameter.KEYWORD_ONLY, f"{entry.name}.{parameter.name} must be keyword-only"
        assert parameter.annotation is not parameter.empty


@pytest.mark.parametrize(("group", "entry"), OWN, ids=lambda x: getattr(x, "name", x))
def test_the_static_reading_agrees_with_the_import(group: str, entry: catalog.Entry) -> None:
    made = entry.locate()
    assert entry.access == (made.needs if group == "method" else made.offers)
    assert set(entry.signature.keywords()) == set(inspect.signature(made).parameters)
    assert entry.summary == inspect.getdoc(made).splitlines()[0]


@pytest.mark.parametrize("name", catalog.entries("method"))
def test_methods_are_documented(name: str) -> None:
    entry = catalog.named("method", name)
    assert entry.summary.endswith((".", ":")) or ":" in entry.summary
    assert entry.reference, f"{name} has no Reference"
    for parameter in entry.signature.keywords():
        assert f"{parameter}:" in entry.signature.doc, f"{name} does not document '{parameter}'"


def test_the_file_of_a_method_carries_its_name() -> None:
    for entry in catalog.entries("method").values():
        assert entry.path.split(".")[-2] == entry.name


@pytest.mark.parametrize("group", GROUPS)
def test_every_option_of_every_group_is_allowed_and_fits_its_signature(group: str) -> None:
    for entry in catalog.entries(group).values():
        for key in entry.config:
            assert key == "_target_" or key in entry.signature.keywords(), f"conf/{group}/{entry.name}.yaml: {key}"


def test_methods_do_not_mention_data() -> None:
    text = "".join((catalog.CONF / "method" / f"{name}.yaml").read_text() for name in catalog.entries("method"))
    for name in catalog.entries("data"):
        assert f"data={name}" not in text
        assert f"da.data.{name}" not in text


def test_experiments_are_deltas() -> None:
    """Each line of an experiment changes something."""
    from da.config.compose import compose
    from da.config.validate import validate

    for file in sorted((catalog.CONF / "experiment").glob("*.yaml")):
        content = OmegaConf.to_container(OmegaConf.load(file))
        groups = {
            key.removeprefix("override /"): value for item in content.get("defaults", []) for key, value in item.items()
        }
        base = compose([f"{group}={value}" for group, value in groups.items()])
        validate(compose([f"experiment={file.stem}"]))
        for key, value in content.items():
            if key == "defaults":
                continue
            flat = {f"{key}.{inner}": v for inner, v in value.items()} if isinstance(value, dict) else {key: value}
            for path, changed in flat.items():
                assert OmegaConf.select(OmegaConf.create(base), path) != changed, f"{file.name}: {path} changes nothing"


FUNCTIONS = ("os.system", "subprocess.run", "builtins.eval", "da.files.locate", "da.engine.run.run", "da.data.readers.read_table", "da.cli.train.train")  # fmt: skip


@pytest.mark.parametrize("target", FUNCTIONS)
@pytest.mark.parametrize("where", [*GROUPS, "launcher", "sweep", "features.network", "config"])
def test_functions_are_no_part_of_a_configuration(where: str, target: str) -> None:
    with pytest.raises(ConfigError, match=rf"_target_ '{target}' in {where} is not allowed: \S+") as caught:
        catalog.resolve(target, where)
    assert "\n" not in str(caught.value)
    for build in (catalog.build, catalog.factory):
        with pytest.raises(ConfigError, match="not allowed"):
            build({"_target_": target}, where=where)


@pytest.mark.parametrize(
    ("where", "target", "message"),
    [
        ("config", "da.data.digits.np.load", "does not exist"),
        ("method", "da.methods.base.torch", "does not exist"),
        ("optimizer", "torch.optim.Adm", "does not exist; there is no 'Adm' in torch.optim"),
        (
            "optimizer",
            "torch.load",
            r"leads to torch.serialization.load, which is not allowed: optimizer takes what conf",
        ),
        (
            "optimizer",
            "torch.optim.lr_scheduler.StepLR",
            r"classes that derive from torch\.optim\.optimizer\.Optimizer",
        ),
        ("classifier", "sklearn.svm.SVR", r"which is not allowed: .* derive from sklearn\.base\.ClassifierMixin"),
        ("classifier", "sklearn.utils.all_estimators", "not allowed"),
        ("trainer", "pytorch_lightning.LightningModule", "not allowed"),
        ("trainer.strategy", "pytorch_lightning.strategies.DDPStrategy", "not allowed"),
        ("network", "da.methods.transductive.dann.DANN", r"network takes .* derive from da\.nn\.networks\.Network"),
        ("method", "da.nn.networks.MLP", r"da\.methods\.base\.Method or da\.estimators\.base\.Estimator"),
        ("logger", "da.engine.tracking.installed", r"not allowed: logger takes what conf/logger names; see"),
        ("launcher", "da.sweeps.search.Search", "not allowed"),
        ("classifier", "", "not allowed"),
        ("classifier", "..x", "not allowed"),
    ],
)
def test_a_group_takes_its_own_classes_only(where: str, target: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        catalog.resolve(target, where)


@pytest.mark.parametrize(
    ("where", "target"),
    [
        ("classifier", "sklearn.ensemble.RandomForestClassifier"),
        ("classifier", "sklearn.discriminant_analysis.LinearDiscriminantAnalysis"),
        ("classifier.estimator", "sklearn.tree.DecisionTreeClassifier"),
        ("classifier", "da.estimators.classifiers.linear.SVC"),
        ("optimizer", "torch.optim.AdamW"),
        ("network", "da.nn.networks.LeNet"),
        ("features.network", "da.nn.networks.auto"),
        ("method.weighting", "da.estimators.weighting.kmm.KMM"),
        ("trainer", "pytorch_lightning.Trainer"),
    ],
)
def test_a_group_takes_what_conf_names_and_classes_of_its_contract(where: str, target: str) -> None:
    assert catalog.resolve(target, where).path.startswith(target.partition(".")[0])


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of ``conf`` for YAMLs of one's own, and a module beside it that must not be imported."""
    shutil.copytree(catalog.CONF, tmp_path / "conf")
    monkeypatch.setattr(catalog, "CONF", tmp_path / "conf")
    (tmp_path / "ownlab.py").write_text(
        "raise SystemExit('imported')\nfrom sklearn import base, svm\nfrom da.nn.networks import MLP\n"
        "from da.setting import Access\n"
        "class Forest(base.ClassifierMixin): pass\nclass Machine(svm.SVC): pass\nclass Net(MLP): pass\n"
        "class Set:\n    offers = Access()\nclass Other: pass\ndef run(command): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "conf"


OWN_CLASSES = [("classifier", "Forest"), ("classifier", "Machine"), ("network", "Net"), ("data", "Set")]


@pytest.mark.parametrize(("group", "name"), OWN_CLASSES)
def test_classes_of_ones_own_are_taken_where_conf_names_their_module(own: Path, group: str, name: str) -> None:
    with pytest.raises(ConfigError, match=rf"'ownlab\.{name}' in {group} is not allowed"):
        catalog.resolve(f"ownlab.{name}", group)
    (own / group / "own.yaml").write_text(f"_target_: ownlab.{name}\n")
    catalog._targets.cache_clear()
    assert catalog.resolve(f"ownlab.{name}", group).path == f"ownlab.{name}"
    for other in ("Other", "run"):
        with pytest.raises(ConfigError, match="is not allowed"):
            catalog.resolve(f"ownlab.{other}", group)
    with pytest.raises(ConfigError, match="is not allowed"):
        catalog.resolve(f"ownlab.{name}", "trainer")
    assert "ownlab" not in sys.modules


def test_a_node_within_a_node_is_of_the_group_of_its_type() -> None:
    by_type = {"NetworkFactory": "network", "Weighting | None": "method", "int": None, "": None}
    for annotation, group in by_type.items():
        assert catalog.group_within(signatures.Parameter("encoder", annotation, None, False, True)) == group
    assert catalog.group_within(None) is None
    assert catalog.resolve("da.nn.networks.MLP", "method.encoder", "network").path == "da.nn.networks.MLP"


def test_an_estimator_can_be_given_by_the_name_of_its_entry() -> None:
    from da.estimators.weighting.logistic_ratio import LogisticRatio

    made = catalog.build({"_target_": "da.methods.instance.weighted_risk.WeightedRisk", "weighting": "logistic_ratio"})
    assert isinstance(made.weighting, LogisticRatio)


def test_signatures_follow_re_exports() -> None:
    found = find("torch.optim.Adam")
    assert found is not None
    assert found.path == "torch.optim.adam.Adam"
    assert {"lr", "betas", "weight_decay"} <= set(found.keywords())
    assert find("da.no_such.Thing") is None
    assert find("no_such_package.Thing") is None
    trainer = find("pytorch_lightning.Trainer")
    assert trainer is not None
    assert "max_epochs" in trainer.keywords()


def test_access_is_evaluated_and_nothing_else() -> None:
    from da.signatures import evaluate

    names = {"Access": Access, "ALL": ALL, "DIFFERENT": DIFFERENT}
    assert evaluate(ast.parse("Access(source_y=ALL, spaces=DIFFERENT)", mode="eval").body, names) == Access(source_y=ALL, spaces=DIFFERENT)  # fmt: skip
    for text in ("__import__('os')", "Access.__class__", "Access(source_y=print())"):
        with pytest.raises((KeyError, ValueError)):
            evaluate(ast.parse(text, mode="eval").body, names)


def test_lightning_methods_are_modules() -> None:
    deep = [e.locate() for e in catalog.entries("method").values() if not e.is_estimator]
    assert all(issubclass(made, Method) for made in deep)
    assert {e.family for e in catalog.entries("method").values()} >= {
        "transductive", "inductive", "heterogeneous", "unsupervised", "instance", "subspace", "weighting",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "takes"),
    [
        ("sklearn.neighbors.KNeighborsClassifier", False),
        ("sklearn.discriminant_analysis.LinearDiscriminantAnalysis", False),
        ("sklearn.naive_bayes.GaussianNB", True),
        ("da.estimators.classifiers.linear.SVC", True),  # by a class that it derives from
        ("sklearn.svm.LinearSVC", True),
        ("nowhere.Classifier", None),
    ],
)
def test_what_a_method_takes_is_read_without_importing_it(path: str, takes: bool | None) -> None:
    assert signatures.accepts(path, "fit", "sample_weight") is takes
