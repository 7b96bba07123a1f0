"""What every divergence of two samples owes, whatever its formula."""

import importlib
import inspect
import pkgutil

import pytest
import torch

import da.divergences
from da.divergences.adversarial import domain_confusion
from da.divergences.coral import coral
from da.divergences.mmd import mk_mmd
from da.divergences.prediction import discrepancy, entropy
from da.divergences.soft_mmd import soft_mmd


def soft(z_s, z_t):
    def members(z):
        return (2.0 * z[:, :3]).softmax(1, dtype=torch.promote_types(z.dtype, torch.float32))

    return soft_mmd(z_s, members(z_s), z_t, members(z_t))


def fixed_mmd(z_s, z_t):
    return mk_mmd(z_s, z_t, bandwidth=3.0)


WIDE = 40
CASES = {
    "coral": (coral, 4),
    "coral gram": (coral, WIDE),
    "soft_mmd": (soft, 4),
}
PAIRED = {"discrepancy": discrepancy, "domain_confusion": domain_confusion, "entropy": lambda a, b: entropy(a).mean()}
HELPERS = {"squared_distances", "pooled_distances", "unbiased", "class_means", "multilinear_map", "full_precision"}
UNBIASED = {"mk_mmd": (mk_mmd, 4), "mk_mmd fixed": (fixed_mmd, 4)}  # so not 0 on equal samples
OWN = {"weighted_mmd"}  # takes weights: it has a file of its own

two_samples = pytest.mark.parametrize(("divergence", "d"), CASES.values(), ids=CASES)
of_samples = pytest.mark.parametrize(
    ("divergence", "d"), [*CASES.values(), *UNBIASED.values()], ids=[*CASES, *UNBIASED]
)
everything = pytest.mark.parametrize(
    ("divergence", "d"),
    [*CASES.values(), *UNBIASED.values(), *((f, 4) for f in PAIRED.values())],
    ids=[*CASES, *UNBIASED, *PAIRED],
)


def test_every_divergence_is_examined_here():
    found = set()
    for module in pkgutil.iter_modules(da.divergences.__path__, "da.divergences."):
        functions = inspect.getmembers(importlib.import_module(module.name), inspect.isfunction)
        found |= {name for name, f in functions if f.__module__.startswith("da.divergences") and name[0] != "_"}
    assert found - HELPERS - OWN == {"mk_mmd", "coral", "soft_mmd", "discrepancy", "domain_confusion", "entropy"}


@two_samples
def test_zero_on_equal_samples_and_on_any_order_of_them(divergence, d, draw):
    z = draw(7, d, mean=5.0)
    assert divergence(z, z).item() == pytest.approx(0.0, abs=1e-14)
    assert divergence(z, z.flip(0)).item() == pytest.approx(0.0, abs=1e-14)
    assert 0.0 <= divergence(z.float(), z.flip(0).float()).item() < 1e-5


@of_samples
@pytest.mark.parametrize("sizes", [(2, 2), (2, 9), (9, 3)])
def test_positive_symmetric_and_scalar_for_any_sizes(divergence, d, sizes, draw):
    z_s, z_t = draw(sizes[0], d), draw(sizes[1], d, mean=3.0, scale=2.0, seed=1)
    there, back = divergence(z_s, z_t), divergence(z_t, z_s)
    assert there.shape == ()
    assert there.item() > 1e-4
    assert there.item() == pytest.approx(back.item(), rel=1e-12)


@two_samples
def test_never_negative_in_single_precision(divergence, d, draw):
    for seed in range(30):
        z = draw(6, d, mean=10.0, seed=seed).float()
        assert divergence(z, z.flip(0) * (1.0 + 1e-7)).item() >= 0.0


@of_samples
def test_the_order_of_samples_does_not_matter(divergence, d, draw):
    z_s, z_t = draw(6, d), draw(9, d, mean=1.0, seed=1)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(0))
    assert divergence(z_s[order], z_t.flip(0)).item() == pytest.approx(divergence(z_s, z_t).item(), rel=1e-12)


@of_samples
def test_a_larger_shift_is_a_larger_divergence(divergence, d, draw):
    z_s, z_t = draw(30, d), draw(30, d, seed=1)
    values = [divergence(z_s, k * z_t + k - 1.0).item() for k in (1.0, 1.5, 2.0)]
    assert values == sorted(values)
    assert values[0] < 0.7 * values[2]


@everything
def test_gradients_are_those_of_finite_differences(divergence, d, draw):
    if divergence is mk_mmd:
        divergence = fixed_mmd  # the bandwidth from the data is held constant on purpose
    z_s, z_t = draw(5, d).requires_grad_(), draw(5, d, mean=0.5, scale=1.5, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(divergence, (z_s, z_t))


@everything
def test_double_stays_double_and_half_is_raised_to_single(divergence, d, draw):
    z_s, z_t = draw(8, d), draw(8, d, mean=0.3, seed=1)
    exact = divergence(z_s, z_t)
    assert exact.dtype == torch.float64
    for dtype in (torch.bfloat16, torch.float16):
        low_s, low_t = z_s.to(dtype).requires_grad_(), z_t.to(dtype)
        value = divergence(low_s, low_t)
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(divergence(low_s.detach().double(), low_t.double()).item(), rel=1e-4)
        value.backward()
        assert low_s.grad.dtype == dtype
        assert torch.isfinite(low_s.grad).all()


@everything
def test_autocast_does_not_cost_digits(divergence, d, draw):
    z_s, z_t = draw(8, d, mean=2.0).float(), draw(8, d, mean=2.1, seed=1).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = divergence(z_s, z_t)
    assert inside.item() == divergence(z_s, z_t).item()
