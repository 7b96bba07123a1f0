import numpy as np
import pytest
from mmd_textbook import components, mmd, unit
from sklearn.neighbors import KNeighborsClassifier

from da.domain import Domain
from da.errors import UsageError
from da.estimators.subspace.bda import BDA
from da.estimators.subspace.jda import JDA
from da.estimators.subspace.tca import TCA


@pytest.fixture
def classes():
    """Three classes, rare ones among them, whose target is moved."""
    rng = np.random.default_rng(5)
    y_s, y_t = rng.choice(3, p=[0.6, 0.3, 0.1], size=70), rng.choice(3, p=[0.2, 0.3, 0.5], size=60)
    means = 1.5 * rng.normal(size=(3, 6))
    x_s = means[y_s] + rng.normal(size=(70, 6))
    x_t = (means[y_t] + rng.normal(size=(60, 6))) @ np.diag([1.0, 2.0, 1.0, 0.5, 1.0, 1.0]) + 1.0
    return Domain(x_s, y_s), Domain(x_t)


def both(fitted, source, target):
    return np.vstack([fitted.transform(source.x, domain="source"), fitted.transform(target.x)])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("mu", [0.0, 0.4, 1.0])
def test_equals_the_textbook(mu, weighted, classes):
    source, target = classes
    x = unit(np.vstack([source.x, target.x]))
    z = x
    for _ in range(3):
        y_t = KNeighborsClassifier(1).fit(z[:70], source.y).predict(z[70:])
        m = mmd(source.y, y_t, 70, 60, 3 * (1 - mu), mu, priors=weighted)
        z = unit(components(x, "linear", m, 0.5, 3)[0])
    found = both(
        BDA(mu=mu, weighted=weighted, kernel="linear", regularization=0.5, n_components=3, rounds=3).fit(
            source, target
        ),
        source,
        target,
    )
    np.testing.assert_allclose(found * np.sign((z * found).sum(0)), z, atol=1e-7)


def test_without_classes_it_is_tca_at_once(classes):
    source, target = classes
    found = BDA(mu=0.0, n_components=3, normalize=False).fit(source, target)
    expected = TCA(kernel="primal", regularization=0.1, n_components=3).fit(source, target)
    np.testing.assert_allclose(both(found, source, target), both(expected, source, target), atol=1e-9)
    assert found.n_rounds_ <= 3  # labelled in the input space, then in the components, which stay


def test_balanced_it_goes_on_as_jda_does(classes):
    """From the same labels, one round of each gives the same."""
    source, target = classes
    perfect = KNeighborsClassifier(1).fit(unit(source.x), source.y).predict(unit(target.x))

    class Known(KNeighborsClassifier):
        def predict(self, x):
            return perfect

    options = {"n_components": 3, "classifier": Known(1), "rounds": 5}
    a, b = BDA(mu=0.5, **options).fit(source, target), JDA(**options).fit(source, target)
    np.testing.assert_allclose(both(a, source, target), both(b, source, target), atol=1e-9)


@pytest.mark.parametrize("mu", [-0.1, 1.5])
def test_bad_balance(mu, classes):
    with pytest.raises(UsageError, match=f"BDA needs `mu` from 0 to 1, got {mu}."):
        BDA(mu=mu).fit(*classes)
