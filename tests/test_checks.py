"""The common suite over the whole catalogue."""

import pytest
import torch
from torch import Tensor, nn

from da import catalog
from da.checks import Subject, checks_for
from da.checks.__main__ import subject_of
from da.checks.deep import (
    check_every_term_moves_the_features,
    check_same_seed_same_weights,
    check_weight_zero_is_source_only,
    check_withheld_labels_change_nothing,
)
from da.domain import Batch
from da.methods.base import Terms
from da.methods.transductive.dann import DANN
from da.methods.transductive.deep_coral import DeepCORAL
from da.methods.transductive.source_only import SourceOnly

SUBJECTS = {name: subject_of(entry) for name, entry in catalog.entries("method").items()}
PAIRS = [
    pytest.param(subject, check, id=f"{name}-{title}")
    for name, subject in SUBJECTS.items()
    for title, check in checks_for(subject)
]


@pytest.mark.parametrize(("subject", "check"), PAIRS)
def test_common(subject: Subject, check) -> None:
    check(subject)


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_method_has_enough_checks(name: str) -> None:
    assert len(list(checks_for(SUBJECTS[name]))) >= 8


class InertDiscriminator(nn.Sequential):
    """A softmax over one unit is the constant 1: the bug that a peer shipped for two years."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(super().forward(x), dim=1).squeeze(1)


class InertDANN(DANN):
    def build(self, spec) -> None:
        super().build(spec)
        self.discriminator = InertDiscriminator(nn.Linear(self.network.features, 1))


class PeekingCORAL(DeepCORAL):
    """Trains on labels that the class does not ask for, by going to the scorer."""

    def terms(self, batch: Batch, progress: float) -> Terms:
        found = super().terms(batch, progress)
        leaked = self.trainer.callbacks[0].exam.domains["target_test"].y
        return found | {"task": found["task"] * (1.0 + float(leaked[:5].sum()))}


class AlwaysOn(DANN):
    def terms(self, batch: Batch, progress: float) -> Terms:
        found = super().terms(batch, progress)
        return found | {"domain": found["domain"] - 0.1 * self.views(batch)[0].z.square().mean()}


class Unseeded(SourceOnly):
    def build(self, spec) -> None:
        super().build(spec)
        torch.seed()
        nn.init.normal_(self.network.head.weight)


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (InertDANN, check_every_term_moves_the_features),
        (PeekingCORAL, check_withheld_labels_change_nothing),
        (AlwaysOn, check_weight_zero_is_source_only),
        (Unseeded, check_same_seed_same_weights),
    ],
)
def test_the_checks_catch(broken, check) -> None:
    with pytest.raises(AssertionError, match=broken.__name__):
        check(Subject(broken.__name__, broken, broken.needs))
