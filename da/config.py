"""Configurations: the frame, and the one validation that every entry point uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from da import catalog
from da.data.files import locate
from da.errors import ConfigError, DataError, Incompatible
from da.home import expanded
from da.renamed import hint, now
from da.schedules import LEARNING_RATE
from da.setting import setting_of
from da.signatures import accepts

RERUN = ("none", "failed", "stale", "all")
EMBEDDING = ("joint", "apart")
PRECISION = ("32-true", "bf16-mixed", "16-mixed")
UNSET = {"embedding": "joint"}
"""Keys that came after the first records: at these values they stay out of a configuration, and so out of run ids."""
RESERVED = [
    "logger",
    "callbacks",
    "default_root_dir",
    "enable_checkpointing",
    "gradient_clip_val",
    "max_steps",
    "log_every_n_steps",
    "num_nodes",
]


@dataclass
class Frame:
    """Everything that a run is made of; the groups, which come first, hold a ``_target_`` and its keywords."""

    method: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    classifier: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    trainer: dict[str, Any] = field(default_factory=dict)
    logger: dict[str, Any] = field(default_factory=dict)
    launcher: dict[str, Any] = field(default_factory=dict)
    sweep: dict[str, Any] | None = None
    features: dict[str, Any] | None = None
    schedule: str = "constant"
    clip: float | None = None
    batch_size: int = 64
    steps_per_epoch: int | None = None
    evaluate_every: int = 1
    shots: int = 3
    embedding: str = "joint"
    selection: str = "last"
    seed: int = 0
    output: str = "runs"
    rerun: str = "none"


GROUPS = ("method", "data", "network", "classifier", "optimizer", "trainer", "logger", "launcher")
OPTIONAL = ("features", "sweep")
KEYS = tuple(f.name for f in fields(Frame))


@dataclass(frozen=True)
class Plan:
    """A validated configuration: plain, resolved, never changed again."""

    config: dict[str, Any]
    method: catalog.Entry
    data: catalog.Entry

    @property
    def setting(self) -> str:
        """The name of the method's setting."""
        return setting_of(self.method.access)


def validate(config: Mapping[str, Any]) -> Plan:
    """Check a whole configuration without importing PyTorch or loading data.

    Raises:
        ConfigError: one sentence on the first thing wrong, with the nearest right name.
    """
    for key in config:
        if key not in KEYS:
            raise ConfigError(f"There is no key '{key}'{_in_file(key)}; {hint(str(key), KEYS)}")
    try:
        typed = OmegaConf.merge(OmegaConf.structured(Frame), dict(config))
    except OmegaConfBaseException as error:
        raise ConfigError(f"Key '{error.full_key}': {str(error.msg).splitlines()[0]}") from error
    plain = {key: expanded(value) for key, value in plain_of(typed).items()}
    for group in OPTIONAL:
        if plain[group] is None:
            del plain[group]  # most runs have none, and are the same as before there were any
    for group in (*GROUPS, *(group for group in OPTIONAL if group in plain)):
        _check_node(plain[group], group)
    _check_values(plain)
    for key, value in UNSET.items():
        if plain[key] == value:
            del plain[key]
    method = catalog.entry_of("method", plain["method"]["_target_"])
    data = catalog.entry_of("data", plain["data"]["_target_"])
    lacking = data.access.lacks(method.access)
    if lacking:
        raise Incompatible(
            f"method={method.name} cannot run on data={data.name}: the data do not offer {', '.join(lacking)}."
        )
    if refused := _unweighted(plain["classifier"], method):
        raise Incompatible(refused)
    if same := _one_domain(plain["data"], data):
        raise Incompatible(f"data={data.name}: {same}")
    return Plan(plain, method, data)


def cautions(plan: Plan) -> list[str]:
    """What is allowed and seldom wanted, a sentence each."""
    said = []
    scales = {"standardize": (True, "domain", "source"), "normalize": ("zscore",)}
    scaled = [
        f"data.{key}={str(value).lower()}"
        for key, values in scales.items()
        if (value := plan.config["data"].get(key)) in values and value != plan.data.config.get(key)
    ]
    if plan.method.family == "transport" and scaled:
        said.append(
            f"method={plan.method.name} moves samples by their distances, and {scaled[0]} gives all features "
            "the same weight in these: on features of a network transport lost 10 to 20 points by it. Leave it out, "
            "unless the features have different units."
        )
    return said


