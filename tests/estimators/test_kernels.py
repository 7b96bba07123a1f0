import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from sklearn.metrics.pairwise import rbf_kernel

from da.config import catalog
from da.estimators.kernels import SAMPLE, gaussian, median_bandwidth, squared_distances

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(7, 3)), RNG.normal(size=(5, 3)) + 1.0


def test_distances_equal_scipy():
    np.testing.assert_allclose(squared_distances(A, B), cdist(A, B, "sqeuclidean"), rtol=1e-12)


def test_distances_are_never_negative_and_keep_their_digits_far_from_the_origin():
    far = A + 1e7
    assert squared_distances(far, far).min() >= 0.0
    np.testing.assert_allclose(squared_distances(far, B + 1e7), cdist(A, B, "sqeuclidean"), rtol=1e-6)


def test_the_kernel_equals_its_formula():
    np.testing.assert_allclose(gaussian(A, B, 0.7), np.exp(-cdist(A, B, "sqeuclidean") / (2.0 * 0.49)), rtol=1e-12)
    np.testing.assert_allclose(np.diag(gaussian(A, A, 0.7)), 1.0, rtol=1e-12)


def test_the_bandwidth_is_the_median_distance():
    odd = A[:6]  # 15 pairs: the median of squares is the square of the median
    assert median_bandwidth(odd) == pytest.approx(np.median(pdist(odd)), rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 / 3.0])
def test_points_that_are_all_equal_have_bandwidth_one(value):
    assert median_bandwidth(np.full((6, 3), value)) == 1.0
    assert median_bandwidth(np.full((1, 3), value)) == 1.0


def test_duplicates_do_not_count_even_with_rounding():
    points = np.array([[0.1, 0.2, 0.3], [1.1, 0.2, 0.3]])
    assert median_bandwidth(np.repeat(points, 30, axis=0)) == pytest.approx(1.0, rel=1e-9)
    long = RNG.normal(size=(2, 301))
    assert median_bandwidth(np.repeat(long, [40, 1], axis=0)) == pytest.approx(pdist(long)[0], rel=1e-9)


def test_many_points_are_thinned_evenly():
    x = RNG.normal(size=(2 * SAMPLE + 1, 2))
    assert median_bandwidth(x) == median_bandwidth(x[::3])
    assert median_bandwidth(x[:SAMPLE]) == pytest.approx(np.median(pdist(x[:SAMPLE])), rel=1e-4)


def test_every_bandwidth_is_explained_by_the_gamma_of_scikit_learn():
    """Which is :math:`1 / 2 \\sigma^2`, or of densities that are compared with each other half of that."""
    of_kernel = rbf_kernel(A, B, gamma=1.0 / (2.0 * 0.7**2))
    np.testing.assert_allclose(gaussian(A, B, 0.7), of_kernel, rtol=1e-12)
    unexplained = [
        entry.name
        for entry in catalog.entries("method").values()
        if entry.is_estimator
        and "bandwidth" in entry.config
        and "``gamma`` is :math:`1 / " not in " ".join(entry.locate().__doc__.split())
    ]
    assert unexplained == []
