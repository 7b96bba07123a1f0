"""Workers that collect by themselves must collect the same, or the whole run ends with "Different tests were collected"."""

import os
import subprocess
import sys
from contextlib import ExitStack

import conftest
import processes
import pytest


@pytest.mark.slow
def test_collection_does_not_depend_on_the_hash_seed(root) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-qq",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-m",
        "",
    ]
    with ExitStack() as stack:
        started = []
        for seed in ("1", "2", "3"):
            environment = os.environ | {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"}
            options = {"cwd": root, "env": environment, "stderr": subprocess.DEVNULL}
            started.append(stack.enter_context(processes.running(command, **options)))
        found = [process.communicate(timeout=processes.PATIENCE)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], found[0][-2000:]
    assert len(found[0].splitlines()) > 10
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("values", [[{"a", "b"}], [frozenset("ab")], [{"a": 1}.keys() | {"b"}]])
def test_a_test_that_is_parametrised_over_a_set_is_refused(values) -> None:
    def function() -> None:
        """Stands for a test."""

    marked = pytest.mark.parametrize("name", values[0])(function)
    with pytest.raises(pytest.UsageError, match=r"function is parametrised over a set.*sort it"):
        conftest.refuse_sets("function", marked.pytestmark)
    conftest.refuse_sets("function", pytest.mark.parametrize("name", sorted(values[0]))(function).pytestmark[1:])
