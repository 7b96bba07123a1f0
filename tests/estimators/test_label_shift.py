import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from witness import quietly

from da.data.toy import Toy, target_priors
from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.classifiers.choice import choose
from da.estimators.classifiers.linear import LogisticRegression as OurLogisticRegression
from da.estimators.kernels import gaussian
from da.estimators.transfer import Transfer
from da.estimators.weighting.bbse import BBSE
from da.estimators.weighting.em_prior import EMPrior, calibrate
from da.estimators.weighting.label_shift import cross_outputs
from da.estimators.weighting.mmd_target_shift import MMDTargetShift
from da.estimators.weighting.rlls import RLLS, sum_of_norms

EVERY = {
    "bbse": lambda: BBSE(min_effective=0.0), "bbse soft": lambda: BBSE(min_effective=0.0, soft=True), "rlls": lambda: RLLS(min_effective=0.0), "em": lambda: EMPrior(min_effective=0.0),
    "em plain": lambda: EMPrior(min_effective=0.0, calibration="none"), "mmd": lambda: MMDTargetShift(min_effective=0.0),
}  # fmt: skip
everyone = pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
readers = pytest.mark.parametrize("make", [BBSE, EMPrior], ids=["bbse", "em"])


class Reader(ClassifierMixin, BaseEstimator):
    """Answers with the first column, whatever it was trained on."""

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, x):
        return x[:, 0].astype(int)

    def predict_proba(self, x):
        return np.eye(len(self.classes_))[self.predict(x)]


def shifted(n, *, classes=4, seed=0):
    task = Toy(shift="target", samples=n, classes=classes, split_seed=seed).load()
    return task.sources[0].train, task.target.train.without_labels(), task.target.train.y


