"""Whether a GPU gives what the CPU gives, and what a training step costs there, as a Markdown page.

Parts: losses, gradients and weights after five steps of SGD of every deep method on the GPU against the CPU, in float64
and in float32 without TF32; closed-form estimators that take tensors; training in 16-mixed and bf16-mixed with clipped
gradients; the command line; the cost of a step as a ratio to a plain supervised one. ``--device cpu`` goes the same way
without a GPU. Usage: python benchmarks/performance/gpu_check.py [--device cuda] [--rounds 30] [--output GPU.md]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import platform
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import step_cost  # noqa: E402  # beside this file, which is started by its path

from da.checks.__main__ import subject_of  # noqa: E402
from da.checks.harness import SMALL, batch_for, build, stirred, task_for, train  # noqa: E402
from da.config import catalog  # noqa: E402
from da.engine import assembly  # noqa: E402
from da.methods.base import Method, Optimization  # noqa: E402
from da.setting import SAME  # noqa: E402

STEPS, RATE, PROGRESS = 5, 0.05, 0.5
SIZES = (24, 20, 6)
BOUNDS = {torch.float64: 1e-8, torch.float32: 1e-3}
Row = tuple[str, ...]


def deep() -> list[str]:
    """Names of the methods that are trained step by step."""
    return [name for name, entry in catalog.entries("method").items() if not entry.is_estimator]


def difference(a: list[Tensor], b: list[Tensor]) -> float:
    r""":math:`\\|a - b\\| / \\|a\\|` over all tensors together."""
    off = sum(float((p.cpu().double() - q.cpu().double()).square().sum()) for p, q in zip(a, b, strict=True))
    size = sum(float(p.double().square().sum()) for p in a)
    return float(np.sqrt(off / size)) if size else float(np.sqrt(off))


def trained(name: str, device: str, dtype: torch.dtype) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Values of all terms and their gradients at the start, and the weights after some steps of SGD."""
    subject = subject_of(catalog.named("method", name))
    task = task_for(subject.needs)
    method: Method = stirred(build(subject, task)).to(device, dtype)
    batch = batch_for(subject.needs, task, SIZES).to(device)
    batch = batch.each(lambda _, domain: replace(domain, x=domain.x.to(dtype)))
    groups = {key: list(parameters) for key, parameters in method.groups().items()}
    terms: list[Tensor] = []
    gradients: list[Tensor] = []
    for step in range(STEPS):
        torch.manual_seed(step)
        for phase in method.phases(PROGRESS):
            values = phase.terms(batch, PROGRESS)
            over = [p for key in phase.groups for p in groups[key] if p.requires_grad]
            loss = torch.stack(list(values.values())).sum()
            found = torch.autograd.grad(loss, over, allow_unused=True) if over else ()
            if step == 0:
                terms += [value.detach() for value in values.values()]
                gradients += [g for g in found if g is not None]
            with torch.no_grad():
                for p, g in zip(over, found, strict=True):
                    if g is not None:
                        p -= RATE * g
    return terms, gradients, [p.detach() for p in method.parameters()]


def equality(device: str) -> Iterator[Row]:
    """Relative differences between a device and the CPU."""
    yield ("method", "dtype", "terms", "gradients", f"weights after {STEPS} steps", "")
    for name in deep():
        for dtype, bound in BOUNDS.items():
            parts = zip(trained(name, "cpu", dtype), trained(name, device, dtype), strict=True)
            off = [difference(a, b) for a, b in parts]
            yield (
                name,
                str(dtype).split(".")[1],
                *(f"{d:.1e}" for d in off),
                "" if max(off) <= bound else f"above {bound:g}",
            )


def precisions(device: str) -> Iterator[Row]:
    """How far training in mixed precision ends from where float32 does, over how far that moved the weights."""
    kinds = ("32-true", "bf16-mixed") + (("16-mixed",) if device == "cuda" else ())
    yield ("method", *kinds[1:], "")
    for name in deep():
        subject = subject_of(catalog.named("method", name))
        task = task_for(subject.needs)
        ends: list[list[Tensor]] = []
        for kind in kinds:
            method = assembly.build(
                subject.new(), task, network=SMALL, classifier=None, embedding="joint", seed=0,
                optimization=Optimization(partial(torch.optim.SGD, lr=0.02), clip=1.0),
            )  # fmt: skip
            start = [p.detach().clone() for p in method.parameters()]
            with contextlib.redirect_stderr(io.StringIO()):
                accelerator = "gpu" if device == "cuda" else "cpu"
                train(method, task, epochs=3, steps=10, accelerator=accelerator, precision=kind)
            moves = zip(method.parameters(), start, strict=True)
            ends.append([p.detach().cpu() - before for p, before in moves])
        off = [difference(ends[0], end) for end in ends[1:]]
        yield (name, *(f"{d:.1e}" for d in off), "" if np.isfinite(off).all() else "weights are not finite")


