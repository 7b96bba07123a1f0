"""Terms added to methods: which phase they join, what they see, and what they leave as it was."""

from functools import partial
from typing import Any

import pytest
import torch
from deep import assert_terms_see_all_processes, case, reaches, updates
from torch import nn

from da.checks.harness import NETWORKS, batch_for, build, same, task_for, train, weights_of
from da.checks.suite import CheckedMethod
from da.config.compose import compose
from da.config.validate import validate
from da.domain import Batch
from da.errors import ConfigError
from da.methods.base import Method
from da.methods.instance.iwan import IWAN
from da.methods.instance.iwn import IWN
from da.methods.instance.weighted_risk import WeightedRisk
from da.methods.transductive.dann import DANN
from da.methods.transductive.mcd import MCD
from da.methods.transductive.source_only import SourceOnly
from da.setting import ALL, FEW, Access
from da.terms.base import Term
from da.terms.bsp import BSP
from da.terms.compose import WithTerms, with_terms
from da.terms.compose import made as made_of
from da.terms.mcc import MCC, class_confusion


class Learnt(Term):
    """A term with parameters and dropout of its own, which looks at everything."""

    needs = Access(source_y=ALL, target_x=True)

    def build(self, features: int, n_classes: int) -> None:
        self.map = nn.Sequential(nn.Linear(features, n_classes), nn.Dropout(0.5))

    def forward(self, source, target, progress):
        self.saw = source, target, progress
        return (self.map(target.z).mean(0) - self.map(source.z).mean(0)).square().sum()


class Labelled(Term):
    """A term that would take everything."""

    needs = Access(source_x=False, target_x=True)

    def forward(self, source, target, progress):
        self.saw = source, target
        return target.logits.square().mean()


def joined(method: type[Method], **terms: Term) -> Any:
    """The method's class as a function that makes it with terms; the same terms in each."""

    def make(**options: Any) -> Method:
        return with_terms(method(**options), terms)

    make.needs = method.needs
    make.__name__ = method.__name__
    return make


def forwards(method: Any, batch: Batch) -> list[list[int]]:
    """How many rows each forward of the encoder has, in each phase."""
    found: list[list[int]] = []
    hook = method.network.encoder.register_forward_hook(lambda module, given, z: found[-1].append(len(z)))
    for phase in method.phases(0.5):
        found.append([])
        phase.terms(batch, 0.5)
    hook.remove()
    return found


def test_a_term_is_its_weight_times_its_value_on_the_batch() -> None:
    method, batch = case(joined(DANN, mcc=MCC(weight=0.3), bsp=BSP(weight=0.02, k=2)))
    (phase,) = method.phases(0.5)
    terms = phase.terms(batch, 0.5)
    assert list(terms) == ["task", "domain", "mcc", "bsp"]
    z_s, z_t = (method.network.encoder(part.x) for part in (batch.source, batch.target))
    torch.testing.assert_close(terms["mcc"], 0.3 * class_confusion(method.network.head(z_t), 2.5))
    squares = sum(torch.linalg.svdvals(z)[:2].square().sum() for z in (z_s, z_t))
    torch.testing.assert_close(terms["bsp"], 0.02 * squares)
    assert reaches(terms["mcc"], method.network.encoder)
    assert not reaches(terms["bsp"], method.network.head)


def test_nothing_is_embedded_twice() -> None:
    terms = {"mcc": MCC(), "bsp": BSP()}
    assert forwards(*case(joined(DANN, **terms))) == [[16]]
    assert forwards(*case(joined(MCD, **terms))) == [[9, 7], [16], [7]]
    assert forwards(*case(joined(IWN, **terms))) == [[], [9, 7]]
    assert forwards(*case(joined(IWN, mcc=MCC(weight=0.0)))) == [[], [9]]
    method, batch = case(joined(DANN, **terms))
    method.embedding = "apart"
    assert forwards(method, batch) == [[9, 7]]


