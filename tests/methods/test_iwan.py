"""IWAN against Zhang et al., CVPR 2018, and on partial transfer: the target has two of the source's four classes.

Deviates: as its docstring says.
"""

import math
from functools import cache

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
from equations import cross_entropy, entropies, ramp, source_against_target

from da.checks.behaviour import ToyProblem, accuracy
from da.checks.harness import batch_for, build, normed, task_for, train
from da.data.toy import blobs
from da.domain import Domain, Split, Task
from da.methods.instance.iwan import IWAN
from da.methods.transductive.dann import DANN
from da.methods.transductive.source_only import SourceOnly

SHARED = [0, 1]


@cache
def partial_task() -> Task:
    """Four classes on a circle of radius 4.5; the target is turned by half the angle between two, and lacks two."""
    rng = np.random.default_rng(0)
    parts = [blobs(rng, 400, 4) for _ in range(4)]
    turn = math.radians(45.0)
    turned = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    domains = []
    for k, (x, y) in enumerate(parts):
        x = 1.5 * x
        if k > 1:
            kept = np.isin(y, SHARED)
            x, y = x[kept] @ turned, y[kept]
        domains.append(Domain(x.astype(np.float32), y.astype(np.int64)))
    return Task("partial", (Split(*domains[:2]),), Split(*domains[2:]), tuple("0123"))


def entropy_free(method, batch):
    """Task loss and the weighted loss of the second discriminator, without reversal."""
    z_s, z_t = (method.network.encoder(part.x) for part in (batch.source, batch.target))
    raw = torch.stack([1.0 - 1.0 / (1.0 + torch.exp(-d)) for d in method.weigher(z_s)]).detach()
    domain = source_against_target(method.discriminator(z_s), method.discriminator(z_t), raw / (sum(raw) / len(raw)))
    return cross_entropy(method.network.head(z_s), batch.source.y), domain


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_the_terms_are_the_equations(progress) -> None:
    method, batch = case(IWAN, weight=0.7, entropy_weight=0.3)
    terms = method.align(batch, progress)
    task, domain = entropy_free(method, batch)
    doubt = 0.3 * entropies(method.network(batch.target.x).logits).mean()
    assert list(terms) == ["task", "domain", "entropy"]
    torch.testing.assert_close(terms["task"], task)
    torch.testing.assert_close(terms["domain"], domain)
    torch.testing.assert_close(terms["entropy"], doubt)
    assert_same_gradients(terms["task"], task, method.network)
    assert_same_gradients(terms["entropy"], doubt, method.network)
    assert_same_gradients(terms["domain"], domain, method.discriminator)
    assert_same_gradients(terms["domain"], domain, method.network.encoder, factor=-0.7 * ramp(progress))


def test_the_weigher_learns_to_tell_the_domains_on_features_that_stand_still() -> None:
    method, batch = case(IWAN)
    z_s, z_t = (method.network.encoder(part.x) for part in (batch.source, batch.target))
    expected = source_against_target(method.weigher(z_s), method.weigher(z_t))
    terms = method.weigh(batch, 0.5)
    assert list(terms) == ["weigher"]
    torch.testing.assert_close(terms["weigher"], expected)
    assert_same_gradients(terms["weigher"], expected, method.weigher)
    assert not reaches(terms["weigher"], method.network)


def test_weights_fall_with_the_weighers_certainty_and_move_nothing() -> None:
    method, batch = case(IWAN)
    z = method.network.encoder(batch.source.x)
    weights = method.weights(z)
    raw = torch.stack([1.0 - torch.sigmoid(d) for d in method.weigher(z)])
    torch.testing.assert_close(weights, raw / raw.mean())
    assert not weights.requires_grad


