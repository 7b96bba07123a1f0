"""MCD against Saito et al., CVPR 2018, eq. 3 to 6: three phases, each with its own sign and its own parameters."""

import pytest
import torch
from deep import WHOLE_TRAINING, assert_same_gradients, assert_terms_see_all_processes, case, holds, reaches, updates
from equations import cross_entropy

from da.methods.transductive.mcd import MCD


def heads(method, x):
    z = method.network.encoder(x)
    return method.network.head(z), method.second_head(z)


def task_of(method, batch):
    """Eq. 3: both classifiers on the source."""
    first, second = heads(method, batch.source.x)
    return cross_entropy(first, batch.source.y) + cross_entropy(second, batch.source.y)


def discrepancy_of(method, batch):
    """Eq. 2: the mean over samples and classes of how far the two probabilities are apart."""
    first, second = (logits.softmax(1) for logits in heads(method, batch.target.x))
    gaps = [abs(a - b) for p, q in zip(first, second, strict=True) for a, b in zip(p, q, strict=True)]
    return sum(gaps) / len(gaps)


def phases(method, batch):
    return [(phase, phase.terms(batch, 0.5)) for phase in method.phases(0.5)]


def stepped(method, phase):
    groups = {name: list(parameters) for name, parameters in method.groups().items()}
    return [p for name in phase.groups for p in groups[name]]


def both_heads(method):
    return [*method.network.head.parameters(), *method.second_head.parameters()]


def test_step_a_minimises_the_task_loss_of_both_classifiers_over_everything() -> None:
    method, batch = case(MCD)
    (phase, terms), _, _ = phases(method, batch)
    task = task_of(method, batch)
    assert list(terms) == ["task"]
    torch.testing.assert_close(terms["task"], task)
    assert_same_gradients(terms["task"], task, method)
    assert {id(p) for p in stepped(method, phase)} == {id(p) for p in method.parameters()}


def test_step_b_maximises_the_discrepancy_over_the_classifiers_alone() -> None:
    method, batch = case(MCD, weight=0.7)
    _, (phase, terms), _ = phases(method, batch)
    assert list(terms) == ["task_heads", "disagree"]
    torch.testing.assert_close(terms["task_heads"], task_of(method, batch))
    torch.testing.assert_close(terms["disagree"], -0.7 * discrepancy_of(method, batch))
    assert_same_gradients(terms["disagree"], discrepancy_of(method, batch), both_heads(method), factor=-0.7)
    assert_same_gradients(terms["task_heads"], task_of(method, batch), both_heads(method))
    assert {id(p) for p in stepped(method, phase)} == {id(p) for p in both_heads(method)}
    assert not any(reaches(value, method.network.encoder) for value in terms.values())


def test_step_c_minimises_the_discrepancy_over_the_features_alone() -> None:
    method, batch = case(MCD, weight=0.7)
    *_, (phase, terms) = phases(method, batch)
    assert list(terms) == ["agree"]
    torch.testing.assert_close(terms["agree"], 0.7 * discrepancy_of(method, batch))
    assert_same_gradients(terms["agree"], discrepancy_of(method, batch), method.network.encoder, factor=0.7)
    assert {id(p) for p in stepped(method, phase)} == {id(p) for p in method.network.encoder.parameters()}


@pytest.mark.parametrize("generator_steps", [1, 4, 6])
def test_step_c_is_repeated_as_often_as_asked(generator_steps) -> None:
    made = updates(MCD, steps=3, generator_steps=generator_steps)
    assert made == {"encoder": 3 * (1 + generator_steps), "heads": 3 * 2}
    method, _ = case(MCD, generator_steps=generator_steps)
    for progress in (0.0, 0.5, 1.0):
        assert [phase.repeat for phase in method.phases(progress)] == [1, 1, generator_steps]


def test_the_prediction_is_the_mean_of_both_classifiers() -> None:
    method, batch = case(MCD)
    z, logits = method(batch.target.x)
    first, second = heads(method, batch.target.x)
    torch.testing.assert_close(logits, (first + second) / 2.0)
    torch.testing.assert_close(z, method.network.encoder(batch.target.x))


def test_the_classifiers_begin_apart_and_have_a_class_each_row() -> None:
    method, _ = case(MCD, classes=5)
    assert method.second_head.weight.shape == method.network.head.weight.shape == (5, 8)
    assert not torch.equal(method.second_head.weight, method.network.head.weight)


def test_all_rows_of_all_processes_count() -> None:
    assert_terms_see_all_processes(*case(MCD))


def test_domains_are_embedded_in_training_mode_throughout() -> None:
    holds(MCD, *WHOLE_TRAINING)
