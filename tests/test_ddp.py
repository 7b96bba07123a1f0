"""Two processes on half a batch each equal one process on the whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ddp_worker import METHODS, trained
from processes import HANGING


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ddp")
    worker = Path(__file__).with_name("ddp_worker.py")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*launcher, str(worker), str(folder)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(worker.parent.parent)},
        capture_output=True,
        text=True,
        timeout=HANGING,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("name", METHODS)
def test_two_processes_equal_one(name: str, two_processes: Path) -> None:
    two, one = torch.load(two_processes / f"{name}.pt", weights_only=True), trained(name)
    assert two.keys() == one.keys()
    for key in one:
        torch.testing.assert_close(
            two[key], one[key], rtol=1e-5, atol=1e-5, msg=lambda text, key=key: f"{name}, {key}: {text}"
        )
