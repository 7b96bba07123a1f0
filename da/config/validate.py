"""Configurations: the schema, and the validation that every entry point uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from da.bounds import Positive, Seed, Steps
from da.config import catalog, evidence, foreign, machine, pretrained
from da.config.annotations import fits, read, takes_node, words
from da.config.home import expanded
from da.errors import ConfigError, DataError, Incompatible
from da.files import locate
from da.renamed import hint, now
from da.schedules import LEARNING_RATE
from da.setting import setting_of
from da.signatures import accepts, evaluate

RERUN = ("none", "failed", "stale", "all")
EMBEDDING = ("joint", "apart")
UNSET = {"embedding": "joint"}
"""Keys newer than the first records: at these values they are dropped, so that run ids do not change."""


@dataclass
class Frame:
    """All keys of a configuration; the groups, which come first, hold a ``_target_`` and its keywords."""

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
    clip: Positive | None = None
    batch_size: Steps = 64
    steps_per_epoch: Steps | None = None
    evaluate_every: Steps = 1
    shots: Steps = 3
    embedding: str = "joint"
    selection: str = "last"
    save_model: bool = True
    seed: Seed = 0
    output: str = "runs"
    rerun: str = "none"


GROUPS = ("method", "data", "network", "classifier", "optimizer", "trainer", "logger", "launcher")
OPTIONAL = ("features", "sweep")
KEYS = tuple(f.name for f in fields(Frame))
SIMPLE = {f.name: str(f.type) for f in fields(Frame) if f.name not in (*GROUPS, *OPTIONAL)}
"""Annotations of the keys that are not groups."""


@dataclass(frozen=True)
class Plan:
    """A validated configuration: plain, resolved and immutable."""

    config: dict[str, Any]
    method: catalog.Entry
    data: catalog.Entry

    @property
    def setting(self) -> str:
        """The name of the method's setting."""
        return setting_of(self.method.access)


def validate(config: Mapping[str, Any], *, domains_follow: bool = False) -> Plan:
    """Check a whole configuration without importing PyTorch or loading data.

    Args:
        config: a composed configuration.
        domains_follow: whether source and target will be set later.

    Raises:
        ConfigError: one sentence on the first error, with the nearest valid name.
        Incompatible: the method, the data and the classifier are valid, but cannot be combined.
    """
    for key, value in config.items():
        if key not in KEYS:
            raise ConfigError(f"There is no key {str(key)!r}{_in_file('', str(key), value)}; {hint(str(key), KEYS)}")
        if key in SIMPLE:
            _check(value, SIMPLE[key], str(key))
    try:
        plain = plain_of(OmegaConf.merge(OmegaConf.structured(Frame), dict(config)))
    except OmegaConfBaseException as error:
        message = str(error.msg or error).splitlines()[0].rstrip(".")
        raise ConfigError(f"{error.full_key or 'The configuration'} cannot be read: {message}.") from error
    plain = {key: expanded(value) for key, value in plain.items()}
    for group in OPTIONAL:
        if plain[group] is None:
            del plain[group]  # so that the ids of runs without an optional group do not change
    for group in (*GROUPS, *(group for group in OPTIONAL if group in plain)):
        check_node(plain[group], group)
    _check_values(plain)
    pretrained.refuse_silence(plain)
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
    if not domains_follow and (missing := _missing(plain["data"], data)):
        raise ConfigError(missing)
    evidence.check_planned(plain, method, data)
    return Plan(plain, method, data)


def cautions(plan: Plan) -> list[str]:
    """Sentences on settings that are allowed but rarely intended."""
    sentences = []
    scales = {"standardize": (True, "domain", "source"), "normalize": ("zscore",)}
    scaled = [
        f"data.{key}={str(value).lower()}"
        for key, values in scales.items()
        if (value := plan.config["data"].get(key)) in values and value != plan.data.config.get(key)
    ]
    if plan.method.family == "transport" and scaled:
        sentences.append(
            f"method={plan.method.name} moves samples by their distances, and {scaled[0]} gives all features "
            "the same weight in these: on features of a network transport lost 10 to 20 points by it. Leave it out, "
            "unless the features have different units."
        )
    return sentences


def _unweighted(node: Mapping[str, Any], method: catalog.Entry) -> str | None:
    """The reason why a classifier cannot follow a weighting method; None if it can, or if that is unknown."""
    if "trains_weighted" not in catalog.stated(method.signature):
        return None
    path = catalog.resolve(str(node["_target_"]), "classifier").path
    if accepts(path, "fit", "sample_weight") is not False:
        return None
    return (
        f"method={method.name} weighs samples, and {path.rpartition('.')[2]} takes no weights; use a classifier that "
        "does, such as classifier=logistic."
    )


def _missing(node: Mapping[str, Any], data: catalog.Entry) -> str | None:
    """A sentence on required keys of the data without a value; None if there are none."""
    if "required" not in data.signature.constants:
        return None
    keys = evaluate(data.signature.constants["required"], {})
    if all(node.get(key) for key in keys):
        return None
    *most, last = (f"data.{key}={what}" for key, what in keys.items())
    return f"data={data.name} needs {', '.join(most)} and {last}."


