import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from small import SMALL

from da.config.compose import compose
from da.data.validity import check_task
from da.data.wisdm import CLASSES, Wisdm, standardized
from da.domain import Domain, Split
from da.engine import run as runs
from da.errors import ConfigError, DataError


@pytest.fixture
def wisdm(real_data, monkeypatch):
    monkeypatch.setenv("DA_DATA_DIR", str(real_data))
    with np.load(real_data / "wisdm" / "wisdm_v1_1_transformed.npz", allow_pickle=False) as file:
        return {name: file[name] for name in ("X", "y", "user", "classes")}


@pytest.mark.data
def test_the_pairs_follow_their_rule(wisdm):
    assert tuple(wisdm["classes"]) == CLASSES
    whole = [u for u in range(1, 37) if np.bincount(wisdm["y"][wisdm["user"] == u], minlength=6).min() >= 5][:10]
    assert Wisdm.pairs == tuple((u, whole[(k + 1) % 10]) for k, u in enumerate(whole))


@pytest.mark.data
@pytest.mark.parametrize(("standardize", "expected"), [("domain", 60.6), ("source", 50.0)])
def test_logistic_regression_on_the_pairs(wisdm, standardize, expected):
    found = []
    for source, target in Wisdm.pairs:
        task = Wisdm(source=source, target=target, standardize=standardize).load()
        check_task(task)
        train, test = task.sources[0].train, task.target.test
        found.append(100 * LogisticRegression(max_iter=2000).fit(train.x, train.y).score(test.x, test.y))
    assert np.mean(found) == pytest.approx(expected, abs=0.3)


@pytest.mark.data
def test_splits_are_disjoint_stratified_and_whole(wisdm):
    task = Wisdm().load()
    assert (task.name, task.classes, task.transductive) == ("3->5", CLASSES, False)
    for split, user, fraction in ((task.sources[0], 3, 0.2), (task.target, 5, 0.3)):
        total = np.bincount(wisdm["y"][wisdm["user"] == user], minlength=6)
        held = np.bincount(split.test.y, minlength=6)
        np.testing.assert_array_equal(np.bincount(split.train.y, minlength=6) + held, total)
        assert len(split.test) == round(fraction * total.sum())
        assert (np.abs(held - fraction * total) < 1).all()
    assert Wisdm().load().fingerprint() == task.fingerprint() != Wisdm(split_seed=1).load().fingerprint()


@pytest.mark.data
def test_statistics_are_of_the_training_parts_named(wisdm):
    task = Wisdm(source=[3, 7], target=5).load()
    for split in (*task.sources, task.target):
        np.testing.assert_allclose(split.train.x.mean(axis=0), 0, atol=1e-9)
    task = Wisdm(source=[3, 7], target=5, standardize="source").load()
    pooled = np.concatenate([split.train.x for split in task.sources])
    np.testing.assert_allclose(pooled.mean(axis=0), 0, atol=1e-9)
    assert np.abs(task.target.train.x.mean(axis=0)).max() > 0.5
    assert not task.target.train.x[:, 30].any()  # the average of the first axis


def test_missing_values_are_the_mean_and_scikit_learn_agrees():
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, size=(20, 4))
    x[[1, 5], 2] = np.nan
    x[:, 3] = np.nan  # never known
    held = np.full((1, 4), np.nan)
    with warnings.catch_warnings():
        # scikit-learn warns of the feature that is never known
        warnings.filterwarnings("ignore", message="invalid value encountered in divide")
        expected = np.nan_to_num(StandardScaler().fit_transform(x))
    split = standardized(Split(Domain(x), Domain(held)), x)
    np.testing.assert_allclose(split.train.x, expected, atol=1e-12)
    np.testing.assert_array_equal(split.test.x, np.zeros((1, 4)))


@pytest.mark.data
@pytest.mark.parametrize("method", ["source_only", "deep_coral", "coral", "ot_class_lpl1", "bbse"])
def test_a_source_without_some_classes_runs(wisdm, tmp_path, method):
    """User 2 walks and jogs only."""
    small = [item for item in SMALL if not item.startswith("data")]
    options = [f"method={method}", "data=wisdm", "data.source=2", f"output={tmp_path}", "logger=none", *small]
    result = runs.run(compose(options))
    assert 0 < result.record.target_test["accuracy"] < 100


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"source": 37}, r"data\.source=37 is no user; give a number from 1 to 36"),
        ({"target": 0}, r"data\.target=0 is no user"),
        ({"source": 5}, r"data\.source=5 and data\.target=5 must be different users"),
        ({"source": [3, 3]}, "must be different users"),
        ({"source": []}, "must be different users"),
        ({"standardize": "target"}, r"data\.standardize='target' is unknown; take domain or source"),
        ({"test_fraction": 0}, r"data\.test_fraction=0 leaves nothing to report on"),
        ({"validation_fraction": 1.0}, r"data\.validation_fraction=1.0 is outside"),
    ],
)
def test_bad_keywords(keywords, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Wisdm(**keywords).load()


def test_missing_file(monkeypatch, tmp_path):
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"wisdm/wisdm_v1_1_transformed\.npz.*DA_DATA_DIR="):
        Wisdm().load()
