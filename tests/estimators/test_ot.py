"""Plans and barycentric maps, against POT's own classes, optimality conditions and known answers."""

import importlib
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.exceptions import ConvergenceWarning
from witness import quietly

from da.domain import Domain
from da.errors import UsageError
from da.estimators.transport import plan as plans
from da.estimators.transport import sinkhorn
from da.estimators.transport.ot_class_l1l2 import ClassTransportL1L2
from da.estimators.transport.ot_class_lpl1 import ClassTransportLpL1
from da.estimators.transport.ot_emd import OptimalTransport
from da.estimators.transport.ot_label_propagation import TransportedLabels
from da.estimators.transport.ot_laplace import LaplaceTransport, laplacian
from da.estimators.transport.ot_sinkhorn import SinkhornTransport
from da.estimators.transport.ot_unbalanced import UnbalancedTransport

pytestmark = pytest.mark.versions

ot = pytest.importorskip("ot")
BALANCED = [OptimalTransport, SinkhornTransport, ClassTransportLpL1, ClassTransportL1L2, LaplaceTransport]
ALL = [*BALANCED, UnbalancedTransport]
each = pytest.mark.parametrize("make", ALL)


def distances(x_s, x_t):
    return ((x_s[:, None] - x_t[None]) ** 2).sum(2)


@pytest.mark.parametrize("make", BALANCED)
def test_a_plan_has_even_masses(make, pair):
    source, target = pair(25, 33)
    fitted = make().fit(source, target)
    assert fitted.plan_.shape == (25, 33)
    assert (fitted.plan_ >= 0).all()
    np.testing.assert_allclose(fitted.plan_.sum(1), 1 / 25, atol=1e-8)
    np.testing.assert_allclose(fitted.plan_.sum(0), 1 / 33, atol=1e-8)
    np.testing.assert_allclose(fitted.images_, 25 * fitted.plan_ @ target.x, atol=1e-6)


def test_between_as_many_samples_exact_transport_is_the_best_assignment(pair):
    source, target = pair(40, 40)
    rows, columns = linear_sum_assignment(distances(source.x, target.x))
    fitted = OptimalTransport().fit(source, target)
    assert rows.tolist() == list(range(40))
    np.testing.assert_allclose(fitted.transform(source.x, domain="source"), target.x[columns], atol=1e-12)


def test_exact_transport_is_pots(pair):
    source, target = pair(30, 41)
    with quietly():
        peer = ot.da.EMDTransport().fit(Xs=source.x, Xt=target.x)
    fitted = OptimalTransport().fit(source, target)
    np.testing.assert_allclose(fitted.plan_, peer.coupling_, atol=1e-10)
    np.testing.assert_allclose(fitted.images_, peer.transform(Xs=source.x), atol=1e-8)
    fresh = np.random.default_rng(1).normal(size=(17, 4))
    np.testing.assert_allclose(fitted.transform(fresh, domain="source"), peer.transform(Xs=fresh), atol=1e-8)
    np.testing.assert_array_equal(fitted.transform(fresh), fresh)


@pytest.mark.parametrize("entropy", [1.0, 0.1, 0.01])  # the last is steep: on logarithms
def test_sinkhorn_is_pots(entropy, pair):
    source, target = pair(30, 41)
    peer = ot.da.SinkhornTransport(
        reg_e=entropy, norm="median", method="sinkhorn_log", out_of_sample_map="ferradans", max_iter=20000, tol=1e-13
    )
    fitted = SinkhornTransport(entropy=entropy, max_iter=20000, tol=1e-13).fit(source, target)
    with quietly():
        expected = peer.fit(Xs=source.x, Xt=target.x).transform(Xs=source.x)
    np.testing.assert_allclose(fitted.images_, expected, atol=1e-8)
    assert fitted.converged_


@pytest.mark.parametrize("strays", [0, 5])
def test_steep_costs_are_solved_on_potentials_to_the_same_plan_and_do_not_overflow(strays, pair, monkeypatch):
    source, target = pair(30, 41)
    far = np.r_[target.x, 1e4 * (1 + np.arange(20.0)).reshape(5, 4)[:strays]]
    ways = []
    for steep in (np.inf, 0.0):
        monkeypatch.setattr(sinkhorn, "STEEP", steep)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what costs so much more is reached slowly
            ways.append(SinkhornTransport(entropy=0.2, tol=1e-13).fit(source, Domain(far)))
    for fitted in ways:
        np.testing.assert_allclose(fitted.plan_.sum(1), 1 / 30, atol=1e-8)
        assert np.isfinite(fitted.images_).all()
    if not strays:
        np.testing.assert_allclose(ways[0].plan_, ways[1].plan_, atol=1e-10)
        assert all(fitted.converged_ for fitted in ways)


