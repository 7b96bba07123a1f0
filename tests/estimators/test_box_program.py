import numpy as np
import pytest
import torch

from da.estimators.weighting.box_program import _nearest, exchanged, minimise


def program(n=40, rank=60, seed=0):
    """A positive matrix whose largest eigenvector is nearly constant, as that of a kernel is, and a vector."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, rank)) / np.sqrt(rank) + 0.8
    return root @ root.T, n * rng.uniform(0.5, 1.5, size=n) * 0.7


def solved(kernel, linear, limit, low, high, accuracy=1e-9, stored=False):
    return minimise(lambda v: kernel @ v, linear, limit, low, high, accuracy, 20_000, matrix=kernel if stored else None)


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("limit", "low", "high"), [(1000.0, 0.0, 1e6), (1.5, 0.0, 1e6), (1000.0, 60.0, 70.0), (1000.0, 0.0, 20.0), (2.0, 30.0, 30.0), (1.2, 44.0, 80.0)])  # fmt: skip
def test_conditions_of_karush_kuhn_and_tucker(limit, low, high, seed, stored):
    kernel, linear = program(seed=seed)
    found = solved(kernel, linear, limit, low, high, stored=stored)
    beta, gradient = found.weights, kernel @ found.weights - linear
    assert found.residual <= 1e-9
    assert beta.min() >= 0.0
    assert beta.max() <= limit
    assert low * (1 - 1e-9) <= beta.sum() <= high * (1 + 1e-9)
    free = (beta > 1e-7) & (beta < limit * (1 - 1e-7))
    at_limit, at_zero = beta >= limit * (1 - 1e-7), beta <= 1e-7
    between = gradient[free] if free.any() else [gradient[at_limit].max(), gradient[at_zero].min()]
    shared = np.mean(between)  # the multiplier of the sum
    scale = 1e-5 * np.abs(linear).max()
    assert np.ptp(gradient[free]) < scale if free.any() else between[0] <= between[1]
    assert (gradient[at_zero] >= shared - scale).all()
    assert (gradient[at_limit] <= shared + scale).all()
    if low * (1 + 1e-6) < beta.sum() < high * (1 - 1e-6):
        assert abs(shared) < scale
    elif low < high:
        assert shared * (1.0 if beta.sum() < 0.5 * (low + high) else -1.0) >= -scale


def test_known_answers():
    eye = np.eye(3)
    np.testing.assert_allclose(solved(eye, np.array([1.0, 2.0, -1.0]), 10.0, 0.0, 100.0).weights, [1, 2, 0], atol=1e-8)
    np.testing.assert_allclose(
        solved(eye, np.array([1.0, 2.0, -1.0]), 10.0, 6.0, 6.0).weights, [7 / 3, 10 / 3, 1 / 3], atol=1e-8
    )
    np.testing.assert_allclose(solved(eye, np.array([1.0, 2.0, 3.0]), 2.5, 0.0, 100.0).weights, [1, 2, 2.5], atol=1e-8)
    np.testing.assert_allclose(solved(eye, np.array([1.0, 2.0, 3.0]), 10.0, 9.0, 9.0).weights, [2, 3, 4], atol=1e-8)
    one = solved(np.ones((1, 1)), np.array([0.4]), 10.0, 0.0, 2.0)
    assert one.weights[0] == pytest.approx(0.4)


def test_equal_weights_stay_where_they_are_optimal():
    kernel, _ = program()
    found = solved(kernel, kernel @ np.ones(40), 1000.0, 1.0, 100.0)
    assert found.n_iter <= 5
    np.testing.assert_allclose(found.weights, 1.0, atol=1e-9)


def test_tensors():
    kernel, linear = program()
    expected = solved(kernel, linear, 2.0, 30.0, 60.0)
    found = solved(torch.as_tensor(kernel), torch.as_tensor(linear), 2.0, 30.0, 60.0)
    assert isinstance(found.weights, torch.Tensor)
    assert found.n_iter == expected.n_iter
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-10)


@pytest.mark.parametrize("limit", [0.7, 1000.0])
@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor], ids=["array", "tensor"])
def test_exchanges_find_what_gradients_find(kind, limit):
    kernel, linear = program()
    expected = solved(kernel, linear, limit, 0.0, 1e6, 1e-12).weights
    found, steps = exchanged(kind(kernel), kind(linear), limit, kind(np.ones(40)))
    np.testing.assert_allclose(np.asarray(found), expected, atol=1e-7)
    assert steps < 20
    assert (expected == limit).any() == (limit == 0.7)
    with_steps = solved(kind(kernel), kind(linear), limit, 0.0, 1e6, 1e-12, stored=True)
    assert with_steps.residual <= 1e-12
    assert with_steps.n_iter < 60


def test_exchanges_leave_alone_what_the_matrix_does_not_decide():
    kernel, linear = program(20)
    twice, double = np.tile(kernel, (2, 2)), np.tile(linear, 2)
    start = 1.0 + 0.1 * np.sign(np.arange(40) - 19.5)
    found, _ = exchanged(twice, double, 1000.0, start)
    single, _ = exchanged(kernel, linear, 1000.0, np.ones(20))
    np.testing.assert_allclose(found[:20] + found[20:], single, atol=1e-5)
    both = (found[:20] > 0) & (found[20:] > 0)
    assert both.any()
    np.testing.assert_allclose((found[20:] - found[:20])[both], 0.2, atol=1e-5)


def test_a_matrix_without_a_factor_is_left_to_gradients():
    found, steps = exchanged(np.diag([1.0, -1.0]), np.ones(2), 10.0, np.ones(2))
    assert found is None
    assert steps == 1


def test_a_matrix_with_its_spread_hidden_from_the_estimate_still_converges():
    n = 30  # constant rows: what the estimate starts from sees nothing of the alternating direction
    alternating = np.where(np.arange(n) % 2, 1.0, -1.0)
    kernel = np.ones((n, n)) + 5.0 * np.outer(alternating, alternating)
    linear = kernel @ (1.0 + 0.5 * alternating)
    found = solved(kernel, linear, 10.0, 0.0, 1e3)
    assert found.residual <= 1e-9
    np.testing.assert_allclose(found.weights.mean(), 1.0, atol=1e-6)
    np.testing.assert_allclose(alternating @ found.weights / n, 0.5, atol=1e-6)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("pull", [0.0, 0.3, 30.0])
def test_the_nearest_allowed_point(pull, seed):
    rng = np.random.default_rng(seed)
    point = 3.0 * rng.normal(size=6)
    total = 4.0 * rng.normal()
    low, high = np.sort(rng.uniform(0.0, 6.0, size=2))
    found, _ = _nearest(point, total, pull, 1.0, low, high, 0.0)
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    assert low * (1 - 1e-11) <= found.sum() <= high * (1 + 1e-11)

    def distance(beta):
        return ((beta - point) ** 2).sum() + pull * (beta.sum() - total) ** 2

    for _ in range(300):  # the distance is convex: no allowed point nearby or far is better
        other = rng.uniform(size=6)
        if low <= other.sum() <= high:
            assert distance(found) <= distance(found + 0.01 * (other - found)) + 1e-12
            assert distance(found) <= distance(other) + 1e-12


def test_the_nearest_to_a_sum_that_cannot_be_reached_is_the_upper_corner():
    found, _ = _nearest(np.zeros(4), 0.0, 0.0, 0.5, 3.0, 4.0, 0.0)
    np.testing.assert_allclose(found, 0.5)
