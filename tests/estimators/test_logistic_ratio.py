import numpy as np
import pytest

from da.data.toy import Toy, covariate_ratio
from da.domain import Domain
from da.estimators.weighting.logistic_ratio import LogisticRatio


@pytest.fixture(scope="module")
def covariate():
    task = Toy(shift="covariate", samples=2000).load()
    return task.sources[0].train, task.target.train.without_labels()


def test_close_to_the_true_ratio(covariate):
    source, target = covariate
    weights = LogisticRatio(min_effective=0.0, C=100.0).fit(source, target).weights_
    truth = covariate_ratio(source.x)
    assert np.corrcoef(weights, truth)[0, 1] > 0.9
    assert np.corrcoef(np.log(weights), np.log(truth))[0, 1] > 0.99
    slope, offset = np.polyfit(source.x[:, 0], np.log(weights), 1)
    assert slope == pytest.approx(1.5, abs=0.15)
    assert offset == pytest.approx(-1.125, abs=0.2)


def test_the_sizes_of_the_domains_cancel(covariate):
    source, target = covariate
    whole = LogisticRatio(min_effective=0.0).fit(source, target)
    few = LogisticRatio(min_effective=0.0).fit(source, target.take(np.arange(500)))
    assert np.corrcoef(np.log(whole.weights_), np.log(few.weights_))[0, 1] > 0.99
    limited = LogisticRatio(min_effective=0.0, limit=1.0).fit(source, target.take(np.arange(500))).weights_
    # a ratio above 1 means denser in the target: with the sizes right, that begins at x = 0.75
    at_limit = np.isclose(limited, limited.max())
    assert source.x[at_limit, 0].min() == pytest.approx(0.75, abs=0.35)


def test_the_ratio_is_limited_before_it_is_normalised(covariate):
    free, limited = (LogisticRatio(min_effective=0.0, limit=limit).fit(*covariate).weights_ for limit in (None, 2.0))
    order = np.argsort(free)
    assert (np.diff(limited[order]) >= -1e-12).all()
    ratio = limited[order[:500]] / free[order[:500]]
    np.testing.assert_allclose(ratio, ratio[0])
    assert np.isclose(limited, limited.max()).sum() > 50


def test_a_strong_penalty_weighs_evenly(covariate):
    fitted = LogisticRatio(min_effective=0.0, C=1e-9).fit(*covariate)
    assert fitted.effective_sample_size_ == pytest.approx(2000.0, rel=1e-3)
    assert LogisticRatio(min_effective=0.0).fit(*covariate).effective_sample_size_ < 1000.0


def test_domains_that_do_not_overlap_keep_finite_weights():
    source, target = Domain(np.linspace(0.0, 1.0, 20)[:, None]), Domain(np.linspace(1e6, 1e6 + 1, 20)[:, None])
    weights = LogisticRatio(min_effective=0.0, C=1e6).fit(source, target).weights_
    assert np.isfinite(weights).all()
    assert weights.mean() == pytest.approx(1.0)
