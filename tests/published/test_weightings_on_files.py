"""Weightings at their defaults, on pairs of files that no table holds: none may mislead who brings such files.

On files of others nobody sees by how much a weighting loses, so at most two points (and two test samples) may be lost
against the same classifier without weights. As they are estimated they lose up to 76. What they gain under a covariate
shift in few dimensions has to stay.
"""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from da.config import catalog
from da.config.compose import compose
from da.config.validate import validate
from da.data.simulated import Simulated
from da.domain import Domain
from da.engine.run import load
from da.estimators.classifiers.linear import LogisticRegression
from da.estimators.transfer import Transfer

WEIGHTINGS = [
    entry.name for entry in catalog.entries("method").values() if "trains_weighted" in catalog.stated(entry.signature)
]
NO_PREDICTOR = [
    name for name in WEIGHTINGS if "Predictor" not in catalog.kinds(catalog.named("method", name).signature)
]


def saved(folder, x_s, y_s, x_t, y_t):
    np.savez(folder / "source.npz", X=x_s, y=y_s)
    np.savez(folder / "target.npz", X=x_t, y=y_t)
    options = [f"data.source={folder / 'source.npz'}", f"data.target={folder / 'target.npz'}"]
    return load(validate(compose(["method=kmm", "data=features", *options])))[0]


def digits(folder):
    """Handwritten digits, and noisy copies of others of them."""
    x, y = load_digits(return_X_y=True)
    x, rng = x / 16.0, np.random.default_rng(0)
    order = rng.permutation(len(y))
    a, b = order[:900], order[900:]
    return saved(folder, x[a], y[a], np.clip(x[b] + 0.3 * rng.normal(size=x[b].shape), 0.0, 1.0), y[b])


def users(folder, source=29, target=31):
    """Two users of WISDM."""
    options = ["data=wisdm", f"data.source={source}", f"data.target={target}", "data.validation_fraction=0.0"]
    return load(validate(compose(["method=kmm", *options])))[0]


def halves(folder):
    """Two halves of documents on vehicles, sport and politics, as weights of their 1000 most frequent words."""
    source = load(validate(compose(["method=bbse", "data=newsgroups20", "data.pair=rec-talk"])))[0].sources[0].train
    order = np.random.default_rng(0).permutation(len(source))[:1600]
    x = source.x.tocsr()[order]
    x = x[:, np.sort(np.argsort(-np.asarray((x > 0).sum(axis=0)).ravel(), kind="stable")[:1000])].toarray()
    y = np.asarray(source.y)[order]
    return saved(folder, x[:800], y[:800], x[800:], y[800:])


def loss(task, name, **options):
    """Points lost to the same classifier without weights, on all target samples."""
    source, parts = task.sources[0].train, [task.target.train, task.target.test]
    x, y = np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts])

    def accuracy(estimator):
        model = Transfer(estimator, LogisticRegression()).fit((source,), Domain(task.target.train.x))
        return float(np.mean(model.answer(x).labels == y))

    return 100.0 * (accuracy(None) - accuracy(catalog.named("method", name).locate()(**options))), 100.0 / len(y)


def check(task):
    lost = {name: loss(task, name) for name in NO_PREDICTOR}
    assert len(lost) >= 13
    assert {name: points for name, (points, sample) in lost.items() if points > 2.0 + 2.0 * sample} == {}


@pytest.mark.filterwarnings("ignore:Class priors explain")  # which is true
def test_no_weighting_loses_more_than_two_points_on_noisy_copies(tmp_path):
    check(digits(tmp_path))


@pytest.mark.data
@pytest.mark.filterwarnings("ignore:Class priors explain")  # which is true
@pytest.mark.parametrize("make", [users, halves])
def test_no_weighting_loses_more_than_two_points(make, real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("DA_DATA_DIR", str(real_data))
    check(make(tmp_path))


@pytest.mark.data
@pytest.mark.filterwarnings("ignore:Class priors explain")  # which is true
def test_no_weighting_loses_more_than_two_points_in_the_mean_over_pairs_of_users(real_data, tmp_path, monkeypatch):
    """Users differ in p(y | x), so on single pairs some lose more (kde_ratio, ulsif and rlls 4.8 from 6 to 8)."""
    monkeypatch.setenv("DA_DATA_DIR", str(real_data))
    pairs = [(29, 31), (31, 29), (6, 8), (8, 6), (33, 36), (36, 33)]
    tasks = [users(tmp_path, *pair) for pair in pairs]
    lost = {name: np.mean([loss(task, name)[0] for task in tasks]) for name in NO_PREDICTOR}
    assert {name: points for name, points in lost.items() if points > 2.0} == {}


@pytest.mark.filterwarnings("ignore:The weighting is degenerate")  # as estimated, some are: that is compared
def test_gains_under_a_covariate_shift_are_kept():
    """Two features: ten samples a feature are few, and all that the estimated weights gain stays."""
    tasks = [Simulated(shift="covariate", draw_seed=draw).load() for draw in range(5)]

    def accuracy(name, **options):
        found = []
        for task in tasks:
            estimator = catalog.named("method", name).locate()(**options)
            model = Transfer(estimator, LogisticRegression(C=1.0))
            model.fit((task.sources[0].train,), task.target.train.without_labels())
            found.append(np.mean(model.answer(task.target.test.x).labels == task.target.test.y))
        return 100.0 * np.mean(found)

    plain = accuracy("unadapted")
    for name in ("kmm", "kliep", "ulsif", "rulsif", "gaussian_ratio", "kde_ratio", "nearest_neighbour"):
        gain, estimated = accuracy(name) - plain, accuracy(name, min_effective=0.0) - plain
        assert gain > 4.0, name
        assert gain > estimated - 1.0, name
        assert accuracy(name, min_effective=0.9) - plain < gain, name


@pytest.mark.filterwarnings("ignore:The weighting is degenerate")  # that it misleads is the point
def test_estimated_weights_as_they_are_mislead_on_the_same_files(tmp_path):
    """Else the test above would show nothing."""
    points, _ = loss(digits(tmp_path), "gaussian_ratio", min_effective=0.0)
    assert points > 50.0