@pytest.mark.parametrize("norm", ["max", "median", "mean", "none"])
def test_sinkhorn_scales_rows_and_columns_of_the_kernel(norm, pair):
    """A slow loop of the textbook."""
    source, target = pair(12, 15)
    cost = distances(source.x, target.x)
    cost = cost / {"max": cost.max(), "median": np.median(cost), "mean": cost.mean(), "none": 1.0}[norm]
    entropy = 0.5 * cost.max()
    kernel, v = np.exp(-cost / entropy), np.ones(15)
    for _ in range(500):
        u = (1 / 12) / (kernel @ v)
        v = (1 / 15) / (kernel.T @ u)
    fitted = SinkhornTransport(entropy=entropy, cost_norm=norm, tol=1e-14).fit(source, target)
    np.testing.assert_allclose(fitted.plan_, u[:, None] * kernel * v, atol=1e-12)


def test_little_entropy_is_none_and_much_is_the_mean(pair):
    source, target = pair(20, 20)
    cost = distances(source.x, target.x) / np.median(distances(source.x, target.x))
    least = (OptimalTransport().fit(source, target).plan_ * cost).sum()
    sharp = SinkhornTransport(entropy=0.01, max_iter=3000).fit(source, target)
    assert 0.0 < (sharp.plan_ * cost).sum() - least < 0.01 * np.log(20)  # what 0.01 of entropy can be worth
    blurred = SinkhornTransport(entropy=1e4).fit(source, target)
    np.testing.assert_allclose(blurred.images_, np.tile(target.x.mean(0), (20, 1)), atol=1e-2)


@pytest.mark.parametrize("weight", [0.1, 1.0])
def test_lpl1_is_pots(weight, pair):
    source, target = pair(24, 31)
    cost = distances(source.x, target.x) / np.median(distances(source.x, target.x))
    a, b = np.full(24, 1 / 24), np.full(31, 1 / 31)
    with quietly():
        peer = ot.da.sinkhorn_lpl1_mm(
            a, source.y, b, cost, 0.2, eta=weight, numItermax=10, numInnerItermax=20000, stopInnerThr=1e-13
        )
    fitted = ClassTransportLpL1(entropy=0.2, class_weight=weight, max_iter=20000, tol=1e-13).fit(source, target)
    np.testing.assert_allclose(fitted.plan_, peer, atol=1e-10)


def l1l2(plan, cost, y, entropy, weight):
    groups = sum(np.sqrt((plan[y == c] ** 2).sum(0)).sum() for c in np.unique(y))
    return (plan * cost).sum() + entropy * (plan * np.log(plan)).sum() + weight * groups


@pytest.mark.parametrize("weight", [0.1, 3.0])
def test_l1l2_satisfies_its_optimality_conditions_and_is_no_worse_than_pot(weight, pair):
    source, target = pair(24, 31)
    cost = distances(source.x, target.x) / np.median(distances(source.x, target.x))
    fitted = ClassTransportL1L2(entropy=0.2, class_weight=weight, rounds=300, max_iter=20000, tol=1e-12).fit(
        source, target
    )
    plan = fitted.plan_
    assert fitted.converged_
    norms = sum(np.outer(source.y == c, np.sqrt((plan[source.y == c] ** 2).sum(0))) for c in (0, 1))
    gradient = cost + 0.2 * (1 + np.log(plan)) + weight * plan / norms
    spread = gradient - gradient.mean(1, keepdims=True) - gradient.mean(0) + gradient.mean()  # 0 = alpha_i + beta_j
    assert (plan * np.abs(spread)).sum() < 1e-4
    with quietly():
        peer = ot.da.sinkhorn_l1l2_gl(
            np.full(24, 1 / 24),
            source.y,
            np.full(31, 1 / 31),
            cost,
            0.2,
            eta=weight,
            numItermax=300,
            numInnerItermax=20000,
            stopInnerThr=1e-12,
        )
    ours, theirs = (l1l2(p, cost, source.y, 0.2, weight) for p in (plan, peer))
    assert ours <= theirs + 1e-9
    assert ours == pytest.approx(theirs, rel=0.02)


