"""BSP against Chen et al., ICML 2019, eq. 6: squares of the largest singular values of both domains' features."""

import pytest
import torch
from deep import assert_same_gradients, reaches

from da.checks.shares import leaves, shares
from da.terms.bsp import BSP, spectral_penalty


def written_out(z, k):
    """By power iteration on the Gram matrix, whose eigenvalues are the squares; each one found is taken away."""
    gram, total = z.T @ z, 0.0
    for _ in range(k):
        v = torch.ones(gram.shape[0], dtype=z.dtype)
        for _ in range(4000):
            v = gram.detach() @ v
            v = v / v.norm()
        largest = v @ gram @ v
        gram = gram - largest.detach() * torch.outer(v, v)
        total = total + largest
    return total


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("k", [1, 3])
def test_value_and_gradient_are_those_of_the_equation(k: int, progress: float) -> None:
    source, target = shares()
    value = BSP(k=k)(source, target, progress)
    expected = written_out(source.z, k) + written_out(target.z, k)
    torch.testing.assert_close(value, expected)
    assert_same_gradients(value, expected, leaves(source, target))
    assert all(reaches(value, [one.z]) and not reaches(value, [one.logits]) for one in (source, target))


def test_each_domain_has_its_own_singular_values() -> None:
    source, target = shares()
    one, other = (torch.linalg.matrix_norm(share.z, 2).item() ** 2 for share in (source, target))
    assert one != pytest.approx(other, rel=0.01)
    assert BSP()(source, target, 0.5).item() == pytest.approx(one + other)


def test_a_step_against_the_gradient_lowers_the_largest_singular_value_alone() -> None:
    z = torch.diag(torch.tensor([3.0, 2.0, 1.0])).requires_grad_()
    (gradient,) = torch.autograd.grad(spectral_penalty(z, 1), [z])
    torch.testing.assert_close(gradient, torch.diag(torch.tensor([6.0, 0.0, 0.0])))


def test_fewer_singular_values_than_asked_for_are_all() -> None:
    z = torch.tensor([[3.0, 4.0]])
    assert spectral_penalty(z, 5).item() == pytest.approx(25.0)


def test_half_precision_computes_in_single() -> None:
    low = shares()[0].z.bfloat16()
    assert spectral_penalty(low, 1).dtype == torch.float32
    torch.testing.assert_close(spectral_penalty(low, 1), spectral_penalty(low.float(), 1))
