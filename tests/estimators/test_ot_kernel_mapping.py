import numpy as np
import pytest
from witness import quietly

from da.domain import Domain
from da.errors import UsageError
from da.estimators.transport.ot_emd import OptimalTransport
from da.estimators.transport.ot_kernel_mapping import KernelTransport

ot = pytest.importorskip("ot")
both = pytest.mark.parametrize("kernel", ["rbf", "linear"])


def objective(fitted, source, target, mu, eta, kernel, bandwidth=1.0):
    """As in the paper, from the plan and from the map's values at the source."""
    n, x, z = len(source), source.x - source.x.mean(0), target.x - target.x.mean(0)
    mapped = fitted.transform(source.x, domain="source") - target.x.mean(0)
    beta = fitted.coefficients_
    squared = ((x[:, None] - x[None]) ** 2).sum(2)
    size = (
        np.trace(beta.T @ np.exp(-squared / (2 * bandwidth**2)) @ beta)
        if kernel == "rbf"
        else ((x.T @ beta) ** 2).sum()
    )
    cost = ((x[:, None] - z[None]) ** 2).sum(2)
    return ((mapped - n * fitted.plan_ @ z) ** 2).sum() + mu * n * (fitted.plan_ * cost).sum() + eta * size


@both
@pytest.mark.parametrize(("mu", "eta"), [(1.0, 1e-3), (10.0, 1.0)])
def test_the_objective_is_pots(kernel, mu, eta, pair):
    source, target = pair(30, 35)
    options = {"kernel": kernel, "bandwidth": 1.0, "cost_norm": "none", "transport_weight": mu, "regularization": eta}
    fitted = KernelTransport(max_iter=2000, **options).fit(source, target)
    x, z = source.x - source.x.mean(0), target.x - target.x.mean(0)
    if kernel == "rbf":
        with quietly():
            *_, log = ot.mapping.joint_OT_mapping_kernel(x, z, mu=mu, eta=eta, sigma=1.0, log=True)
    else:
        with quietly():
            *_, log = ot.mapping.joint_OT_mapping_linear(x, z, mu=mu, eta=eta, log=True)
    assert objective(fitted, source, target, mu, eta, kernel) == pytest.approx(log["loss"][-1], rel=1e-3)


def test_the_map_is_a_ridge_regression_on_the_plans_images(pair):
    from sklearn.kernel_ridge import KernelRidge

    source, target = pair()
    fitted = KernelTransport(bandwidth=2.0, cost_norm="none", regularization=0.1).fit(source, target)
    x, z = source.x - source.x.mean(0), target.x - target.x.mean(0)
    peer = KernelRidge(alpha=0.1, kernel="rbf", gamma=1 / 8).fit(x, 30 * fitted.plan_ @ z)
    fresh = np.random.default_rng(1).normal(size=(9, 4))
    expected = peer.predict(fresh - source.x.mean(0)) + target.x.mean(0)
    np.testing.assert_allclose(fitted.transform(fresh, domain="source"), expected, atol=1e-8)
    np.testing.assert_array_equal(fitted.transform(fresh), fresh)


def test_a_linear_map_leaves_an_equal_domain_and_follows_a_translation(pair):
    source, _ = pair()
    fitted = KernelTransport(kernel="linear").fit(source, Domain(source.x[::-1] + 2.0))
    np.testing.assert_allclose(fitted.transform(source.x, domain="source"), source.x + 2.0, atol=1e-8)


@both
def test_much_transport_weight_gives_the_exact_plan(kernel, pair):
    source, target = pair()
    fitted = KernelTransport(kernel=kernel, transport_weight=1e6).fit(source, target)
    np.testing.assert_allclose(fitted.plan_, OptimalTransport().fit(source, target).plan_, atol=1e-8)


@both
def test_units_and_origin_do_not_matter(kernel, pair):
    source, target = pair()
    expected = KernelTransport(kernel=kernel).fit(source, target).transform(source.x, domain="source")
    moved = KernelTransport(kernel=kernel).fit(Domain(100 * source.x + 7), Domain(100 * target.x + 7))
    np.testing.assert_allclose(moved.transform(100 * source.x + 7, domain="source"), 100 * expected + 7, atol=0.1)


def test_wrong_parameters_are_named(pair):
    with pytest.raises(UsageError, match="There is no kernel 'rbg'; did you mean 'rbf'"):
        KernelTransport(kernel="rbg").fit(*pair())
    with pytest.raises(UsageError, match="regularization=0.0 is not above 0"):
        KernelTransport(regularization=0.0).fit(*pair())
