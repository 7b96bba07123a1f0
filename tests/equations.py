"""The parts of papers' equations, written out slowly: loops over samples, no function of ours."""

import torch
from torch import Tensor


def cross_entropy(logits: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean of minus the logarithm of the label's softmax; with weights their weighted mean."""
    losses = [torch.logsumexp(row, 0) - row[int(c)] for row, c in zip(logits, y, strict=True)]
    if weights is None:
        return sum(losses) / len(losses)
    return sum(w * loss for w, loss in zip(weights, losses, strict=True)) / weights.sum()


def source_against_target(d_s: Tensor, d_t: Tensor, w_s: Tensor | None = None, w_t: Tensor | None = None) -> Tensor:
    """-E_s[w log D] - E_t[w log(1 - D)], with weights that are divided by their sum."""

    def side(logits: Tensor, sign: float, weights: Tensor | None) -> Tensor:
        losses = [torch.log1p(torch.exp(-sign * d)) for d in logits.flatten()]
        weights = torch.ones(len(losses)) if weights is None else weights
        return sum(w * loss for w, loss in zip(weights, losses, strict=True)) / weights.sum()

    return side(d_s, 1.0, w_s) + side(d_t, -1.0, w_t)


def entropies(logits: Tensor) -> Tensor:
    """``(n,)`` minus the sum of p log p."""
    return torch.stack([-sum(q * torch.log(q) for q in torch.exp(r - torch.logsumexp(r, 0))) for r in logits])


def covariance(z: Tensor) -> Tensor:
    """Unbiased, an entry at a time."""
    n, d = z.shape
    mean = sum(z) / n
    rows = [[sum((row[i] - mean[i]) * (row[j] - mean[j]) for row in z) / (n - 1) for j in range(d)] for i in range(d)]
    return torch.stack([torch.stack(row) for row in rows])


def squared_distance(a: Tensor, b: Tensor) -> Tensor:
    return sum((p - q) ** 2 for p, q in zip(a, b, strict=True))


def mean_squared_distance(z: Tensor) -> Tensor:
    """Over pairs of different samples."""
    pairs = [squared_distance(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j]
    return sum(pairs) / len(pairs)


def unbiased_mmd(z_s: Tensor, z_t: Tensor, kernels: int = 5) -> Tensor:
    """A kernel and a pair of different samples at a time; widths double around the mean squared distance, a constant."""
    middle = mean_squared_distance(torch.cat([z_s, z_t]).detach())
    widths = [middle * 2.0 ** (m + 1 - (kernels + 1) / 2) for m in range(kernels)]

    def mean(pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
        values = [sum(torch.exp(-squared_distance(x, y) / w) for w in widths) / kernels for x, y in pairs]
        return sum(values) / len(values)

    within_s, within_t = ([(x, y) for i, x in enumerate(z) for j, y in enumerate(z) if i != j] for z in (z_s, z_t))
    return mean(within_s) + mean(within_t) - 2.0 * mean([(x, y) for x in z_s for y in z_t])


def ramp(progress: float) -> float:
    """2 / (1 + exp(-10 p)) - 1 at the three places that the tests look at, by hand."""
    return {0.0: 0.0, 0.5: 0.986614298, 1.0: 0.999909204}[progress]
