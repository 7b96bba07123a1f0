"""One update under a gradient scaler: clipped as without one, and each optimiser by the scale that its gradients have."""

from functools import partial

import pytest
import torch
from deep import subject
from pytorch_lightning.plugins.precision import MixedPrecision

from da.checks.harness import build, task_for, train
from da.methods.base import Optimization, Phase
from da.methods.transductive.dann import DANN
from da.methods.transductive.mcd import MCD
from da.methods.transductive.source_only import SourceOnly

pytestmark = pytest.mark.versions


def scaler(scale: float = 65536.0) -> MixedPrecision:
    """What trainer.precision=16-mixed has on a GPU."""
    return MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=scale))


class Skewed(DANN):
    """Two optimisers in one phase, the first of whose gradients are too large for half precision in the first step."""

    overflow = False

    def groups(self):
        return {"network": self.network.parameters(), "discriminator": self.discriminator.parameters()}

    def phases(self, progress):
        return [Phase(self.terms, groups=("network", "discriminator"))]

    def terms(self, batch, progress):
        found = super().terms(batch, progress)
        if self.overflow and self.steps_done == 0:
            weight = next(iter(self.network.parameters()))
            found["task"] = found["task"] + torch.where(torch.ones(()) > 0, 1e36 * weight.sum(), 0.0) * 1.0
            found["task"] = found["task"] - (1e36 * weight.sum()).detach()
        return found


def moved(made, clip: float | None, *, plugins=None, steps: int = 1, **changes) -> torch.Tensor:
    """Every parameter after some steps of plain gradient descent at rate 1, less its start, in one row."""
    task = task_for(made.needs)
    method = build(subject(made), task)
    for name, value in changes.items():
        setattr(method, name, value)
    method.optimization = Optimization(partial(torch.optim.SGD, lr=1.0), clip=clip)
    before = torch.cat([p.detach().flatten().clone() for p in method.parameters()])
    train(method, task, steps=steps, epochs=1, **({} if plugins is None else {"plugins": [plugins]}))
    return torch.cat([p.detach().flatten() for p in method.parameters()]) - before


@pytest.mark.parametrize("clip", [None, 1000.0, 0.05])
@pytest.mark.parametrize("made", [SourceOnly, Skewed, MCD])
def test_a_gradient_scaler_changes_no_step_clipped_or_not(made, clip) -> None:
    plain, scaled = moved(made, clip, steps=3), moved(made, clip, plugins=scaler(), steps=3)
    assert plain.norm() > 1e-3
    # float16 would round the forward pass; on the CPU autocast does so to about three digits
    torch.testing.assert_close(scaled, plain, rtol=0.1, atol=0.02 * float(plain.norm()))
    assert abs(float(scaled.norm()) / float(plain.norm()) - 1.0) < 0.05


def test_the_bound_is_of_the_norm_before_scaling() -> None:
    assert float(moved(SourceOnly, 0.05, plugins=scaler()).norm()) == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize("clip", [None, 0.05])
def test_a_scale_that_changes_between_two_optimisers_is_followed(clip) -> None:
    """The first optimiser's gradients overflow: it is not stepped, the scale is halved, and the second moves as it ought."""
    size = sum(p.numel() for p in build(subject(Skewed), task_for(Skewed.needs)).network.parameters())
    plain, scaled = moved(Skewed, clip), moved(Skewed, clip, plugins=scaler(), overflow=True)
    assert scaled[:size].abs().max() == 0.0
    assert float(scaled[size:].norm()) == pytest.approx(float(plain[size:].norm()), rel=0.02)
