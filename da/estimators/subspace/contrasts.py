"""Vectors whose outer products are the MMD matrices of TCA, JDA and related methods."""

from __future__ import annotations

import numpy as np


def marginal(n_s: int, n_t: int) -> np.ndarray:
    r"""``(n_s + n_t,)`` e_0 with :math:`M_0 = e_0 e_0^\top`: 1 / n_s on source samples, -1 / n_t on target samples."""
    return np.r_[np.full(n_s, 1.0 / n_s), np.full(n_t, -1.0 / n_t)]


def conditional(y_s: np.ndarray, y_t: np.ndarray, classes: np.ndarray) -> np.ndarray:
    r"""``(n_s + n_t, C)`` columns e_c with :math:`M_c = e_c e_c^\top` (Long et al., ICCV 2013, eq. 8).

    1 / n_s^c on source samples of the class, -1 / n_t^c on target samples with this (pseudo-)label. A class that one
    domain lacks keeps the other domain's part alone, as in the authors' code.
    """
    of_s = (y_s[:, None] == classes[None, :]).astype(np.float64)
    of_t = (y_t[:, None] == classes[None, :]).astype(np.float64)
    return np.vstack([of_s / np.maximum(of_s.sum(0), 1.0), -of_t / np.maximum(of_t.sum(0), 1.0)])


def grouped(
    counts_s: np.ndarray, counts_t: np.ndarray, marginal: float = 1.0, conditional: float = 1.0, priors: bool = False
) -> np.ndarray:
    r"""``(2 C, C + 1)`` contrasts by group: values of e_0, e_1, ..., e_C, equal for samples of one class and domain.

    For sample i of group g, :math:`e_c(i)` is row g, column c; groups are the source's classes, then the target's.
    Linear statistics of samples are then computed from sums over groups, however many samples there are.

    Args:
        counts_s, counts_t: ``(C,)`` samples of each class.
        marginal, conditional: weight of :math:`M_0`, and of every :math:`M_c`, in the sum of the MMD matrices.
        priors: multiply each domain's part of :math:`e_c` by the square root of its share of class c.
    """
    blocks = []
    for counts, sign in ((counts_s, 1.0), (counts_t, -1.0)):
        share = np.sqrt(counts / counts.sum()) if priors else np.ones(len(counts))
        of_class = np.diag(np.sqrt(conditional) * share / np.maximum(counts, 1.0))
        blocks.append(sign * np.c_[np.full(len(counts), np.sqrt(marginal) / counts.sum()), of_class])
    return np.vstack(blocks)


def to_unit_norm(contrasts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    r"""Scale grouped contrasts so that :math:`\|M\|_F = 1`, given the ``(2 C,)`` sizes of the groups."""
    inner = contrasts.T @ (contrasts * counts[:, None])
    scaled: np.ndarray = contrasts / np.sqrt(np.linalg.norm(inner))
    return scaled