@pytest.mark.parametrize("make", [ClassTransportLpL1, ClassTransportL1L2])
def test_the_more_class_weight_the_fewer_target_samples_receive_from_both_classes(make):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = rng.normal(size=(60, 2)) + 1.5 * np.c_[y, np.zeros(60)]
    target = Domain(rng.normal(size=(50, 2)) + 1.5 * np.c_[np.arange(50) % 2, np.zeros(50)])

    def impurity(weight):
        plan = make(class_weight=weight).fit(Domain(x, y), target).plan_
        shares = 50 * np.stack([plan[y == c].sum(0) for c in (0, 1)])
        return np.minimum(shares[0], shares[1]).mean()

    none, some, much = (impurity(w) for w in (0.0, 0.3, 3.0))
    assert none > some > much
    assert none == pytest.approx(
        0.5
        * np.abs(1 - np.abs(2 * 50 * SinkhornTransport().fit(Domain(x, y), target).plan_[y == 0].sum(0) - 1)).mean(),
        abs=1e-6,
    )


def test_laplace_is_optimal_by_its_gap_and_no_worse_than_pot(pair):
    source, target = pair(25, 30)
    cost = distances(source.x, target.x)
    fitted = LaplaceTransport(laplace_weight=0.5, target_share=0.3, cost_norm="none", max_iter=3000, tol=1e-12).fit(
        source, target
    )
    l_s, l_t = laplacian(source.x, 3), laplacian(target.x, 3)

    def value(p):
        return (p * cost).sum() + 0.5 * (
            0.7 * np.trace(target.x.T @ p.T @ l_s @ p @ target.x)
            + 0.3 * np.trace(source.x.T @ p @ l_t @ p.T @ source.x)
        )

    plan = fitted.plan_
    gradient = cost + 0.7 * l_s @ plan @ target.x @ target.x.T + 0.3 * source.x @ source.x.T @ plan @ l_t
    with quietly():
        best = ot.emd(np.full(25, 1 / 25), np.full(30, 1 / 30), gradient)
    assert (gradient * (plan - best)).sum() < 1e-3 * value(plan)  # the duality gap of a convex problem
    with quietly():
        peer = ot.da.emd_laplace(
            np.full(25, 1 / 25), np.full(30, 1 / 30), source.x, target.x, cost, eta=0.5, alpha=0.7, numItermax=300
        )
    assert value(plan) <= value(peer) + 1e-6
    assert value(plan) == pytest.approx(value(peer), rel=1e-3)


def test_laplacians_sum_squared_differences_between_neighbours(pair):
    x = pair(20)[0].x
    near = np.argsort(distances(x, x), axis=1)[:, 1:4]
    edges = sum(np.outer(np.eye(20)[i], np.eye(20)[j]) for i in range(20) for j in near[i])
    edges = (edges + edges.T) / 2
    expected = 0.5 * sum(edges[i, j] * ((x[i] - x[j]) ** 2).sum() for i in range(20) for j in range(20))
    assert np.trace(x.T @ laplacian(x, 3) @ x) == pytest.approx(expected)


def test_without_weight_laplace_is_exact_transport(pair):
    source, target = pair()
    fitted = LaplaceTransport(laplace_weight=0.0).fit(source, target)
    np.testing.assert_allclose(fitted.images_, OptimalTransport().fit(source, target).images_, atol=1e-10)
    assert fitted.converged_


@pytest.mark.parametrize(("entropy", "mass"), [(0.5, 1.0), (0.1, 0.3), (0.01, 0.05)])  # the last is steep
def test_unbalanced_is_pots(entropy, mass, pair):
    source, target = pair(30, 41)
    cost = distances(source.x, target.x) / np.median(distances(source.x, target.x))
    with quietly():
        peer = ot.unbalanced.sinkhorn_unbalanced(
            np.full(30, 1 / 30), np.full(41, 1 / 41), cost, entropy, mass, numItermax=100000, stopThr=1e-14
        )
    fitted = UnbalancedTransport(entropy=entropy, mass_weight=mass, max_iter=100000, tol=1e-12).fit(source, target)
    np.testing.assert_allclose(fitted.plan_, peer, atol=1e-10)
    assert fitted.converged_


def test_steep_costs_are_solved_on_logarithms_to_the_same_plan(pair, monkeypatch):
    source, target = pair()
    plain = UnbalancedTransport(tol=1e-12).fit(source, target).plan_
    monkeypatch.setattr(sinkhorn, "STEEP", 0.0)
    np.testing.assert_allclose(UnbalancedTransport(tol=1e-12).fit(source, target).plan_, plain, atol=1e-12)


