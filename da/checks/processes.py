"""The same training in one process, and in two that share each batch."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import traceback
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed

from da.checks.harness import build, task_for, train
from da.checks.suite import CheckedMethod
from da.domain import Domain, Split, Task
from da.engine.parent_death import die_with
from da.methods.base import Optimization
from da.nn.networks import NetworkFactory

PATIENCE = 600.0  # seconds, reached only in a deadlock of the processes


def trained_by_two(
    subject: CheckedMethod, network: NetworkFactory | None = None
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights, mean terms and accuracy after five steps, in one process and in two gloo processes.

    Raises:
        AssertionError: a process failed; the message has its traceback.
    """
    with tempfile.TemporaryDirectory() as folder:
        # With CUDA, autograd has threads that do not survive a fork.
        context: Any = multiprocessing.get_context("spawn" if torch.cuda.is_available() else "fork")
        arguments = [(rank, Path(folder), subject, network, os.getpid()) for rank in (0, 1)]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork.*")  # CPython 3.12 on; see above
            group = [context.Process(target=_share, args=a) for a in arguments]
            for process in group:
                process.start()
        one = _trained(subject, network)
        for process in group:
            process.join(PATIENCE)
            process.kill()
        causes = [f"process {f.stem[-1]} of two failed.\n{f.read_text()}" for f in Path(folder).glob("error-*.txt")]
        assert not causes, f"{subject.name}: " + "\n".join(causes)  # if one fails, so does the other
        assert (Path(folder) / "two.pt").exists(), f"{subject.name}: two processes did not end in {PATIENCE:.0f} s."
        return one, torch.load(Path(folder) / "two.pt", weights_only=True)


def _share(rank: int, folder: Path, subject: CheckedMethod, network: NetworkFactory | None, parent: int) -> None:
    """Run one of the two processes; its output goes to a file."""
    die_with(parent)
    log = os.open(folder / f"log-{rank}.txt", os.O_CREAT | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        torch.set_num_threads(1)
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "GROUP_RANK": "0", "TORCHELASTIC_RUN_ID": "checks"}
        os.environ |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
        meeting = f"file://{folder / 'store'}"  # needs no port, which another process could use
        distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
        tensors = _trained(subject, network, devices=2)
        if rank == 0:
            torch.save(tensors, folder / "two.pt")
        distributed.barrier()
        distributed.destroy_process_group()
    except BaseException:
        (folder / f"error-{rank}.txt").write_text(traceback.format_exc(), encoding="utf-8")
        os._exit(1)
    os._exit(0)  # without cleaning up resources of the parent


def _trained(subject: CheckedMethod, network: NetworkFactory | None, **keywords: Any) -> dict[str, Tensor]:
    task = unlike(task_for(subject.needs))
    method = build(subject, task, network=network)
    method.optimization = Optimization(partial(torch.optim.SGD, lr=0.05))
    scorer = train(method, task, epochs=1, steps=5, batch_size=16, shots=4, **keywords)
    last = scorer.history[-1]
    tensors = {k: v.detach().clone() for k, v in method.state_dict().items()}
    tensors |= {f"term {k}": torch.tensor(v) for k, v in last["terms"].items()}
    return tensors | {f"target {k}": torch.tensor(v) for k, v in last["target_test"].items()}


def unlike(task: Task) -> Task:
    """Scale the inputs of a task by factors of up to eight over the samples, so that halves of a batch differ."""

    def spread(domain: Domain) -> Domain:
        scale = np.geomspace(0.35, 2.8, len(domain)).astype(np.float32)
        return Domain(domain.x * scale[:, None], domain.y, name=domain.name)

    def both(split: Split) -> Split:
        return Split(spread(split.train), split.test)

    return Task(task.name, tuple(map(both, task.sources)), both(task.target), task.classes)
