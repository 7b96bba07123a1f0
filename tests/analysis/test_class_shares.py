import numpy as np
import pytest

from da.analysis.class_shares import class_shares
from da.domain import Domain
from da.errors import UsageError
from da.estimators.weighting.bbse import BBSE

MEANS = np.array([[0.0, 0.0], [2.5, 0.0], [0.0, 2.5]])


def drawn(shares, n, seed):
    """Gaussian classes that overlap, in given shares."""
    rng = np.random.default_rng(seed)
    y = rng.choice(len(shares), size=n, p=shares)
    return MEANS[y] + rng.normal(size=(n, 2)), y


def test_shares_under_label_shift_lie_in_their_intervals():
    true = np.array([0.15, 0.25, 0.6])
    covered = []
    for seed in range(20):
        x_s, y_s = drawn([0.5, 0.3, 0.2], 400, seed)
        x_t, _ = drawn(true, 400, 100 + seed)
        found = class_shares(x_s, y_s, x_t, draws=200)
        covered.append((found.low <= true) & (true <= found.high))
        assert found.target.sum() == pytest.approx(1.0)
        assert ((found.low <= found.target) & (found.target <= found.high)).all()
        assert (found.high - found.low < 0.3).all()
    assert np.mean(covered) > 0.85  # 95 % are expected of 60


def test_the_estimate_is_that_of_bbse():
    (x_s, y_s), (x_t, _) = drawn([0.5, 0.3, 0.2], 300, 0), drawn([0.1, 0.1, 0.8], 300, 1)
    found = class_shares(x_s, y_s, x_t, draws=2)
    weighting = BBSE(min_effective=0).fit(Domain(x_s, y_s), Domain(x_t))
    np.testing.assert_allclose(found.target, weighting.target_priors_)
    np.testing.assert_allclose(found.source, np.bincount(y_s) / 300)


def test_labels_may_leave_numbers_out():
    x_s, y_s = drawn([0.5, 0.3, 0.2], 200, 0)
    found = class_shares(x_s, y_s * 5, x_s + 0.01, draws=5)
    assert found.classes.tolist() == [0, 5, 10]


@pytest.mark.parametrize("samples", [1, 19])
def test_a_target_of_few_samples_has_no_interval(samples):
    (x_s, y_s), (x_t, _) = drawn([0.5, 0.3, 0.2], 200, 0), drawn([0.1, 0.1, 0.8], samples, 1)
    with pytest.raises(UsageError, match=f"a target of {samples} samples? have no interval .*at least 20"):
        class_shares(x_s, y_s, x_t)


def test_one_class_has_no_shares():
    with pytest.raises(UsageError, match="one class only"):
        class_shares(np.zeros((5, 2)), np.zeros(5), np.zeros((5, 2)))
