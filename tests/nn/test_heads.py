import torch

from da.divergences.adversarial import multilinear_map
from da.nn.heads import Discriminator, RandomMap


def test_the_discriminator_gives_one_logit_a_sample_even_for_one_sample():
    torch.manual_seed(0)
    discriminator = Discriminator(5, 7)
    assert [discriminator(torch.randn(n, 5)).shape for n in (1, 4)] == [(1,), (4,)]
    sizes = [(m.in_features, m.out_features) for m in discriminator if isinstance(m, torch.nn.Linear)]
    assert sizes == [(5, 7), (7, 7), (7, 1)]


def test_the_discriminator_is_not_squashed():
    torch.manual_seed(0)
    scores = Discriminator(5, 7)(1e3 * torch.randn(50, 5))
    assert scores.min() < -1.0
    assert scores.max() > 1.0


def test_the_random_map_is_the_scaled_product_of_two_projections():
    torch.manual_seed(0)
    random_map = RandomMap(4, 3, 6)
    z, p = torch.randn(2, 4), torch.rand(2, 3)
    expected = torch.einsum("md,nd,mk,nk->nm", random_map.r_z, z, random_map.r_p, p) / 6**0.5
    torch.testing.assert_close(random_map(z, p), expected)


def test_inner_products_after_the_random_map_are_those_of_the_multilinear_map():
    torch.manual_seed(0)
    z, p = torch.randn(6, 8), torch.randn(6, 5).softmax(1)
    exact = multilinear_map(z, p)
    exact = exact @ exact.T
    scale = torch.outer(exact.diagonal(), exact.diagonal()).sqrt()

    def error(size):
        found = RandomMap(8, 5, size)(z, p)
        return ((found @ found.T - exact) / scale).abs().mean().item()

    assert error(20_000) < 0.03
    assert error(50) > 2.0 * error(20_000)  # so that the tolerance above means something


def test_the_random_map_is_fixed_and_saved():
    random_map = RandomMap(4, 3, 6)
    assert list(random_map.parameters()) == []
    assert set(random_map.state_dict()) == {"r_z", "r_p"}


def test_the_discriminator_is_its_layers_with_rectifiers_between():
    torch.manual_seed(0)
    discriminator, x = Discriminator(3, 4), torch.randn(5, 3)
    first, second, last = (m for m in discriminator if isinstance(m, torch.nn.Linear))
    hidden = (x @ first.weight.T + first.bias).clamp_min(0.0)
    hidden = (hidden @ second.weight.T + second.bias).clamp_min(0.0)
    torch.testing.assert_close(discriminator(x), (hidden @ last.weight.T + last.bias)[:, 0])