def test_terms_join_the_first_phase_that_updates_the_encoder() -> None:
    for made, expected in (
        (MCD, [["task", "mcc"], ["task_heads", "disagree"], ["agree"]]),
        (IWAN, [["weigher"], ["task", "domain", "entropy", "mcc"]]),
        (IWN, [["match"], ["task", "mcc"]]),
    ):
        method, batch = case(joined(made, mcc=MCC()))
        assert [list(phase.terms(batch, 0.5)) for phase in method.phases(0.5)] == expected


def test_a_name_that_the_method_has_is_not_written_over() -> None:
    method, batch = case(joined(IWAN, entropy=MCC()))
    terms = method.phases(0.5)[1].terms(batch, 0.5)
    assert list(terms) == ["task", "domain", "entropy", "added_entropy"]
    assert terms["entropy"] != terms["added_entropy"]


def test_a_term_sees_what_it_needs_and_no_more() -> None:
    term, learnt = Labelled(), Learnt()
    method, batch = case(joined(DANN, labelled=term, learnt=learnt))
    method.phases(0.25)[0].terms(batch, 0.25)
    source, target = term.saw
    with pytest.raises(PermissionError, match="The source is withheld: the term does not need it"):
        _ = source.z
    assert target.y is None
    source, target, progress = learnt.saw
    assert source.y is batch.source.y
    assert target.y is None
    assert progress == 0.25


def test_a_target_that_a_term_does_not_need_is_withheld() -> None:
    term = Labelled()
    term.needs = Access(source_y=ALL)
    method, batch = case(joined(SourceOnly, labelled=term))
    with pytest.raises(PermissionError, match="The target is withheld: the term does not need it"):
        method.phases(0.25)[0].terms(batch, 0.25)
    assert term.saw[0].y is batch.source.y


def test_terms_of_a_configuration_have_its_weights_and_keywords() -> None:
    words = ["method=dann", "terms=[mcc,bsp]", "term_weights.mcc=0.25", "term.mcc.temperature=3", "term.bsp.k=2"]
    terms = made_of(validate(compose(words)).config)
    assert {name: type(term) for name, term in terms.items()} == {"bsp": BSP, "mcc": MCC}
    assert (terms["mcc"].weight, terms["mcc"].temperature) == (0.25, 3)
    assert (terms["bsp"].weight, terms["bsp"].k) == (1e-4, 2)
    assert made_of(validate(compose(["method=dann"])).config) == {}


def test_labels_of_the_target_reach_a_term_that_needs_them() -> None:
    class Supervised(Method):
        needs = Access(source_y=ALL, target_x=True, target_y=ALL)

        def terms(self, batch, progress):
            source, _ = self.embed_pair(batch)
            return {"task": source.logits.square().mean()}

    blind, seeing = Labelled(), Labelled()
    seeing.needs = Access(target_x=True, target_y=ALL)
    method, batch = case(joined(Supervised, blind=blind, seeing=seeing))
    method.phases(0.5)[0].terms(batch, 0.5)
    assert blind.saw[1].y is None
    assert seeing.saw[1].y is batch.target.y
    assert seeing.saw[0].y is None


def test_sources_that_are_kept_apart_are_one_to_a_term() -> None:
    class Apart(Method):
        needs = Access(source_y=ALL, target_x=True)

        def terms(self, batch, progress):
            return {"task": sum(self.embed(source).logits.square().mean() for source in batch.sources)}

    term = Learnt()
    method, batch = case(joined(Apart, learnt=term))
    two = Batch(sources=(batch.source, batch.source.take(torch.arange(4))), target=batch.target)
    assert forwards(method, two) == [[9, 4, 7]]
    torch.testing.assert_close(term.saw[0].z, method.network.encoder(torch.cat([part.x for part in two.sources])))
    assert term.saw[0].y.tolist() == [*two.sources[0].y.tolist(), *two.sources[1].y.tolist()]


