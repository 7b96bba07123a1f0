"""Run the tests as CPUs of other kinds would: `make test-kernels`, or `python tests/kernels.py ARGUMENTS-OF-PYTEST`.

A CPU's instructions choose the kernels of OpenBLAS (NumPy and SciPy), of NumPy itself, of PyTorch (ATen, MKL and oneDNN)
and of the C library, and each of them rounds in its own way. All have a variable that pretends to less than there is.
"""

import os
import subprocess
import sys
import time

from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

COMMON = {"OMP_NUM_THREADS": "1"}
KERNELS = {
    "Nehalem": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-FMA,-AVX512F",
    },
    "Haswell": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_CBWR": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F",
    },
    "SkylakeX": {},  # all that the CPU has
}
NEEDS = {"Nehalem": "SSE42", "Haswell": "AVX2", "SkylakeX": "AVX512F"}
PROBE = """
import numpy, scipy.linalg, torch
from threadpoolctl import threadpool_info

print(*sorted(x["architecture"] for x in threadpool_info() if x["internal_api"] == "openblas"), end=" ")
print(torch.backends.cpu.get_cpu_capability())
"""


def environment(kernel: str) -> dict[str, str]:
    """What a process is told to compute with a kernel."""
    newer = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]
    if kernel == "Haswell":
        newer = [name for name in newer if name.startswith(("AVX512", "X86_V4"))]
    told = {"NPY_DISABLE_CPU_FEATURES": " ".join(newer)} if kernel != "SkylakeX" else {}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    return kept | COMMON | KERNELS[kernel] | told | {"OPENBLAS_CORETYPE": kernel}


def main(arguments: list[str]) -> int:
    """Run pytest under every kernel that this CPU can run; 1 if any run failed."""
    ends, wrong = [], False
    for kernel, needed in NEEDS.items():
        if not __cpu_features__.get(needed):
            ends.append(f"{kernel:9} not run: this CPU lacks {needed}")
            continue
        told = environment(kernel)
        runs = subprocess.check_output([sys.executable, "-c", PROBE], env=told, text=True)
        print(f"{kernel}: OpenBLAS of NumPy and SciPy, PyTorch: {runs}", flush=True)
        if set(runs.split()[:-1]) != {kernel}:
            raise SystemExit(f"OpenBLAS does not run {kernel}, but {runs}: its builds for this CPU may be without it.")
        begun = time.monotonic()
        code = subprocess.run([sys.executable, "-m", "pytest", *arguments], env=told).returncode
        wrong |= code != 0
        ends.append(f"{kernel:9} {'FAILED' if code else 'passed'} in {time.monotonic() - begun:.0f} seconds")
    print(*ends, sep="\n")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
