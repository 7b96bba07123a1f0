"""Check that selection rules have the evidence that they read, from the configuration or else from the data."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from da.config import catalog
from da.errors import Incompatible
from da.signatures import parse

if TYPE_CHECKING:
    from da.domain import Task

HELD_OUT = {"source_z", "source_logits", "source_y"}
LABELS = {"test_accuracy"}
OTHER = "choose another rule, such as infomax"


@cache
def reads(rule: str) -> frozenset[str]:
    """The fields of the evidence that a rule reads (its ``READS``), without importing it.

    Raises:
        LookupError: the rule's module states no ``READS``.
    """
    for node in parse(catalog.ROOT / "da" / "selection" / f"{rule}.py").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "READS":
            assert isinstance(node.value, ast.Call)
            return frozenset(ast.literal_eval(node.value.args[0]))
    raise LookupError(f"da/selection/{rule}.py states no READS")


def rules_of(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the selection rules of a configuration with the keys that name them."""
    yield "selection", config["selection"]
    if "objective" in (config.get("sweep") or {}):
        yield "sweep.objective", config["sweep"]["objective"]


def check_planned(config: Mapping[str, Any], method: catalog.Entry, data: catalog.Entry) -> None:
    """Check before data are loaded that rules on held-out source samples have a source with a held-out part.

    Raises:
        Incompatible: there will be no such samples.
    """
    for key, rule in rules_of(config):
        if not reads(rule) & HELD_OUT:
            continue
        requirement = f"{key}={rule} scores held-out samples of the source"
        if not method.access.source_x:
            raise Incompatible(f"{requirement}, and method={method.name} is handed no source; {OTHER}.")
        for name, usual in (("validation_fraction", 0.1), ("source_test", True)):
            if name in config["data"] and not config["data"][name]:
                raise Incompatible(
                    f"{requirement}, and data.{name}={str(config['data'][name]).lower()} holds out none; "
                    f"set data.{name}={str(usual).lower()}, or {OTHER}."
                )
        if "held_out" in data.signature.constants:
            raise Incompatible(f"{requirement}, of which data={data.name} has none; {OTHER}.")


def check_loaded(config: Mapping[str, Any], data: catalog.Entry, task: Task) -> None:
    """Check before training what :func:`check_planned` cannot know from the configuration.

    Raises:
        Incompatible: held-out source samples or their labels are missing, or labels of the target's test samples.
    """
    held_out = [source.test for source in task.sources if source.test is not None]
    test = task.target.train if task.target.test is None else task.target.test
    for key, rule in rules_of(config):
        if reads(rule) & HELD_OUT and not (held_out and all(domain.y is not None for domain in held_out)):
            what = "labelled held-out samples of the source"
        elif reads(rule) & LABELS and test.y is None:
            what = "labels of the target's test samples"
        else:
            continue
        raise Incompatible(f"{key}={rule} reads {what}, of which data={data.name} has none here; {OTHER}.")