def test_unbalanced_leaves_out_what_is_far_from_everything(pair):
    source, target = pair(20, 25)
    stray = np.full((1, 4), 1e3)
    fitted = UnbalancedTransport().fit(Domain(np.r_[source.x, stray]), target)
    np.testing.assert_array_equal(fitted.images_[-1], stray[0])
    assert fitted.plan_[-1].sum() == 0.0
    assert fitted.plan_[:-1].sum() > 0.3


def test_much_mass_weight_is_balanced(pair):
    source, target = pair()
    loose = UnbalancedTransport(entropy=0.5, mass_weight=1e3, max_iter=20000).fit(source, target)
    np.testing.assert_allclose(loose.plan_, SinkhornTransport(entropy=0.5).fit(source, target).plan_, rtol=0.01)


@each
def test_what_is_moved_and_scaled_alike_is_mapped_alike(make, pair):
    source, target = pair()
    expected = make().fit(source, target).images_
    moved = make().fit(replace(source, x=100 * source.x + 7.0), Domain(100 * target.x + 7.0)).images_
    np.testing.assert_allclose(moved, 100 * expected + 7.0, atol=1e-3)


def test_exact_transport_follows_a_translation_of_the_target(pair):
    """Exact transport onto a translated copy is the translation itself."""
    source, _ = pair()
    fitted = OptimalTransport().fit(source, Domain(source.x[::-1] + 3.0))
    np.testing.assert_allclose(fitted.images_, source.x + 3.0, atol=1e-12)
    fresh = np.random.default_rng(1).normal(size=(9, 4))
    np.testing.assert_allclose(fitted.transform(fresh, domain="source"), fresh + 3.0, atol=1e-12)


@each
def test_one_sample_goes_to_the_mean_of_the_target_and_one_target_draws_all(make, pair):
    source, target = pair()
    one = make().fit(source.take(np.arange(1)), target)
    if make is not UnbalancedTransport:
        np.testing.assert_allclose(one.images_[0], target.x.mean(0), atol=1e-8)
    np.testing.assert_allclose(
        make().fit(source, target.take(np.arange(1))).images_, np.tile(target.x[:1], (30, 1)), atol=1e-8
    )


