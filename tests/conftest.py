import functools
import os
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import processes
import pytest
import sklearn
import torch
from records import failed, finished, keep, of_this_code

__all__ = ["failed", "finished", "keep", "of_this_code"]  # fixtures of all tests

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    torch.set_num_threads(1)  # small tensors: threads cost more than they bring


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function):
            generators(item.module)  # before any test draws


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    refuse_sets(metafunc.definition.nodeid, metafunc.definition.iter_markers("parametrize"))


def refuse_sets(name: str, marks: Iterable[pytest.Mark]) -> None:
    """Parameters have an order that every worker shares (tests/test_collection.py looks for less plain cases)."""
    for mark in marks:
        values = mark.args[1] if len(mark.args) > 1 else mark.kwargs["argvalues"]
        if isinstance(values, set | frozenset):
            raise pytest.UsageError(
                f"{name} is parametrised over a set, whose order depends on the hash seed; give a tuple, or sort it."
            )


@pytest.fixture(autouse=True)
def _same_draws_in_every_order(request: pytest.FixtureRequest) -> None:
    """A test draws the same numbers whatever ran before it: global generators and those of its module begin anew."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  # scikit-learn draws from this one where no seed is given
    torch.manual_seed(0)
    for generator, state in generators(request.module):
        generator.bit_generator.state = state


@functools.cache
def generators(module: ModuleType) -> list[tuple[np.random.Generator, dict[str, Any]]]:
    """Generators that a module of tests made as it was imported, with their states at the first call."""
    found = [value for value in vars(module).values() if isinstance(value, np.random.Generator)]
    return [(generator, dict(generator.bit_generator.state)) for generator in found]


@pytest.fixture(autouse=True)
def _scikit_learn_as_it_was() -> Iterator[None]:
    """Importing skada turns on metadata routing for the whole process; each test begins and ends without."""
    with sklearn.config_context():
        yield


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Processes that the code under test starts, and what they start, end with the test."""
    with processes.mortal() as mark:
        for name, value in mark.items():
            monkeypatch.setenv(name, value)
        yield


@pytest.fixture
def real_data() -> Path:
    """The folder of real data; without it tests are skipped, or fail where DA_REQUIRE_DATA is set."""
    folder = os.environ.get("DA_DATA_DIR")
    if folder and Path(folder).is_dir():
        return Path(folder)
    reason = f"real data are needed: DA_DATA_DIR={folder!r} is no folder"
    if os.environ.get("DA_REQUIRE_DATA"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def root() -> Path:
    """The root of the project."""
    return ROOT


@pytest.fixture
def published(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Real data, found as users find them: for tests against published figures."""
    monkeypatch.setenv("DA_DATA_DIR", str(real_data))
    return real_data


@pytest.fixture
def shifted():
    """A source of two classes around (0, 0) and (4, 0), and a target without labels (-1) around (8, 0) and (12, 0)."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, size=(120, 2)) + np.outer(np.repeat([0.0, 4.0, 8.0, 12.0], 30), [1.0, 0.0])
    return x, np.r_[np.repeat([0, 1], 30), np.full(60, -1)], np.repeat(["source", "target"], 60)
