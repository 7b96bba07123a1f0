"""Test folds hold labelled samples, and the unlabelled target is always trained on."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict, cross_val_score

from da.errors import UsageError
from da.estimators.adapter import TransferClassifier, TransferRegressor
from da.estimators.splitter import TransferKFold

WORDS = np.repeat(["source", "source2", "target", "labelled_target"], [20, 12, 15, 8])
Y = np.r_[np.arange(20) % 2, np.arange(12) % 3, np.full(15, -1), np.arange(8) % 2]
X = np.arange(55.0)[:, None]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("y", [Y, Y + 0.5, np.where(Y < 0, None, Y), [f"class {k}" for k in Y]])
def test_each_labelled_sample_is_tested_once_and_the_target_always_trained(y, shuffle):
    order = np.random.default_rng(0).permutation(55)
    labels, words = np.asarray(y)[order], WORDS[order]
    folds = list(TransferKFold(4, domain=words, shuffle=shuffle, random_state=0 if shuffle else None).split(X, labels))
    tested = np.concatenate([test for _, test in folds])
    assert np.sort(tested).tolist() == np.flatnonzero(words != "target").tolist()
    for train, test in folds:
        assert np.intersect1d(train, test).size == 0
        assert len(train) + len(test) == 55
        assert (words[train] == "target").sum() == 15
        assert [(words[test] == word).sum() for word in ("source", "source2", "labelled_target")] == [5, 3, 2]
        assert abs((Y[order][test][words[test] == "source"] == 0).sum() - 2.5) == 0.5


def test_draws_follow_the_seed():
    def drawn(**options):
        return [test.tolist() for _, test in TransferKFold(4, domain=WORDS, **options).split(X, Y)]

    assert drawn() == drawn(random_state=3)
    assert drawn(shuffle=True, random_state=0) == drawn(shuffle=True, random_state=0)
    assert drawn(shuffle=True, random_state=0) != drawn(shuffle=True, random_state=1)


def test_a_partition_tests_every_sample_once_and_still_trains_on_the_target():
    folds = list(TransferKFold(4, domain=WORDS, partition=True).split(X, Y))
    assert np.sort(np.concatenate([test for _, test in folds])).tolist() == list(range(55))
    assert all((WORDS[train] == "target").sum() == 15 for train, _ in folds)
    assert sorted((WORDS[test] == "target").sum() for _, test in folds) == [3, 4, 4, 4]


def test_domains_are_read_by_the_convention():
    theirs = np.where(WORDS == "source", 1, np.where(WORDS == "source2", 2, -3))
    skada = TransferKFold(4, domain=theirs, convention="skada").split(X, Y)
    for (train, test), (other, same) in zip(skada, TransferKFold(4, domain=WORDS).split(X, Y), strict=True):
        assert train.tolist() == other.tolist()
        assert test.tolist() == same.tolist()


def test_what_cannot_be_split_is_refused():
    split = TransferKFold(4, domain=WORDS).split
    for wrong, sentence in (
        (lambda: TransferKFold(4).split(X, Y), "given no domains; .* make it with `domain`"),
        (lambda: split(X), "given no labels"),
        (lambda: split(X, Y, groups=WORDS), "give the domains as `domain`"),
        (lambda: split(X[:9], Y[:9]), "domains of 55 samples and splits 9 with 9 labels; .* metadata routing"),
        (lambda: TransferKFold(41, domain=WORDS).split(X, Y), "40 labelled samples do not make 41 folds; .* 2 to 40"),
        (lambda: TransferKFold(1, domain=WORDS).split(X, Y), "do not make 1 folds"),
        (lambda: split(X, [None, *Y[1:].tolist()]), "Samples 0 have no label"),
        (lambda: TransferKFold(4, domain=np.where(WORDS == "source", "sorce", WORDS)).split(X, Y), "mean 'source'"),
    ):
        with pytest.raises(UsageError, match=sentence):
            list(wrong())


def test_cross_validation_scores_no_filler(shifted):
    """What scored the target's fillers, at one half, now refuses; labelled samples are scored as they should be."""
    X, y, domain = shifted
    with pytest.raises(UsageError, match="30 of the 60 samples to score are of the unlabelled target"):
        cross_val_score(
            TransferClassifier(), X, y, cv=StratifiedKFold(2), params={"domain": domain}, error_score="raise"
        )
    cv = TransferKFold(3, domain=domain)
    scores = cross_val_score(TransferClassifier(), X, y, cv=cv, params={"domain": domain})
    assert scores.tolist() == [1.0, 1.0, 1.0]
    values = np.where(y < 0, np.nan, X[:, 0])
    r2 = cross_val_score(TransferRegressor(), X, values, cv=TransferKFold(3, domain=domain), params={"domain": domain})
    assert (r2 > 0.99).all()


def test_metadata_routing_passes_domains_once_to_nested_cross_validation_too(shifted):
    X, y, domain = shifted
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(TransferClassifier(), {"estimator": [None, "coral"]}, cv=TransferKFold(2))
        nested = cross_val_score(search, X, y, cv=TransferKFold(3), params={"domain": domain}, error_score="raise")
        with pytest.raises(UsageError, match="are of the unlabelled target"):
            cross_val_score(
                TransferClassifier(), X, y, cv=StratifiedKFold(2), params={"domain": domain}, error_score="raise"
            )
    assert nested.tolist() == [1.0, 1.0, 1.0]


def test_predictions_of_every_sample_come_from_models_that_did_not_see_its_label(shifted):
    X, y, domain = shifted
    model = TransferClassifier("ot_linear")
    with pytest.raises(ValueError, match="only works for partitions"):
        cross_val_predict(model, X, y, cv=TransferKFold(3, domain=domain), params={"domain": domain})
    cv = TransferKFold(3, domain=domain, partition=True)
    predicted = cross_val_predict(model, X, y, cv=cv, params={"domain": domain})
    for train, test in cv.split(X, y):
        fitted = TransferClassifier("ot_linear").fit(X[train], y[train], domain=domain[train])
        assert predicted[test].tolist() == fitted.predict(X[test]).tolist()
    assert predicted[domain == "target"].tolist() == np.repeat([0, 1], 30).tolist()
