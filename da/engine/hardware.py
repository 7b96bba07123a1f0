"""What a run computes on, as its record says: on other hardware figures may differ in the last digits."""

from __future__ import annotations

import platform
from pathlib import Path

CPU = Path("/proc/cpuinfo")


def kernel(*, of_torch: bool) -> str:
    """The CPU, and which of its instructions libraries use: OpenBLAS, and PyTorch if a run computes with it."""
    from threadpoolctl import threadpool_info

    blas = sorted({info["architecture"] for info in threadpool_info() if info.get("internal_api") == "openblas"})
    lines = CPU.read_text(encoding="utf-8").splitlines() if CPU.is_file() else []
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in reversed(lines))}
    model = " ".join(fields[key] for key in ("model name", "cpu family", "model") if key in fields)
    parts = [model or platform.processor(), *map("OpenBLAS {}".format, blas)]
    if of_torch:
        import torch

        parts.append(f"ATen {torch.backends.cpu.get_cpu_capability()}")
    return ", ".join(parts)


def threads(*, of_torch: bool) -> int:
    """How many threads PyTorch computes with, or BLAS in a run that computes without it."""
    if of_torch:
        import torch

        return torch.get_num_threads()
    from threadpoolctl import threadpool_info

    return max((int(info["num_threads"]) for info in threadpool_info()), default=1)
