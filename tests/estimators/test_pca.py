import numpy as np
import pytest
import sklearn.decomposition

from da.domain import Domain
from da.estimators.subspace.pca import PCA


@pytest.mark.parametrize(("n_s", "n_t", "d", "k"), [(30, 40, 6, 3), (30, 40, 6, 6), (8, 9, 30, 5)])
def test_equals_scikit_learn_on_both_domains_together(n_s, n_t, d, k, pair):
    source, target = pair(n_s, n_t, d)
    theirs = sklearn.decomposition.PCA(k, svd_solver="full").fit(np.vstack([source.x, target.x]))
    ours = PCA(n_components=k).fit(source, target)
    for x in (source.x, target.x, target.x[:2] + 1.0):
        np.testing.assert_allclose(np.abs(ours.transform(x)), np.abs(theirs.transform(x)), atol=1e-8)


def test_distances_stay_where_all_components_do(pair):
    source, target = pair()
    z = PCA().fit(source, target).transform(source.x, domain="source")
    assert z.shape == (30, 4)
    np.testing.assert_allclose(
        np.linalg.norm(z[0] - z, axis=1), np.linalg.norm(source.x[0] - source.x, axis=1), atol=1e-9
    )


def test_no_more_components_than_directions(pair):
    source, target = pair(3, 4, 20)
    assert PCA(n_components=20).fit(source, target).transform(target.x).shape == (4, 6)
    flat = Domain(np.ones((5, 3)))
    np.testing.assert_array_equal(PCA().fit(flat, flat).transform(flat.x), np.zeros((5, 1)))
