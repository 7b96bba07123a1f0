import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.sparse import issparse
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from da.config import catalog
from da.errors import UsageError
from da.estimators.adapter import TransferClassifier, TransferRegressor
from da.estimators.base import FeatureMapping, Predictor, Weighting
from da.estimators.classifiers.linear import LogisticRegression
from da.estimators.labelling.self_training import SelfTraining
from da.estimators.subspace.coral import CORAL
from da.estimators.subspace.feature_augmentation import FeatureAugmentation
from da.estimators.subspace.subspace_alignment import SubspaceAlignment
from da.estimators.transport.jcpot import JCPOT
from da.estimators.weighting.kmm import KMM
from da.estimators.weighting.logistic_ratio import LogisticRatio
from da.setting import FEW, SAME

pytestmark = pytest.mark.versions

MAKERS = {
    name: entry.locate()
    for name, entry in catalog.entries("method").items()
    if entry.is_estimator and entry.access.spaces == SAME
}
everyone = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def quick(estimator):
    known = estimator.get_params()
    return estimator.set_params(**{k: v for k, v in {"max_iter": 50, "rounds": 2}.items() if k in known})


AS_REPEATED = "a sample weight trains the classifier alone; the adaptation counts every sample once"
UNWEIGHTED = "a predictor trains by its own rules and refuses sample weights"


def excused(adapter):
    """scikit-learn's checks that cannot hold, and why; without adaptation all of them do."""
    if adapter.estimator is None:
        return {}
    reasons = {f"check_sample_weight_equivalence_on_{kind}_data": AS_REPEATED for kind in ("dense", "sparse")}
    if isinstance(adapter.estimator, Predictor):
        weighted = ("s_pandas_series", "s_not_an_array", "s_list", "s_shape", "s_not_overwritten")
        reasons = dict.fromkeys([*reasons, *(f"check_sample_weight{name}" for name in weighted)], UNWEIGHTED)
    return reasons


class QuarterTarget(TransferClassifier):
    """Every fourth sample is the target's (half of these labelled, where few are granted), so that scikit-learn's checks, which know no domains, do adapt."""

    def fit(self, X, y, sample_weight=None):
        index = np.arange(X.shape[0] if issparse(X) else len(np.asarray(X)))
        few = self.estimator.needs.target_y == FEW
        domain = np.where(index % 4 == 3, 1 + (few & (index % 8 == 3)), 0)
        return super().fit(X, y, domain=domain, sample_weight=sample_weight)