def _one_domain(node: Mapping[str, Any], data: catalog.Entry) -> str | None:
    """The reason if a domain would be adapted to itself, so that its labels are known; None otherwise.

    The same domain with different features, named by keys such as ``source_features`` and ``target_features``, counts
    as another one.
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
    """Whether two paths are the same file or folder."""
    try:
        return locate(str(a)).samefile(locate(str(b)))
    except DataError:  # missing files are reported when they are read
        return _one_name(a, b)


def check_node(node: dict[str, Any], where: str, group: str | None = None) -> None:
    """Check a ``_target_`` with its keys, and convert these to what its constructor takes.

    Args:
        node: plain node of a configuration; changed in place.
        where: its group, with a dotted path for an inner node.
        group: group of an inner node, if its key does not determine it.

    Raises:
        ConfigError: one sentence on the first error.
    """
    if "_target_" not in node:
        raise ConfigError(f"'{where}' has no _target_; choose one with {where}=NAME.")
    signature = catalog.resolve(str(node["_target_"]), where, group)
    known = signature.keywords()
    for key, value in node.items():
        if key == "_target_":
            continue
        place = f"{where}.{key}"
        if key not in known and not signature.open:
            in_file = _in_file(where, str(key), value, str(node["_target_"]))
            raise ConfigError(
                f"There is no key {place!r}{in_file}; {hint(str(key), known, prefix=f'{where}.', path=signature.path)}"
            )
        if reason := foreign.reserved(signature, key):
            raise ConfigError(f"{place} {reason}.")
        if isinstance(value, str) and (new := now(f"{place}={value}")):
            raise ConfigError(f"There is no {place}={value}; {new}")
        allowed = foreign.annotation(signature, key)
        if isinstance(value, dict) and "_target_" in value and takes_node(allowed):
            check_node(value, place, catalog.group_within(known.get(key)))
        elif isinstance(value, str) and catalog.takes_entry(allowed):
            _check_entry(value, allowed, place)
        else:
            _check(value, allowed, place)
            node[key] = read(value, allowed)


def _check(value: Any, annotation: str, where: str) -> None:
    """Check that a value has the type and range of its annotation."""
    if not fits(value, annotation):
        raise ConfigError(f"{where} must be {words(annotation)}, got {shortened(value)}.")


def shortened(value: Any) -> str:
    """Format a value for one line of a message, in the syntax of the command line."""
    plain = "null" if value is None else str(value).lower() if isinstance(value, bool) else None
    text = plain or repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _check_entry(name: str, kind: str, where: str) -> None:
    """Check that a closed-form estimator given by name exists and is of the kind that the parameter takes."""
    fitting = [
        e.name
        for e in catalog.entries("method").values()
        if catalog.kinds(e.signature) & {k.strip() for k in kind.split("|")}
    ]
    if name not in fitting:
        word = kind.split("|")[0].strip().lower()
        raise ConfigError(f"{where}={name} is not a {word}; {hint(name, fitting, prefix='method=')}")


def _check_values(plain: Mapping[str, Any]) -> None:
    """Check conditions beyond types and ranges of single keys."""
    if not plain["output"].strip():
        raise ConfigError("output must name a folder, got an empty text; output=runs is usual.")
    for key in ("label_column", "feature_key", "id_column"):
        if plain["data"].get(key) == "":
            raise ConfigError(f"data.{key} must name a column or an array, got an empty text; leave it out.")
    for key in ("max_epochs", "devices"):
        if plain["trainer"].get(key) is None:
            raise ConfigError(f"trainer.{key} is missing; choose a trainer, such as trainer=cpu.")
    momentum = plain["optimizer"]
    if momentum.get("nesterov") and not (momentum.get("momentum") and not momentum.get("dampening")):
        raise ConfigError(
            "optimizer.nesterov=true needs optimizer.momentum above 0 and no dampening; set optimizer.nesterov=false."
        )
    if momentum.get("fused") and momentum.get("foreach"):
        raise ConfigError("optimizer.fused and optimizer.foreach are two ways to do the same; set one of them.")
    if plain["trainer"]["accelerator"] == "cpu" and plain["trainer"].get("precision") == "16-mixed":
        raise ConfigError("trainer.precision=16-mixed needs a GPU; on trainer.accelerator=cpu use bf16-mixed.")
    world = devices(plain)
    if plain["batch_size"] % world:
        raise ConfigError(
            machine.lacking(plain["trainer"])
            or f"batch_size={plain['batch_size']} must be a multiple of trainer.devices={world}, which share it."
        )
    choices = {
        "schedule": LEARNING_RATE,
        "embedding": EMBEDDING,
        "rerun": RERUN,
        "selection": criteria(),
        "sweep.objective": criteria(),
    }
    values = {key: plain.get(key) for key in choices} | {"sweep.objective": plain.get("sweep", {}).get("objective")}
    for key, allowed in choices.items():
        value = values[key]
        if value is not None and value not in allowed:
            raise ConfigError(f"{key}={shortened(value)} is unknown; {hint(value, allowed, prefix=f'{key}=')}")


def devices(config: Mapping[str, Any]) -> int:
    """Number of processes that share a batch."""
    return int(config["trainer"].get("devices", 1))


def criteria() -> list[str]:
    """Names of the selection rules, from their files."""
    return sorted(f.stem for f in (catalog.ROOT / "da" / "selection").glob("*.py") if f.stem[0] != "_")


def plain_of(config: Any) -> dict[str, Any]:
    """Convert an OmegaConf configuration to plain, resolved values."""
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _in_file(group: str, key: str, value: Any, target: str = "") -> str:
    """The file of ``conf`` that sets a key of a group (or of the top level, if empty) to this value."""
    for file in sorted(catalog.CONF.rglob("*.yaml")):
        if f"{key}:" not in file.read_text(encoding="utf-8"):
            continue
        try:
            content: Any = OmegaConf.to_container(OmegaConf.load(file))
        except Exception:  # errors in the file are reported when it is read
            continue
        place = file.relative_to(catalog.CONF)
        for name in filter(None, group.split(".")[place.parent.name == group.split(".")[0] :]):
            content = content.get(name) if isinstance(content, dict) else None
        if isinstance(content, dict) and content.get("_target_", target) == target and content.get(key) == value:
            return f" (in conf/{place})"
    return ""