def _unweighted(node: Mapping[str, Any], method: catalog.Entry) -> str | None:
    """Why a classifier cannot follow a method that weighs samples; None where it can, or where that is not known."""
    if "trains_weighted" not in catalog.stated(method.signature):
        return None
    path = catalog.resolve(str(node["_target_"]), "classifier").path
    if accepts(path, "fit", "sample_weight") is not False:
        return None
    return (
        f"method={method.name} weighs samples, and {path.rpartition('.')[2]} takes no weights; use a classifier that "
        "does, such as classifier=logistic."
    )


def _one_domain(node: Mapping[str, Any], data: catalog.Entry) -> str | None:
    """Why a domain would be adapted to itself, whose target labels would be the source's; None where it is not.

    The same domain seen through other features, named by keys such as ``source_features`` and ``target_features``, is
    another one.
    """
    if node.get("target") is None or node.get("source") is None:
        return None
    for key in node:
        other = f"target{key.removeprefix('source')}"
        if key.startswith("source_") and other in node and node[key] != node[other]:
            return None
    sources = node["source"] if isinstance(node["source"], list) else [node["source"]]
    alike = _one_file if "named_by_files" in data.signature.constants else _one_name
    if any(alike(source, node["target"]) for source in sources):
        if len(sources) == 1:
            return f"data.source and data.target are both '{node['target']}'; name two different domains."
        return f"data.source holds the target '{node['target']}'; leave it out."
    test = node.get("target_test")
    if test is not None and any(alike(source, test) for source in sources):
        return f"data.target_test='{test}' is a source as well; report on samples that no label was seen of."
    if test is not None and alike(test, node["target"]):
        return (
            f"data.target_test and data.target are both '{test}'; to adapt to what is reported on, leave out "
            "data.target_test and set data.test_fraction=0, so that the record says so."
        )
    return None


def _one_name(a: Any, b: Any) -> bool:
    return str(a) == str(b)


def _one_file(a: Any, b: Any) -> bool:
    """Whether two spellings lead to one file or folder."""
    try:
        return locate(str(a)).samefile(locate(str(b)))
    except DataError:  # missing files are told of when they are read
        return _one_name(a, b)


def _check_node(node: Mapping[str, Any], where: str) -> None:
    if "_target_" not in node:
        raise ConfigError(f"'{where}' has no _target_; choose one with {where}=NAME.")
    signature = catalog.resolve(str(node["_target_"]), where)
    known = signature.keywords()
    for key, value in node.items():
        if key == "_target_":
            continue
        if key not in known and not signature.open:
            raise ConfigError(
                f"There is no key '{where}.{key}'{_in_file(key)}; {hint(str(key), known, prefix=f'{where}.')}"
            )
        if isinstance(value, str) and (new := now(f"{where}.{key}={value}")):
            raise ConfigError(f"There is no {where}.{key}={value}; {new}")
        if isinstance(value, Mapping) and "_target_" in value:
            _check_node(value, f"{where}.{key}")
        elif isinstance(value, str) and key in known and catalog.takes_entry(known[key].annotation):
            _check_entry(value, known[key].annotation, f"{where}.{key}")
        elif key in known and not fits(value, known[key].annotation):
            raise ConfigError(f"{where}.{key} must be {known[key].annotation}, got {value!r}.")
    if where == "trainer":
        for key in RESERVED:
            if key in node:
                raise ConfigError(f"trainer.{key} is set by the run itself; remove it.")


def _check_entry(name: str, kind: str, where: str) -> None:
    """A closed-form estimator given by name must exist and be of the kind that the parameter takes."""
    fitting = [
        e.name
        for e in catalog.entries("method").values()
        if catalog.kinds(e.signature) & {k.strip() for k in kind.split("|")}
    ]
    if name not in fitting:
        word = kind.split("|")[0].strip().lower()
        raise ConfigError(f"{where}={name} is not a {word}; {hint(name, fitting, prefix='method=')}")


