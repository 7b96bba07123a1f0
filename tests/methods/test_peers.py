"""Loss and encoder gradient of adversarial and moment methods on one fixed batch, against two other libraries.

pytorch-adapt cannot be installed beside us; ``peers/make_pytorch_adapt.py`` wrote its values down. Where a library
implements something else, the difference stands here:

- both: the source is domain 0; ours is the positive class, so that the discriminator's sign is turned;
- skada: CDAN multiplies features by logits, not by probabilities, and lets the gradient into them; DAN takes distances,
  not their squares, 33 kernels summed, and the biased estimate; its default discriminator ends in a softmax over a single
  output, which is the constant 1;
- pytorch-adapt: DAN's bandwidth is the median of the source's squared distances, one kernel and the linear estimate by
  default; DANN and CDAN average the two domain losses and the task loss; CDAN+E divides the weights by their largest in
  place of their sum;
- neither has IWAN.
"""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from deep import gradients, subject
from torch import nn
from witness import quietly

from da.checks.harness import build, task_for
from da.divergences.mmd import mk_mmd
from da.domain import Batch, Domain
from da.methods.transductive.cdan import CDAN
from da.methods.transductive.dan import DAN
from da.methods.transductive.dann import DANN
from da.methods.transductive.deep_coral import DeepCORAL
from da.methods.transductive.mcd import MCD
from da.nn.networks import Network
from da.schedules import sigmoid_ramp

pytestmark = pytest.mark.versions

PEER = json.loads((Path(__file__).parent / "peers" / "pytorch_adapt.json").read_text(encoding="utf-8"))
GIVEN = {name: torch.tensor(value, dtype=torch.float64) for name, value in PEER["batch"].items()}
FULL = sigmoid_ramp(1.0)
STRENGTH = PEER["strength"]
MADE = {
    "dan": (DAN, {"weight": 1.0 / FULL, "kernels": PEER["kernels"]}, "align"),
    "deep_coral": (DeepCORAL, {"weight": 1.0}, "align"),
    "mcd": (MCD, {"weight": 1.0}, "agree"),
    "dann": (DANN, {"weight": STRENGTH / FULL}, "domain"),
    "cdan": (CDAN, {"weight": STRENGTH / FULL}, "domain"),
}


class Says(nn.Module):
    """A linear discriminator that takes the source for the positive class, where the peers take the target."""

    def __init__(self, weights: torch.Tensor):
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return -(z @ self.weights.T).squeeze(1)


def linear(shape, n_classes) -> Network:
    made = Network([nn.Flatten(), nn.Linear(5, 4, bias=False)], 4, 3)
    with torch.no_grad():
        made.encoder[1].weight.copy_(GIVEN["encoder"])
        made.head.weight.copy_(GIVEN["head"])
        made.head.bias.zero_()
    return made


def ours(name: str) -> tuple[torch.Tensor, torch.Tensor, object]:
    """Our term on the fixed batch, and its gradient on the encoder."""
    made, options, term = MADE[name]
    method = build(subject(made), task_for(made.needs), network=linear, **options)
    if name == "mcd":
        with torch.no_grad():
            method.second_head.weight.copy_(GIVEN["second_head"])
            method.second_head.bias.zero_()
    if name in ("dann", "cdan"):
        method.discriminator = Says(GIVEN["discriminator" if name == "dann" else "conditional"])
    method.double()
    with torch.no_grad():
        method.network.encoder[1].weight.copy_(GIVEN["encoder"])
        method.network.head.weight.copy_(GIVEN["head"])
    batch = Batch(sources=(Domain(GIVEN["x_s"], torch.zeros(9, dtype=torch.long)),), target=Domain(GIVEN["x_t"]), labelled=None)  # fmt: skip
    terms = method.phases(1.0)[-1].terms(batch, 1.0)
    (gradient,) = gradients(terms[term], method.network.encoder)
    return terms[term].detach(), gradient, method


