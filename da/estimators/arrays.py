"""One code for NumPy arrays and PyTorch tensors, wherever these live: the array API standard.

Estimators compute in whatever kind their inputs are, so CUDA tensors are computed with on the GPU. ``xp`` below is the
namespace of functions (``xp.exp``, ``xp.linalg.eigh``, ...) that :func:`namespace` finds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.externals.array_api_compat import array_namespace

from da.domain import dense, is_tensor

__all__ = ["as_numpy", "is_tensor", "like", "matrix", "namespace", "rows"]


def namespace(*arrays: Any) -> Any:
    """The array API functions for these arrays."""
    return array_namespace(*arrays)


def matrix(x: Any) -> Any:
    """Inputs as a dense ``(n, d)`` float64 array of their own; images are flattened, ``uint8`` is scaled to [0, 1].

    Tensors stay tensors on their device; everything else becomes a NumPy array.

    Raises:
        DataError: a sparse input would not fit in memory when dense.
    """
    if is_tensor(x):
        scale = 255.0 if not x.dtype.is_floating_point and x.dtype.itemsize == 1 else 1.0
        return x.detach().reshape(len(x), math.prod(x.shape[1:])).double() / scale
    x = np.asarray(dense(x))
    scale = 255.0 if x.dtype == np.uint8 else 1.0
    return np.array(x.reshape(len(x), math.prod(x.shape[1:])), dtype=np.float64) / scale


def rows(x: Any) -> Any:
    """Inputs for scikit-learn: sparse rows stay sparse (CSR, float64), all else is :func:`matrix` on the CPU."""
    return sparse.csr_matrix(x, dtype=np.float64) if sparse.issparse(x) else as_numpy(matrix(x))


def as_numpy(x: Any) -> np.ndarray:
    """Any array as a NumPy array on the CPU."""
    return x.detach().cpu().numpy() if is_tensor(x) else np.asarray(x)


def like(value: Any, reference: Any) -> Any:
    """An array or nested list as a float64 array of the reference's kind and device."""
    if is_tensor(reference):
        return (
            reference.new_tensor(value, dtype=reference.double().dtype)
            if not is_tensor(value)
            else value.to(reference.device, reference.double().dtype)
        )
    return np.asarray(as_numpy(value), dtype=np.float64)
