"""MCC against Jin et al., ECCV 2020, eq. 2 to 6, with the entropy weights a constant."""

import math

import pytest
import torch
from deep import assert_same_gradients, reaches
from equations import entropies

from da.checks.shares import leaves, shares
from da.terms.mcc import MCC, class_confusion


def written_out(logits, temperature):
    """A sample and a pair of classes at a time."""
    n, k = logits.shape
    rows = logits / temperature
    p = [[torch.exp(row[c] - torch.logsumexp(row, 0)) for c in range(k)] for row in rows]
    certainty = 1.0 + torch.exp(-entropies(rows.detach()))
    w = [n * c / certainty.sum() for c in certainty]
    confusion = [[sum(w[i] * p[i][a] * p[i][b] for i in range(n)) for b in range(k)] for a in range(k)]
    return sum(confusion[a][b] / sum(confusion[a]) for a in range(k) for b in range(k) if a != b) / k


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("temperature", [2.5, 1.0])
def test_value_and_gradient_are_those_of_the_equations(temperature: float, progress: float) -> None:
    source, target = shares()
    value = MCC(temperature=temperature)(source, target, progress)
    expected = written_out(target.logits, temperature)
    torch.testing.assert_close(value, expected)
    assert_same_gradients(value, expected, leaves(source, target))
    assert reaches(value, [target.logits])
    assert not reaches(value, leaves(source))


def test_the_weights_of_samples_are_constants() -> None:
    """With weights that depend on the logits the gradient would be another."""
    target = shares()[1]
    logits = target.logits
    rows = logits / 2.5
    w = 1.0 + torch.exp(-entropies(rows))
    p = rows.softmax(1)
    confusion = (p * (len(p) * w / w.sum())[:, None]).T @ p
    confusion = confusion / confusion.sum(1, keepdim=True)
    flowing = (confusion.sum() - confusion.trace()) / 4
    value = class_confusion(logits, 2.5)
    torch.testing.assert_close(value, flowing)
    (ours,), (theirs,) = (torch.autograd.grad(v, [logits]) for v in (value, flowing))
    assert not torch.allclose(ours, theirs, rtol=1e-2)


def test_a_step_against_the_gradient_makes_predictions_certain_and_keeps_all_classes() -> None:
    logits = torch.tensor([[1.0, 0.2, 0.0], [0.1, 0.8, 0.0], [0.0, 0.3, 0.9]], requires_grad=True)
    start = logits.detach().softmax(1).max(1).values
    for _ in range(20):
        (gradient,) = torch.autograd.grad(class_confusion(logits, 1.0), [logits])
        logits = (logits - 5.0 * gradient).detach().requires_grad_()
    assert (logits.softmax(1).max(1).values > start).all()
    assert logits.argmax(1).tolist() == [0, 1, 2]


def test_certain_predictions_have_no_confusion_and_equal_ones_the_most() -> None:
    assert class_confusion(200.0 * torch.eye(3), 1.0).item() == pytest.approx(0.0, abs=1e-6)
    assert class_confusion(torch.zeros(5, 3), 2.5).item() == pytest.approx(2 / 3)


def test_a_class_that_nothing_is_predicted_as_leaves_value_and_gradient_finite() -> None:
    logits = torch.tensor([[0.0, -1e4, 1.0], [1.0, -1e4, 0.0]], requires_grad=True)
    value = class_confusion(logits, 1.0)
    (gradient,) = torch.autograd.grad(value, [logits])
    assert math.isfinite(value.item())
    assert torch.isfinite(gradient).all()
    two = class_confusion(logits[:, [0, 2]], 1.0)
    torch.testing.assert_close(value, two * 2 / 3)  # that class confuses nothing, and counts in the mean


def test_half_precision_computes_in_single() -> None:
    logits = shares()[1].logits.float()
    low = logits.bfloat16()
    torch.testing.assert_close(class_confusion(low, 2.5), class_confusion(low.float(), 2.5))
    assert class_confusion(low, 2.5).dtype == torch.float32