@pytest.mark.parametrize("name", list(MADE))
def test_pytorch_adapt_computes_the_same(name: str) -> None:
    loss, gradient, _ = ours(name)
    theirs = PEER["values"][name]
    assert loss.item() == pytest.approx(theirs["loss"], rel=1e-6)
    np.testing.assert_allclose(gradient.numpy(), theirs["gradient"], rtol=1e-5, atol=1e-7)


def features() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    w = GIVEN["encoder"].clone().requires_grad_()
    return w, GIVEN["x_s"] @ w.T, GIVEN["x_t"] @ w.T


def same(name: str, loss: torch.Tensor, w: torch.Tensor) -> None:
    value, gradient, _ = ours(name)
    assert value.item() == pytest.approx(loss.item(), rel=1e-6)
    torch.testing.assert_close(gradient, torch.autograd.grad(loss, w)[0], rtol=1e-5, atol=1e-7)


def test_skadas_coral_is_the_same() -> None:
    losses = pytest.importorskip("skada.deep.losses")
    w, z_s, z_t = features()
    same("deep_coral", losses.deepcoral_loss(z_s, z_t), w)


@pytest.mark.parametrize("name", ["dann", "cdan"])
def test_skadas_adversarial_loss_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    deep, modules = pytest.importorskip("skada.deep"), pytest.importorskip("skada.deep.modules")
    w, z_s, z_t = features()
    parts = [modules.GradientReversalLayer.apply(z, STRENGTH) for z in (z_s, z_t)]
    if name == "dann":
        d_s, d_t = (torch.sigmoid(z @ GIVEN["discriminator"].T).squeeze(1) for z in parts)
        # its domain labels are single precision, in which a probability near 1 has few digits left
        monkeypatch.setattr(torch, "zeros", partial(torch.zeros, dtype=torch.float64))
        monkeypatch.setattr(torch, "ones", partial(torch.ones, dtype=torch.float64))
        same(name, deep.DANNLoss()(d_s, d_t), w)
        return
    p = [(z @ GIVEN["head"].T).detach().softmax(1) for z in (z_s, z_t)]
    maps = [torch.einsum("nd,nk->ndk", z, q).flatten(1) for z, q in zip(parts, p, strict=True)]
    d_s, d_t = (torch.sigmoid(m @ GIVEN["conditional"].T).squeeze(1) for m in maps)
    loss = deep.CDANLoss()(d_s.float(), d_t.float(), z_s, z_t)
    method = ours(name)[2]
    method.entropy_conditioning = False  # skada has CDAN without E
    batch = Batch(sources=(Domain(GIVEN["x_s"], torch.zeros(9, dtype=torch.long)),), target=Domain(GIVEN["x_t"]), labelled=None)  # fmt: skip
    term = method.terms(batch, 1.0)["domain"]
    assert term.item() == pytest.approx(loss.item(), rel=1e-5)
    (gradient,) = gradients(term, method.network.encoder)
    torch.testing.assert_close(gradient, torch.autograd.grad(loss, w)[0], rtol=1e-4, atol=1e-6)


def test_skadas_default_discriminator_is_a_constant() -> None:
    modules = pytest.importorskip("skada.deep.modules")
    with quietly():  # PyTorch warns of a softmax without an axis
        said = modules.DomainClassifier(4)(torch.randn(6, 4, generator=torch.Generator().manual_seed(0)))
    assert said.tolist() == [1.0] * 6


def test_skadas_mmd_is_biased_and_of_distances() -> None:
    """What ours would be with their choices: kernels of distances summed, pairs of a sample with itself counted."""
    losses = pytest.importorskip("skada.deep.losses")
    _, z_s, z_t = (z.detach().float() for z in features())
    sigmas = [1.0, 2.0]

    def mean(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return sum(torch.exp(-torch.cdist(a, b) / s).mean() for s in sigmas)

    expected = mean(z_s, z_s) + mean(z_t, z_t) - 2.0 * mean(z_s, z_t)
    assert losses.dan_loss(z_s, z_t, sigmas=sigmas).item() == pytest.approx(expected.item(), rel=1e-5)
    assert abs(mk_mmd(z_s, z_t).item() - expected.item()) > 0.05