@each
def test_too_few_iterations_are_said(make, pair):
    if make is OptimalTransport:
        return
    options = {"rounds": 1} if make is ClassTransportL1L2 else {"max_iter": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # too few steps are the point
        fitted = make(**options).fit(*pair())
    assert not fitted.converged_
    assert np.isfinite(fitted.images_).all()


@each
def test_tensors_stay_tensors(make, pair):
    source, target = pair()
    expected = make().fit(source, target).images_
    fitted = make().fit(replace(source, x=torch.as_tensor(source.x)), Domain(torch.as_tensor(target.x)))
    assert isinstance(fitted.images_, torch.Tensor)
    np.testing.assert_allclose(fitted.images_.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("metric", ["sqeuclidean", "cityblock", "cosine"])
def test_costs_are_scipys(metric, pair):
    from scipy.spatial.distance import cdist

    source, target = pair()
    np.testing.assert_allclose(
        plans.costs(source.x, target.x, "none", metric), cdist(source.x, target.x, metric), atol=1e-12
    )
    a, b = (
        OptimalTransport(metric=metric).fit(source, target),
        SinkhornTransport(metric=metric, entropy=0.03).fit(source, target),
    )
    assert np.corrcoef(a.plan_.ravel(), b.plan_.ravel())[0, 1] > 0.6
    with pytest.raises(UsageError, match="There is no metric 'cosin'; did you mean 'cosine'"):
        SinkhornTransport(metric="cosin").fit(source, target)


def test_wrong_parameters_are_named(pair):
    with pytest.raises(UsageError, match="There is no cost_norm 'medium'; did you mean 'median'"):
        SinkhornTransport(cost_norm="medium").fit(*pair())
    with pytest.raises(UsageError, match="entropy=0.0 is not above 0; ot_emd"):
        SinkhornTransport(entropy=0.0).fit(*pair())
    with pytest.raises(UsageError, match="mass_weight=0.0 must be above 0"):
        UnbalancedTransport(mass_weight=0.0).fit(*pair())


def test_without_pot_there_is_one_sentence(pair, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ot", None)
    with pytest.raises(UsageError, match="needs the package POT, which is not installed; install it with"):
        OptimalTransport().fit(*pair())


STEEP = {
    SinkhornTransport: {},
    ClassTransportLpL1: {},
    ClassTransportL1L2: {},
    TransportedLabels: {},
}


@pytest.mark.parametrize("make", STEEP, ids=lambda make: make.__name__)
def test_a_plan_without_its_masses_is_said_with_a_remedy_and_costs_no_further_rounds(make, pair, monkeypatch):
    """At so small an entropy that Sinkhorn's iterations do not get there."""
    source, target = pair(40, 50)
    calls = []
    module = importlib.import_module(make.__module__)
    monkeypatch.setattr(module, "entropic", lambda *given: calls.append(1) or sinkhorn.entropic(*given))
    with pytest.warns(
        ConvergenceWarning, match=rf"{make.__name__} did not converge .*: the mass of a sample is off by"
    ):
        fitted = make(entropy=1e-5, max_iter=20).fit(source, target)
    assert not fitted.converged_
    assert len(calls) == 1
    mass = fitted.plan_.sum(0) * 50
    assert fitted.marginal_error_ >= np.abs(mass - 1.0).max() - 1e-9
    assert fitted.marginal_error_ > 0.01


@pytest.mark.parametrize("make", STEEP, ids=lambda make: make.__name__)
def test_a_plan_with_its_masses_is_not_warned_of(make, pair):
    fitted = make(entropy=0.5).fit(*pair(40, 50))
    assert fitted.converged_
    np.testing.assert_allclose(fitted.plan_.sum(0), 1 / 50, rtol=fitted.marginal_error_ + 1e-12)
    np.testing.assert_allclose(fitted.plan_.sum(1), 1 / 40, rtol=fitted.marginal_error_ + 1e-12)
    assert fitted.marginal_error_ < 1e-4


def test_what_is_not_at_its_minimum_is_said(pair):
    with pytest.warns(ConvergenceWarning, match="LaplaceTransport did not converge within 2 iterations: .* still fall"):
        fitted = LaplaceTransport(max_iter=2, laplace_weight=100.0).fit(*pair())
    assert not fitted.converged_
    assert fitted.gap_ > 0.01


def test_unbalanced_masses_that_are_not_those_of_the_optimum_are_said(pair):
    with pytest.warns(ConvergenceWarning, match="UnbalancedTransport did not converge within 2 iterations: the mass"):
        fitted = UnbalancedTransport(max_iter=2, entropy=1e-3, mass_weight=1e3).fit(*pair())
    assert not fitted.converged_
    assert fitted.marginal_error_ > 0.01


def laplace_objective(fitted, source, target):
    cost = distances(source.x, target.x)
    unit = np.median(cost)
    l_s, l_t = (laplacian(d.x, 3).toarray() for d in (source, target))
    z_s, z_t = (x - target.x.mean(0) for x in (source.x, target.x))
    there, back = fitted.plan_ @ z_t, fitted.plan_.T @ z_s
    traces = np.trace(there.T @ l_s @ there) + np.trace(back.T @ l_t @ back)
    return ((fitted.plan_ * cost).sum() + 0.5 * fitted.laplace_weight * traces) / unit


@pytest.mark.parametrize("steps", [1, 3, 10, 30])
def test_the_gap_is_no_less_than_what_is_left_to_gain(steps, pair):
    source, target = pair()
    least = laplace_objective(
        LaplaceTransport(laplace_weight=100.0, max_iter=3000, tol=1e-14).fit(source, target), source, target
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # too few steps are the point
        fitted = LaplaceTransport(laplace_weight=100.0, max_iter=steps).fit(source, target)
    left = laplace_objective(fitted, source, target) / least - 1.0
    assert left > 0.0
    assert left <= fitted.gap_ <= 60.0 * left + 1e-3
    assert fitted.n_iter_ == steps


def test_sinkhorns_iterations_end_at_the_tolerance(pair):
    loose, strict = (SinkhornTransport(entropy=0.5, tol=t).fit(*pair()) for t in (1e-3, 1e-12))
    assert loose.n_iter_ < strict.n_iter_ < 1000
    assert strict.marginal_error_ < loose.marginal_error_ < 0.1


def test_masses_are_said_to_be_off_from_one_per_cent_on(pair):
    source, target = pair(40, 50)
    errors = {}
    for steps in range(1, 200):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            fitted = SinkhornTransport(entropy=0.02, max_iter=steps, tol=0.0).fit(source, target)
        errors[fitted.marginal_error_] = fitted.converged_
        assert fitted.converged_ == (not said) == (fitted.marginal_error_ <= 0.01)
    assert any(0.01 < error < 0.03 for error in errors)
    assert any(0.005 < error <= 0.01 for error in errors)
