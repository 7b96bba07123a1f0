"""What one training step of each deep method costs, as a ratio to a plain supervised step on as many images.

Contenders take turns in one process; a ratio is the median over rounds of (method / plain) in process CPU time, so
that other work on the machine does not count. Usage: python benchmarks/performance/step_cost.py [--device cuda]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from da.checks.__main__ import subject_of
from da.checks.harness import build
from da.config import catalog
from da.domain import Batch, Domain, Split, Task
from da.methods.base import Method
from da.nn.networks import LeNet
from da.setting import FEW, SAME


def domain(n: int, device: str, seed: int) -> Domain:
    """Random 28x28 images in ten classes."""
    rng = np.random.default_rng(seed)
    return Domain(rng.random((n, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, n)).tensors(device)


def plain(size: int, device: str) -> Callable[[], None]:
    """A supervised step on ``2 size`` images: the floor."""
    torch.manual_seed(0)
    network = LeNet((1, 28, 28), 10).to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    data = domain(2 * size, device, 2)

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(network(data.x).logits, data.y).backward()
        optimizer.step()

    return step


def adapted(name: str, size: int, device: str) -> Callable[[], None]:
    """A step of a method on ``size`` source and ``size`` target images, all its phases."""
    source, target = domain(size, device, 0), domain(size, device, 1)
    split = Split(source, source)
    task = Task("random", (split,), split, tuple("0123456789"))
    method: Method = build(subject_of(catalog.named("method", name)), task, network=LeNet).to(device)
    groups = {k: torch.optim.SGD(list(p), lr=0.01, momentum=0.9) for k, p in method.groups().items()}
    batch = Batch(sources=(source,), target=target, labelled=target)

    def step() -> None:
        for phase in method.phases(0.5):
            for _ in range(phase.repeat):
                loss = torch.stack(list(phase.terms(batch, 0.5).values())).sum()
                for group in phase.groups:
                    groups[group].zero_grad()
                loss.backward()
                for group in phase.groups:
                    groups[group].step()

    return step


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 128])
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = compared()
    print("| method | " + " | ".join(f"B={size}+{size}" for size in options.sizes) + " |")
    print("| --- |" + " --- |" * len(options.sizes))
    columns = {size: ratios(names, size, options.device, options.rounds) for size in options.sizes}
    for name in names:
        print(f"| {name} | " + " | ".join(f"{columns[size][name]:.2f}" for size in options.sizes) + " |")


def compared() -> list[str]:
    """Deep methods that see a source and an unlabelled target of one feature space."""
    return [
        name
        for name, entry in catalog.entries("method").items()
        if not entry.is_estimator and entry.access.source_x and entry.access.target_x and entry.access.target_y < FEW
        and entry.access.spaces == SAME
    ]  # fmt: skip


def ratios(names: list[str], size: int, device: str, rounds: int) -> dict[str, float]:
    """Median ratio to the plain step by method."""
    floor, steps = plain(size, device), {name: adapted(name, size, device) for name in names}
    clock = time.perf_counter if device == "cuda" else time.process_time

    def cost(step: Callable[[], None]) -> float:
        start = clock()
        step()
        if device == "cuda":
            torch.cuda.synchronize()
        return clock() - start

    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 3):
        base = cost(floor)
        for name, step in steps.items():
            value = cost(step) / base
            if number >= 3:  # the first rounds warm up
                found[name].append(value)
    return {name: statistics.median(values) for name, values in found.items()}


if __name__ == "__main__":
    main()
