import math

import pytest
import torch

from da.divergences.mmd import mk_mmd, squared_distances


def loop(z_s, z_t, kernels, bandwidth):
    """The definition, a kernel and a pair of samples at a time."""
    s, t = z_s.tolist(), z_t.tolist()
    pooled = s + t
    if bandwidth is None:
        distances = [math.dist(a, b) ** 2 for i, a in enumerate(pooled) for j, b in enumerate(pooled) if i != j]
        bandwidth = sum(distances) / len(distances)
    total = 0.0
    for m in range(kernels):
        sigma = bandwidth * 2.0 ** (m + 1 - (kernels + 1) / 2)

        def mean(pairs, sigma=sigma):
            values = [math.exp(-(math.dist(x, y) ** 2) / sigma) for x, y in pairs]
            return sum(values) / len(values)

        within_s, within_t = ([(x, y) for x in own for y in own if x is not y] for own in (s, t))
        total += mean(within_s) - 2.0 * mean([(x, y) for x in s for y in t]) + mean(within_t)
    return total / kernels


@pytest.mark.parametrize("bandwidth", [None, 0.7, 20.0])
@pytest.mark.parametrize("kernels", [1, 2, 5])
def test_equals_the_definition(kernels, bandwidth, draw):
    z_s, z_t = draw(6, 3), draw(9, 3, mean=0.5, scale=2.0, seed=1)
    value = mk_mmd(z_s, z_t, kernels=kernels, bandwidth=bandwidth).item()
    assert value == pytest.approx(loop(z_s, z_t, kernels, bandwidth), rel=1e-10)


@pytest.mark.parametrize("factors", [(0.25, 0.5, 1.0, 2.0, 4.0), (0.5**1.5, 0.5**0.5, 2.0**0.5, 2.0**1.5), (1.0,)])
def test_any_number_of_kernels_lies_evenly_around_the_bandwidth_by_factors_of_two(factors, draw):
    z_s, z_t = draw(6, 3), draw(9, 3, mean=0.5, seed=1)
    singles = [mk_mmd(z_s, z_t, kernels=1, bandwidth=2.0 * factor).item() for factor in factors]
    whole = mk_mmd(z_s, z_t, kernels=len(factors), bandwidth=2.0).item()
    assert whole == pytest.approx(sum(singles) / len(factors), rel=1e-12)


@pytest.mark.parametrize("n", [8, 32])
def test_equal_domains_are_neither_contracted_nor_spread(n):
    """The derivative along a common scale is 0 in the mean; the biased estimate's is above 0, more so in small batches."""
    generator = torch.Generator().manual_seed(0)
    values, slopes = [], []
    for _ in range(300):
        z_s, z_t = torch.randn(2, n, 16, generator=generator, dtype=torch.float64)
        scale = torch.ones((), dtype=torch.float64, requires_grad=True)
        value = mk_mmd(scale * z_s, scale * z_t)
        slopes.append(torch.autograd.grad(value, scale)[0])
        values.append(value.detach())
    for found in (torch.stack(values), torch.stack(slopes)):
        assert abs(found.mean()) < 4 * found.std() / 300**0.5
    assert torch.stack(slopes).std() < 0.1
    assert min(values) < 0.0


def test_the_bandwidth_is_the_mean_squared_distance_held_constant(draw):
    z_s, z_t = draw(6, 3).requires_grad_(), draw(9, 3, mean=0.5, seed=1)
    z = torch.cat([z_s.detach(), z_t])
    (free,) = torch.autograd.grad(mk_mmd(z_s, z_t), z_s)
    mean = squared_distances(z, z).sum().item() / (15 * 14)
    (fixed,) = torch.autograd.grad(mk_mmd(z_s, z_t, bandwidth=mean), z_s)
    torch.testing.assert_close(free, fixed)


def test_an_offset_shared_by_all_samples_costs_no_digits(draw):
    z_s, z_t = draw(20, 8).float(), draw(20, 8, mean=0.2, seed=1).float()
    assert mk_mmd(z_s + 2.0**12, z_t + 2.0**12).item() == pytest.approx(mk_mmd(z_s, z_t).item(), rel=0.01)


def test_features_that_are_all_equal_give_zero_and_finite_gradients():
    z = torch.full((4, 3), 0.3, requires_grad=True)
    value = mk_mmd(z, z.detach())
    value.backward()
    assert value.item() == pytest.approx(0.0, abs=1e-6)
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("sizes", [(1, 4), (4, 1)])
def test_a_single_sample_has_no_pair_and_is_refused(sizes, draw):
    with pytest.raises(ValueError, match=f"at least 2 samples of each domain, got {sizes[0]} and {sizes[1]}"):
        mk_mmd(draw(sizes[0], 3), draw(sizes[1], 3, seed=1))


def test_squared_distances_are_those_of_cdist_and_never_negative(draw):
    a, b = draw(5, 3), draw(4, 3, mean=1.0, seed=1)
    torch.testing.assert_close(
        squared_distances(a, b), torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist") ** 2
    )
    near = (draw(50, 3, mean=100.0)).float()
    assert squared_distances(near, near).min().item() == 0.0
