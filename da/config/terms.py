"""Terms that a configuration adds to a method's loss: ``terms`` names them, ``term`` and ``term_weights`` set them.

In a validated configuration ``terms`` is sorted, ``term`` has a node of every one with all its keywords but the weight,
and ``term_weights`` has the weights. A configuration without terms has none of the three keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from da.config import catalog
from da.config.annotations import fits, words
from da.errors import ConfigError, Incompatible, nearest
from da.setting import SAME, Access

KEYS = ("terms", "term", "term_weights")
GROUP = "term"
JOINT = "+"
"""Between a method and its terms in names: ``dann+mcc``."""


def label(method: str, config: Mapping[str, Any]) -> str:
    """A method's name with those of its terms.

    >>> label("dann", {"terms": ["bsp", "mcc"]}), label("dann", {})
    ('dann+bsp+mcc', 'dann')
    """
    return JOINT.join([method, *config.get("terms", ())])


def spelled_out(words: Sequence[str]) -> list[str]:
    """Overrides as Hydra takes them: ``method=dann+mcc`` as a method and its terms, keys of terms as new keys.

    Args:
        words: the overrides of one run.

    Raises:
        ConfigError: terms are given in two ways, or chosen as a method is.
    """
    found: list[str] = []
    for word in words:
        key, equals, value = word.partition("=")
        method, _, names = value.partition(JOINT)
        if key == "method" and method and names and not value.startswith(("'", '"', "{")):
            if any(other.partition("=")[0] == "terms" for other in words):
                raise ConfigError(f"{word} and terms= name terms in two ways; write method={method} terms=[...].")
            found += [f"method={method}", f"terms=[{names.replace(JOINT, ',')}]"]
        elif key == GROUP and equals and not value.startswith("{"):
            raise ConfigError(f"{word} chooses nothing, as a run may have several terms; write terms=[{value}].")
        else:
            found.append(f"++{word}" if key.partition(".")[0] in KEYS[1:] else word)
    return found


def settle(plain: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Bring the keys of terms into the form of a validated configuration, in place, and return the nodes by name.

    Args:
        plain: a configuration, as people write it or already validated.

    Raises:
        ConfigError: a term is unknown or named twice, or a weight is none.
        Incompatible: a keyword or a weight is of a term that the run does not have.
    """
    names = sorted(plain.pop("terms", None) or [])
    given, weights = plain.pop("term", None) or {}, plain.pop("term_weights", None) or {}
    for name in names:
        _check_known(name)
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ConfigError(f"terms names '{twice[0]}' twice; name it once, with its factor in term_weights.{twice[0]}.")
    for key, name in [*(("term", name) for name in given), *(("term_weights", name) for name in weights)]:
        if name not in names:
            _check_known(name)
            raise Incompatible(f"{key}.{name} is of a term that this run does not have; add it by terms=[{name}].")
    nodes = {name: _node(name, given.get(name) or {}) for name in names}
    if names:
        factors = {name: _weight(name, weights) for name in names}
        plain |= {"terms": names, "term": nodes, "term_weights": factors}
    return nodes


def _check_known(name: Any) -> None:
    known = catalog.options(GROUP)
    if name not in known:
        raise ConfigError(f"There is no term '{name}'; {nearest(str(name), known)}")


def _node(name: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise ConfigError(f"term.{name} must be a mapping of the term's keywords, got {given!r}.")
    if "weight" in given:
        raise ConfigError(f"term.{name}.weight is set as term_weights.{name}; write it so.")
    entry = catalog.named(GROUP, name)
    if "weight" not in entry.config or "weight" not in entry.signature.keywords():
        raise ConfigError(f"The term {name} has no weight; give its constructor and conf/term/{name}.yaml one.")
    return {key: value for key, value in {**entry.config, **given}.items() if key != "weight"}


def _weight(name: str, weights: Mapping[str, Any]) -> float:
    entry = catalog.named(GROUP, name)
    value, allowed = weights.get(name, entry.config["weight"]), entry.signature.keywords()["weight"].annotation
    if not fits(value, allowed):
        raise ConfigError(f"term_weights.{name} must be {words(allowed)}, got {value!r}.")
    return float(value)


def node_of(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The whole node of a term of a validated configuration, its weight included."""
    return {**config["term"][name], "weight": config["term_weights"][name]}


def with_values(config: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A validated configuration with other keywords and weights of its terms.

    Args:
        config: validated.
        values: by key as on the command line: ``term_weights.mcc``, ``term.mcc.temperature``.
    """
    nodes = {name: dict(node) for name, node in config.get("term", {}).items()}
    weights = dict(config.get("term_weights", {}))
    for path, value in values.items():
        _, name, *keyword = path.split(".")
        if keyword:
            nodes[name][keyword[0]] = value
        else:
            weights[name] = value
    return {**config, **({"term": nodes, "term_weights": weights} if values else {})}


def key_of(name: str, keyword: str) -> str:
    """The key of a term's keyword on the command line."""
    return f"term_weights.{name}" if keyword == "weight" else f"term.{name}.{keyword}"


def is_key(path: str) -> bool:
    """Whether a dotted key is of a term: of its weight, or of another keyword."""
    return path.startswith(tuple(f"{key}." for key in KEYS[1:]))


def refusal(method: catalog.Entry, names: list[str]) -> str | None:
    """The reason why terms cannot be added to a method; None if they can.

    Args:
        method: of the run.
        names: of the terms.
    """
    if names and method.is_estimator:
        return (
            f"method={method.name} is fitted in closed form and has no loss that terms=[{','.join(names)}] could be "
            "added to; add terms to a deep method, such as method=dann."
        )
    for name in names:
        if lacking := _lacking(method, catalog.named(GROUP, name).access):
            return (
                f"terms=[{name}] cannot be added to method={method.name}: the term needs {', '.join(lacking)}, which "
                f"this method is not granted; {fitting(name)}."
            )
    return None


def _lacking(method: catalog.Entry, needs: Access) -> list[str]:
    """What a term lacks in a method; whatever the spaces of the inputs, a method's features share one."""
    return replace(method.access, spaces=SAME).lacks(needs)


def hosts(name: str) -> list[str]:
    """The deep methods whose needs cover a term's."""
    needs = catalog.named(GROUP, name).access
    deep = [entry for entry in catalog.entries("method").values() if not entry.is_estimator]
    return [entry.name for entry in deep if not _lacking(entry, needs)]


def fitting(name: str) -> str:
    """Advice on methods whose needs cover a term's."""
    able = hosts(name)
    return f"methods that are: {', '.join(able)}" if able else "no method is"


def changed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords and weights of a configuration's terms that are not their defaults, by key as on the command line."""
    found: dict[str, Any] = {}
    for name in config.get("terms", ()):
        usual = catalog.named(GROUP, name).config
        keywords = config["term"][name]
        found |= {f"term.{name}.{key}": value for key, value in keywords.items() if value != usual.get(key)}
        if (weight := config["term_weights"][name]) != usual["weight"]:
            found[f"term_weights.{name}"] = weight
    return found
