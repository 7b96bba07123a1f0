"""What scikit-learn asks of a classifier: weights, margins, domains in words, and work inside of other estimators."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, RandomForestRegressor, VotingClassifier
from sklearn.linear_model import LinearRegression, RidgeClassifier
from sklearn.metrics import accuracy_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from da.errors import UsageError
from da.estimators.adapter import TransferClassifier, TransferRegressor
from da.estimators.classifiers.linear import LogisticRegression
from da.estimators.subspace.feature_augmentation import FeatureAugmentation
from da.estimators.weighting.kmm import KMM

UNEVEN = np.random.default_rng(1).uniform(0.1, 3.0, 120)
FIXED = LogisticRegression(C=1.0)


@pytest.mark.parametrize("estimator", [None, "coral", "kmm"])
@pytest.mark.parametrize("classifier", [FIXED, make_pipeline(StandardScaler(), make_pipeline(GaussianNB()))])
def test_sample_weights_are_multiplied_with_the_weighting_and_reach_the_last_step(estimator, classifier, shifted):
    X, y, domain = shifted
    y = np.where((y >= 0) & (np.arange(120) % 7 == 0), 1 - y, y)  # so that weights matter
    model = TransferClassifier(estimator, classifier).fit(X, y, domain=domain, sample_weight=UNEVEN)
    source = domain == "source"
    z, weight = X[source], UNEVEN[source]
    if estimator == "coral":
        z = model.estimator_.transform(z, domain="source")
    if estimator == "kmm":
        weight = weight * KMM().fit(*model_domains(X, y, source)).weights_
    if classifier is FIXED:
        expected = LogisticRegression(C=1.0).fit(z, y[source], weight)
        np.testing.assert_allclose(model.classifier_.coef_, expected.coef_)
        assert np.abs(expected.coef_ - LogisticRegression(C=1.0).fit(z, y[source]).coef_).max() > 1e-3
    else:
        scaler = StandardScaler().fit(z)
        expected = GaussianNB().fit(scaler.transform(z), y[source], weight)
        np.testing.assert_allclose(model.classifier_[-1][-1].theta_, expected.theta_)
    other = np.where(source, UNEVEN, 5.0)  # weights of the unlabelled target are not used
    again = TransferClassifier(estimator, classifier).fit(X, y, domain=domain, sample_weight=other)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def model_domains(X, y, source):
    from da.domain import Domain

    return Domain(X[source], y[source]), Domain(X[~source])


def test_weights_of_labelled_target_samples_count_too(shifted):
    X, y, domain = shifted
    some = np.where(np.isin(np.arange(120), [60, 61, 90, 91]), "labelled_target", domain)
    y = np.where(some == "labelled_target", [0] * 90 + [1] * 30, y)
    model = TransferClassifier(FeatureAugmentation(), FIXED).fit(X, y, domain=some, sample_weight=UNEVEN)
    map_ = model.estimator_
    source, few = some == "source", some == "labelled_target"
    z = np.r_[map_.transform(X[source], domain="source"), map_.transform(X[few])]
    expected = LogisticRegression(C=1.0).fit(z, np.r_[y[source], y[few]], np.r_[UNEVEN[source], UNEVEN[few]])
    np.testing.assert_allclose(model.classifier_.coef_, expected.coef_)
    assert model.domains_ == {"source": 60, "target": 56, "labelled_target": 4}


def test_a_regressor_takes_weights_words_and_names(shifted):
    X, _, domain = shifted
    y = np.where(domain == "source", X[:, 0] ** 2, np.nan)
    model = TransferRegressor("kmm", LinearRegression()).fit(X, y, domain=domain, sample_weight=UNEVEN)
    source = domain == "source"
    weight = KMM().fit(*model_domains(X, y, source)).weights_ * UNEVEN[source]
    expected = LinearRegression().fit(X[source], y[source], weight)
    np.testing.assert_allclose(model.predict(X), expected.predict(X))
    assert model.score(X[source], y[source], domain=domain[source]) == pytest.approx(
        expected.score(X[source], y[source])
    )
    with pytest.raises(UsageError, match="60 of the 120 samples to score are of the unlabelled target"):
        model.score(X, y)
    with pytest.warns(UserWarning, match=r"All 60 unlabelled target samples have the label 0.0, .* give NaN"):
        TransferRegressor().fit(X, np.nan_to_num(y), domain=domain)


def test_weights_that_nothing_takes_are_refused(shifted):
    X, y, domain = shifted
    for estimator, classifier, sentence in (
        ("self_training", None, "SelfTraining predicts by itself, and takes no sample weights"),
        (None, KNeighborsClassifier(), "Samples have weights, and KNeighborsClassifier takes no weights"),
        (None, make_pipeline(KNeighborsClassifier()), "Samples have weights, and Pipeline takes no weights"),
    ):
        with pytest.raises(UsageError, match=sentence):
            TransferClassifier(estimator, classifier).fit(X, y, domain=domain, sample_weight=UNEVEN)
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        TransferClassifier().fit(X, y, domain=domain, sample_weight=-UNEVEN)
    with pytest.raises(ValueError, match=r"The source has 1 class \(0\)"):
        TransferClassifier().fit(X, y, domain=domain, sample_weight=(y == 0).astype(float))


def test_margins_are_the_classifiers_on_adapted_samples(shifted):
    X, y, domain = shifted
    model = TransferClassifier("subspace_alignment", RidgeClassifier()).fit(X, y, domain=domain)
    z = model.estimator_.transform(X, domain="target")
    np.testing.assert_array_equal(model.decision_function(X), model.classifier_.decision_function(z))
    assert ((model.decision_function(X) > 0) == (model.predict(X) == 1)).all()
    assert not hasattr(TransferClassifier(None, GaussianNB()), "decision_function")
    assert not hasattr(TransferClassifier("self_training"), "decision_function")
    assert hasattr(TransferClassifier(None, make_pipeline(StandardScaler(), RidgeClassifier())), "decision_function")


def test_classes_that_nothing_was_trained_on_have_no_margin(shifted):
    X, y, domain = shifted
    some = np.where(np.arange(120) == 119, "labelled_target", domain)
    y = np.where(some == "labelled_target", -5, y)
    model = TransferClassifier(None, RidgeClassifier()).fit(X, y, domain=some)
    plain = RidgeClassifier().fit(X[:60], y[:60]).decision_function(X)
    assert model.classes_.tolist() == [-5, 0, 1]
    np.testing.assert_array_equal(model.decision_function(X), np.c_[np.full(120, -np.inf), -plain, plain])


def test_samples_are_answered_as_of_their_domain(shifted):
    X, y, domain = shifted
    model = TransferClassifier("ot_linear").fit(X, y, domain=domain)
    source = domain == "source"
    assert model.predict(X, domain=domain).tolist() == np.tile(np.repeat([0, 1], 30), 2).tolist()
    assert model.predict(X[source]).tolist() == [0] * 60  # as target samples, to which the source was moved
    assert model.score(X[source], y[source], domain=["source"] * 60) == 1.0
    assert model.score(X[source], y[source]) == 0.5
    mapped = model.estimator_.transform(X[source], domain="source")
    np.testing.assert_array_equal(
        model.predict_proba(X, domain=domain)[source], model.classifier_.predict_proba(mapped)
    )
    np.testing.assert_array_equal(model.predict_proba(X, domain=domain)[~source], model.predict_proba(X[~source]))
    with pytest.raises(ValueError, match="`domain` needs one entry a sample, got 3 for 120"):
        model.predict(X, domain=["source"] * 3)


@pytest.mark.parametrize("convention", ["da", "skada"])
def test_words_are_read_as_their_numbers(convention, shifted):
    X, y, domain = shifted
    words = np.where(np.arange(120) % 3 == 0, "source2", "source")
    words = np.where(domain == "target", np.where(np.arange(120) % 5 == 0, "labelled_target", "target"), words)
    y = np.where(words == "labelled_target", (np.arange(120) >= 90).astype(int), y)
    numbers = np.select([words == w for w in ("source", "source2", "target")], [0, -1, 1], 2)
    for estimator in (FeatureAugmentation(), "jcpot"):
        ours = TransferClassifier(estimator).fit(X, y, domain=numbers)
        for kind in (list, np.array):
            said = TransferClassifier(estimator, convention=convention).fit(X, y, domain=kind(words.tolist()))
            np.testing.assert_array_equal(said.predict_proba(X), ours.predict_proba(X))


@pytest.mark.parametrize(("word", "hint"), [("sorce", "source"), ("Target", "target"), ("labelled", "labelled_target")])
def test_misspelt_words_are_refused_with_the_nearest(word, hint, shifted):
    X, y, domain = shifted
    with pytest.raises(UsageError, match=rf"`domain` has '{word}', which is no domain: did you mean '{hint}'\?"):
        TransferClassifier().fit(X, y, domain=[word, *domain[1:]])
    with pytest.raises(UsageError, match="'source1'.*did you mean 'source'"):
        TransferClassifier().fit(X, y, domain=["source1", *domain[1:]])


@pytest.mark.parametrize("filler", [-1, 7, np.nan, None])
def test_fillers_are_not_scored(filler, shifted):
    X, y, domain = shifted
    filled = np.array([filler if label < 0 else label for label in y.tolist()])
    model = TransferClassifier("ot_linear").fit(X, filled, domain=domain)
    for rows, domains in ((slice(None), None), (slice(60, None), None), (slice(None), domain), (slice(50, 70), None)):
        with pytest.raises(UsageError, match="are of the unlabelled target, .*TransferKFold.* TransferScorer"):
            model.score(X[rows], filled[rows], domain=domains)
    true = np.repeat([0, 1], 30)
    assert model.score(X[60:], true) == 1.0
    assert model.score(X[60:], true, domain=["labelled_target"] * 60) == 1.0
    with pytest.raises(UsageError, match="60 of the 60 samples"):
        model.score(X[60:], true, domain=domain[60:])


def test_true_labels_of_a_class_that_the_source_lacks_are_scored(shifted):
    """They were handed over and not used; they are no filler, as they differ."""
    X, y, domain = shifted
    model = TransferClassifier("ot_linear").fit(X, np.r_[y[:60], np.repeat([0, 7], 30)], domain=domain)
    assert model.score(X[60:], np.repeat([0, 7], 30)) == 0.5


def test_a_filler_that_is_a_class_is_warned_of(shifted):
    X, y, domain = shifted
    with pytest.warns(UserWarning, match="All 60 unlabelled target samples have the label 1, .* give -1 in its place"):
        model = TransferClassifier().fit(X, np.where(y < 0, 1, y), domain=domain)
    assert model.score(X[60:], np.ones(60)) == 1.0  # it may be true
    few = np.r_[0:60, 60:69]
    TransferClassifier().fit(X[few], np.abs(y[few]), domain=domain[few])  # nine may agree by chance


@pytest.mark.filterwarnings("ignore:All [46]0 unlabelled")  # scikit-learn's calibration wants the label of a class
def test_calibration_by_hand_and_by_scikit_learn_agree(shifted):
    from sklearn.calibration import _SigmoidCalibration

    from da.estimators.splitter import TransferKFold

    X, y, domain = shifted
    y = np.where(y < 0, 0, np.where(np.arange(120) % 7 == 0, 1 - y, y))
    direct = CalibratedClassifierCV(TransferClassifier("kmm"), cv=TransferKFold(3, domain=domain))
    direct.fit(X, y, domain=domain)
    with config_context(enable_metadata_routing=True):
        routed = CalibratedClassifierCV(TransferClassifier("kmm"), cv=TransferKFold(3)).fit(X, y, domain=domain)
        np.testing.assert_array_equal(routed.predict_proba(X), direct.predict_proba(X))
    proba = direct.predict_proba(X)
    mean = np.zeros(120)
    for train, test in TransferKFold(3, domain=domain).split(X, y):
        model = TransferClassifier("kmm").fit(X[train], y[train], domain=domain[train])
        sigmoid = _SigmoidCalibration().fit(model.decision_function(X[test]), y[test])
        mean += sigmoid.predict(model.decision_function(X)) / 3.0
    np.testing.assert_allclose(proba[:, 1], mean, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:All 60 unlabelled")  # soft votes want the label of a class
def test_votes_are_those_of_the_members(shifted):
    X, y, domain = shifted
    y, true = np.where(y < 0, 0, y) + 5, np.repeat([5, 6], 30)
    names = ("ot_linear", "ot_emd", None)
    alone = [TransferClassifier(name).fit(X, y, domain=domain) for name in names]
    with config_context(enable_metadata_routing=True):
        members = [(str(name), TransferClassifier(name)) for name in names]
        soft = VotingClassifier(members, voting="soft").fit(X, y, domain=domain)
        hard = VotingClassifier(members).fit(X, y, domain=domain)
        np.testing.assert_allclose(soft.predict_proba(X), np.mean([m.predict_proba(X) for m in alone], axis=0))
        votes = np.median([m.predict(X) for m in alone], axis=0)
        assert hard.predict(X).tolist() == votes.tolist()
    assert accuracy_score(true, hard.predict(X[60:])) == 1.0
    assert alone[2].score(X[60:], true) == 0.5


def test_a_pipeline_routes_domains_to_fit_predict_and_score(shifted):
    X, y, domain = shifted
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), TransferClassifier("ot_linear")).fit(X, y, domain=domain)
        scaled = StandardScaler().fit_transform(X)
        direct = TransferClassifier("ot_linear").fit(scaled, y, domain=domain)
        assert pipeline.predict(X, domain=domain).tolist() == direct.predict(scaled, domain=domain).tolist()
        assert pipeline.predict(X, domain=domain).tolist() != direct.predict(scaled).tolist()
        assert pipeline.score(X[:60], y[:60], domain=domain[:60]) > 0.95 > pipeline.score(X[:60], y[:60])
        with pytest.raises(UsageError, match="60 of the 120 samples"):
            pipeline.score(X, y, domain=domain)


def test_minus_one_is_a_filler_among_other_labels_of_the_target(shifted):
    """Some target labels were handed over, so no one label fills all."""
    X, y, domain = shifted
    mixed = np.r_[y[:60], np.repeat([1, -1], 30)]
    model = TransferClassifier("ot_linear").fit(X, mixed, domain=domain)
    assert model.filler_ is None
    with pytest.raises(UsageError, match="30 of the 60 samples"):
        model.score(X[60:], mixed[60:])
    assert model.score(X[60:90], mixed[60:90]) == 0.0  # the first thirty are of class 0


@pytest.mark.parametrize(
    "ensemble", [RandomForestClassifier(5, random_state=0), BaggingClassifier(GaussianNB(), 3, random_state=0)]
)
def test_ensembles_that_are_not_fitted_are_classifiers(ensemble, shifted):
    X, y, domain = shifted
    model = TransferClassifier("ot_linear", ensemble)
    assert hasattr(model, "predict_proba")  # an ensemble that is not fitted has no length
    assert model.fit(X, y, domain=domain).score(X[60:], np.repeat([0, 1], 30)) > 0.9
    regressor = TransferRegressor(None, RandomForestRegressor(5, random_state=0)).fit(X, X[:, 0], domain=domain)
    assert regressor.predict(X[:5]).shape == (5,)


def test_labels_that_an_ensemble_numbered_are_warned_of(shifted):
    """A voting classifier takes the filler for class 0, so that its members answer other classes than it thinks."""
    X, y, domain = shifted
    voters = VotingClassifier([("a", TransferClassifier("coral"))])
    with config_context(enable_metadata_routing=True), pytest.warns(UserWarning, match="took the filler for a class"):
        voters.fit(X, y, domain=domain)


def test_a_pipeline_that_takes_weights_keeps_its_cache(shifted, tmp_path):
    X, y, domain = shifted
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=1.0), memory=str(tmp_path / "cache"))
    TransferClassifier("kmm", pipeline).fit(X, y, domain=domain)
    assert any((tmp_path / "cache").rglob("*.pkl"))


def test_a_method_of_labelled_target_samples_without_any_is_warned_of(shifted):
    X, y, domain = shifted
    with pytest.warns(UserWarning, match="Pooled learns from labelled target samples, and there are none"):
        TransferClassifier("pooled").fit(X, y, domain=domain)
    few = np.arange(120) > 100
    given = np.where(few, np.arange(120) % 2, y)
    TransferClassifier("pooled").fit(X, given, domain=np.where(few, "labelled_target", domain))
