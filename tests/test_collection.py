"""Workers collect the same tests in the same order, whatever their hash seeds; else the whole run ends in an error."""

import random
import sys
from pathlib import Path

import conftest
import numpy as np
import pytest
import torch
from processes import ROOT, finished


def collected(seed: int, cache: Path) -> list[str]:
    # bytecode is half of the cost where the environment keeps none
    env = {"PYTHONDONTWRITEBYTECODE": ""} | ({"PYTHONPYCACHEPREFIX": str(cache)} if sys.dont_write_bytecode else {})
    options = ["--collect-only", "-q", "-m", "", "-p", "no:cacheprovider", "--assert=plain"]
    done = finished("-m", "pytest", *options, cwd=ROOT, env=env | {"PYTHONHASHSEED": str(seed)})
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "::" in line]


@pytest.mark.slow  # imports everything thrice: ten seconds each
def test_the_hash_seed_does_not_change_the_collection(tmp_path: Path) -> None:
    first, *others = (collected(seed, tmp_path) for seed in (1, 2, 3))
    assert len(first) > 1000
    for other in others:
        moved = [f"{a} became {b}" for a, b in zip(first, other, strict=True) if a != b]
        assert not moved, "\n".join(moved)


@pytest.mark.parametrize("values", [[{"a", "b"}], [frozenset("ab")], [{"a": 1}.keys() | {"b"}]])
def test_a_test_that_is_parametrised_over_a_set_is_refused(values) -> None:
    def function() -> None:
        """Stands for a test."""

    with pytest.raises(pytest.UsageError, match="function is parametrised over a set, .*give a tuple, or sort it"):
        conftest.refuse_sets("function", [pytest.mark.parametrize("name", values[0]).mark])
    conftest.refuse_sets("function", [pytest.mark.parametrize("name", sorted(values[0])).mark])


GENERATOR = np.random.default_rng(0)
DRAWN: list[list[float]] = []


@pytest.mark.parametrize("run", range(3))
def test_a_test_draws_the_same_whatever_ran_before_it(run: int) -> None:
    old = np.random.random()  # noqa: NPY002  # one of the generators that begin anew
    DRAWN.append([GENERATOR.random(), old, random.random(), torch.rand(()).item()])
    assert DRAWN[-1] == DRAWN[0]
