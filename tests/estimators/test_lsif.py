import numpy as np
import pytest
from scipy.stats import spearmanr

from da.data.toy import Toy, covariate_ratio
from da.errors import UsageError
from da.estimators.weighting.lsif import Design, design
from da.estimators.weighting.rulsif import RULSIF, held_out
from da.estimators.weighting.ulsif import ULSIF, leave_one_out


def k(a, b, sigma):
    return np.exp(-((a - b) ** 2).sum() / (2.0 * sigma**2))


def kernels(x, centres, sigma):
    return np.array([[k(a, c, sigma) for c in centres] for a in x])


def textbook(source, target, sigma, ridge, mix=0.0, cut=False):
    """Coefficients by loops over samples."""
    phi_s, phi_t = kernels(source.x, target.x, sigma), kernels(target.x, target.x, sigma)
    b = len(target)
    second = sum((1 - mix) / len(phi_s) * np.outer(p, p) for p in phi_s)
    second = second + sum(mix / len(phi_t) * np.outer(p, p) for p in phi_t)
    alpha = np.linalg.solve(second + ridge * np.eye(b), phi_t.mean(0))
    return phi_s @ (np.maximum(alpha, 0.0) if cut else alpha)


@pytest.mark.parametrize(("sigma", "ridge"), [(0.5, 1e-3), (1.5, 0.1)])
def test_ulsif_equals_the_textbook(sigma, ridge, pair):
    source, target = pair(25, 12, 2)
    expected = textbook(source, target, sigma, ridge, cut=True)
    found = ULSIF(min_effective=0.0, bandwidth=sigma, ridge=ridge).fit(source, target)
    np.testing.assert_allclose(found.weights_, expected / expected.mean(), rtol=1e-8, atol=1e-10)
    assert (found.coefficients_ >= 0.0).all()
    assert (found.coefficients_ == 0.0).any()
    assert (found.bandwidth_, found.ridge_) == (sigma, ridge)


