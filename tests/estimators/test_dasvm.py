import math

import numpy as np
import pytest
import sklearn
from sklearn.svm import SVC
from witness import quietly

from da.data.toy import Toy
from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.labelling.dasvm import DASVM, exchange


def toy(shift="rotation", classes=2, samples=120, seed=2):
    """Centred and with entries of unit mean square over both domains, so that the machine's own scaling is idle."""
    task = Toy(shift=shift, samples=samples, classes=classes, split_seed=seed).load()
    x_s, x_t = (d.x.astype(np.float64) for d in (task.sources[0].train, task.target.train))
    both = np.vstack([x_s, x_t])
    mean, scale = both.mean(axis=0), np.sqrt(np.square(both - both.mean(axis=0)).mean())
    source, target = Domain((x_s - mean) / scale, task.sources[0].train.y), Domain((x_t - mean) / scale)
    return source, target, task.target.train.y


def textbook(x_s, y_s, x_t, *, C, size, weakest, growth, few, iterations):
    """The algorithm of two classes on lists of indices; the margin of the last machine on the target."""
    train, labels, age = list(range(len(x_s))), {}, {}
    model = SVC(C=C, kernel="linear").fit(x_s, y_s)
    for i in range(1, iterations + 1):
        f_s, f_t = model.decision_function(x_s), model.decision_function(x_t)
        picked, dropped = {}, []
        inside = {side: [] for side in (1, -1)}
        for j in range(len(x_t)):
            side = 1 if f_t[j] >= 0 else -1
            if j not in labels and abs(f_t[j]) < 1:
                inside[side].append(j)
        for side in (1, -1):
            nearest = sorted(inside[side], key=lambda j: 1 - abs(f_t[j]))[:size]
            picked |= dict.fromkeys(nearest, side)
            count = len(nearest) if inside[1] or inside[-1] else size
            there = [j for j in train if (1 if f_s[j] >= 0 else -1) == side]
            dropped += sorted(there, key=lambda j: -abs(f_s[j]))[:count]
        changed = [j for j in labels if labels[j] != (1 if f_t[j] >= 0 else -1)]
        if not train and len(picked) <= few and len(changed) <= few:
            break
        for j in changed:
            del labels[j], age[j]
        for j in age:
            age[j] += 1
        for j, side in picked.items():
            labels[j], age[j] = side, 1
        train = [j for j in train if j not in dropped]
        x = [x_s[j] for j in train] + [x_t[j] for j in sorted(labels)]
        y = [y_s[j] for j in train] + [labels[j] for j in sorted(labels)]
        if len(set(y)) < 2:
            break
        cost = [C * max(weakest, 1 - (1 - weakest) * (i / growth) ** 2)] * len(train)
        cost += [C * min(1, weakest + (1 - weakest) * ((age[j] - 1) / growth) ** 2) for j in sorted(labels)]
        model = SVC(C=1.0, kernel="linear").fit(np.array(x), np.array(y), sample_weight=cost)
    return model.decision_function(x_t), i


@pytest.mark.parametrize(("C", "share", "growth"), [(1.0, 0.05, 10), (0.1, 0.1, 4), (10.0, 0.02, 20)])
@pytest.mark.parametrize("shift", ["rotation", "subspace"])
def test_equals_the_textbook(shift, C, share, growth):
    """Margins on the target agree to 0.01; the solver's own tolerance is 0.001."""
    source, target, _ = toy(shift)
    order = np.lexsort(np.c_[source.x, source.y].T)
    x_s, y_s, x_t = source.x[order], np.where(source.y[order] == 1, 1, -1), target.x[np.lexsort(target.x.T)]
    size, few = math.ceil(share * len(x_t)), math.ceil(0.03 * len(x_t))
    expected, count = textbook(x_s, y_s, x_t, C=C, size=size, weakest=0.1, growth=growth, few=few, iterations=100)
    found = DASVM(C=C, share=share, growth=growth).fit(source, target)
    assert found.iterations_ == [count]
    np.testing.assert_allclose(2.0 * found.decision_function(x_t)[:, 1], expected, atol=0.01)