def fits(value: Any, annotation: str) -> bool:
    """Whether a plain value fits an annotation as written in source; annotations of other kinds accept anything."""
    return (
        any(_fits_one(value, part.strip()) for part in re.split(r"\|(?![^\[]*\])", annotation)) if annotation else True
    )


def _fits_one(value: Any, kind: str) -> bool:
    number = isinstance(value, int) and not isinstance(value, bool)
    if kind == "None":
        return value is None
    if kind.startswith("list["):
        return isinstance(value, list) and all(fits(item, kind[5:-1]) for item in value)
    if kind.startswith("Literal["):
        return value in ast.literal_eval(kind.removeprefix("Literal"))
    simple = {
        "int": number,
        "float": number or isinstance(value, float),
        "bool": isinstance(value, bool),
        "str": isinstance(value, str),
    }
    return simple.get(kind, True)


def _check_values(plain: Mapping[str, Any]) -> None:
    for key in ("batch_size", "evaluate_every", "shots", "steps_per_epoch"):
        if plain[key] is not None and plain[key] < 1:
            raise ConfigError(f"{key} must be at least 1, got {plain[key]}.")
    if plain["seed"] < 0:
        raise ConfigError(f"seed must be at least 0, got {plain['seed']}.")
    if plain["clip"] is not None and plain["clip"] <= 0:
        raise ConfigError(f"clip must be above 0, got {plain['clip']}; use clip=null for none.")
    rate = plain["optimizer"].get("lr")
    if isinstance(rate, int | float) and rate <= 0:
        raise ConfigError(f"optimizer.lr must be above 0, got {rate}.")
    strength = plain["classifier"].get("C")
    if isinstance(strength, int | float) and strength <= 0:
        raise ConfigError(f"classifier.C must be above 0, or cv to have it chosen, got {strength}.")
    epochs = plain["trainer"].get("max_epochs")
    if not isinstance(epochs, int) or epochs < 1:
        raise ConfigError(f"trainer.max_epochs must be at least 1, got {epochs}.")
    world = devices(plain)
    if plain["batch_size"] % world:
        raise ConfigError(
            f"batch_size={plain['batch_size']} must be a multiple of trainer.devices={world}, which share it."
        )
    precision = plain["trainer"].get("precision", "32-true")
    if str(precision) not in (*PRECISION, "32"):
        raise ConfigError(f"trainer.precision={precision} is not supported; use {', '.join(PRECISION)}.")
    choices = {"schedule": LEARNING_RATE, "embedding": EMBEDDING, "rerun": RERUN, "selection": criteria()}
    for key, allowed in choices.items():
        if plain[key] not in allowed:
            raise ConfigError(f"{key}='{plain[key]}' is unknown; {hint(plain[key], allowed, prefix=f'{key}=')}")


def devices(config: Mapping[str, Any]) -> int:
    """Number of processes that share a batch.

    Raises:
        ConfigError: ``trainer.devices`` is not a number of at least 1.
    """
    count = config["trainer"].get("devices", 1)
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ConfigError(f"trainer.devices must be a number of at least 1, got {count!r}.")
    return count


def criteria() -> list[str]:
    """Names of the selection rules, found by file."""
    return sorted(f.stem for f in (catalog.ROOT / "da" / "selection").glob("*.py") if f.stem[0] != "_")


def plain_of(config: Any) -> dict[str, Any]:
    """An OmegaConf configuration as plain, resolved values."""
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _in_file(key: Any) -> str:
    """Where in ``conf`` a key is written, for messages."""
    pattern = re.compile(rf"^\s*{re.escape(str(key))}\s*:", re.MULTILINE)
    for file in sorted(catalog.CONF.rglob("*.yaml")):
        if pattern.search(file.read_text(encoding="utf-8")):
            return f" (in conf/{file.relative_to(catalog.CONF)})"
    return ""
