import math

import pytest
import torch

from da.divergences.adversarial import domain_confusion, multilinear_map


def loop(d_s, d_t, weight_s=None, weight_t=None):
    def side(logits, sign, weights):
        weights = [1.0] * len(logits) if weights is None else weights
        losses = [math.log1p(math.exp(-sign * x)) for x in logits]
        return sum(w * x for w, x in zip(weights, losses, strict=True)) / sum(weights)

    return side(d_s, 1.0, weight_s) + side(d_t, -1.0, weight_t)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_equals_the_definition(shape, draw):
    d_s, d_t = draw(4, 1, mean=1.0), draw(7, 1, seed=1)
    value = domain_confusion(d_s.reshape(shape), d_t.reshape(shape)).item()
    assert value == pytest.approx(loop(d_s.flatten().tolist(), d_t.flatten().tolist()), rel=1e-12)


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_weights_are_normalised_within_each_domain(scale, draw):
    d_s, d_t = draw(3, 1).flatten(), draw(4, 1, seed=1).flatten()
    w_s, w_t = torch.tensor([1.0, 0.0, 3.0]), torch.tensor([2.0, 1.0, 1.0, 0.5])
    expected = loop(d_s.tolist(), d_t.tolist(), w_s.tolist(), w_t.tolist())
    value = domain_confusion(d_s, d_t, scale * w_s, w_t / scale).item()
    assert value == pytest.approx(expected, rel=1e-6)


def test_chance_is_twice_log_two_whatever_the_sizes():
    assert domain_confusion(torch.zeros(3), torch.zeros(50)).item() == pytest.approx(2.0 * math.log(2.0))


def test_source_is_the_positive_class():
    sure = torch.full((5,), 30.0)
    assert domain_confusion(sure, -sure).item() < 1e-9
    assert domain_confusion(-sure, sure).item() == pytest.approx(60.0)


def test_the_domains_weigh_the_same_whatever_their_sizes(draw):
    d_s, d_t = draw(3, 1), draw(5, 1, seed=1)
    assert domain_confusion(d_s, d_t.repeat(4, 1)).item() == pytest.approx(domain_confusion(d_s, d_t).item(), rel=1e-12)


def test_multilinear_map_is_the_flattened_outer_product(draw):
    z, p = draw(5, 4), draw(5, 3, seed=1).softmax(1)
    torch.testing.assert_close(multilinear_map(z, p), torch.einsum("nd,nk->ndk", z, p).reshape(5, 12))


def test_gradients_of_the_multilinear_map(draw):
    z, p = draw(3, 4).requires_grad_(), draw(3, 2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(multilinear_map, (z, p))


def test_gradients_with_weights(draw):
    d_s, d_t = draw(3, 1).flatten().requires_grad_(), draw(4, 1, seed=1).flatten().requires_grad_()
    weights = draw(3, 1, seed=2).flatten().exp(), draw(4, 1, seed=3).flatten().exp()
    assert torch.autograd.gradcheck(lambda a, b: domain_confusion(a, b, *weights), (d_s, d_t))