def test_the_first_exchange_is_that_of_skada():
    """Equal for one sample a side; skada 0.6.0 picks the same sample k times where k are asked for.

    Its later steps mark samples dealt with by decision values of 1 and so choose others, and its last machine is
    trained on its own labels of the whole target; the paper does neither.
    """
    with sklearn.config_context():  # skada turns on metadata routing for the whole process
        self_labeling = pytest.importorskip("skada._self_labeling")
        source, target, _ = toy("rotation", seed=0)
        theirs = self_labeling.DASVMClassifier(SVC(kernel="linear"), k=1, max_iter=1, save_indices=True)
        X, y = np.vstack([source.x, target.x]), np.r_[source.y, np.full(len(target), -1)]
        with quietly():
            theirs.fit(X, y, sample_domain=np.r_[np.ones(len(source)), np.full(len(target), -2)])
    machine = SVC(kernel="linear").fit(source.x, source.y)
    f_s, f_t = machine.decision_function(source.x), machine.decision_function(target.x)
    new, drop = exchange(f_s, f_t, np.ones(120, dtype=bool), np.zeros(120, dtype=bool), 1)
    assert new.sum() == drop.sum() == 2
    assert np.array_equal(new, theirs.indices_target_added[1])
    assert np.array_equal(drop, theirs.indices_source_deleted[1])


def test_an_exchange_by_hand():
    f_t = np.array([0.2, 0.9, 0.5, 1.4, -0.3, -0.8, -2.0])
    f_s = np.array([0.1, 3.0, 2.0, 1.0, -1.0, -4.0, -0.5])
    everything, nothing = np.ones(7, dtype=bool), np.zeros(7, dtype=bool)
    new, drop = exchange(f_s, f_t, everything, nothing, 2)
    assert np.flatnonzero(new).tolist() == [1, 2, 4, 5]  # inside the margin, nearest to 1 and to -1
    assert np.flatnonzero(drop).tolist() == [1, 2, 4, 5]  # the farthest of either side
    new, drop = exchange(f_s, f_t, everything, np.array([1, 1, 1, 0, 1, 0, 0], dtype=bool), 2)
    assert np.flatnonzero(new).tolist() == [5]
    assert np.flatnonzero(drop).tolist() == [5]  # as many as came in on that side
    new, drop = exchange(f_s, f_t, f_s != 3.0, f_t > -10, 2)
    assert not new.any()
    assert np.flatnonzero(drop).tolist() == [2, 3, 4, 5]  # none came in: the full number


@pytest.mark.parametrize(("shift", "gain"), [("rotation", 0.03), ("subspace", 0.05)])
def test_it_finds_the_target_of_three_classes(shift, gain):
    found = []
    for seed in range(3):
        source, target, truth = toy(shift, 3, seed=seed)
        fitted = DASVM().fit(source, target)
        plain = SVC(kernel="linear").fit(source.x, source.y).predict(target.x)
        found.append([np.mean(fitted.predict(target.x) == truth), np.mean(plain == truth)])
    assert len(fitted.machines_) == 3
    adapted, plain = np.mean(found, axis=0)
    assert adapted > plain + gain


def test_in_the_end_no_source_is_left():
    source, target, _ = toy("subspace")
    fitted = DASVM().fit(source, target)
    vectors = fitted.machines_[0].support_vectors_
    assert all((np.abs(target.x - v).max(axis=1) < 1e-12).any() for v in vectors)
    assert not any((np.abs(source.x - v).max(axis=1) < 1e-12).any() for v in vectors)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize(
    "change", [lambda x: 1e6 * x, lambda x: 1e-6 * x, lambda x: x + 100.0], ids=["large", "small", "far"]
)
def test_units_and_origin_do_not_matter(kernel, change):
    source, target, _ = toy("subspace", samples=60)
    expected = DASVM(kernel=kernel).fit(source, target).predict_proba(target.x)
    moved = Domain(change(target.x))
    found = DASVM(kernel=kernel).fit(Domain(change(source.x), source.y), moved).predict_proba(moved.x)
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_the_bandwidth_is_the_median_unless_given():
    source, target, _ = toy(samples=60)
    own = DASVM(kernel="rbf").fit(source, target)
    sigma = 1.0 / np.sqrt(2.0 * own.gamma_)
    given = DASVM(kernel="rbf", bandwidth=sigma).fit(source, target)
    np.testing.assert_allclose(given.predict_proba(target.x), own.predict_proba(target.x), atol=1e-6)
    assert DASVM(kernel="rbf", bandwidth=2.0).fit(source, target).gamma_ == 0.125


def test_what_cannot_be_is_refused():
    source, target, _ = toy(samples=20)
    with pytest.raises(UsageError, match=r"no kernel 'rfb'; did you mean 'rbf'\?"):
        DASVM(kernel="rfb").fit(source, target)
    for bad in ({"share": 0.0}, {"growth": 0}, {"max_iter": 0}):
        with pytest.raises(UsageError, match=r"share in \(0, 1\] and at least one iteration"):
            DASVM(**bad).fit(source, target)
    with pytest.raises(DataError, match="samples of class 0 only"):
        DASVM().fit(Domain(source.x, np.zeros(20, dtype=int)), target)
