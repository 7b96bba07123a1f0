"""Write what pytorch-adapt computes on one fixed batch to ``pytorch_adapt.json``, which tests/methods/test_peers.py reads.

It needs releases of other packages that ours rule out, so it runs in an environment of its own:

    python -m venv peer && peer/bin/pip install pytorch-adapt==0.0.83 torchmetrics==0.9.3 \\
        pytorch-metric-learning==1.6.3 'setuptools<80' torch
    peer/bin/python tests/methods/peers/make_pytorch_adapt.py
"""

import json
from importlib import metadata
from pathlib import Path

import torch
from pytorch_adapt.hooks import DomainLossHook
from pytorch_adapt.layers import CORALLoss, EntropyWeights, GradientReversal, MCDLoss, MMDLoss
from torch.nn.functional import binary_cross_entropy_with_logits

STRENGTH = 0.7
KERNELS = 5


def batch():
    """Inputs of both domains, and the weights of a linear encoder, two heads and a linear discriminator or two."""
    generator = torch.Generator().manual_seed(0)
    sizes = {
        "x_s": (9, 5),
        "x_t": (7, 5),
        "encoder": (4, 5),
        "head": (3, 4),
        "second_head": (3, 4),
        "discriminator": (1, 4),
        "conditional": (1, 12),
    }
    return {name: torch.randn(size, generator=generator, dtype=torch.float64) for name, size in sizes.items()}


def losses(given):
    """Each loss with the encoder's parameters that it was computed with."""
    w = given["encoder"].clone().requires_grad_()
    z_s, z_t = (given[x] @ w.T for x in ("x_s", "x_t"))
    scales = torch.tensor([2.0**k for k in range(-(KERNELS // 2), KERNELS // 2 + 1)], dtype=torch.float64)
    z = torch.cat([z_s, z_t]).detach()
    width = float(torch.cdist(z, z).square().sum()) / (len(z) * (len(z) - 1))  # our choice; theirs is a median
    reverse = GradientReversal(STRENGTH)
    hook = DomainLossHook()

    def said(z_s, z_t, weights):
        return [(reverse(z) @ weights.T).squeeze(1) for z in (z_s, z_t)]

    d_s, d_t = said(z_s, z_t, given["discriminator"])
    found = {
        "dan": MMDLoss(kernel_scales=scales, mmd_type="quadratic", bandwidth=width)(z_s, z_t),
        "deep_coral": CORALLoss()(z_s, z_t),
        "mcd": MCDLoss()(z_t @ given["head"].T, z_t @ given["second_head"].T),
        # the source is domain 0 there
        "dann": hook.d_loss_fn(d_s, torch.zeros_like(d_s)).mean() + hook.d_loss_fn(d_t, torch.ones_like(d_t)).mean(),
    }
    logits = [z @ given["head"].T for z in (z_s, z_t)]
    conditioned = [
        torch.einsum("nd,nk->ndk", z, q.detach().softmax(1)).flatten(1) for z, q in zip((z_s, z_t), logits, strict=True)
    ]
    c_s, c_t = said(*conditioned, given["conditional"])
    w_s, w_t = (EntropyWeights()(q.detach()) for q in logits)
    on_s = binary_cross_entropy_with_logits(c_s, torch.zeros_like(c_s), reduction="none")
    on_t = binary_cross_entropy_with_logits(c_t, torch.ones_like(c_t), reduction="none")
    found["cdan"] = (w_s * on_s).sum() + (w_t * on_t).sum()
    return found, w


def main():
    given = batch()
    found, w = losses(given)
    values = {
        name: {"loss": loss.item(), "gradient": torch.autograd.grad(loss, w, retain_graph=True)[0].tolist()}
        for name, loss in found.items()
    }
    made = {
        "versions": {name: metadata.version(name) for name in ("pytorch-adapt", "torch")},
        "strength": STRENGTH,
        "kernels": KERNELS,
        "batch": {name: value.tolist() for name, value in given.items()},
        "values": values,
    }
    file = Path(__file__).with_name("pytorch_adapt.json")
    file.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
