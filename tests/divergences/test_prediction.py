import math

import pytest
import torch
from scipy.stats import entropy as scipy_entropy

from da.divergences.prediction import discrepancy, entropy


def test_entropy_equals_scipy(draw):
    logits = draw(6, 5, scale=3.0)
    expected = scipy_entropy(logits.softmax(1).numpy(), axis=1)
    torch.testing.assert_close(entropy(logits), torch.from_numpy(expected))


def test_entropy_at_the_extremes():
    logits = torch.tensor([[0.0, 0.0, 0.0], [1e4, 0.0, -1e4]])
    assert entropy(logits).tolist() == pytest.approx([math.log(3.0), 0.0], abs=1e-6)


def test_entropy_of_a_certain_prediction_has_finite_gradients():
    logits = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    entropy(logits).sum().backward()
    assert torch.isfinite(logits.grad).all()


def test_discrepancy_equals_a_loop(draw):
    a, b = draw(6, 3), draw(6, 3, seed=1)
    p, q = a.softmax(1).tolist(), b.softmax(1).tolist()
    expected = sum(abs(p[i][c] - q[i][c]) for i in range(6) for c in range(3)) / 18
    assert discrepancy(a, b).item() == pytest.approx(expected, rel=1e-12)
    assert discrepancy(b, a).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [2, 5])
def test_discrepancy_runs_from_zero_to_two_over_k(k):
    one, other = 100.0 * torch.eye(k), 100.0 * torch.eye(k).roll(1, 0)
    assert discrepancy(one, one).item() == 0.0
    assert discrepancy(one, other).item() == pytest.approx(2.0 / k)
