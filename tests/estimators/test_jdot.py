import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.kernel_ridge import KernelRidge as PeerRidge
from witness import quietly

from da.domain import Domain
from da.errors import UsageError
from da.estimators.adapter import TransferRegressor
from da.estimators.transport.jdot import JDOT
from da.estimators.transport.jdot_regression import JDOTRegression
from da.estimators.transport.joint import KernelRidge

ot = pytest.importorskip("ot")
SOURCE, TARGET = np.full(30, 1 / 30), np.full(40, 1 / 40)


def normalised(x_s, x_t):
    cost = ((x_s[:, None] - x_t[None]) ** 2).sum(2)
    return cost / np.median(cost)


@pytest.mark.parametrize("loss", ["hinge", "squared"])
@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_the_objective_never_rises(loss, kernel, pair):
    fitted = JDOT(loss=loss, kernel=kernel).fit(*pair())
    objectives = np.array(fitted.objectives_)
    assert len(objectives) >= 2
    assert (np.diff(objectives) <= 1e-5 * objectives[0]).all()
    assert fitted.converged_


def test_the_squared_loss_is_a_kernel_ridge_regression_by_turns(pair):
    """The paper's algorithm, written out with scikit-learn and POT."""
    source, target = pair()
    signs = np.where(source.y[:, None] == np.arange(2), 1.0, -1.0)
    cost = 2.0 * normalised(source.x, target.x)
    total = cost
    for _ in range(50):
        with quietly():
            plan = ot.emd(SOURCE, TARGET, total)
        ridge = PeerRidge(alpha=0.01 * 40, kernel="rbf", gamma=1 / 8).fit(target.x, 40 * plan.T @ signs)
        total = cost + ((signs[:, None] - ridge.predict(target.x)[None]) ** 2).sum(2)
    fitted = JDOT(loss="squared", distance_weight=2.0, bandwidth=2.0, regularization=0.01).fit(source, target)
    fresh = np.random.default_rng(1).normal(size=(20, 4))
    np.testing.assert_allclose(fitted.decision_function(fresh), ridge.predict(fresh), atol=1e-8)
    np.testing.assert_allclose(fitted.plan_, plan, atol=1e-10)


def test_the_hinge_is_minimised(pair):
    """Against a quasi-Newton minimiser of the same objective."""
    _, target = pair()
    share = np.random.default_rng(0).uniform(size=(40, 2))
    method = JDOT(tol=1e-10)
    method.machine_ = KernelRidge(target.x, "rbf", 1.0, 1e-2)
    gram = method.machine_.gram(target.x)

    def value(beta):
        f = gram @ beta.reshape(40, 2)
        losses = share * np.maximum(0, 1 - f) ** 2 + (1 - share) * np.maximum(0, 1 + f) ** 2
        return losses.sum() / 40 + 0.01 * np.trace(beta.reshape(40, 2).T @ f)

    def gradient(beta):
        f = gram @ beta.reshape(40, 2)
        slope = 2 * (1 - share) * np.maximum(0, 1 + f) - 2 * share * np.maximum(0, 1 - f)
        return (gram @ (slope / 40 + 0.02 * beta.reshape(40, 2))).ravel()

    beta, f, penalty = method._train(share)
    assert np.abs(gradient(beta)).max() < 1e-6
    assert value(beta) <= minimize(value, np.zeros(80), jac=gradient).fun + 1e-8
    np.testing.assert_allclose(f, gram @ beta, atol=1e-10)
    assert penalty == pytest.approx(0.01 * np.trace(beta.T @ gram @ beta))


def test_certain_labels_train_a_machine_that_separates(pair):
    _, target = pair()
    share = np.eye(2)[np.arange(40) % 2]
    method = JDOT()
    method.machine_ = KernelRidge(target.x, "rbf", 0.5, 1e-4)
    _, f, _ = method._train(share)
    assert (f.argmax(1) == np.arange(40) % 2).all()


def test_losses_are_the_squared_hinge():
    own, other = JDOT()._losses(np.array([[0.5, 2.0, -3.0]]))
    assert own.tolist() == [[0.25, 0.0, 16.0]]
    assert other.tolist() == [[2.25, 9.0, 0.0]]