@pytest.mark.parametrize("made", [DANN, MCD, IWN, WeightedRisk])
@pytest.mark.parametrize("kind", NETWORKS)
def test_weight_zero_is_the_method_without_terms_bit_for_bit(made: type[Method], kind: str) -> None:
    task = task_for(made.needs)
    left = {}
    for name, maker in (("alone", made), ("off", joined(made, mcc=MCC(weight=0.0), learnt=Learnt(weight=0.0)))):
        method = build(CheckedMethod(name, maker, made.needs), task, network=NETWORKS[kind])
        train(method, task)
        left[name] = weights_of(method)
    assert same(left["alone"], left["off"])


def test_a_term_draws_nothing_from_the_methods_numbers() -> None:
    """Its own modules depend on the seed; the method's, and what is drawn after, are those without it."""
    task = task_for(DANN.needs)

    def built(seed: int, **terms: Term) -> tuple[dict[str, torch.Tensor], float]:
        method = build(CheckedMethod("dann", joined(DANN, **terms), DANN.needs), task, seed=seed)
        return weights_of(method), float(torch.rand(()))

    (alone, after), (with_term, after_too) = built(0), built(0, learnt=Learnt())
    assert after == after_too
    assert same(alone, {name: value for name, value in with_term.items() if name in alone})
    own = "added.learnt.map.0.weight"
    assert torch.equal(with_term[own], built(0, bsp=BSP(), learnt=Learnt())[0][own])
    assert not torch.equal(with_term[own], built(1, learnt=Learnt())[0][own])


@pytest.mark.parametrize("made", [DANN, MCD, IWAN])
def test_parameters_of_terms_are_trained_with_the_encoder_once(made: type[Method]) -> None:
    maker = joined(made, learnt=Learnt())
    assert updates(maker) == updates(made)
    task = task_for(made.needs)
    method = build(CheckedMethod("learnt", maker, made.needs), task)
    before = weights_of(method)
    listed = [id(p) for parameters in method.groups().values() for p in parameters]
    assert len(listed) == len(set(listed)) == len(list(method.parameters()))
    train(method, task)
    assert not torch.equal(before["added.learnt.map.0.weight"], weights_of(method)["added.learnt.map.0.weight"])


def test_without_terms_a_method_is_what_it_was() -> None:
    method = DANN()
    assert with_terms(method, {}) is method
    assert type(method) is DANN
    assert not isinstance(method, WithTerms)
    named = with_terms(DANN(), {"mcc": MCC()})
    assert type(named).__name__ == "DANN+mcc"
    assert isinstance(named, DANN)


def test_a_method_that_trains_no_network_takes_no_terms() -> None:
    class Elsewhere(SourceOnly):
        def build(self, spec):
            super().build(spec)
            self.other = nn.Linear(2, 2)

        def groups(self):
            return {"other": self.other.parameters()}

    with pytest.raises(ConfigError, match=r"Elsewhere\+far updates no network that terms could act on"):
        case(joined(Elsewhere, far=MCC()))


def test_an_encoder_without_parameters_leaves_terms_to_the_head() -> None:
    from da.nn.networks import MLP

    method, batch = case(joined(DANN, mcc=MCC()), network=partial(MLP, hidden=[], features=None))
    assert reaches(method.phases(0.5)[0].terms(batch, 0.5)["mcc"], method.network.head)


def test_all_rows_of_all_processes_count() -> None:
    assert_terms_see_all_processes(*case(joined(DANN, mcc=MCC(), bsp=BSP())))
    assert_terms_see_all_processes(*case(joined(IWN, mcc=MCC())))


def test_few_labels_of_another_domain_are_no_terms_business() -> None:
    class Semi(Method):
        needs = Access(source_y=ALL, target_x=True, target_y=FEW)

        def terms(self, batch, progress):
            labelled, (source, _) = self.embed(batch.labelled), self.embed_pair(batch)
            return {"task": labelled.logits.square().mean() + source.logits.square().mean()}

    term = Learnt()
    method = build(CheckedMethod("semi", joined(Semi, learnt=term), Semi.needs), task_for(Semi.needs))
    batch = batch_for(Semi.needs, task_for(Semi.needs), (5, 7, 3))
    method.phases(0.5)[0].terms(batch, 0.5)
    assert [len(share.z) for share in term.saw[:2]] == [5, 7]
