"""The checks of terms fail for mistakes that people make, and say what was wrong."""

from typing import Any

import pytest
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from da.checks import CheckedMethod, CheckedTerm, checks_for
from da.checks.results import run_check
from da.methods.base import Method, Terms
from da.setting import ALL, FEW, Access
from da.terms.base import Embedded, Term
from da.terms.bsp import BSP
from da.terms.mcc import MCC


class Gap(Term):
    """Right: the distance of the means."""

    needs = Access(target_x=True)

    def forward(self, source: Embedded, target: Embedded, progress: float) -> Tensor:
        return (source.z.mean(0) - target.z.mean(0)).square().sum()


class Cut(Gap):
    def forward(self, source, target, progress):
        return (source.z.detach().mean(0) - target.z.mean(0)).square().sum()


class NoGradient(Gap):
    def forward(self, source, target, progress):
        return super().forward(source, target, progress).detach()


class Curious(Gap):
    needs = Access(source_x=False, target_x=True)


class Peeking(Gap):
    def forward(self, source, target, progress):
        return cross_entropy(source.logits, source.y) + super().forward(source, target, progress)


class Rows(Gap):
    def forward(self, source, target, progress):
        return target.z.square().sum(1) + source.z.mean()


class Distance(Gap):
    def forward(self, source, target, progress):
        return (source.z.mean(0) - target.z.mean(0)).square().sum().sqrt()


class Few(Gap):
    needs = Access(source_y=ALL, target_x=True, target_y=FEW)


class Early(Gap):
    def __init__(self, *, weight: float = 1.0):
        super().__init__(weight=weight)
        self.map = nn.Linear(2, 2)


class Forgets(Gap):
    def __init__(self, *, weight: float = 1.0):
        super().__init__()


class Weightless(Gap):
    def __init__(self, *, scale: float = 1.0):
        super().__init__()


class Idle(Gap):
    def __init__(self, *, weight: float = 1.0, scale: float = 2.0):
        super().__init__(weight=weight)


class Samples(Gap):
    """Wants batches of equal sizes."""

    def forward(self, source, target, progress):
        return (source.z - target.z).square().mean()


WRONG = [
    (Cut, "it_reaches_the_features_of_each_domain", "does not reach the features of the source"),
    (NoGradient, "it_reaches_the_features_of_each_domain", "does not reach the features of the source"),
    (Curious, "it_reaches_the_features_of_each_domain", "The term wrong looks at what its `needs` do not have"),
    (Peeking, "it_reaches_the_features_of_each_domain", "Error"),
    (Rows, "it_reaches_the_features_of_each_domain", "has shape (6,); reduce it to a scalar"),
    (Distance, "gradients_are_finite", "not finite for features"),
    (Few, "needs_are_of_a_batch", "needs few target labels"),
    (Early, "constructor_only_stores", "makes parameters in its constructor"),
    (Forgets, "constructor_only_stores", "does not keep its weight"),
    (Weightless, "the_yaml_repeats_the_constructor", "takes no `weight`"),
    (Idle, "every_keyword_has_an_effect", "'scale' has no effect"),
    (Samples, "it_reaches_the_features_of_each_domain", "RuntimeError"),
]


@pytest.mark.parametrize(("made", "title", "words"), WRONG, ids=lambda value: getattr(value, "__name__", None))
def test_a_wrong_term_is_noticed(made: type[Term], title: str, words: str) -> None:
    subject = CheckedTerm("wrong", made, made.needs)
    result = run_check("wrong", title, lambda: dict(checks_for(subject))[title](subject), made)
    assert result.failed
    assert words in result.wrong


def test_a_yaml_that_says_otherwise_is_noticed() -> None:
    for config, words in (({"weight": 2.0}, "make them equal"), ({}, "lacks what the constructor takes")):
        subject = CheckedTerm("wrong", Gap, Gap.needs, config=config)
        with pytest.raises(AssertionError, match=words):
            dict(checks_for(subject))["the_yaml_repeats_the_constructor"](subject)


@pytest.mark.parametrize("made", [Gap, MCC, BSP])
def test_right_terms_pass(made: type[Term]) -> None:
    subject = CheckedTerm("right", made, made.needs)
    titles = dict(checks_for(subject))
    assert len(titles) >= 24
    for check in titles.values():
        check(subject)


def test_exemptions_of_a_term_are_heeded() -> None:
    class Exempt(Gap):
        exempt: Any = {"finite_in_bf16": "its values are whole numbers of samples, beyond what bf16 can hold"}

    assert "finite_in_bf16" not in dict(checks_for(CheckedTerm("exempt", Exempt, Exempt.needs)))


class TwoWeights(Method):
    """One phase, two terms: only with both weights 0 it is source-only."""

    needs = Access(source_y=ALL, target_x=True)

    def __init__(self, *, weight: float = 1.0, entropy_weight: float = 0.1):
        super().__init__()
        self.weight, self.entropy_weight = weight, entropy_weight

    def terms(self, batch, progress) -> Terms:
        source, target = self.embed_pair(batch)
        gap = (source.z.mean(0) - target.z.mean(0)).square().sum()
        size = target.logits.square().mean()
        return {"task": cross_entropy(source.logits, source.y), "a": self.weight * gap, "b": self.entropy_weight * size}


def test_a_method_is_source_only_with_all_weights_zero() -> None:
    subject = CheckedMethod("two", TwoWeights, TwoWeights.needs)
    dict(checks_for(subject))["weight_zero_is_source_only"](subject)

    class Forgetful(TwoWeights):
        def terms(self, batch, progress):
            return super().terms(batch, progress) | {"b": 0.1 * self.embed(batch.target).logits.square().mean()}

    wrong = CheckedMethod("forgetful", Forgetful, Forgetful.needs)
    with pytest.raises(AssertionError, match="weight=0 entropy_weight=0"):
        dict(checks_for(wrong))["weight_zero_is_source_only"](wrong)
