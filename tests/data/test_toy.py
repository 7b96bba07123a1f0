import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from da.data.toy import NUISANCE, RADIUS, Toy, ToyDimensions, blobs, covariate_ratio, target_priors
from da.data.validity import check_task
from da.errors import ConfigError


def centres(classes, turn=0.0):
    angle = 2.0 * math.pi * np.arange(classes) / classes + math.radians(turn)
    return RADIUS * np.c_[np.cos(angle), np.sin(angle)]


def nearest(x, turn=0.0, priors=None, classes=3):
    """The Bayes rule of unit Gaussians."""
    squared = ((x[:, None, :2] - centres(classes, turn)) ** 2).sum(2)
    return (-0.5 * squared + (0.0 if priors is None else np.log(priors))).argmax(1)


BAYES = {
    "subspace": nearest,
    "rotation": lambda x: nearest(x, turn=50.0),
    "covariate": lambda x: (x[:, 1] > np.abs(x[:, 0])).astype(int),
    "target": lambda x: nearest(x, priors=target_priors(3)),
    "concept": lambda x: (nearest(x) + 1) % 3,
}


def trained_on(domain):
    return LogisticRegression(max_iter=1000).fit(domain.x, domain.y)


@pytest.mark.parametrize("shift", Toy.shifts)
def test_the_ideal_answer_is_good_and_that_of_the_target_at_hand_is_no_better(shift):
    test = Toy(shift=shift, samples=4000).load().target
    ideal = np.mean(BAYES[shift](test.test.x) == test.test.y)
    assert ideal > 0.98
    assert trained_on(test.train).score(test.test.x, test.test.y) < ideal + 0.003


@pytest.mark.parametrize(
    ("shift", "loss"), [("subspace", 0.01), ("rotation", 0.15), ("covariate", 0.02), ("concept", 0.9)]
)
def test_source_labels_alone_mislead(shift, loss):
    task = Toy(shift=shift, samples=2000).load()
    test = task.target.test
    ideal = np.mean(BAYES[shift](test.x) == test.y)
    attained = trained_on(task.sources[0].train).score(test.x, test.y)
    assert attained < ideal - loss
    assert (
        trained_on(task.sources[0].train).score(task.sources[0].test.x, task.sources[0].test.y) > attained + 0.8 * loss
    )


def test_the_rule_of_the_target_is_wrong_on_the_source_where_the_rule_changes():
    for shift in ("rotation", "concept"):
        source = Toy(shift=shift).load().sources[0].test
        assert np.mean(BAYES[shift](source.x) == source.y) < 0.8, shift
        assert np.mean(nearest(source.x) == source.y) > 0.98, shift


def test_only_the_inputs_shift_under_covariate_shift():
    task = Toy(shift="covariate", samples=20_000).load()
    source, target = task.sources[0].train, task.target.train
    for domain, mean in ((source, 0.0), (target, 1.5)):
        assert domain.x.mean(0) == pytest.approx([mean, 0.8], abs=0.03)
        assert domain.x.std(0) == pytest.approx([1.0, 1.0], abs=0.03)
        assert np.array_equal(BAYES["covariate"](domain.x), domain.y)
    weight = covariate_ratio(source.x)
    assert weight.mean() == pytest.approx(1.0, abs=0.1)
    assert np.average(source.x[:, 0], weights=weight) == pytest.approx(1.5, abs=0.1)
    assert np.average(source.y, weights=weight) == pytest.approx(target.y.mean(), abs=0.03)
    assert abs(source.y.mean() - target.y.mean()) > 0.1


def test_only_the_priors_shift_under_target_shift():
    task = Toy(shift="target", samples=20_000).load()
    source, target = task.sources[0].train, task.target.train
    assert target_priors(3) == pytest.approx(np.array([9.0, 3.0, 1.0]) / 13.0)
    np.testing.assert_allclose(np.bincount(source.y) / 20_000, 1 / 3, atol=0.02)
    np.testing.assert_allclose(np.bincount(target.y) / 20_000, target_priors(3), atol=0.02)
    for domain in (source, target):
        means = [domain.x[domain.y == c].mean(0) for c in range(3)]
        np.testing.assert_allclose(means, centres(3), atol=0.1)


def test_the_nuisance_is_moved_by_six_and_doubled():
    task = Toy(shift="subspace", samples=20_000).load()
    source, target = task.sources[0].train.x, task.target.train.x
    assert source.shape[1] == target.shape[1] == 2 + NUISANCE
    assert source[:, 2:].mean() == pytest.approx(0.0, abs=0.05)
    assert target[:, 2:].mean() == pytest.approx(6.0, abs=0.05)
    assert target[:, 2:].std() / source[:, 2:].std() == pytest.approx(2.0, abs=0.05)
    np.testing.assert_allclose(target[:, :2].mean(0), source[:, :2].mean(0), atol=0.1)


def test_blobs_follow_priors():
    x, y = blobs(np.random.default_rng(0), 5000, 4, np.array([1.0, 0.0, 0.0, 0.0]))
    assert set(y) == {0}
    assert x.mean(0) == pytest.approx([RADIUS, 0.0], abs=0.06)
    assert np.cov(x.T) == pytest.approx(np.eye(2), abs=0.08)


@pytest.mark.parametrize("make", [*(lambda seed, s=s: Toy(shift=s, split_seed=seed, samples=50) for s in Toy.shifts),
                                  lambda seed: ToyDimensions(split_seed=seed, samples=50)])  # fmt: skip
def test_tasks_are_fit_and_depend_on_the_seed_alone(make):
    task = make(0).load()
    check_task(task)
    assert make(0).load().fingerprint() == task.fingerprint() != make(1).load().fingerprint()
    parts = task.parts()
    assert {name: len(d) for name, d in parts.items()} == dict.fromkeys(
        ("source/train", "source/test", "target/train", "target/test"), 50
    )
    for d in parts.values():
        assert (d.x.dtype, d.y.dtype) == (np.float32, np.int64)
    for one, other in (("source/train", "source/test"), ("target/train", "target/test")):
        assert not np.isin(parts[one].x[:, 0], parts[other].x[:, 0]).any()


@pytest.mark.parametrize(("shift", "classes", "found"), [("subspace", 5, 5), ("concept", 2, 2), ("covariate", 5, 2)])
def test_number_of_classes(shift, classes, found):
    task = Toy(shift=shift, classes=classes).load()
    assert task.n_classes == found
    assert set(task.sources[0].train.y) == set(range(found))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ConfigError, match=r"data\.shift='rotate' is unknown; did you mean 'rotation'\?"):
        Toy(shift="rotate")
    for options in ({"classes": 1}, {"classes": 5, "samples": 4}):
        with pytest.raises(ConfigError, match="at least 2 classes and as many samples"):
            Toy(**options)


def test_two_instruments_see_one_signal():
    task = ToyDimensions(samples=1000).load()
    source, target = task.sources[0], task.target
    assert (source.train.sample_shape, target.train.sample_shape) == ((10,), (15,))
    for split in (source, target):
        assert trained_on(split.train).score(split.test.x, split.test.y) > 0.93
        means = np.array([split.train.x[split.train.y == c].mean(0) for c in range(4)])
        assert np.linalg.svd(means - means.mean(0))[1][2] < 0.3  # a plane, up to noise
