import numpy as np
import pytest

from da.domain import Domain


@pytest.fixture
def pair():
    """Two shifted and correlated Gaussian domains: pair(n_s, n_t, d), the source labelled with two classes."""

    def make(n_s: int = 30, n_t: int = 40, d: int = 4, seed: int = 0) -> tuple[Domain, Domain]:
        rng = np.random.default_rng(seed)
        x_s = rng.normal(size=(n_s, d)) @ rng.normal(size=(d, d))
        x_t = rng.normal(size=(n_t, d)) @ rng.normal(size=(d, d)) + 0.5
        return Domain(x_s, np.arange(n_s) % 2), Domain(x_t)

    return make
