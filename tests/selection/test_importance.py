"""Importance-weighted accuracy and deep embedded validation."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from da.data.toy import Toy
from da.selection import Evidence, _density_ratio, score
from da.selection._density_ratio import importance, reduced
from da.selection.dev import controlled_risk

pytestmark = pytest.mark.versions

RULES = ["importance_weighted", "dev"]


def evidence(z_s, z_t, right):
    """Two classes; ``right`` says which source samples are classified right."""
    y = np.arange(len(z_s)) % 2
    logits = np.eye(2)[np.where(right, y, 1 - y)]
    return Evidence(source_z=z_s, source_y=y, source_logits=logits, target_z=z_t)


def normal(n, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("d", [2, 200])  # wider than half the samples, a free regression tells equal domains apart
def test_equal_domains_have_plain_accuracy(d):
    right = np.arange(300) % 4 > 0
    found = evidence(normal(300, d), normal(300, d, seed=1), right)
    assert importance(found.source_z, found.target_z).weights == pytest.approx(np.ones(300), abs=0.25)
    assert score("importance_weighted", found) == pytest.approx(75.0, abs=1.5)
    assert score("dev", found) == pytest.approx(-25.0, abs=1.5)


@pytest.mark.parametrize("n_t", [500, 2000])
def test_weights_are_the_density_ratio_whatever_the_sizes(n_t):
    # Source N(0, 1), target N(1, 1): the ratio is exp(x - 1/2), whose margin is linear.
    z_s, z_t = normal(2000, 1), normal(n_t, 1, seed=1) + 1.0
    found = importance(z_s, z_t)
    x = z_s[found.samples, 0]
    usual = np.abs(x) < 2.0
    np.testing.assert_allclose(found.weights[usual], np.exp(x - 0.5)[usual], rtol=0.35)


def test_under_covariate_shift_the_part_where_the_target_is_counts():
    # The source is in two parts, half and half; the target has 90 % in the right one. Right there, wrong elsewhere.
    rng = np.random.default_rng(0)
    z_s = 0.5 * normal(2000, 2) + np.where(np.arange(2000) < 1000, -3.0, 3.0)[:, None]
    z_t = 0.5 * normal(2000, 2, seed=1) + np.where(rng.random(2000) < 0.1, -3.0, 3.0)[:, None]
    right = z_s[:, 0] > 0.0
    assert score("source_accuracy", evidence(z_s, z_t, right)) == 50.0
    assert score("importance_weighted", evidence(z_s, z_t, right)) == pytest.approx(90.0, abs=3.0)
    assert score("importance_weighted", evidence(z_s, z_t, ~right)) == pytest.approx(10.0, abs=3.0)
    assert score("dev", evidence(z_s, z_t, right)) == pytest.approx(-10.0, abs=3.0)


@pytest.mark.parametrize("kind", ["noise", "random features"])
def test_in_wide_features_the_truth_is_met(kind):
    """The covariate toy seen through 128 features: the accuracy on the target, where the source's own is ten points off."""
    errors = {"source_accuracy": [], "importance_weighted": [], "dev": []}
    for seed in range(4):
        task = Toy(shift="covariate", samples=2000, split_seed=seed).load()
        source, target = task.sources[0].test, task.target
        model = LogisticRegression().fit(task.sources[0].train.x, task.sources[0].train.y)
        rng = np.random.default_rng(seed)
        matrix, offset = rng.normal(size=(2, 128)), rng.normal(size=128)

        def seen(x, rng=rng, matrix=matrix, offset=offset):
            wide = np.c_[x, np.zeros((len(x), 126))] if kind == "noise" else np.maximum(x @ matrix + offset, 0.0)
            return wide + 0.3 * rng.normal(size=wide.shape)

        found = evidence(seen(source.x), seen(target.train.x), model.predict(source.x) == source.y)
        truth = 100.0 * model.score(target.test.x, target.test.y)
        for rule, differences in errors.items():
            differences.append(score(rule, found) + (100.0 if rule == "dev" else 0.0) - truth)
    assert np.mean(errors["source_accuracy"]) > 8.0
    for rule in RULES:
        assert abs(np.mean(errors[rule])) < 3.0
        assert np.abs(errors[rule]).max() < 8.0  # a draw has few effective samples


def test_features_are_reduced_where_there_are_fewer_than_twenty_samples_for_each():
    z = normal(300, 40)
    assert reduced(z, 40) is z
    z[:, 5] *= 9.0
    one = reduced(z, 1)
    assert one.shape == (300, 1)
    assert abs(np.corrcoef(one[:, 0], z[:, 5])[0, 1]) > 0.99
    flat = np.outer(np.arange(300.0), np.ones(40))
    assert reduced(flat, 15).shape == (300, 1)
    assert reduced(np.ones((300, 40)), 15).tolist() == np.zeros((300, 1)).tolist()


def test_the_control_variate_removes_the_error_of_weights_that_miss_their_mean():
    # A loss that is 1 everywhere has risk 1 whatever the weights; the plain weighted mean says 2.
    weights = np.array([1.0, 2.0, 3.0, 2.0])
    assert weights.mean() == 2.0
    assert controlled_risk(weights, np.ones(4)) == pytest.approx(1.0)
    assert controlled_risk(weights, np.zeros(4)) == 0.0


def test_the_controlled_risk_of_a_worked_case():
    # w l = (0, 4), w = (2, 4): covariance 4, variance 2, eta = -2; 2 - 2 * 3 + 2 = -2.
    assert controlled_risk(np.array([2.0, 4.0]), np.array([0.0, 1.0])) == pytest.approx(-2.0)
    assert controlled_risk(np.ones(4), np.array([0.0, 1.0, 1.0, 1.0])) == pytest.approx(0.75)  # no variance, no control


@pytest.mark.parametrize("rule", RULES)
def test_features_that_cannot_be_compared_have_no_score(rule):
    right = np.ones(40, bool)
    assert score(rule, evidence(normal(40, 3), normal(40, 4), right)) is None
    assert score(rule, evidence(normal(3), normal(40), right[:3])) is None


def test_the_regression_is_fitted_once_for_both_rules(monkeypatch):
    fitted = []
    plain = _density_ratio._importance
    monkeypatch.setattr(_density_ratio, "_importance", lambda *z: fitted.append(z) or plain(*z))
    first, second = (evidence(normal(40, seed=k), normal(40, seed=k + 1), np.ones(40, bool)) for k in (5, 7))
    for rule in RULES:
        score(rule, first)
    assert len(fitted) == 1
    score("dev", second)
    assert len(fitted) == 2


def test_at_most_a_fixed_number_of_samples_is_weighted(monkeypatch):
    right = np.ones(5000, bool)
    found = evidence(normal(5000, 2), normal(5000, 2, seed=1), right)
    assert len(importance(found.source_z, found.target_z).samples) == 2000
    assert score("importance_weighted", found) == 100.0
