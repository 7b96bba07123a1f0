"""IWN against de Mathelin et al., ECML-PKDD 2022, its weights against the true density ratio, and what they are worth."""

from functools import partial

import numpy as np
import pytest
import torch
from deep import (
    WHOLE_TRAINING,
    assert_same_gradients,
    assert_terms_see_all_processes,
    case,
    holds,
    reaches,
    subject,
    updates,
)
from equations import cross_entropy, mean_squared_distance, squared_distance

from da.checks.behaviour import ToyProblem, accuracy
from da.checks.harness import batch_for, build, task_for, train
from da.data.toy import Toy, covariate_ratio
from da.methods.instance.iwn import IWN
from da.methods.transductive.source_only import SourceOnly
from da.nn.networks import MLP

LINEAR = partial(MLP, hidden=[], features=None)
COVARIATE = Toy(shift="covariate", samples=400).load()


def matched_of(method, batch, scale):
    """The weighted source against the target in a Gaussian kernel's space, pairs of a sample with itself left out."""
    x_s, x_t = batch.source.x, batch.target.x
    w = torch.stack([torch.log1p(torch.exp(v)) for v in method.weigher(x_s)])
    sigma = mean_squared_distance(torch.cat([x_s, x_t])) * scale

    def k(a, b):
        return torch.exp(-squared_distance(a, b) / sigma)

    n, m = len(x_s), len(x_t)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    within_s = sum(w[i] * w[j] * k(x_s[i], x_s[j]) for i, j in pairs) / sum(w[i] * w[j] for i, j in pairs)
    within_t = sum(k(x_t[i], x_t[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    between = sum(w[i] * k(x_s[i], x_t[j]) for i in range(n) for j in range(m)) / (m * sum(w))
    return within_s + within_t - 2.0 * between


@pytest.mark.parametrize("sharpen", [True, False])
def test_the_weights_descend_the_distance_that_the_bandwidth_climbs(sharpen) -> None:
    method, batch = case(IWN, sizes=(6, 5, 3), sharpen=sharpen)
    scale = method.log_scale.exp() if sharpen else 1.0
    expected = matched_of(method, batch, scale)
    terms = method.match(batch, 0.5)
    assert list(terms) == ["match"]
    torch.testing.assert_close(terms["match"], expected, rtol=1e-4, atol=1e-6)
    assert_same_gradients(terms["match"], expected, method.weigher)
    assert_same_gradients(terms["match"], expected, [method.log_scale], factor=-1.0)
    assert reaches(terms["match"], [method.log_scale]) == sharpen


def test_the_task_is_the_weighted_mean_of_losses_with_weights_held_constant() -> None:
    method, batch = case(IWN)
    w = torch.stack([torch.log1p(torch.exp(v)) for v in method.weigher(batch.source.x)]).detach()
    expected = cross_entropy(method.network(batch.source.x).logits, batch.source.y, w)
    terms = method.fit_source(batch, 0.5)
    assert list(terms) == ["task"]
    torch.testing.assert_close(terms["task"], expected)
    assert_same_gradients(terms["task"], expected, method.network)


@pytest.mark.parametrize("steps", [1, 4])
def test_the_weights_are_updated_as_often_as_asked_and_the_network_once(steps) -> None:
    assert updates(IWN, steps=3, weigher_steps=steps) == {"weigher": 3 * steps, "network": 3}
    method, _ = case(IWN, weigher_steps=steps)
    for progress in (0.0, 0.5, 1.0):
        assert [(p.groups, p.repeat) for p in method.phases(progress)] == [(("weigher",), steps), (("network",), 1)]
    own = {id(p) for p in method.groups()["weigher"]}
    assert own == {id(p) for p in (*method.weigher.parameters(), method.log_scale)}


def test_the_weigher_sees_the_inputs_and_has_the_given_width() -> None:
    method, _ = case(IWN, hidden=11)
    assert [tuple(p.shape) for p in method.weigher.parameters() if p.ndim == 2] == [(11, 2), (11, 11), (1, 11)]


def test_all_rows_of_all_processes_count() -> None:
    assert_terms_see_all_processes(*case(IWN))


def test_schedules_and_modes_are_those_of_the_whole_training() -> None:
    holds(IWN, *WHOLE_TRAINING)


def test_weights_begin_equal_and_become_the_density_ratio() -> None:
    method = build(subject(IWN), COVARIATE, network=LINEAR)
    x = COVARIATE.sources[0].train.x
    with torch.no_grad():
        torch.testing.assert_close(method.weights(torch.tensor(x)), torch.ones(400))
    evaluator = train(method, COVARIATE, epochs=15, steps=10, batch_size=64)
    with torch.no_grad():
        weights = method.weights(torch.tensor(x)).numpy()
    assert np.corrcoef(weights, covariate_ratio(x))[0, 1] > 0.7
    recorded = evaluator.history[-1]["diagnostics"]["effective_sample_size"]
    assert recorded == pytest.approx(weights.sum() ** 2 / np.square(weights).sum(), rel=1e-5)
    assert 20 < recorded < 250


@pytest.mark.slow
def test_it_beats_source_only_by_far_under_covariate_shift() -> None:
    problem = ToyProblem(COVARIATE, network=LINEAR)
    assert accuracy(subject(IWN), problem) > accuracy(subject(SourceOnly), problem) + 10


def test_equal_domains_keep_weights_near_one() -> None:
    task = COVARIATE
    same = task.__class__(task.name, task.sources, task.sources[0], task.classes)
    method = build(subject(IWN), same, network=LINEAR)
    evaluator = train(method, same, epochs=15, steps=10, batch_size=64)
    assert evaluator.history[-1]["diagnostics"]["effective_sample_size"] > 0.85 * 400


def test_the_task_does_not_train_the_weights_and_they_do_not_train_the_network() -> None:
    task = task_for(IWN.needs)
    method = build(subject(IWN), task)
    batch = batch_for(IWN.needs, task, (9, 7, 3))
    method.fit_source(batch, 0.5)["task"].backward()
    assert all(p.grad is None for p in method.weigher.parameters())
    assert all(p.grad is not None for p in method.network.parameters())
    method.zero_grad()
    method.match(batch, 0.5)["match"].backward()
    assert all(p.grad is None for p in method.network.parameters())


def test_the_bandwidth_climbs_where_the_weights_descend() -> None:
    task = Toy(shift="covariate", samples=200).load()
    method = build(subject(IWN), task)
    batch = batch_for(IWN.needs, task, (60, 60, 3))
    method.match(batch, 0.5)["match"].backward()
    slope = method.log_scale.grad.item()
    before = method.match(batch, 0.5)["match"].item()
    with torch.no_grad():
        method.log_scale -= 0.01 * np.sign(slope)  # what an optimiser does
    assert method.match(batch, 0.5)["match"].item() > before
