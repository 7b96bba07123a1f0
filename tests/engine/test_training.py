"""What holds for runs of any method: precisions, repeated phases, domains embedded apart."""

from functools import partial
from pathlib import Path

import pytest
import torch
from deep import subject

from da.checks.harness import build, normed, task_for, train
from da.config.compose import compose
from da.config.validate import validate
from da.engine.result import directory_of
from da.engine.run import run
from da.errors import ConfigError
from da.methods.base import Method, Optimization
from da.methods.instance.iwan import IWAN
from da.methods.transductive.dann import DANN
from da.methods.transductive.mcd import MCD
from da.methods.transductive.source_only import SourceOnly
from da.results import record

pytestmark = pytest.mark.versions


@pytest.mark.parametrize("precision", ["bf16-true", "16-true", "64-true", "64"])
def test_precisions_that_cannot_train_are_refused_by_name(precision: str) -> None:
    with pytest.raises(ConfigError, match="precision must be 32-true, bf16-mixed, 16-mixed or 32, got"):
        validate(compose(["method=source_only", "data=toy", f"trainer.precision={precision}"]))


@pytest.mark.parametrize("precision", ["32", "32-true", "bf16-mixed"])
def test_precisions_that_are_offered_train(precision: str, tmp_path: Path) -> None:
    given = ["method=source_only", "data=toy", "trainer.max_epochs=1", "steps_per_epoch=2", "logger=none"]
    made = run(compose([*given, f"trainer.precision={precision}", f"output={tmp_path}"]))
    assert made.record.status == "finished"


@pytest.mark.parametrize("repeat", [1, 4])
def test_a_repeated_phase_is_recorded_by_the_mean_of_its_repetitions(repeat: int) -> None:
    """With parameters that do not move, MCD's discrepancy is the same in phases B and C, however often C is repeated."""
    task = task_for(MCD.needs)
    method = build(subject(MCD), task, generator_steps=repeat)
    method.optimization = Optimization(partial(torch.optim.SGD, lr=1e-12))
    (epoch,) = train(method, task, steps=4, epochs=1).history
    assert epoch["terms"]["agree"] == pytest.approx(-epoch["terms"]["disagree"], rel=1e-4)


def test_domains_apart_are_normalised_each_by_its_own_statistics_and_running_ones_follow_both() -> None:
    task = task_for(DANN.needs)
    found = {}
    for embedding in ("joint", "apart"):
        method = build(subject(DANN), task, network=partial(normed, dropout=0.0), embedding=embedding)
        train(method, task, steps=1, epochs=1)
        (layer,) = (m for m in method.modules() if isinstance(m, torch.nn.BatchNorm1d))
        found[embedding] = layer
    assert found["joint"].num_batches_tracked.item() == 1
    assert found["apart"].num_batches_tracked.item() == 2


def test_domains_apart_give_each_domain_what_it_gives_alone() -> None:
    task = task_for(DANN.needs)
    method = build(subject(DANN), task, network=partial(normed, dropout=0.0), embedding="apart")
    from da.checks.harness import batch_for

    batch = batch_for(DANN.needs, task, (9, 7, 3))
    for view, domain in zip(method.embed_pair(batch), (batch.source, batch.target), strict=True):
        alone: Method = build(subject(DANN), task, network=partial(normed, dropout=0.0))
        torch.testing.assert_close(view.z, alone.network.encoder(domain.x))
        torch.testing.assert_close(view.logits, alone.network.head(view.z))


def test_iwan_without_its_two_terms_is_source_only() -> None:
    """The common check sets the weight alone to 0; IWAN has an entropy beside it."""
    parameters = []
    for kind, options in ((IWAN, {"weight": 0.0, "entropy_weight": 0.0, "embedding": "apart"}), (SourceOnly, {})):
        task = task_for(IWAN.needs)
        method = build(subject(kind), task, network=partial(normed, dropout=0.0), **options)
        train(method, task)
        parameters.append(list(method.network.parameters()))
    for ours, plain in zip(*parameters, strict=True):
        torch.testing.assert_close(ours, plain, rtol=0.0, atol=1e-6)


def test_the_key_stays_out_of_the_identity_of_runs_that_do_not_set_it(tmp_path: Path) -> None:
    plain = ["method=dann", "data=toy", f"output={tmp_path}"]
    unset, joint, apart = (
        validate(compose([*plain, *more])) for more in ([], ["embedding=joint"], ["embedding=apart"])
    )
    assert "embedding" not in unset.config
    assert unset.config == joint.config
    assert apart.config["embedding"] == "apart"
    identities = {record.run_id(plan.config, "") for plan in (unset, joint, apart)}
    assert len(identities) == 2
    assert directory_of(unset, "x") == directory_of(joint, "x")
    with pytest.raises(ConfigError, match=r"embedding='aprt' is unknown; did you mean 'apart'"):
        validate(compose([*plain, "embedding=aprt"]))
