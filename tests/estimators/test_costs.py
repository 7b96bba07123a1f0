"""What fits cost, counted and not timed: decompositions, kernels and steps that a fit may take."""

import numpy as np
import pytest
import scipy.linalg
from sklearn.exceptions import ConvergenceWarning

from da.domain import Domain
from da.estimators import kernels
from da.estimators.subspace.gfk import GFK
from da.estimators.subspace.subspace_alignment import SubspaceAlignment
from da.estimators.transport.ot_laplace import LaplaceTransport
from da.estimators.weighting import kmm
from da.estimators.weighting.kmm import KMM


def domains(n, d, seed=0):
    rng = np.random.default_rng(seed)
    spread = 1.0 / np.sqrt(np.arange(1, d + 1))
    return (Domain(rng.normal(size=(n, d)) * spread + 0.1 * k, rng.integers(0, 3, n)) for k in range(2))


@pytest.mark.parametrize("n", [220, 900], ids=["wide", "tall"])
@pytest.mark.parametrize("make", [SubspaceAlignment, GFK])
def test_few_principal_directions_take_no_whole_decomposition(make, n, monkeypatch):
    """All directions of 800 features cost five times what the 20 that are asked for do."""
    widths = []
    for module, name in ((scipy.linalg, "eigh"), (np.linalg, "eigh"), (np.linalg, "svd"), (scipy.linalg, "svd")):
        own = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda a, *rest, own=own, **more: widths.append(min(a.shape)) or own(a, *rest, **more)
        )
    make(n_components=20).fit(*domains(n, 800))
    assert max(widths, default=0) <= 40


def test_kmm_computes_the_distance_of_a_pair_once(monkeypatch):
    """That the median of all distances is the bandwidth costs no second look at them."""
    entries = []
    own = kernels.squared_distances

    def counted(a, b):
        entries.append(len(a) * len(b))
        return own(a, b)

    monkeypatch.setattr(kernels, "squared_distances", counted)
    monkeypatch.setattr(kmm, "squared_distances", counted)
    source, target = domains(120, 50)
    found = KMM().fit(source, target)
    assert sum(entries) == 240**2
    entries.clear()
    given = KMM(bandwidth=found.bandwidth_).fit(source, target)
    assert sum(entries) == 120 * 240
    np.testing.assert_allclose(found.weights_, given.weights_, rtol=1e-8)


def test_laplace_transport_ends_after_a_hundred_exact_transports():
    with pytest.warns(ConvergenceWarning):
        fitted = LaplaceTransport(laplace_weight=1e4, tol=0.0).fit(*domains(60, 5))
    assert fitted.n_iter_ == 100