def classes_in_space(n, priors, seed, move=0.0):
    """Three classes of ten features; all samples may be moved in the last seven, which have nothing to do with them."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, size=n, p=priors)
    x = rng.normal(size=(n, 10))
    x[:, :3] += 3.0 * np.eye(3)[y]
    x[:, 3:] += move
    return Domain(x, y)


@everyone
def test_a_shift_that_is_not_of_priors_is_said(make):
    source, few = classes_in_space(300, [1 / 3] * 3, 0), [0.1, 0.2, 0.7]
    assert make().fit(source, classes_in_space(300, few, 1).without_labels()).explained_ > 0.8
    kind = type(make()).__name__
    said = rf"^Class priors explain \d+ % of .* {kind} corrects nothing else: its weights may mislead. Compare with"
    with pytest.warns(UserWarning, match=said):
        assert make().fit(source, classes_in_space(300, few, 1, 1.0).without_labels()).explained_ < 0.5
    with pytest.warns(UserWarning, match=said):  # and where priors are the same, which weights should say
        assert make().fit(source, classes_in_space(300, [1 / 3] * 3, 1, 0.5).without_labels()).explained_ < 0.5


@everyone
@pytest.mark.filterwarnings("ignore:Class priors explain")
def test_weights_that_mislead_choose_no_C(make):
    source, few = classes_in_space(300, [1 / 3] * 3, 0), [0.1, 0.2, 0.7]
    even = choose(OurLogisticRegression(), source.x, source.y)
    for move, misleads in ((0.0, False), (1.0, True)):
        target = classes_in_space(300, few, 1, move).without_labels()
        model = Transfer(make(), OurLogisticRegression()).fit((source,), target)
        assert model.estimator.misleads_ == misleads
        expected = OurLogisticRegression(C=even if misleads else "cv").fit(source.x, source.y, model.estimator.weights_)
        np.testing.assert_allclose(model.classifier.coef_, expected.coef_)


def test_what_misleads_is_asked_when_C_is_chosen(monkeypatch):
    """The choice under weights differs from the even one, and only believed weights make it."""
    x, y = np.zeros((60, 1)), np.arange(60) % 2
    monkeypatch.setattr("da.estimators.classifiers.choice.choose", lambda _, x, y, w=None: 1.0 if w is None else 100.0)
    for misleads, C in ((False, 100.0), (True, 1.0)):
        estimator = BBSE()
        estimator.fit = lambda *_, e=estimator, m=misleads: vars(e).update(weights_=np.ones(60), misleads_=m) or e
        assert Transfer(estimator, OurLogisticRegression()).fit((Domain(x, y),), Domain(x)).classifier.C_ == C


@everyone
def test_what_priors_explain_is_not_said_of_equal_means(make):
    """Features that are standardised in each domain: a share of nothing, -1e30 by rounding."""
    source, target = classes_in_space(300, [1 / 3] * 3, 0), classes_in_space(300, [1 / 3] * 3, 1)
    estimator = make().fit(source, classes_in_space(300, [0.1, 0.2, 0.7], 1).without_labels())
    assert hasattr(estimator, "explained_")
    even = [Domain(d.x - d.x.mean(axis=0), d.y) for d in (source, target)]
    estimator.fit(even[0], even[1].without_labels())
    assert not hasattr(estimator, "explained_")
    assert not estimator.misleads_


@everyone
def test_means_that_are_apart_by_chance_are_not_held_against_it(make):
    for seed in range(6):
        make().fit(
            classes_in_space(90, [1 / 3] * 3, seed), classes_in_space(60, [1 / 3] * 3, 9 + seed).without_labels()
        )


@everyone
def test_priors_are_found_better_with_more_samples(make):
    few, many = (
        np.mean([
            np.abs(make().fit(*shifted(n, classes=5, seed=seed)[:2]).target_priors_ - target_priors(5)).sum()
            for seed in range(4)
        ])
        for n in (100, 1600)
    )  # fmt: skip
    assert many < 0.06
    assert few > 1.5 * many


@everyone
def test_weights_are_the_ratio_of_priors_by_class(make):
    source, target, _ = shifted(300)
    fitted = make().fit(source, target)
    priors = np.bincount(source.y) / len(source)
    np.testing.assert_allclose(fitted.class_weights_ * priors, fitted.target_priors_)
    assert fitted.target_priors_.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(fitted.weights_, fitted.class_weights_[source.y], rtol=1e-9, atol=2e-6)


@everyone
def test_labels_may_have_gaps(make):
    source, target, _ = shifted(300)
    straight = make().fit(source, target)
    gapped = make().fit(Domain(source.x, np.array([1, 4, 5, 9])[source.y]), target)
    assert gapped.classes_.tolist() == [1, 4, 5, 9]
    np.testing.assert_array_equal(gapped.target_priors_, straight.target_priors_)


@everyone
def test_one_class_is_refused(make):
    source, target, _ = shifted(50)
    with pytest.raises(DataError, match="one class only"):
        make().fit(Domain(source.x, np.zeros(50, dtype=int)), target)


@readers
def test_a_perfect_classifier_gives_the_targets_frequencies_exactly(make):
    source, target, truth = shifted(200)
    found = make(classifier=Reader()).fit(Domain(np.c_[source.y, source.x], source.y), Domain(np.c_[truth, target.x]))
    np.testing.assert_allclose(found.target_priors_, np.bincount(truth, minlength=4) / 200, atol=1e-9)


def answers(seed=0, n=900, m=700):
    """A classifier that errs in a known way: source answers and classes, target answers."""
    rng = np.random.default_rng(seed)
    table = np.array([[0.6, 0.2, 0.1], [0.3, 0.5, 0.3], [0.1, 0.3, 0.6]])  # column: the class

    def draw(priors, size):
        y = rng.choice(3, size=size, p=priors)
        return np.array([rng.choice(3, p=table[:, c]) for c in y]), y

    said, y = draw([0.5, 0.3, 0.2], n)
    heard, _ = draw([0.2, 0.3, 0.5], m)
    return Domain(np.c_[said, np.arange(n)], y), Domain(np.c_[heard, np.arange(m)])


def counted(source, target):
    """The equations of the paper of BBSE, by counting."""
    joint, mu = np.zeros((3, 3)), np.zeros(3)
    for said, y in zip(source.x[:, 0].astype(int), source.y, strict=True):
        joint[said, y] += 1.0 / len(source)
    for said in target.x[:, 0].astype(int):
        mu[said] += 1.0 / len(target)
    return joint, mu


@pytest.mark.filterwarnings("ignore:Class priors explain")  # inputs that are answers are not drawn by class
def test_bbse_is_the_solution_of_the_counted_equations():
    source, target = answers()
    joint, mu = counted(source, target)
    fitted = BBSE(min_effective=0.0, classifier=Reader()).fit(source, target)
    np.testing.assert_allclose(fitted.confusion_, joint, atol=1e-12)
    np.testing.assert_allclose(fitted.class_weights_, np.linalg.solve(joint, mu), rtol=1e-9)
    np.testing.assert_allclose(
        fitted.target_priors_, [0.2, 0.3, 0.5], atol=0.15
    )  # 4 standard errors: C is nearly singular


def test_negative_weights_become_zero_but_no_class_is_lost():
    source, target = answers()
    only = Domain(target.x[target.x[:, 0] == 2])
    joint, mu = counted(source, only)
    raw = np.linalg.solve(joint, mu)
    assert raw.min() < 0
    fitted = BBSE(min_effective=0.0, classifier=Reader()).fit(source, only)
    np.testing.assert_array_equal(fitted.class_weights_ == 0, raw <= 0)
    assert fitted.weights_.min() > 0


@pytest.mark.filterwarnings("ignore:Class priors explain")  # inputs that are answers are not drawn by class
def test_answers_that_say_nothing_leave_the_weights_even():
    source, target = answers()
    deaf = [Domain(np.c_[np.zeros(len(d)), d.x], d.y) for d in (source, target)]
    for make in (BBSE, RLLS):
        np.testing.assert_allclose(make(classifier=Reader()).fit(*deaf).class_weights_, 1.0)


def test_the_source_is_answered_by_classifiers_that_have_not_seen_it():
    source, target, _ = shifted(400, classes=6)
    memory = KNeighborsClassifier(1)
    confusion = BBSE(min_effective=0.0, classifier=memory).fit(source, target).confusion_
    fresh = Toy(shift="target", samples=400, classes=6).load().sources[0].test
    honest = memory.fit(source.x, source.y).score(fresh.x, fresh.y)
    assert np.trace(confusion) == pytest.approx(honest, abs=0.05)
    assert np.trace(confusion) < 0.85


def test_folds_hold_classes_in_proportion_and_do_not_depend_on_the_order():
    source, target, _ = shifted(97)
    order = np.random.default_rng(0).permutation(97)
    model = KNeighborsClassifier(3)
    straight = cross_outputs(model, source.x, source.y, target.x, soft=True)
    turned = cross_outputs(model, source.x[order], source.y[order], target.x, soft=True)
    np.testing.assert_array_equal(turned.source, straight.source[order])
    np.testing.assert_array_equal(turned.target, straight.target)


@pytest.mark.parametrize("rho", [1e-4, 0.01, 0.1, 0.3, 3.0])
def test_the_sum_of_norms_is_minimal(rho):
    source, target = answers()
    joint, mu = counted(source, target)
    b = mu - joint.sum(1)

    def loss(theta):
        return np.linalg.norm(joint @ theta - b) + rho * np.linalg.norm(theta)

    found = sum_of_norms(joint, b, rho)
    starts = [np.zeros(3), np.ones(3), np.linalg.solve(joint, b), found]
    for start in starts:
        other = minimize(loss, np.maximum(start, -1.0) + 1e-3, method="Nelder-Mead", bounds=[(-1, None)] * 3, options={"xatol": 1e-10, "fatol": 1e-14, "maxiter": 4000})  # fmt: skip
        assert loss(found) <= other.fun + 1e-9
    assert found.min() >= -1.0


@pytest.mark.filterwarnings("ignore:Class priors explain")  # inputs that are answers are not drawn by class
def test_rlls_goes_from_bbse_to_even_weights():
    source, target = answers()
    bbse = BBSE(min_effective=0.0, classifier=Reader()).fit(source, target)
    joint, mu = counted(source, target)
    raw = np.linalg.solve(joint, mu)
    sizes = []
    for alpha in (1e-9, 0.01, 0.1, 1.0, 100.0):
        fitted = RLLS(min_effective=0.0, classifier=Reader(), alpha=alpha).fit(source, target)
        sizes.append(np.linalg.norm(fitted.class_weights_ - 1.0))
        if alpha < 1e-8:
            np.testing.assert_allclose(fitted.class_weights_, raw, rtol=1e-5)
            np.testing.assert_allclose(fitted.class_weights_, bbse.class_weights_, rtol=1e-5)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 0.0
    half = RLLS(min_effective=0.0, classifier=Reader(), gamma=0.5, alpha=1e-9).fit(source, target)
    np.testing.assert_allclose(half.class_weights_ - 1.0, 0.5 * (raw - 1.0), rtol=1e-4)


def test_rlls_errs_less_than_bbse_where_samples_are_few():
    def error(make):
        found = []
        for seed in range(8):
            source, target, _ = shifted(100, classes=8, seed=seed)
            priors = np.bincount(source.y, minlength=8) / len(source)
            truth = (target_priors(8) / np.maximum(priors, 1e-9))[make.fit(source, target).classes_]
            found.append(np.mean(np.square(make.class_weights_ - truth)))
        return np.mean(found)

    assert error(RLLS(min_effective=0.0)) < 0.9 * error(BBSE(min_effective=0.0))


def test_em_is_the_loop_of_saerens_and_maximises_the_likelihood():
    source, target, _ = shifted(300, classes=5)
    source, target = (Domain(d.x.astype(float), d.y) for d in (source, target))
    model = LogisticRegression(max_iter=1000)
    fitted = EMPrior(min_effective=0.0, classifier=model, calibration="none", tol=1e-12, max_iter=5000).fit(
        source, target
    )
    f = model.fit(source.x, source.y).predict_proba(target.x)
    p = np.bincount(source.y) / len(source)
    q = p.copy()
    for _ in range(fitted.n_iter_):
        new = np.zeros(5)
        for row in f:
            posterior = q / p * row
            new += posterior / posterior.sum() / len(f)
        q = new
    np.testing.assert_allclose(fitted.target_priors_, q, rtol=1e-9)

    def loss(free):
        prior = np.exp(free) / np.exp(free).sum()
        return -np.mean(np.log(f @ (prior / p)))

    best = min(
        (minimize(loss, start, method="BFGS", options={"gtol": 1e-10}) for start in (np.zeros(5), np.log(q))),
        key=lambda r: r.fun,
    )
    assert loss(np.log(fitted.target_priors_)) <= best.fun + 1e-10


def test_calibration_undoes_a_temperature_and_biases():
    rng = np.random.default_rng(0)
    logits = 2.0 * rng.normal(size=(20_000, 3))
    truth = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    y = (truth.cumsum(1) > rng.random((20_000, 1))).argmax(1)
    wrong = 3.0 * logits + np.array([1.0, 0.0, -2.0])
    proba = np.exp(wrong) / np.exp(wrong).sum(1, keepdims=True)
    scale, bias = calibrate(proba, y, biased=True)
    assert scale == pytest.approx(1 / 3, rel=0.03)
    np.testing.assert_allclose(bias - bias[1], [-1 / 3, 0.0, 2 / 3], atol=0.06)
    scale, bias = calibrate(proba, y, biased=False)
    assert scale < 0.5
    np.testing.assert_array_equal(bias, 0.0)


def test_calibration_mends_an_overconfident_classifier():
    def error(calibration):
        found = []
        for seed in range(3):
            source, target, _ = shifted(600, classes=6, seed=seed)
            copies = [Domain(np.tile(d.x, 8), d.y) for d in (source, target)]  # which it takes for independent evidence
            fitted = EMPrior(min_effective=0.0, classifier=GaussianNB(), calibration=calibration).fit(*copies)
            found.append(np.abs(fitted.target_priors_ - target_priors(6)).sum())
        return np.mean(found)

    plain, temperature, biased = (error(c) for c in ("none", "temperature", "bias_corrected"))
    assert biased < 0.7 * plain
    assert temperature < 0.7 * plain


def test_em_needs_probabilities_and_a_known_calibration():
    source, target, _ = shifted(60)
    with pytest.raises(UsageError, match="LinearSVC has no `predict_proba`"):
        EMPrior(min_effective=0.0, classifier=LinearSVC()).fit(source, target)
    with pytest.raises(UsageError, match="did you mean 'temperature'"):
        EMPrior(min_effective=0.0, calibration="temprature").fit(source, target)
    BBSE(min_effective=0.0, classifier=LinearSVC()).fit(source, target)


def embedded(source, target, sigma, reg):
    """Matrices of Zhang et al., section 3, with one row and column a sample: A, M and R of the programme in alpha."""
    n, m = len(source), len(target)
    delta = (source.y[:, None] == source.y[None, :]).astype(float)
    omega = np.linalg.solve(delta + reg * np.eye(n), delta)
    kernel, cross = gaussian(source.x, source.x, sigma), gaussian(target.x, source.x, sigma)
    spread = np.eye(source.y.max() + 1)[source.y]
    a = spread.T @ omega.T @ kernel @ omega @ spread
    b = (n / m) * (np.ones(m) @ cross @ omega @ spread)
    return a, b


@pytest.mark.parametrize("limit", [10.0, 1.5])
@pytest.mark.parametrize("slack", [None, 0.0])
def test_mmd_is_the_programme_of_the_paper(limit, slack):
    source, target, _ = shifted(150)
    source, target = Domain(source.x.astype(float), source.y), Domain(target.x.astype(float))
    fitted = MMDTargetShift(min_effective=0.0, bandwidth=1.0, regularization=0.5, limit=limit, slack=slack).fit(
        source, target
    )
    a, b = embedded(source, target, 1.0, 0.5)
    slack = limit / (4 * np.sqrt(150)) if slack is None else 0.0
    p = np.bincount(source.y) / 150
    scale = np.trace(a)
    best = minimize(
        lambda w: (0.5 * w @ a @ w - b @ w) / scale, np.ones(4), jac=lambda w: (a @ w - b) / scale, method="SLSQP",
        bounds=[(0, limit)] * 4, options={"ftol": 1e-16, "maxiter": 1000},
        constraints=[{"type": "ineq", "fun": lambda w: slack - (p @ w - 1)}, {"type": "ineq", "fun": lambda w: slack + (p @ w - 1)}],
    )  # fmt: skip
    np.testing.assert_allclose(fitted.class_weights_, best.x / (p @ best.x), atol=1e-5)


def test_mmd_agrees_with_skada():
    reweight = pytest.importorskip("skada._reweight")
    source, target, _ = shifted(150)
    x_s, x_t = source.x.astype(float), target.x.astype(float)
    peer = reweight.MMDTarSReweightAdapter(gamma=0.5, reg=1e-6)
    with quietly():
        peer.fit(
            np.r_[x_s, x_t], np.r_[source.y, np.full(150, -1)], sample_domain=np.r_[np.ones(150), -2 * np.ones(150)]
        )
    ours = MMDTargetShift(min_effective=0.0, bandwidth=1.0, regularization=1e-6).fit(Domain(x_s, source.y), Domain(x_t))
    theirs = peer.source_weights_ / peer.source_weights_.mean()
    np.testing.assert_allclose(ours.weights_, theirs, atol=1e-4)


def test_mmd_of_many_rows_is_the_same_in_pieces():
    source, target, _ = shifted(1200)
    pieces = MMDTargetShift(min_effective=0.0).fit(source, target)
    import da.estimators.weighting.mmd_target_shift as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROWS", 5000)
        np.testing.assert_allclose(
            MMDTargetShift(min_effective=0.0).fit(source, target).weights_, pieces.weights_, rtol=1e-7
        )


@pytest.mark.parametrize("wrong", [{"bandwidth": 0.0}, {"regularization": -1.0}, {"limit": 0.5}])
def test_mmd_refuses_parameters_that_mean_nothing(wrong):
    source, target, _ = shifted(20)
    with pytest.raises(UsageError, match="bandwidth > 0, regularization >= 0 and limit >= 1"):
        MMDTargetShift(min_effective=0.0, **wrong).fit(source, target)


@pytest.mark.parametrize("wrong", [{"alpha": -1.0}, {"gamma": 2.0}, {"delta": 0.0}])
def test_rlls_refuses_parameters_that_mean_nothing(wrong):
    source, target, _ = shifted(20)
    with pytest.raises(UsageError, match="alpha >= 0, gamma in"):
        RLLS(min_effective=0.0, **wrong).fit(source, target)
