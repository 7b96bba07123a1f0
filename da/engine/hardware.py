"""What a run computes on, as its record says: on other hardware figures may differ in the last digits."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

CPU = Path("/proc/cpuinfo")


def kernel() -> str:
    """The CPU, and which of its instructions the loaded libraries use: OpenBLAS, and PyTorch where it is used."""
    from threadpoolctl import threadpool_info

    blas = sorted({info["architecture"] for info in threadpool_info() if info.get("internal_api") == "openblas"})
    lines = CPU.read_text(encoding="utf-8").splitlines() if CPU.is_file() else []
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in reversed(lines))}
    model = " ".join(fields[key] for key in ("model name", "cpu family", "model") if key in fields)
    parts = [model or platform.processor(), *map("OpenBLAS {}".format, blas)]
    if "torch" in sys.modules:
        parts.append(f"ATen {sys.modules['torch'].backends.cpu.get_cpu_capability()}")
    return ", ".join(parts)


def threads() -> int:
    """How many threads the loaded libraries compute with."""
    if "torch" in sys.modules:
        return int(sys.modules["torch"].get_num_threads())
    from threadpoolctl import threadpool_info

    return max((int(info["num_threads"]) for info in threadpool_info()), default=1)
