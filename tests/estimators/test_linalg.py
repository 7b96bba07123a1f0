import numpy as np
import pytest
import scipy.linalg
import torch

from da.estimators import linalg
from da.estimators.arrays import as_numpy, like
from da.estimators.linalg import (
    covariance,
    definite_solution,
    leading,
    leading_few,
    power,
    principal,
    signed,
    unit_rows,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 5))
A = X.T @ X
kinds = pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor], ids=["array", "tensor"])


@kinds
def test_covariance_equals_numpy(kind):
    np.testing.assert_allclose(as_numpy(covariance(kind(X))), np.cov(X, rowvar=False), rtol=1e-12)
    assert not as_numpy(covariance(kind(X[:1]))).any()


@kinds
@pytest.mark.parametrize("exponent", [0.5, -0.5, -1.0])
def test_powers_equal_scipy(kind, exponent):
    expected = scipy.linalg.fractional_matrix_power(A + 0.1 * np.eye(5), exponent)
    np.testing.assert_allclose(as_numpy(power(kind(A), exponent, 0.1)), expected, rtol=1e-9, atol=1e-12)


@kinds
def test_a_definite_system(kind):
    b = RNG.normal(size=5)
    np.testing.assert_allclose(as_numpy(definite_solution(kind(A), kind(b))), np.linalg.solve(A, b), rtol=1e-10)
    assert definite_solution(kind(-A), kind(b)) is None


def test_a_negative_power_leaves_out_directions_without_variance():
    flat = np.diag([4.0, 1.0, 0.0])
    np.testing.assert_allclose(power(flat, -0.5), np.diag([0.5, 1.0, 0.0]))


@kinds
def test_leading_pairs(kind):
    values, vectors = (as_numpy(part) for part in leading(kind(A), 2))
    np.testing.assert_allclose(values, np.linalg.eigvalsh(A)[::-1][:2], rtol=1e-12)
    np.testing.assert_allclose(A @ vectors, vectors * values, atol=1e-10)
    assert leading(kind(A), 9)[1].shape == (5, 5)


@kinds
@pytest.mark.parametrize("rows", [12, 4])
def test_principal_directions_are_right_singular_vectors(kind, rows):
    centred = X[:rows] - X[:rows].mean(0)
    found = as_numpy(principal(kind(centred), 3))
    expected = signed(np.linalg.svd(centred)[2][:3].T)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_there_are_no_more_directions_than_variance():
    assert principal(np.outer(np.arange(6.0) - 2.5, np.ones(3)), 3).shape == (3, 1)
    assert principal(np.zeros((4, 3)), 2).shape == (3, 1)


@kinds
def test_signs_do_not_depend_on_the_solver(kind):
    vectors = np.array([[1.0, -3.0, 0.0], [-2.0, 1.0, 0.0]])
    np.testing.assert_array_equal(as_numpy(signed(kind(vectors))), [[-1.0, 3.0, 0.0], [2.0, -1.0, 0.0]])


@kinds
def test_rows_get_unit_length_and_zeros_stay(kind):
    np.testing.assert_allclose(as_numpy(unit_rows(kind(np.array([[3.0, 4.0], [0.0, 0.0]])))), [[0.6, 0.8], [0.0, 0.0]])


def test_like_follows_kind_and_keeps_values():
    tensor = torch.ones(2, dtype=torch.float32)
    assert like(np.array([1, 2]), tensor).dtype == torch.float64
    assert like(torch.ones(2, dtype=torch.float32), tensor).dtype == torch.float64
    assert isinstance(like(tensor, X), np.ndarray)


SPECTRA = {
    "decay": 1.0 / np.arange(1, 301),
    "flat": np.r_[np.linspace(2.0, 1.9, 25), np.linspace(1.89, 1.0, 275)],
    "twice": np.repeat(1.0 / np.arange(1, 151), 2),
    "null": np.r_[5.0, 4.0, 3.0, np.zeros(297)],
    "equal": np.ones(300),
}


@pytest.mark.parametrize("name", SPECTRA)
def test_a_few_leading_pairs_are_those_of_the_whole_decomposition(name):
    rng = np.random.default_rng(3)
    turn = np.linalg.qr(rng.normal(size=(300, 300)))[0]
    values = SPECTRA[name]
    symmetric = (turn * values) @ turn.T
    symmetric = (symmetric + symmetric.T) / 2.0
    found, vectors = leading_few(symmetric, 12)
    np.testing.assert_allclose(found, np.sort(values)[::-1][:12], atol=1e-12)
    np.testing.assert_allclose(symmetric @ vectors, vectors * found, atol=1e-11)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(12), atol=1e-11)
    again = leading_few(symmetric, 12)
    np.testing.assert_array_equal(vectors, again[1])


def test_lanczos_takes_the_place_of_the_whole_where_few_are_asked_for(monkeypatch):
    """The cost is why it is there: a test that both are equal would pass without it."""
    asked = []
    monkeypatch.setattr(linalg, "leading", lambda symmetric, k: asked.append(k))
    leading_few((np.eye(300) * SPECTRA["decay"]), 12)
    assert not asked
    leading_few((np.eye(300) * SPECTRA["decay"]), 40)
    leading_few(np.eye(100), 5)
    leading_few((np.eye(300) * SPECTRA["null"]), 5)
    assert asked == [40, 5, 5]
