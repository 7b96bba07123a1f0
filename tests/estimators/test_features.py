import numpy as np
import pytest
import torch
from scipy import sparse

from da.domain import Domain
from da.errors import DataError
from da.estimators import features
from da.estimators.features import Embedding, Kernel, PairedRows, blocks, check_widths, landmark_index, nystroem, plain
from da.estimators.kernels import gaussian
from da.estimators.linalg import unit_rows

X = np.random.default_rng(0).normal(size=(23, 4))


class Lazy:
    """What answers to arrays of positions alone."""

    shape = X.shape

    def __getitem__(self, index):
        assert isinstance(index, np.ndarray)
        return X[index]


@pytest.mark.parametrize(
    "x", [X, torch.as_tensor(X), sparse.csr_matrix(X), sparse.coo_matrix(X), Lazy(), X.reshape(23, 2, 2)]
)
def test_blocks_make_up_the_whole(x, monkeypatch):
    monkeypatch.setattr(features, "BLOCK", 20)
    found = list(blocks(x))
    assert [start for start, _ in found] == [0, 5, 10, 15, 20]
    np.testing.assert_array_equal(np.vstack([block for _, block in found]), X)
    assert [len(block) for _, block in blocks(x, width=10)] == [2] * 11 + [1]


def test_rows_of_both_domains_are_one(monkeypatch):
    monkeypatch.setattr(features, "BLOCK", 12)
    for held in (0, 10**6):
        monkeypatch.setattr(features, "HELD", held)
        calls = []

        def encode(x, calls=calls):
            calls.append(len(x))
            return unit_rows(x)

        rows = PairedRows(X[:13], X[13:], encode, 4)
        for _ in range(2):
            places = [(place.start, place.stop) for place, _ in rows]
            assert places == [(0, 3), (3, 6), (6, 9), (9, 12), (12, 13), (13, 16), (16, 19), (19, 22), (22, 23)]
        np.testing.assert_array_equal(rows.all(), unit_rows(X))
        assert sum(calls) == (23 if held else 69)
        np.testing.assert_array_equal(rows.take(np.array([0, 12, 13, 22])), unit_rows(X[[0, 12, 13, 22]]))
        np.testing.assert_array_equal(rows.take(np.array([20])), unit_rows(X[[20]]))
        np.testing.assert_array_equal(rows.sample(5), unit_rows(X[::5]))


def test_nystroem_is_exact_between_landmarks_and_near_elsewhere():
    kernel = Kernel(X[:15], 2.0, plain)
    z = kernel(X) @ nystroem(kernel)
    np.testing.assert_allclose(z[:15] @ z[:15].T, gaussian(X[:15], X[:15], 2.0), atol=1e-10)
    off = np.abs(z @ z.T - gaussian(X, X, 2.0))
    assert 1e-4 < off.max() < 0.5
    values = np.linalg.eigvalsh(gaussian(X, X, 2.0) - z @ z.T)
    assert values.min() > -1e-9  # never more than the kernel itself


def test_equal_landmarks_count_once():
    kernel = Kernel(np.repeat(X[:5], 4, axis=0), 2.0, plain)
    z = kernel(X[:5]) @ nystroem(kernel)
    assert z.shape == (5, 5)
    np.testing.assert_allclose(z @ z.T, gaussian(X[:5], X[:5], 2.0), atol=1e-8)


def test_kernel_values_are_those_of_the_loop_and_keep_their_digits_far_away(monkeypatch):
    monkeypatch.setattr(features, "STRIP", 7)
    for shift in (0.0, 1e6):
        kernel = Kernel(X + shift, 1.5, plain)
        np.testing.assert_allclose(kernel.whole(), gaussian(X, X, 1.5), rtol=1e-8)
        np.testing.assert_allclose(kernel(X[:4] + shift), gaussian(X[:4], X, 1.5), rtol=1e-8)


def test_landmarks_are_a_sorted_draw():
    index = landmark_index(50, 10, 3)
    assert (np.diff(index) > 0).all()
    np.testing.assert_array_equal(index, landmark_index(50, 10, 3))
    assert index.tolist() != landmark_index(50, 10, 4).tolist()
    np.testing.assert_array_equal(landmark_index(5, 10, 0), np.arange(5))


def test_an_embedding_maps_block_by_block(monkeypatch):
    w = np.random.default_rng(1).normal(size=(23, 2))
    expected = gaussian(X, X, 1.5) @ w
    embedding = Embedding(Kernel(X, 1.5, plain), w, normalize=False)
    np.testing.assert_allclose(embedding(X), expected)
    monkeypatch.setattr(features, "BLOCK", 46)
    np.testing.assert_allclose(embedding(X), expected, atol=1e-12)
    np.testing.assert_allclose(Embedding(Kernel(X, 1.5, plain), w, normalize=True)(X), unit_rows(expected), atol=1e-12)
    found = embedding(torch.as_tensor(X))
    assert isinstance(found, torch.Tensor)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)
    assert embedding(X[:0]).shape == (0, 2)


def test_widths_are_checked_by_one_sample():
    check_widths(Domain(X), Domain(X[:2]))
    with pytest.raises(DataError, match="4 features and target inputs 3"):
        check_widths(Domain(X), Domain(X[:, :3]))
    with pytest.raises(DataError, match="The source is empty"):
        check_widths(Domain(X[:0]), Domain(X))