def estimators(device: str) -> Iterator[Row]:
    """Closed-form estimators fitted on tensors of a device, against arrays."""
    from da.checks.closed_form import check_tensors_are_like_arrays as check

    yield ("estimator", "")
    plain = torch.as_tensor
    for name, entry in catalog.entries("method").items():
        if entry.is_estimator and getattr(check, "applies", lambda _: True)(subject_of(entry)):
            try:
                torch.as_tensor = partial(plain, device=device)  # type: ignore[assignment]  # the check makes tensors by it
                check(subject_of(entry))
            except Exception as error:
                yield (name, f"{type(error).__name__}: {error}".split("\n")[0][:160])
            else:
                yield (name, "equal to 1e-6")
            finally:
                torch.as_tensor = plain


def command(device: str) -> Iterator[Row]:
    """Every deep method by the command line."""
    yield ("method", "seconds", "")
    kind = "gpu" if device == "cuda" else "cpu"
    for name in deep():
        with tempfile.TemporaryDirectory() as folder:
            data = "toy" if catalog.named("method", name).access.spaces == SAME else "toy_dimensions"
            words = [f"method={name}", f"data={data}", f"trainer={kind}", "trainer.max_epochs=2", f"output={folder}"]
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, str(ROOT / "scripts" / "train.py"), *words], capture_output=True, text=True, cwd=ROOT
            )
            last = (done.stdout if done.returncode == 0 else done.stderr).strip().split("\n")[-1]
            yield (name, f"{time.perf_counter() - start:.1f}", last if done.returncode else "")


def costs(device: str, rounds: int) -> Iterator[Row]:
    """Median cost of a step, as a ratio to a plain one on as many images, LeNet."""
    sizes = (64, 256) if device == "cuda" else (4,)
    yield ("method", *(f"B={size}+{size}" for size in sizes))
    columns = [step_cost.ratios(step_cost.compared(), size, device, rounds) for size in sizes]
    for name in columns[0]:
        yield (name, *(f"{column[name]:.2f}" for column in columns))


def section(title: str, note: str, rows: Callable[[], Iterator[Row]]) -> str:
    """A part of the page; what fails is said in its place."""
    lines = [f"## {title}", "", note, ""]
    start = time.perf_counter()
    try:
        for number, row in enumerate(rows()):
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
            if number == 0:
                lines.append("| " + " | ".join("---" for _ in row) + " |")
    except Exception as error:
        lines += ["", f"Ended early: {type(error).__name__}: {error}", "", "```", traceback.format_exc(), "```"]
    return "\n".join([*lines, "", f"{time.perf_counter() - start:.0f} s.", ""])


def main() -> None:
    """Run all parts and print the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--output", type=Path, help="file for the page, besides stdout")
    options = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    device = options.device
    card = torch.cuda.get_device_name() if device == "cuda" else platform.processor()
    page = (
        "# On a GPU\n\nWritten by `python benchmarks/performance/gpu_check.py`.\n\n"
        f"{card}, PyTorch {torch.__version__}, Python {platform.python_version()}.\n"
    )
    for part in (
        section(
            "The same on the GPU as on the CPU",
            "Norms of differences over norms, on a fixed batch. `iwan` and `iwn` weigh in float32 always.",
            partial(equality, device),
        ),
        section("Closed-form estimators on tensors", "Against arrays, in float64.", partial(estimators, device)),
        section(
            "Mixed precision",
            "How far 30 steps of SGD with clipped gradients end from those in float32, over how far these went.",
            partial(precisions, device),
        ),
        section(
            "The command line", "Two epochs of `trainer=gpu` on toy data, imports included.", partial(command, device)
        ),
        section(
            "Cost of a step",
            "With LeNet, over a plain supervised step on as many images, all phases and inner steps included.",
            partial(costs, device, options.rounds),
        ),
    ):
        print(part, flush=True)
        page += "\n" + part
        if options.output:
            options.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
