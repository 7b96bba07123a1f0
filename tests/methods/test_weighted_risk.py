"""The weighted risk against Shimodaira, JSPI 2000, eq. 2.1; it takes every weighting of the catalogue."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from deep import WHOLE_TRAINING, assert_same_gradients, assert_terms_see_all_processes, case, holds, updates
from small import SMALL

from da.checks.harness import build, task_for, train
from da.checks.suite import CheckedMethod
from da.config import catalog
from da.config.compose import compose
from da.domain import Batch
from da.engine import run as runs
from da.errors import ConfigError
from da.estimators.base import Weighting
from da.estimators.weighting.logistic_ratio import LogisticRatio
from da.methods.instance.weighted_risk import WeightedRisk
from da.setting import ALL, FEW, MANY, Access

WEIGHTINGS = [
    name for name, e in catalog.entries("method").items() if e.is_estimator and issubclass(e.locate(), Weighting)
]
SUBJECT = CheckedMethod("weighted_risk", WeightedRisk, WeightedRisk.needs)


def with_weights(batch, weights):
    return Batch((replace(batch.source, weight=weights),), batch.target)


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_the_term_is_the_mean_of_weighted_losses(progress) -> None:
    method, batch = case(WeightedRisk)
    log_p = method.network(batch.source.x).logits.log_softmax(1)
    weights = torch.linspace(0.0, 3.0, 9)
    losses = [-log_p[i, y] for i, y in enumerate(batch.source.y.tolist())]
    weighted = sum(w * loss for w, loss in zip(weights, losses, strict=True)) / 9.0
    for part, expected in ((batch, sum(losses) / 9.0), (with_weights(batch, weights), weighted)):
        terms = method.terms(part, progress)
        assert list(terms) == ["task"]
        torch.testing.assert_close(terms["task"], expected)
        assert_same_gradients(terms["task"], expected, method.network)


def test_one_update_of_all_parameters_a_step() -> None:
    assert updates(WeightedRisk, steps=3) == {"all": 3}


def test_every_sample_of_a_batch_carries_its_own_weight() -> None:
    task, seen = task_for(WeightedRisk.needs), []
    method = build(SUBJECT, task)
    terms = method.terms
    method.terms = lambda batch, progress: seen.append(batch.source) or terms(batch, progress)
    train(method, task)
    rows = {tuple(x): w for x, w in zip(task.sources[0].train.x.tolist(), method.weights, strict=True)}
    assert len(seen) == 6
    for domain in seen:
        expected = [rows[tuple(x)] for x in domain.x.tolist()]
        np.testing.assert_allclose(domain.weight.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"on_features": True}, {"on_features": True, "refresh": 2}])
def test_weights_of_the_epoch_survive_an_interruption_in_its_middle(options, tmp_path) -> None:
    task = task_for(WeightedRisk.needs)

    class Stop(BaseException):
        pass

    def made(stop=None):
        method = build(SUBJECT, task, **options)
        step = method.training_step

        def spied(batch, batch_idx):
            if method.steps_done == stop:
                raise Stop
            step(batch, batch_idx)

        method.training_step = spied
        return method

    whole = made()
    train(whole, task, epochs=3, steps=4)
    with pytest.raises(Stop):
        train(made(stop=6), task, epochs=3, steps=4, directory=tmp_path)
    resumed = made()
    train(resumed, task, epochs=3, steps=4, directory=tmp_path, resume=tmp_path / "last.ckpt")
    np.testing.assert_array_equal(resumed.weights, whole.weights)
    for a, b in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(a, b)
    assert resumed.diagnostics == whole.diagnostics


def test_the_effective_sample_size_is_recorded() -> None:
    task = task_for(WeightedRisk.needs)
    method = build(SUBJECT, task)
    scorer = train(method, task)
    expected = method.weights.sum() ** 2 / np.square(method.weights).sum()
    assert scorer.history[-1]["diagnostics"]["effective_sample_size"] == pytest.approx(expected)


def test_all_rows_of_all_processes_count() -> None:
    method, batch = case(WeightedRisk)
    assert_terms_see_all_processes(method, with_weights(batch, torch.linspace(0.0, 3.0, 9)))


def test_schedules_and_modes_are_those_of_the_whole_training() -> None:
    holds(WeightedRisk, *WHOLE_TRAINING)


@pytest.mark.filterwarnings("ignore:The weighting is degenerate")  # 60 samples, of features not learnt yet
@pytest.mark.parametrize("on_features", [False, True])
@pytest.mark.parametrize("name", WEIGHTINGS)
def test_every_weighting_runs_by_its_name(name: str, on_features: bool, tmp_path) -> None:
    shift = catalog.named("method", name).locate().corrects[0]
    result = runs.run(compose([*SMALL, "method=weighted_risk", f"method.weighting={name}", f"data.shift={shift}",
                               f"method.on_features={str(on_features).lower()}", f"output={tmp_path}"]))  # fmt: skip
    size = result.record.epochs[-1].diagnostics["effective_sample_size"]
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


class Apart(LogisticRatio):
    needs = Access(source_y=ALL, target_x=True, sources=MANY)
    seen: list = []

    def fit(self, sources, target):
        self.seen += [sources, target]
        return super().fit(sources[0], target)


def test_a_weighting_of_several_sources_is_handed_a_tuple_of_the_one_there_is() -> None:
    task = task_for(WeightedRisk.needs)
    Apart.seen.clear()
    train(build(SUBJECT, task, weighting=Apart()), task)
    sources, target = Apart.seen
    assert isinstance(sources, tuple)
    np.testing.assert_array_equal(sources[0].x, task.sources[0].train.x)
    np.testing.assert_array_equal(target.x, task.target.train.x)
