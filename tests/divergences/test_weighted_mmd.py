import math

import pytest
import torch

from da.divergences.weighted_mmd import weighted_mmd


def slow(z_s, z_t, w, scale):
    """The equation, pair by pair."""
    z = torch.cat([z_s, z_t])
    n = len(z)
    sigma = scale * sum(float((z[i] - z[j]).square().sum()) for i in range(n) for j in range(n)) / (n * (n - 1))

    def k(a, b):
        return math.exp(-float((a - b).square().sum()) / sigma)

    s, t = range(len(z_s)), range(len(z_t))
    pairs = sum(float(w[i] * w[j]) for i in s for j in s if i != j)
    within_s = sum(float(w[i] * w[j]) * k(z_s[i], z_s[j]) for i in s for j in s if i != j) / pairs
    within_t = sum(k(z_t[i], z_t[j]) for i in t for j in t if i != j) / (len(z_t) * (len(z_t) - 1))
    between = sum(float(w[i]) * k(z_s[i], z_t[j]) for i in s for j in t) / (float(w.sum()) * len(z_t))
    return within_s + within_t - 2 * between


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_it_is_the_equation(scale, draw) -> None:
    z_s, z_t = draw(5, 3), draw(7, 3, mean=1.0, seed=1)
    w = torch.tensor([0.2, 3.0, 1.0, 0.0, 0.7], dtype=torch.float64)
    assert weighted_mmd(z_s, z_t, w, scale).item() == pytest.approx(slow(z_s, z_t, w, scale), rel=1e-12)
    assert weighted_mmd(z_s, z_t, 9 * w, scale).item() == pytest.approx(weighted_mmd(z_s, z_t, w, scale).item())


def test_equal_weights_are_unbiased() -> None:
    """The mean over draws from one distribution is 0, however narrow the kernel."""
    generator = torch.Generator().manual_seed(0)
    for scale in (0.05, 1.0):
        found = [
            weighted_mmd(
                *torch.randn(2, 20, 2, generator=generator, dtype=torch.float64), torch.ones(20).double(), scale
            )
            for _ in range(400)
        ]
        values = torch.stack(found)
        assert abs(values.mean()) < 4 * values.std() / 20


def test_true_weights_shrink_it(draw) -> None:
    z_s, z_t = draw(400, 1), draw(400, 1, seed=1) + 1.0
    true = torch.exp(z_s[:, 0] - 0.5)
    plain, weighted = weighted_mmd(z_s, z_t, torch.ones(400)), weighted_mmd(z_s, z_t, true)
    assert weighted.abs() < 0.05 * plain


def test_gradients_reach_weights_and_bandwidth(draw) -> None:
    z_s, z_t = draw(5, 2), draw(4, 2, mean=1.0, seed=1)
    w = torch.rand(5, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w, scale: weighted_mmd(z_s, z_t, w, scale), (w, scale))


def test_smallest_batches_and_half_precision_are_finite(draw) -> None:
    z = draw(2, 2)
    assert torch.isfinite(weighted_mmd(z, z, torch.ones(2)))
    with pytest.raises(ValueError, match="got 1 and 2"):
        weighted_mmd(z[:1], z, torch.ones(1))
    low = weighted_mmd(draw(8, 2).bfloat16(), draw(8, 2, mean=1.0, seed=1).bfloat16(), torch.ones(8))
    assert low.dtype == torch.float32
    assert torch.isfinite(low)


def test_an_offset_shared_by_all_samples_costs_no_digits(draw) -> None:
    z_s, z_t, w = draw(20, 8).float(), draw(20, 8, mean=0.4, seed=1).float(), torch.linspace(0.0, 2.0, 20)
    moved = weighted_mmd(z_s + 2.0**12, z_t + 2.0**12, w).item()
    assert moved == pytest.approx(weighted_mmd(z_s, z_t, w).item(), rel=0.01)


def test_the_unit_of_the_bandwidth_is_held_constant(draw) -> None:
    """Moving samples moves the kernel and not its width: gradients are those with the width given as a number."""
    z_s, z_t, w = draw(5, 3).requires_grad_(), draw(4, 3, mean=1.0, seed=1), draw(5, 1, seed=2).flatten().exp()
    z = torch.cat([z_s.detach(), z_t])
    distances = [float((a - b).square().sum()) for i, a in enumerate(z) for j, b in enumerate(z) if i != j]
    sigma = 0.7 * sum(distances) / len(distances)

    def kernel(a, b):
        return torch.exp(-(a - b).square().sum() / sigma)

    s, t = range(5), range(4)
    within = sum(w[i] * w[j] * kernel(z_s[i], z_s[j]) for i in s for j in s if i != j)
    within = within / sum(w[i] * w[j] for i in s for j in s if i != j)
    between = sum(w[i] * kernel(z_s[i], z_t[j]) for i in s for j in t) / (4 * w.sum())
    (expected,) = torch.autograd.grad(within - 2.0 * between, z_s)
    (found,) = torch.autograd.grad(weighted_mmd(z_s, z_t, w, 0.7), z_s)
    torch.testing.assert_close(found, expected)