def test_running_statistics_follow_one_forward_a_step() -> None:
    """Weights are computed with the statistics of batch normalisation frozen: the weigher's forward does not move them."""
    method, batch = case(IWAN, network=normed)
    (layer,) = (m for m in method.modules() if isinstance(m, torch.nn.BatchNorm1d))
    start = layer.running_mean.clone()
    method.weigh(batch, 0.5)
    torch.testing.assert_close(layer.running_mean, start, rtol=0, atol=0)
    assert layer.num_batches_tracked.item() == 0
    method.align(batch, 0.5)
    assert layer.num_batches_tracked.item() == 1
    first = method.network.encoder[1][0](torch.cat([batch.source.x, batch.target.x]).flatten(1))
    torch.testing.assert_close(layer.running_mean, 0.9 * start + 0.1 * first.mean(0))


def test_the_weigher_is_not_fought_and_does_not_follow_the_task() -> None:
    task = task_for(IWAN.needs)
    method = build(subject(IWAN), task)
    batch = batch_for(IWAN.needs, task, (9, 7, 3))
    sum(method.weigh(batch, 0.5).values()).backward()
    assert all(p.grad is None for p in method.network.parameters())
    method.zero_grad()
    sum(method.align(batch, 0.5).values()).backward()
    assert all(p.grad is None for p in method.weigher.parameters())
    assert all(p.grad is not None for p in method.network.parameters())


def test_without_entropy_the_term_is_left_out() -> None:
    task = task_for(IWAN.needs)
    method = build(subject(IWAN), task, entropy_weight=0.0)
    assert set(method.align(batch_for(IWAN.needs, task), 0.5)) == {"task", "domain"}


def test_each_phase_updates_its_own_parameters_once_a_step() -> None:
    assert updates(IWAN, steps=3) == {"weigher": 3, "all": 3}
    method, _ = case(IWAN)
    weigh, align = method.phases(0.5)
    assert (weigh.groups, align.groups) == (("weigher",), ("all",))
    fought = {id(p) for p in method.groups()["all"]}
    assert fought == {id(p) for p in (*method.network.parameters(), *method.discriminator.parameters())}
    assert {id(p) for p in method.groups()["weigher"]} == {id(p) for p in method.weigher.parameters()}


def test_both_discriminators_have_hidden_layers_of_the_given_width() -> None:
    method, _ = case(IWAN, hidden=11)
    for rival in (method.weigher, method.discriminator):
        assert [tuple(p.shape) for p in rival.parameters() if p.ndim == 2] == [(11, 8), (11, 11), (1, 11)]


def test_all_rows_of_all_processes_count() -> None:
    assert_terms_see_all_processes(*case(IWAN))


def test_the_ramp_follows_the_whole_training() -> None:
    holds(IWAN, *WHOLE_TRAINING)


@pytest.mark.slow
def test_it_beats_source_only_and_adversarial_training_without_weights() -> None:
    problem = ToyProblem(partial_task(), epochs=20, steps=20)
    found = {made.__name__: accuracy(subject(made), problem) for made in (SourceOnly, DANN, IWAN)}
    assert found["IWAN"] > found["SourceOnly"] + 5, found
    assert found["IWAN"] > found["DANN"] + 3, found


def test_the_effective_sample_size_is_that_of_the_weights_of_the_whole_source() -> None:
    task = partial_task()
    method = build(subject(IWAN), task)
    history = train(method, task, steps=20).history
    source = torch.as_tensor(task.sources[0].train.x)
    with torch.no_grad():
        z = method.network.encoder(source)
        w = 1.0 - torch.sigmoid(method.weigher(z))
        torch.testing.assert_close(method.likeness(z), w)
    expected = float(w.sum() ** 2 / (w**2).sum())
    found = history[-1]["diagnostics"]["effective_sample_size"]
    assert found == pytest.approx(expected, rel=1e-4)
    assert 0.0 < found < len(source)


def test_samples_of_absent_classes_weigh_less() -> None:
    task = partial_task()
    method = build(subject(IWAN), task)
    train(method, task, epochs=10, steps=20, batch_size=64)
    source = task.sources[0].train
    with torch.no_grad():
        weights = method.weights(method.network.encoder(torch.tensor(source.x))).numpy()
    shared = np.isin(source.y, SHARED)
    np.testing.assert_allclose(weights.mean(), 1.0, rtol=1e-5)
    assert weights[shared].mean() > 2 * weights[~shared].mean()
