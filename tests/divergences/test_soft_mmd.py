import pytest
import torch

from da.divergences.soft_mmd import class_means, soft_mmd


def loop(z_s, m_s, z_t, m_t):
    """The definition, one class and one sample at a time."""

    def mean(z, weights):
        return sum(w * row for w, row in zip(weights, z, strict=True)) / sum(weights)

    marginal = ((mean(z_s, [1.0] * len(z_s)) - mean(z_t, [1.0] * len(z_t))) ** 2).sum()
    present = [c for c in range(m_s.shape[1]) if m_s[:, c].sum() > 0 and m_t[:, c].sum() > 0]
    gaps = [((mean(z_s, m_s[:, c]) - mean(z_t, m_t[:, c])) ** 2).sum() for c in present]
    return marginal + sum(gaps)


@pytest.fixture
def sides(draw):
    hard = torch.eye(3, dtype=torch.float64)[torch.tensor([0, 1, 2, 0, 1])]
    return draw(5, 4), hard, draw(7, 4, mean=1.0, seed=1), draw(7, 3, seed=2).softmax(1)


def test_equals_the_definition(sides):
    assert soft_mmd(*sides).item() == pytest.approx(loop(*sides).item(), rel=1e-12)


@pytest.mark.parametrize("side", [1, 3])
def test_classes_absent_from_either_side_do_not_count(sides, side):
    parts = [part.clone() for part in sides]
    parts[side][:, 1] = 0.0
    assert soft_mmd(*parts).item() == pytest.approx(loop(*parts).item(), rel=1e-12)


def test_without_a_shared_class_the_marginals_remain(sides):
    z_s, m_s, z_t, m_t = sides
    only_s, only_t = m_s * torch.tensor([1.0, 0, 0]), m_t * torch.tensor([0, 1.0, 1.0])
    expected = (z_s.mean(0) - z_t.mean(0)).square().sum().item()
    assert soft_mmd(z_s, only_s, z_t, only_t).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_an_absent_class_is_finite_in_half_precision(sides, dtype):
    z_s, m_s, z_t, m_t = (part.to(dtype) for part in sides)
    m_t[:, 1] = 0.0  # the floor of the mass would underflow in float16
    assert torch.isfinite(soft_mmd(z_s.requires_grad_(), m_s, z_t, m_t))


def test_the_scale_of_memberships_does_not_matter(sides):
    z_s, m_s, z_t, m_t = sides
    assert soft_mmd(z_s, m_s, z_t, 0.1 * m_t).item() == pytest.approx(soft_mmd(*sides).item(), rel=1e-12)


def test_class_means_and_masses():
    z = torch.tensor([[1.0, 0.0], [3.0, 2.0], [5.0, 5.0]])
    means, mass = class_means(z, torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.5]]))
    assert means.tolist() == [[2.0, 1.0], [5.0, 5.0]]
    assert mass.tolist() == [2.0, 0.5]


def test_gradients_through_the_memberships(sides):
    z_s, m_s, z_t, m_t = (part.clone() for part in sides)
    m_t.requires_grad_()
    assert torch.autograd.gradcheck(lambda m: soft_mmd(z_s, m_s, z_t, m), (m_t,))
