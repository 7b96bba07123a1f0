"""The weighted risk takes every weighting of the catalogue."""

import numpy as np
import pytest
from small import SMALL

from da import catalog
from da import run as runs
from da.checks.subject import Subject
from da.checks.trial import build, task_for, train
from da.compose import compose
from da.errors import ConfigError
from da.estimators.base import Weighting
from da.estimators.weighting.logistic_ratio import LogisticRatio
from da.methods.instance.weighted_risk import WeightedRisk
from da.setting import ALL, FEW, Access

WEIGHTINGS = [
    name for name, e in catalog.entries("method").items() if e.is_estimator and issubclass(e.locate(), Weighting)
]
SUBJECT = Subject("weighted_risk", WeightedRisk, WeightedRisk.needs)


@pytest.mark.filterwarnings("ignore:The weighting is degenerate")  # 60 samples, of features not learnt yet
@pytest.mark.parametrize("on_features", [False, True])
@pytest.mark.parametrize("name", WEIGHTINGS)
def test_every_weighting_runs_by_its_name(name: str, on_features: bool, tmp_path) -> None:
    shift = catalog.named("method", name).locate().corrects[0]
    result = runs.run(compose([*SMALL, "method=weighted_risk", f"method.weighting={name}", f"data.shift={shift}",
                               f"method.on_features={str(on_features).lower()}", f"output={tmp_path}"]))  # fmt: skip
    size = result.record["epochs"][-1]["diagnostics"]["effective_sample_size"]
    assert 1.0 <= size <= 60.0


@pytest.mark.parametrize("name", ["bbse", "kmm"])
def test_the_weights_are_those_of_the_estimator_alone(name: str) -> None:
    task = task_for(WeightedRisk.needs)
    made = catalog.named("method", name).locate()
    method = build(SUBJECT, task, weighting=made())
    train(method, task)
    alone = made().fit(task.sources[0].train, task.target.train.without_labels())
    np.testing.assert_array_equal(method.weights, alone.weights_)


class Counted(LogisticRatio):
    fits: list = []

    def fit(self, source, target):
        assert source.y is not None
        assert target.y is None
        self.fits.append(source.x.shape)
        return super().fit(source, target)


@pytest.mark.parametrize(("options", "shapes"), [
    ({}, [(60, 2)]),
    ({"on_features": True}, [(60, 8)] * 5),
    ({"on_features": True, "refresh": 2}, [(60, 8)] * 3),
])  # fmt: skip
def test_weights_on_features_are_refreshed_at_an_interval(options, shapes) -> None:
    task = task_for(WeightedRisk.needs)
    Counted.fits = []
    train(build(SUBJECT, task, weighting=Counted(), **options), task, epochs=5)
    assert Counted.fits == shapes


class Wanting(LogisticRatio):
    needs = Access(source_y=ALL, target_x=True, target_y=FEW)


def test_a_weighting_that_needs_more_is_refused() -> None:
    with pytest.raises(ConfigError, match="Wanting needs few target labels, which a weighted risk has not"):
        build(SUBJECT, task_for(WeightedRisk.needs), weighting=Wanting())
