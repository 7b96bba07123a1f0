import numpy as np
import pytest
import scipy.linalg
from sklearn.linear_model import LogisticRegression

from da.errors import UsageError
from da.estimators.classifiers.linear import LogisticRegression as ChosenLogistic
from da.estimators.kernels import gaussian
from da.estimators.subspace.rounds import Labeller, above_zero, at_least_zero, refine
from da.estimators.subspace.span import Span, smallest, whitening

SHAPES = [(30, 4), (12, 40), (10, 10)]


def kernel(x, name):
    return x @ x.T if name == "linear" else gaussian(x, x, 1.3)


@pytest.mark.parametrize("name", ["linear", "rbf"])
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_have_the_kernel_for_inner_products(shape, name):
    x = np.random.default_rng(0).normal(size=shape)
    span = Span(x, name, 1.3)
    np.testing.assert_allclose(span.rows @ span.rows.T, kernel(x, name), atol=1e-10)
    np.testing.assert_allclose(span.rows.T @ span.rows, np.diag(span.lengths**2), atol=1e-10)
    np.testing.assert_allclose(span.features(x) @ span.directions, span.rows, atol=1e-7)
    assert (np.diff(span.lengths) <= 0).all()
    assert span.rows.shape[1] == (min(shape) if name == "linear" else shape[0])


def test_samples_that_repeat_add_nothing():
    x = np.random.default_rng(0).normal(size=(5, 8))
    for name in ("linear", "rbf"):
        assert Span(np.r_[x, x], name, 1.3).rows.shape == (10, 5)


@pytest.mark.parametrize("columns", [2, 9])
def test_whitening_equals_that_of_the_dense_matrix(columns):
    rng = np.random.default_rng(0)
    diagonal, factor = rng.uniform(0.5, 2.0, 6), rng.normal(size=(6, columns))
    core = np.diag(rng.uniform(0.1, 1.0, columns))
    dense = np.diag(diagonal) + factor @ core @ factor.T
    whiten, least = whitening(diagonal, factor, core)
    np.testing.assert_allclose(whiten.T @ dense @ whiten, np.eye(6), atol=1e-12)
    scaled = dense / np.sqrt(diagonal[:, None] * diagonal[None, :])
    assert least == pytest.approx(min(np.linalg.eigvalsh(scaled)[0], 1.0), abs=1e-12)


def test_whitening_says_when_there_is_none():
    assert whitening(np.ones(2), np.array([[1.0], [0.0]]), np.array([[-3.0]]))[1] == pytest.approx(-2.0)


@pytest.mark.parametrize("sign", [1.0, -0.05], ids=["definite", "indefinite"])
@pytest.mark.parametrize("shape", [(30, 4), (20, 12)])
def test_smallest_equals_a_general_eigensolver(shape, sign):
    rng = np.random.default_rng(3)
    x = rng.normal(size=shape) + 0.3
    n, r = shape
    span, e = Span(x), rng.normal(size=(n, 2))
    core = np.diag([1.0, sign])
    factor = span.lengths[:, None] * (span.rows.T @ e)
    found = smallest(0.7, factor, core, span, r)
    s = np.diag(span.lengths)
    p = 0.7 * np.eye(r) + factor @ core @ factor.T
    q = s @ span.rows.T @ (np.eye(n) - 1.0 / n) @ span.rows @ s
    values, vectors = scipy.linalg.eig(p, q)
    order = np.argsort(values.real)
    assert (np.linalg.eigvalsh(p)[0] < 0) == (sign < 0)
    expected = vectors[:, order].real
    for a, b in zip(found.T, expected.T, strict=True):
        assert abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b) == pytest.approx(1.0, abs=1e-8)


def test_smallest_of_what_has_no_least_is_none():
    x = np.random.default_rng(0).normal(size=(5, 8))  # some K a is constant: no scatter bounds it
    span = Span(x)
    factor = span.lengths[:, None] * (span.rows.T @ np.ones((5, 1)))
    assert smallest(1e-3, factor, np.array([[-1.0]]), span, 3) is None


def test_rounds_end_when_labels_no_longer_change():
    calls = []

    def halve(labels):
        calls.append(labels)
        return np.array([3, 3]) if labels is None else labels // 2

    labels, rounds = refine(halve, None, 10)
    assert labels.tolist() == [0, 0]
    assert rounds == len(calls) == 4
    labels, rounds = refine(halve, None, 2)
    assert labels.tolist() == [1, 1]
    assert rounds == 2


def test_a_source_of_one_class_labels_all_the_same():
    one = Labeller(LogisticRegression())(np.zeros((3, 1)), np.full(3, 2), np.zeros((4, 1)))
    assert one.tolist() == [2, 2, 2, 2]
    two = Labeller(None)(np.array([[0.0], [1.0]]), np.array([2, 5]), np.array([[0.9], [0.1]]))
    assert two.tolist() == [5, 2]


class Given:
    a, b, c = None, 0.0, float("nan")


def test_parameters_out_of_range_are_named():
    above_zero(Given(), "a")
    at_least_zero(Given(), "b")
    for name in "bc":
        with pytest.raises(UsageError, match=rf"Given needs `{name}` above 0, got (0\.0|nan)\."):
            above_zero(Given(), name)
    with pytest.raises(UsageError, match="Given needs `c` at least 0, got nan"):
        at_least_zero(Given(), "c")


def test_what_the_classifier_chooses_is_chosen_in_the_first_round():
    """A C for each round would cost 30 fits in each, and move the labels for a reason that is not the method's."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 3
    x = rng.normal(size=(200, 30)) + 1.5 * np.eye(30)[y]
    small = 0.01 * x
    chosen, of_small = (ChosenLogistic(C="cv").settled(given, y).C for given in (x, small))
    assert chosen != of_small
    label = Labeller(ChosenLogistic(C="cv"))
    label(x, y, x)
    np.testing.assert_array_equal(label(small, y, small), ChosenLogistic(C=chosen).fit(small, y).predict(small))
    assert (ChosenLogistic(C=of_small).fit(small, y).predict(small) != label(small, y, small)).any()
