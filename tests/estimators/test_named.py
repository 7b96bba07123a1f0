"""A method's name stands for it, at the defaults of its YAML."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from da.config import catalog
from da.errors import UsageError
from da.estimators import named
from da.estimators.adapter import TransferClassifier, TransferRegressor
from da.estimators.subspace.coral import CORAL

CLOSED = {name: entry for name, entry in catalog.entries("method").items() if entry.is_estimator}
DEEP = [name for name, entry in catalog.entries("method").items() if not entry.is_estimator]


@pytest.mark.parametrize("name", CLOSED)
def test_a_name_gives_the_entry_of_the_catalogue(name):
    made, entry = named.by_name(name), CLOSED[name]
    assert type(made) is entry.locate()
    assert repr(made) == repr(catalog.build(entry.config))


def test_names_are_those_of_the_catalogue_and_of_regressors():
    extra = named.names().keys() - CLOSED.keys()
    assert extra == {"jdot_regression", "tradaboost_r2", "two_stage_tradaboost_r2"}
    assert all(named.by_name(name).regression for name in extra)


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(UsageError, match="no closed-form method 'corral'; did you mean 'coral'"):
        named.by_name("corral")


@pytest.mark.parametrize("name", DEEP)
def test_deep_methods_are_refused_in_a_sentence(name):
    with pytest.raises(UsageError, match=f"'{name}' is a deep method, .*method={name}"):
        TransferClassifier(name).fit(np.eye(4), [0, 1, 0, 1], domain=[0, 0, 1, 1])


def test_a_name_fits_as_its_object_does(shifted):
    X, y, domain = shifted
    by_name, by_object = (TransferClassifier(e).fit(X, y, domain=domain) for e in ("coral", CORAL()))
    assert isinstance(by_name.estimator_, CORAL)
    np.testing.assert_array_equal(by_name.predict_proba(X), by_object.predict_proba(X))
    assert by_name.estimator == "coral"
    assert clone(by_name).get_params()["estimator"] == "coral"
    values = np.where(y < 0, np.nan, y)
    regressors = [TransferRegressor(e).fit(X, values, domain=domain) for e in ("coral", CORAL())]
    np.testing.assert_array_equal(regressors[0].predict(X), regressors[1].predict(X))


def test_parameters_of_a_named_method_are_set_and_searched(shifted):
    X, y, domain = shifted
    model = TransferClassifier("coral").set_params(estimator__regularization=5.0)
    assert model.estimator.regularization == 5.0
    both = TransferClassifier().set_params(estimator="coral", estimator__regularization=3.0)
    assert both.estimator.regularization == 3.0
    assert TransferClassifier("coral").set_params(convention="skada").estimator == "coral"
    with pytest.raises(ValueError, match="Invalid parameter 'regularisation'"):
        TransferClassifier("coral").set_params(estimator__regularisation=3.0)
    grid = {"estimator__regularization": [0.5, 100.0]}
    search = GridSearchCV(
        TransferClassifier("coral"), grid, scoring=lambda model, X, y: -model.estimator.regularization
    )
    assert search.fit(X, y, domain=domain).best_estimator_.estimator_.regularization == 0.5