@pytest.mark.parametrize("mix", [0.0, 0.3, 0.9])
def test_rulsif_equals_the_textbook(mix, pair):
    source, target = pair(25, 12, 2)
    expected = np.maximum(textbook(source, target, 0.8, 0.01, mix), 0.0)
    found = RULSIF(min_effective=0.0, relative=mix, bandwidth=0.8, ridge=0.01).fit(source, target)
    np.testing.assert_allclose(found.weights_, expected / expected.mean(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("n_s", "n_t"), [(12, 17), (17, 12), (9, 9)])
@pytest.mark.parametrize("ridge", [1e-3, 0.3])
def test_the_leave_one_out_score_is_that_of_fits_without_one(ridge, n_s, n_t, pair):
    source, target = pair(n_s, n_t, 2)
    values = design(source.x, target.x, target.x[:7], 0.9)
    total = 0.0
    n = min(n_s, n_t)
    for i in range(n):
        phi_s, phi_t = np.delete(values.source, i, axis=0), np.delete(values.target, i, axis=0)
        alpha = np.linalg.solve(phi_s.T @ phi_s / (n_s - 1) + ridge * np.eye(7), phi_t.mean(0))
        alpha = np.maximum(alpha, 0.0)
        total += 0.5 * (values.source[i] @ alpha) ** 2 - values.target[i] @ alpha
    assert leave_one_out(values, ridge) == pytest.approx(total / n, rel=1e-9)


def test_the_held_out_score_is_that_of_fits_without_a_fold(pair):
    source, target = pair(13, 11, 2)
    values = design(source.x, target.x, target.x[:5], 0.9)
    found = held_out(values, 0.4, (1e-2, 1.0), 3)
    for ridge, score in zip((1e-2, 1.0), found, strict=True):
        total = 0.0
        for fold in range(3):
            out_s, out_t = np.arange(13) % 3 == fold, np.arange(11) % 3 == fold
            phi_s, phi_t = values.source[~out_s], values.target[~out_t]
            second = 0.4 * phi_t.T @ phi_t / len(phi_t) + 0.6 * phi_s.T @ phi_s / len(phi_s)
            theta = np.linalg.solve(second + ridge * np.eye(5), phi_t.mean(0))
            g_s, g_t = values.source[out_s] @ theta, values.target[out_t] @ theta
            total += 0.4 / 2 * (g_t**2).mean() + 0.6 / 2 * (g_s**2).mean() - g_t.mean()  # the criterion of the paper
        assert score == pytest.approx(total / 3)


@pytest.mark.parametrize("make", [ULSIF, RULSIF])
def test_what_is_chosen_has_the_best_score(make, pair, monkeypatch):
    source, target = pair(40, 30, 2)
    seen = {}
    if make is ULSIF:

        def spy(values, ridge):
            return seen.setdefault((float(values.target.sum()), ridge), leave_one_out(values, ridge))

        monkeypatch.setattr("da.estimators.weighting.ulsif.leave_one_out", spy)
    else:

        def spy(values, mix, ridges, folds):
            scores = held_out(values, mix, ridges, folds)
            seen.update({(float(values.target.sum()), r): s for r, s in zip(ridges, scores, strict=True)})
            return scores

        monkeypatch.setattr("da.estimators.weighting.rulsif.held_out", spy)
    found = make().fit(source, target)
    best = min(seen, key=seen.get)
    assert len(seen) == 99
    assert found.ridge_ == best[1]
    assert design(source.x, target.x, found.centres_, found.bandwidth_).target.sum() == pytest.approx(best[0])


@pytest.fixture(scope="module")
def covariate():
    task = Toy(shift="covariate", samples=600).load()
    return task.sources[0].train, task.target.train.without_labels()


def test_ulsif_is_close_to_the_true_ratio(covariate):
    source, target = covariate
    assert spearmanr(ULSIF(min_effective=0.0).fit(source, target).weights_, covariate_ratio(source.x)).statistic > 0.9


@pytest.mark.parametrize("mix", [0.2, 0.5, 0.8])
def test_rulsif_is_close_to_the_true_relative_ratio(mix, covariate):
    source, target = covariate
    ratio = covariate_ratio(source.x)
    truth = ratio / (mix * ratio + 1.0 - mix)
    weights = RULSIF(min_effective=0.0, relative=mix).fit(source, target).weights_
    assert np.corrcoef(weights, truth)[0, 1] > 0.97
    assert weights.max() / weights.mean() < 1.3 / (mix * truth.mean())  # bounded, as the ratio is by 1 / mix


def test_the_larger_the_share_of_the_target_the_more_even(covariate):
    sizes = [RULSIF(min_effective=0.0, relative=mix).fit(*covariate).effective_sample_size_ for mix in (0.1, 0.5, 0.9)]
    assert sizes == sorted(sizes)
    assert sizes[2] > 1.3 * sizes[0]


def test_rulsif_without_a_share_of_the_target_is_ulsif_where_nothing_is_cut(pair):
    source, target = pair(40, 2, 1)
    plain = ULSIF(min_effective=0.0, bandwidth=3.0, ridge=1.0).fit(source, target)
    assert (plain.coefficients_ > 0.0).all()
    relative = RULSIF(min_effective=0.0, relative=0.0, bandwidth=3.0, ridge=1.0).fit(source, target)
    np.testing.assert_allclose(relative.weights_, plain.weights_)


@pytest.mark.parametrize("make", [ULSIF, RULSIF])
def test_centres_are_drawn_from_the_target(make, pair):
    source, target = pair(50, 60, 2)
    found = make(bandwidth=1.0, ridge=0.1, centres=5).fit(source, target)
    assert {tuple(c) for c in found.centres_} <= {tuple(x) for x in target.x}
    assert len(np.unique(found.centres_, axis=0)) == 5
    other = make(bandwidth=1.0, ridge=0.1, centres=5, random_state=1).fit(source, target)
    assert np.abs(found.weights_ - other.weights_).max() > 1e-4


@pytest.mark.parametrize("make", [ULSIF, RULSIF])
@pytest.mark.parametrize("option", [{"bandwidth": 0.0}, {"ridge": 0.0}, {"ridge": -1.0}])
def test_impossible_parameters_are_refused(make, option, pair):
    with pytest.raises(UsageError, match="Bandwidth and ridge must be above 0"):
        make(**option).fit(*pair())


@pytest.mark.parametrize("relative", [-0.1, 1.0])
def test_a_share_outside_of_0_to_1_is_refused(relative, pair):
    with pytest.raises(UsageError, match="at least 0 and below 1"):
        RULSIF(min_effective=0.0, relative=relative).fit(*pair())


def test_a_design_has_a_row_a_sample_and_a_column_a_centre(pair):
    source, target = pair(4, 3, 2)
    values = design(source.x, target.x, target.x[:2], 0.7)
    assert isinstance(values, Design)
    np.testing.assert_allclose(values.source, kernels(source.x, target.x[:2], 0.7))
    np.testing.assert_allclose(values.target, kernels(target.x, target.x[:2], 0.7))
