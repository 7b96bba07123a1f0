"""Rules choose among scikit-learn's candidates as they choose among runs, and better than scores of fillers do."""

import inspect
import warnings

import numpy as np
import pytest
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from da import selection
from da.analysis.scorers import TransferScorer
from da.data.grant import Exam
from da.data.toy import Toy
from da.domain import Granted
from da.engine.evaluation import Evaluator
from da.errors import UsageError
from da.estimators.adapter import TransferClassifier
from da.estimators.splitter import TransferKFold
from da.estimators.subspace.subspace_alignment import SubspaceAlignment
from da.estimators.validation import whole
from da.methods.closed_form import ClosedForm

RULES = [rule for rule in selection.names() if rule != "last"]


def table(shift):
    """Source and target of a toy, and both as one table whose target is filled with -1."""
    task = (
        Toy(shift=shift, n_samples=120).load()
        if "n_samples" in Toy.__init__.__kwdefaults__
        else Toy(shift=shift).load()
    )
    source, target = task.sources[0].train, task.target.train
    X, y = np.vstack([source.x, target.x]), np.r_[source.y, np.full(len(target), -1)]
    return source, target, X, y, np.repeat(["source", "target"], [len(source), len(target)])


@pytest.mark.parametrize("rule", RULES)
def test_a_score_is_that_of_a_run(rule):
    """The evaluation of a run, given the same model and the same samples, is the witness."""
    source, target, X, y, domain = table("rotation")
    train, held = np.arange(0, len(source), 2), np.arange(1, len(source), 2)
    rows = np.r_[train, len(source) : len(X)]
    model = TransferClassifier(SubspaceAlignment()).fit(X[rows], y[rows], domain=domain[rows])
    method = ClosedForm(SubspaceAlignment(), TransferClassifier()._default(), len(np.unique(source.y)))
    method.fit(Granted((source.take(train),), target.without_labels()))
    exam = Exam(
        {"target_train": target.without_labels(), "source_test": source.take(held), "target_test": target}, ("a", "b")
    )
    expected = Evaluator(exam).evaluate(method, 1)["scores"][rule]
    reads = selection.criterion(rule).READS
    labels = {"y_target": target.y} if rule == "oracle_accuracy" else {}
    scorer = TransferScorer(rule, None if rule == "source_accuracy" else target.x, **labels)
    assert expected is not None
    assert scorer(model, X[held], y[held]) == pytest.approx(expected, rel=1e-6)
    if not any(field.startswith("source") for field in reads):
        assert scorer(model, X, y) == pytest.approx(expected, rel=1e-6)  # held-out samples are not looked at


@pytest.mark.parametrize("rule", ["infomax", "bnm", "corr_c"])
def test_a_rule_chooses_better_than_scores_of_fillers(rule, shifted):
    X, y, domain = shifted
    true = np.repeat([0, 1], 30)
    pipeline = make_pipeline(StandardScaler(), TransferClassifier())
    grid, told = {"transferclassifier__estimator": [None, "ot_linear"]}, {"transferclassifier__domain": domain}
    broken = GridSearchCV(pipeline, grid, cv=StratifiedKFold(3, shuffle=True, random_state=0), scoring="accuracy")
    filled = np.where(y < 0, 1, y)
    with pytest.warns(UserWarning, match="unlabelled target samples have the label 1"):
        broken.fit(X, filled, **told)
    sound = GridSearchCV(
        pipeline,
        grid,
        scoring={"rule": TransferScorer(rule, X[60:]), "source": TransferScorer("source_accuracy")},
        cv=TransferKFold(3, domain=domain),
        refit="rule",
        error_score="raise",
    ).fit(X, y, **told)
    assert broken.best_params_ == {"transferclassifier__estimator": None}
    assert sound.best_params_ == {"transferclassifier__estimator": "ot_linear"}
    assert sound.best_estimator_.score(X[60:], true) > 0.95 > 0.55 > broken.best_estimator_.score(X[60:], true)
    assert (sound.cv_results_["mean_test_source"] > 95.0).all()
    assert TransferScorer("oracle_accuracy", X[60:], true)(sound.best_estimator_, X, y) > 95.0


