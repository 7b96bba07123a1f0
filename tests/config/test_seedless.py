"""What is said to draw nothing gives the same answers under every seed."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone

from da.checks.harness import SMALL, task_for, train
from da.config import catalog
from da.config.compose import compose
from da.config.seedless import draws
from da.config.validate import validate
from da.engine import assembly
from da.setting import FEW, MANY

QUIET = [e.name for e in catalog.entries("method").values() if e.is_estimator and e.access.target_y != FEW]


def plan(*overrides: str):
    return validate(compose(["data=toy", *overrides]))


@pytest.mark.slow
@pytest.mark.parametrize("name", QUIET)
def test_two_seeds_give_the_same_answers(name: str) -> None:
    entry = catalog.entries("method")[name]
    task = task_for(entry.access, samples=60, classes=2)
    assert entry.access.sources != MANY or len(task.sources) > 1
    found = []
    for seed in (0, 1):
        classifier = clone(catalog.build(catalog.entries("classifier")["logistic"].config))
        made = catalog.build(entry.config, where="method")
        method = assembly.build(made, task, network=SMALL, classifier=classifier, seed=seed)
        found.append(train(method, task, seed=seed).predictions["target_test"][1])
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["method=coral"], False),
        (["method=coral", "classifier=one_nn"], False),
        (["method=coral", "classifier=svm"], False),
        (["method=coral", "classifier=linear_svm"], False),
        (["method=coral", "classifier=linear_svm", "classifier.random_state=null"], True),
        (["method=coral", "++classifier._target_=sklearn.linear_model.LogisticRegression", "classifier.C=1"], False),
        (
            ["method=coral", "++classifier._target_=sklearn.linear_model.LogisticRegression", "classifier.C=1"]
            + ["+classifier.solver=saga"],
            True,
        ),
        (
            ["method=coral", "classifier=svm", "++classifier._target_=sklearn.svm.SVC", "classifier.C=1"]
            + ["+classifier.probability=true"],
            True,
        ),
        (["method=tradaboost"], True),  # which target samples are labelled
        (["method=dann"], True),
    ],
)
def test_networks_few_labels_and_some_classifiers_draw(overrides: list[str], expected: bool) -> None:
    assert draws(plan(*overrides)) is expected


def test_every_classifier_of_the_catalogue_draws_nothing() -> None:
    for name in catalog.entries("classifier"):
        assert not draws(plan("method=unadapted", f"classifier={name}")), name


def test_unknown_classifiers_with_a_random_state_are_taken_to_draw() -> None:
    made = plan("method=unadapted", "classifier=logistic")
    node = {"_target_": "sklearn.ensemble.RandomForestClassifier"}
    assert draws(SimpleNamespace(method=made.method, config=made.config | {"classifier": node}))