@pytest.mark.filterwarnings("ignore:No C up to")  # of labels at random
@pytest.mark.filterwarnings("ignore:Class priors explain")  # nor is there a shift of these
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # 50 iterations are few
@parametrize_with_checks(
    [TransferClassifier(), *(QuarterTarget(quick(make()), GaussianNB()) for make in MAKERS.values())],
    expected_failed_checks=excused,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture
def mixed():
    """Both domains in one table, shuffled: inputs, labels (strings), domain."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=90)
    is_target = rng.permutation(np.arange(90) % 2)
    x = rng.normal(size=(90, 5)) + 3.0 * np.eye(5)[y]
    x[is_target == 1] = x[is_target == 1] @ np.diag([1.0, 2.0, 1.0, 1.0, 3.0]) + 0.5
    return x, np.array(["cat", "horse", "ox"])[y], is_target


@everyone
def test_without_domains_nothing_is_adapted(make, mixed):
    x, y, _ = mixed
    plain = LogisticRegression().fit(x, y)
    for domain in (None, np.zeros(90)):
        fitted = TransferClassifier(make()).fit(x, y, domain=domain)
        assert fitted.predict(x).tolist() == plain.predict(x).tolist()
        assert fitted.estimator_ is None


def roles(make, is_target):
    """Source 0, target 1; where few labels are granted, every third target sample is 2."""
    if make.needs.target_y < FEW:
        return is_target
    chosen = np.flatnonzero(is_target)[::3]
    return np.where(np.isin(np.arange(len(is_target)), chosen), 2, is_target)


@pytest.mark.filterwarnings("ignore:Class priors explain")  # the shift is another
@everyone
def test_both_domains_reach_the_estimator_and_what_is_labelled_trains(make, mixed):
    x, y, is_target = mixed
    role = roles(make, is_target)
    fitted = TransferClassifier(make()).fit(x, y, domain=role)
    assert fitted.classes_.tolist() == ["cat", "horse", "ox"]
    estimator = fitted.estimator_
    if isinstance(estimator, Predictor):
        assert fitted.predict(x).tolist() == fitted.classes_[estimator.predict(x)].tolist()
        return
    source, few = x[role == 0], x[role == 2]
    weights, z_s, z_few, z_t = None, source, few, x
    if isinstance(estimator, Weighting):
        assert estimator.weights_.shape == (45,)
        weights = np.r_[estimator.weights_, np.ones(len(few))]
    else:
        z_s, z_t = estimator.transform(source, domain="source"), estimator.transform(x)
        z_few = estimator.transform(few) if len(few) else z_t[:0]
    labels = np.r_[y[role == 0], y[role == 2]]
    C = "cv"
    if isinstance(estimator, FeatureMapping) and (unmoved := estimator.unmoved(source)) is not None:
        C = LogisticRegression().fit(unmoved, y[role == 0]).C_
    if getattr(estimator, "misleads_", False):
        C = LogisticRegression().fit(source, y[role == 0]).C_
    direct = LogisticRegression(C=C).fit(np.r_[z_s, z_few], labels, sample_weight=weights)
    assert fitted.predict(x).tolist() == direct.predict(z_t).tolist()


GARBAGE = {
    "shuffled": lambda y: np.random.default_rng(1).permutation(y),
    "one class": lambda y: np.full(len(y), "cat"),
    "unknown classes": lambda y: np.array([f"class {k}" for k in range(len(y))]),
}


@pytest.mark.filterwarnings("ignore:Class priors explain")  # the shift is another
@pytest.mark.filterwarnings("ignore:All [34][05] unlabelled")  # the garbage of one class
@everyone
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_labels_of_the_target_are_not_looked_at(make, garbage, mixed):
    x, y, is_target = mixed
    role = roles(make, is_target)
    other = np.where(role == 1, garbage(y), y)
    straight = TransferClassifier(make()).fit(x, y, domain=role)
    turned = TransferClassifier(make()).fit(x, other, domain=role)
    assert turned.classes_.tolist() == straight.classes_.tolist()
    assert np.array_equal(turned.predict(x), straight.predict(x))


@pytest.mark.parametrize("missing", [np.nan, np.inf, 0.5, -1.0])
def test_numeric_labels_of_the_target_may_be_missing(missing, mixed):
    x, _, is_target = mixed
    y = (x[:, 0] > 1.0).astype(float)
    straight = TransferClassifier(CORAL()).fit(x, y, domain=is_target)
    turned = TransferClassifier(CORAL()).fit(x, np.where(is_target == 1, missing, y), domain=is_target)
    assert np.array_equal(turned.predict(x), straight.predict(x))


@pytest.mark.parametrize("missing", [np.nan, np.inf, 0.5])
def test_numeric_labels_of_the_source_may_not(missing, mixed):
    x, _, is_target = mixed
    y = (x[:, 0] > 1.0).astype(float)
    y[np.flatnonzero(is_target == 0)[0]] = missing
    with pytest.raises(ValueError, match="NaN|infinity|Unknown label type: continuous"):
        TransferClassifier(CORAL()).fit(x, y, domain=is_target)


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
@pytest.mark.parametrize("labels", [["b", "bear"], [7, 3], [True, False]])
def test_labels_of_the_target_may_be_none(kind, labels, mixed):
    x, _, is_target = mixed
    classes = np.array(labels)[(x[:, 0] > 1.0).astype(int)]
    y = [None if t else label for t, label in zip(is_target, classes.tolist(), strict=True)]
    fitted = TransferClassifier(CORAL()).fit(x, kind(y), domain=is_target)
    assert fitted.classes_.tolist() == sorted(labels)
    assert np.array_equal(fitted.predict(x), TransferClassifier(CORAL()).fit(x, classes, domain=is_target).predict(x))


ODD = {
    "skada's signs": np.r_[np.ones(45), np.full(45, -2.0)],
    "one target only": np.ones(90),
    "no source 0": np.r_[np.full(45, -1), np.ones(45)],
    "a gap in the sources": np.r_[np.zeros(20), np.full(25, -2), np.ones(45)],
    "fractions": np.r_[np.zeros(45), np.full(45, 0.9)],
    "missing": np.r_[np.zeros(45), np.full(45, np.nan)],
    "infinite": np.r_[np.zeros(45), np.full(45, np.inf)],
    "three": np.r_[np.zeros(45), np.full(45, 3)],
    "truth values": np.arange(90) % 2 == 0,
    "a gap in the words": np.array(["source", "source3", "target"] * 30),
    "words and numbers": np.array(["source", 1, None] * 30, dtype=object),
    "a target in words only": np.array(["target"] * 90),
    "two columns": np.zeros((90, 2)),
}


@pytest.mark.parametrize("make", [TransferClassifier, TransferRegressor])
@pytest.mark.parametrize("domain", ODD.values(), ids=ODD)
def test_domains_outside_of_the_convention_are_refused_and_both_are_named(domain, make, mixed):
    x, y, _ = mixed
    y = y if make is TransferClassifier else np.arange(90.0)
    with pytest.raises(
        ValueError, match="`domain` does not follow convention='da': .*'da' reads 0 .*'skada' reads pos"
    ):
        make(CORAL()).fit(x, y, domain=domain)


def test_another_number_of_entries_or_another_convention_is_refused(mixed):
    x, y, _ = mixed
    with pytest.raises(ValueError, match="`domain` needs one entry a sample, got 89 for 90"):
        TransferClassifier(CORAL()).fit(x, y, domain=np.zeros(89))
    with pytest.raises(ValueError, match="convention='sakda' is unknown; give 'da' or 'skada'"):
        TransferClassifier(CORAL(), convention="sakda").fit(x, y, domain=np.zeros(90))


SKADA_ODD = {
    "ours": np.r_[np.zeros(45), np.ones(45)],
    "no source": np.full(90, -2),
    "fractions": np.r_[np.full(45, 0.5), np.full(45, -2.0)],
    "missing": np.r_[np.ones(45), np.full(45, np.nan)],
}


@pytest.mark.parametrize("domain", SKADA_ODD.values(), ids=SKADA_ODD)
def test_domains_outside_of_skadas_convention_are_refused(domain, mixed):
    x, _, _ = mixed
    y = np.r_[np.arange(45) % 3, np.full(45, -1)]
    with pytest.raises(ValueError, match="does not follow convention='skada': .*'da' reads 0 .*'skada' reads pos"):
        TransferClassifier(CORAL(), convention="skada").fit(x, y, domain=domain)


def test_both_conventions_learn_the_same(mixed):
    x, y, is_target = mixed
    ours = TransferClassifier(CORAL()).fit(x, y, domain=is_target)
    classes = np.unique(y, return_inverse=True)[1]
    theirs = TransferClassifier(CORAL(), convention="skada")
    theirs.fit(x, np.where(is_target == 1, -1, classes), domain=np.where(is_target == 1, -2, 1))
    assert np.unique(y)[theirs.predict(x)].tolist() == ours.predict(x).tolist()
    values = np.where(is_target == 1, np.nan, classes)
    regressor = TransferRegressor(CORAL(), convention="skada").fit(x, values, domain=np.where(is_target == 1, -2, 1))
    expected = TransferRegressor(CORAL()).fit(x, classes, domain=is_target)
    np.testing.assert_allclose(regressor.predict(x), expected.predict(x))


def test_skadas_packing_is_read_as_it_is(mixed):
    """What skada's own `pack` makes of two domains, masked labels included."""
    from skada.datasets import DomainAwareDataset

    x, y, is_target = mixed
    classes = np.unique(y, return_inverse=True)[1]
    dataset = DomainAwareDataset([(x[is_target == 0], classes[is_target == 0], "s"), (x[is_target == 1], classes[is_target == 1], "t")])  # fmt: skip
    X, masked, domain = dataset.pack(as_sources=["s"], as_targets=["t"], mask_target_labels=True)
    fitted = TransferClassifier(CORAL(), convention="skada").fit(X, masked, domain=domain)
    expected = TransferClassifier(CORAL()).fit(X, masked, domain=(domain < 0).astype(int))
    assert fitted.predict(x).tolist() == expected.predict(x).tolist()
    with pytest.raises(ValueError, match="45 target samples have labels that are not masked"):
        TransferClassifier(CORAL(), convention="skada").fit(X, np.abs(masked), domain=domain)


def test_several_sources_keep_apart_under_either_convention(mixed):
    x, y, is_target = mixed
    ours = np.where(is_target == 1, 1, -(np.arange(90) % 3 == 0).astype(int))
    theirs = np.where(is_target == 1, -5, np.where(ours == 0, 2, 7))
    classes = np.unique(y, return_inverse=True)[1]
    first = TransferClassifier(JCPOT()).fit(x, classes, domain=ours)
    second = TransferClassifier(JCPOT(), convention="skada")
    second.fit(x, np.where(is_target == 1, -1, classes), domain=theirs)
    assert first.predict(x).tolist() == second.predict(x).tolist()


def test_unmasked_labels_of_the_target_are_the_few_where_few_are_needed(mixed):
    x, y, is_target = mixed
    classes = np.unique(y, return_inverse=True)[1]
    role = roles(FeatureAugmentation, is_target)
    ours = TransferClassifier(FeatureAugmentation()).fit(x, classes, domain=role)
    masked = np.where(role == 1, -1, classes)
    theirs = TransferClassifier(FeatureAugmentation(), convention="skada")
    theirs.fit(x, masked, domain=np.where(is_target == 1, -1, 1))
    assert ours.predict(x).tolist() == theirs.predict(x).tolist()


def test_labels_of_the_target_never_train_whatever_the_signs():
    """The rule of the target is the opposite one, so that only its labels could tell."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    x = rng.normal(size=(400, 2))
    x[:, 0] += 3.0 * np.where(np.arange(400) < 200, y, -y)
    target = np.arange(400) >= 200
    model = TransferClassifier().fit(x, y, domain=target.astype(int))
    assert model.score(x[target], y[target]) < 0.6
    skada = TransferClassifier(convention="skada").fit(x, np.where(target, -1, y), domain=np.where(target, -2, 1))
    assert skada.predict(x).tolist() == model.predict(x).tolist()
    for domain in (np.where(target, -2, 1), np.where(target, 0.9, 0.0), np.where(target, np.nan, 0.0)):
        with pytest.raises(ValueError, match="does not follow"):
            TransferClassifier().fit(x, y, domain=domain)


def test_a_source_of_one_class_is_refused(mixed):
    x, y, is_target = mixed
    with pytest.raises(ValueError, match="The source has 1 class"):
        TransferClassifier(CORAL()).fit(x, np.where(is_target == 0, "cat", y), domain=is_target)


def test_the_estimators_given_are_left_unfitted(mixed):
    x, y, is_target = mixed
    given = TransferClassifier(CORAL(), KNeighborsClassifier(1)).fit(x, y, domain=is_target)
    assert not hasattr(given.estimator, "map_")
    assert not hasattr(given.classifier, "classes_")
    assert isinstance(given.classifier_, KNeighborsClassifier)


def test_in_a_pipeline(mixed):
    x, y, is_target = mixed
    pipeline = make_pipeline(StandardScaler(), TransferClassifier(SubspaceAlignment(n_components=3)))
    pipeline.fit(x, y, transferclassifier__domain=is_target)
    scaled = StandardScaler().fit_transform(x)
    direct = TransferClassifier(SubspaceAlignment(n_components=3)).fit(scaled, y, domain=is_target)
    assert pipeline.predict(x).tolist() == direct.predict(scaled).tolist()


def test_in_a_grid_search_over_a_parameter_of_the_estimator(mixed):
    x, y, is_target = mixed
    grid = {"estimator__n_components": [1, 3], "classifier__C": [0.01, 1.0]}
    model = TransferClassifier(SubspaceAlignment(), LogisticRegression())
    search = GridSearchCV(model, grid, cv=StratifiedKFold(3), error_score="raise").fit(x, y, domain=is_target)
    assert search.best_params_["estimator__n_components"] == 3
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == 4
    assert scores.std() > 0.01
    assert search.best_estimator_.estimator_.target_map_.shape == (5, 3)


def test_weights_change_the_classifier(mixed):
    x, y, is_target = mixed
    even, weighted = (TransferClassifier(e).fit(x, y, domain=is_target).classifier_ for e in (None, LogisticRatio()))
    assert np.abs(even.coef_ - weighted.coef_).max() > 0.01


def test_probabilities_are_in_the_order_of_the_classes(mixed):
    x, y, domain = mixed
    for estimator in (None, CORAL(), SelfTraining(rounds=2)):
        model = TransferClassifier(estimator).fit(x, y, domain=domain)
        proba = model.predict_proba(x)
        assert proba.shape == (len(x), len(model.classes_))
        np.testing.assert_allclose(proba.sum(axis=1), 1.0)
        np.testing.assert_array_equal(model.classes_[proba.argmax(1)], model.predict(x))
    assert not hasattr(TransferClassifier(None, RidgeClassifier()), "predict_proba")


def test_sparse_rows_are_taken_as_dense_ones_are(mixed):
    x, y, domain = mixed
    for estimator in (None, CORAL(), KMM()):
        dense, thin = (TransferClassifier(estimator).fit(rows, y, domain=domain) for rows in (x, sparse.csr_matrix(x)))
        np.testing.assert_allclose(thin.predict_proba(sparse.csr_matrix(x)), dense.predict_proba(x), atol=1e-6)


def test_a_weighting_trains_the_last_step_of_a_pipeline(mixed):
    x, y, domain = mixed
    weighting = KMM(min_effective=0.0, bandwidth=1.0)
    model = TransferClassifier(weighting, make_pipeline(StandardScaler(), LogisticRegression())).fit(
        x, y, domain=domain
    )
    source = domain == 0
    scaler = StandardScaler().fit(x[source])
    expected = LogisticRegression().fit(scaler.transform(x[source]), y[source], model.estimator_.weights_)
    np.testing.assert_allclose(model.predict_proba(x), expected.predict_proba(scaler.transform(x)))
    with pytest.raises(UsageError, match="Pipeline takes no weights"):
        TransferClassifier(weighting, make_pipeline(StandardScaler(), KNeighborsClassifier())).fit(x, y, domain=domain)