def test_rules_of_the_target_need_one_training_only(shifted):
    X, y, domain = shifted
    grid = {"estimator": [None, "ot_linear"]}
    scorer = TransferScorer("infomax", X[60:])
    search = GridSearchCV(TransferClassifier(), grid, scoring=scorer, cv=whole(120)).fit(X, y, domain=domain)
    expected = [scorer(TransferClassifier(name).fit(X, y, domain=domain), None) for name in (None, "ot_linear")]
    assert search.cv_results_["mean_test_score"].tolist() == expected


def test_only_source_samples_are_the_held_out_source(shifted):
    """With metadata routing a scorer is told the domains of what it is handed."""
    X, y, domain = shifted
    some = np.where(np.arange(120) % 10 == 9, np.where(domain == "target", "labelled_target", "source"), domain)
    y = np.where(some == "labelled_target", 1 - np.repeat([0, 0, 0, 1], 30), y)  # all wrong
    scorer, cv = TransferScorer("source_accuracy"), TransferKFold(3)
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(TransferClassifier(), {"estimator": ["ot_linear"]}, scoring=scorer, cv=cv)
        assert search.fit(X, y, domain=some).best_score_ == 100.0
    model = TransferClassifier("ot_linear").fit(X, y, domain=some)
    assert scorer(model, X, y, domain=some) == 100.0
    with pytest.raises(UsageError, match="cannot tell them from labelled target samples; pass `domain`"):
        scorer(model, X, y)


def test_labels_that_are_no_class_are_wrong(shifted):
    X, y, domain = shifted
    model = TransferClassifier("ot_linear").fit(X, y, domain=domain)
    assert TransferScorer("source_accuracy")(model, X[:60], np.r_[np.zeros(30), np.full(30, 9)]) == 50.0


def test_what_cannot_be_scored_is_refused(shifted):
    X, y, domain = shifted
    model = TransferClassifier().fit(X, y, domain=domain)
    for wrong, sentence in (
        (lambda: TransferScorer("infomaks", X), "no rule 'infomaks' that ranks models: did you mean 'infomax'"),
        (lambda: TransferScorer("last", X), "chooses among epochs"),
        (lambda: TransferScorer("infomax"), "'infomax' reads target samples; give them as `X_target`"),
        (lambda: TransferScorer("oracle_accuracy", X), "reads target labels; give them as `y_target`"),
        (lambda: TransferScorer("infomax", X, y), "'infomax' reads no target labels; leave out `y_target`"),
        (lambda: TransferScorer("source_accuracy")(model, X, y), "60 of the 120 samples to score are of the unlab"),
        (lambda: TransferScorer("source_accuracy")(model, X), "reads labels of held-out source samples; give `y`"),
        (lambda: TransferScorer("source_accuracy")(model, X[60:], y[60:], domain[60:]), "and there are none"),
        (lambda: TransferScorer("infomax", X)(LogisticRegression(), X), "and LogisticRegression is neither"),
    ):
        with pytest.raises(UsageError, match=sentence):
            wrong()


def test_rules_that_read_probabilities_warn_of_a_classifier_that_has_none():
    source, target, X, y, domain = table("rotation")
    model = TransferClassifier(None, LinearSVC()).fit(X, y, domain=domain)
    for rule in RULES:
        y_target = target.y if rule == "oracle_accuracy" else None
        score = TransferScorer(rule, target.x, y_target)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            score(model, source.x, source.y, domain=["source"] * len(source))
        reads = "softmax" in inspect.getsource(inspect.getmodule(selection.criterion(rule)))
        assert any("no probabilities" in str(warning.message) for warning in said) == reads, rule
