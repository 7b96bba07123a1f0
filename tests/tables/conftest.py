from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from toy_table import table

from da.tables.spec import EvaluationProtocol, Published, PublishedScore, PublishedSource, TableSpec
from da.tables.summary import CellResult, Summary

__all__ = ["table"]  # a fixture of all tests of tables
TASKS = tuple("ABCDEF")
BASE = (50.0, 40.0, 30.0, 60.0, 70.0, 80.0)


def _spec(
    published: Sequence[PublishedSource] = (),
    elsewhere: Sequence[PublishedSource] = (),
    tasks: Sequence[str] = TASKS,
    **changes: object,
) -> TableSpec:
    given = {
        "name": "office",
        "title": "Office, bags of words",
        "description": "All target samples, no labels.",
        "settings": (),
        "tasks": dict.fromkeys(tasks, ()),
        "methods": {},
        "families": (),
        "seeds": {0: ()},
        "selection": "last",
        "baseline": "unadapted",
        "notes": ("Read me.",),
    }
    return TableSpec(EvaluationProtocol(**given | changes), Published(tuple(published), tuple(elsewhere)))


def _published(
    figures: Mapping[str, Mapping[str, float]], evidence: str = "read", source: str = "A paper, table 1"
) -> PublishedSource:
    return PublishedSource(
        source, evidence, {row: {t: PublishedScore(v) for t, v in values.items()} for row, values in figures.items()}
    )


def _summary(
    figures: Mapping[str, Sequence[float | None]],
    tasks: Sequence[str] = TASKS,
    seeds: Sequence[int] = (0,),
    rules: Mapping[str, float] | None = None,
    seconds: float = 1.5,
) -> Summary:
    """A summary of figures by row and task, None for a failure; other rules and seeds are shifts of them."""
    entries = []
    for row, values in figures.items():
        for task, value in zip(tasks, values, strict=True):
            for seed in seeds:
                if value is None:
                    entries.append(CellResult(row, task, seed, "failed", {}, reason="It broke."))
                    continue
                by_rule = {rule: value + shift + seed for rule, shift in (rules or {"last": 0.0}).items()}
                entries.append(CellResult(row, task, seed, "finished", by_rule, seconds))
    made = {"code": ["0123abcd"], "versions": {"numpy": ["2.4.6"]}, "devices": ["1 x cpu"]}
    return Summary("office", tuple(entries), "accuracy", made)


@pytest.fixture
def spec() -> Callable[..., TableSpec]:
    return _spec


@pytest.fixture
def published() -> Callable[..., PublishedSource]:
    return _published


@pytest.fixture
def summary() -> Callable[..., Summary]:
    return _summary


@pytest.fixture
def base() -> tuple[float, ...]:
    """Figures of the baseline on six tasks; their mean is 55."""
    return BASE
