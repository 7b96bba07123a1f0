import pytest
import torch
from torch import Tensor


@pytest.fixture
def draw():
    """Seeded normal samples: draw(n, d) with a mean, or a scale for each column."""

    def samples(n: int, d: int, *, mean: float = 0.0, scale: float = 1.0, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return mean + scale * torch.randn(n, d, generator=generator, dtype=torch.float64)

    return samples
