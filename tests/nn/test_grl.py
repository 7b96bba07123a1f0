import pytest
import torch

from da.nn.grl import reverse_gradient


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0, 2.5])
def test_identity_forward_and_exactly_reversed_backward(strength):
    x = torch.tensor([[1.0, -2.0], [3.0, 0.5]], requires_grad=True)
    weight = torch.tensor([[0.1, 0.7], [-4.0, 2.0]])
    reversed_ = reverse_gradient(x, strength)
    assert torch.equal(reversed_, x)
    (reversed_ * weight).sum().backward()
    assert torch.equal(x.grad, -strength * weight)


def test_the_strength_is_one_unless_said():
    x = torch.ones(3, requires_grad=True)
    (2.0 * reverse_gradient(x)).sum().backward()
    assert x.grad.tolist() == [-2.0] * 3


def test_what_lies_behind_learns_and_what_lies_before_unlearns():
    encoder, head = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))

    def gradients(between):
        loss = head(between(encoder(x))).square().mean()
        return torch.autograd.grad(loss, [*encoder.parameters(), *head.parameters()])

    plain, turned = gradients(lambda z: z), gradients(lambda z: reverse_gradient(z, 0.5))
    for before, after in zip(plain[:2], turned[:2], strict=True):
        torch.testing.assert_close(after, -0.5 * before)
    for before, after in zip(plain[2:], turned[2:], strict=True):
        assert torch.equal(after, before)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_type_is_kept(dtype):
    x = torch.ones(2, dtype=dtype, requires_grad=True)
    y = reverse_gradient(x, 0.5)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == dtype
    assert x.grad.tolist() == [-0.5, -0.5]


def test_twice_reversed_is_straight():
    x = torch.ones(2, requires_grad=True)
    reverse_gradient(reverse_gradient(x, 2.0), 3.0).sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]