def test_wrong_parameters_are_named(pair):
    with pytest.raises(UsageError, match="There is no loss 'hing'; did you mean 'hinge'"):
        JDOT(loss="hing").fit(*pair())
    with pytest.raises(UsageError, match="There is no kernel 'rbg'"):
        JDOT(kernel="rbg").fit(*pair())
    with pytest.raises(UsageError, match="regularization=0.0 is not above 0"):
        JDOT(regularization=0.0).fit(*pair())


def wave(rng, n, shift):
    """The same function of the input, which the target sees moved."""
    x = rng.uniform(-3, 3, size=(n, 1))
    return x + shift, np.sin(x[:, 0]) + 0.3 * x[:, 0] + 0.05 * rng.normal(size=n)


@pytest.fixture
def waves():
    rng = np.random.default_rng(0)
    return wave(rng, 80, 0.0), wave(rng, 90, 2.0)


def test_regression_follows_a_moved_function(waves):
    (x_s, y_s), (x_t, y_t) = waves
    fitted = JDOTRegression().fit(Domain(x_s, y_s), Domain(x_t))
    plain = PeerRidge(alpha=0.1, kernel="rbf", gamma=0.5).fit(x_s, y_s)
    ours, theirs = (np.mean((model.predict(x_t) - y_t) ** 2) for model in (fitted, plain))
    assert ours < 0.05 * np.var(y_t)
    assert ours < 0.1 * theirs
    assert (np.diff(fitted.objectives_) <= 1e-9).all()


def test_regression_is_kernel_ridge_by_turns(waves):
    (x_s, y_s), (x_t, _) = waves
    y = (y_s - y_s.mean()) / y_s.std()
    cost = normalised(x_s, x_t)
    total = cost
    for _ in range(50):
        with quietly():
            plan = ot.emd(np.full(80, 1 / 80), np.full(90, 1 / 90), total)
        ridge = PeerRidge(alpha=1e-3 * 90, kernel="rbf", gamma=0.5).fit(x_t, 90 * plan.T @ y)
        total = cost + (y[:, None] - ridge.predict(x_t)[None]) ** 2
    fitted = JDOTRegression(bandwidth=1.0, tol=1e-12).fit(Domain(x_s, y_s), Domain(x_t))
    np.testing.assert_allclose(fitted.predict(x_t), y_s.mean() + y_s.std() * ridge.predict(x_t), atol=1e-6)


def test_regression_is_skadas(waves):
    """With a ridge so small that both fit the carried values by the same line."""
    solve = pytest.importorskip("skada._ot").solve_jdot_regression
    from sklearn.linear_model import LinearRegression

    (x_s, y_s), (x_t, _) = waves
    y = (y_s - y_s.mean()) / y_s.std()
    with quietly():
        peer, *_ = solve(LinearRegression(), x_s, y, x_t, alpha=0.5, tol=1e-12)
    fitted = JDOTRegression(kernel="linear", regularization=1e-9, cost_norm="mean", tol=1e-12).fit(
        Domain(x_s, y_s), Domain(x_t)
    )
    np.testing.assert_allclose(fitted.predict(x_t), y_s.mean() + y_s.std() * peer.predict(x_t), atol=1e-6)


def test_units_of_the_values_do_not_matter(waves):
    (x_s, y_s), (x_t, _) = waves
    expected = JDOTRegression().fit(Domain(x_s, y_s), Domain(x_t)).predict(x_t)
    scaled = JDOTRegression().fit(Domain(x_s, 1e4 * y_s - 7.0), Domain(x_t)).predict(x_t)
    np.testing.assert_allclose(scaled, 1e4 * expected - 7.0, rtol=1e-6)


def test_regression_behind_the_adapter(waves):
    (x_s, y_s), (x_t, y_t) = waves
    role = np.r_[np.zeros(80), np.ones(90)]
    model = TransferRegressor(JDOTRegression()).fit(np.r_[x_s, x_t], np.r_[y_s, np.full(90, np.nan)], domain=role)
    assert model.score(x_t, y_t) > 0.95


def test_a_constant_value_is_predicted(waves):
    (x_s, _), (x_t, _) = waves
    np.testing.assert_allclose(JDOTRegression().fit(Domain(x_s, np.full(80, 3.0)), Domain(x_t)).predict(x_t), 3.0)
