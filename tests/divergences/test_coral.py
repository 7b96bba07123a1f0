import numpy as np
import pytest

from da.divergences.coral import coral


def textbook(z_s, z_t):
    d = z_s.shape[1]
    difference = np.cov(z_s.numpy(), rowvar=False) - np.cov(z_t.numpy(), rowvar=False)
    return sum(difference[i, j] ** 2 for i in range(d) for j in range(d)) / (4.0 * d**2)


@pytest.mark.parametrize(("n_s", "n_t", "d"), [(10, 6, 4), (8, 8, 16), (3, 5, 9), (3, 5, 8), (2, 2, 30)])
def test_equals_the_definition_by_either_route(n_s, n_t, d, draw):
    z_s, z_t = draw(n_s, d, mean=3.0), draw(n_t, d, scale=2.0, seed=1)
    assert coral(z_s, z_t).item() == pytest.approx(textbook(z_s, z_t), rel=1e-10)


def test_the_gram_route_never_forms_a_square_of_the_features(draw):
    z_s, z_t = draw(2, 500_000), draw(2, 500_000, seed=1)  # a d x d matrix would take 2 TB
    assert coral(z_s, z_t).item() > 0.0


def test_the_means_do_not_matter(draw):
    z_s, z_t = draw(10, 4), draw(8, 4, scale=2.0, seed=1)
    assert coral(z_s + 7.0, z_t - 3.0).item() == pytest.approx(coral(z_s, z_t).item(), rel=1e-10)


@pytest.mark.parametrize("sizes", [(1, 5), (5, 1), (1, 1)])
def test_a_single_sample_has_no_covariance(sizes, draw):
    with pytest.raises(
        ValueError, match=rf"at least 2 samples of each domain, got {sizes[0]} and {sizes[1]}; take larger"
    ):
        coral(draw(sizes[0], 3), draw(sizes[1], 3))


@pytest.mark.parametrize("sizes", [(500_000, 2), (2, 500_000), (500_000, 500_000)])
def test_many_samples_of_few_features_form_no_square_of_the_samples(sizes, draw):
    z_s, z_t = draw(sizes[0], 6), draw(sizes[1], 6, seed=1)  # an n x n matrix would take 2 TB
    assert coral(z_s, z_t).item() > 0.0
