"""Gradual unfreezing (Howard & Ruder, ACL 2018, section 3.3): which blocks learn at which moment, and what starts them."""

from functools import partial

import pytest
import torch
from deep import (
    WHOLE_TRAINING,
    assert_same_gradients,
    assert_terms_see_all_processes,
    case,
    holds,
    reaches,
    stir,
    subject,
)
from equations import cross_entropy
from torch import nn

from da.checks.harness import build, task_for, train
from da.errors import ConfigError, DataError
from da.methods.base import Optimization
from da.methods.inductive.fine_tune import FineTune, load_network
from da.nn.networks import MLP, Network

DEEP = partial(MLP, hidden=[12, 10, 9], features=8)  # blocks: 0 flattens, 1 to 4 have parameters


@pytest.fixture
def start(tmp_path):
    """The folder of an earlier run with weights of its own."""
    method = build(subject(FineTune), task_for(FineTune.needs), seed=5, network=DEEP)
    stir(method)
    torch.save(method.state_dict(), tmp_path / "model.pt")
    return tmp_path


def made(start=None, *, network=DEEP, **options):
    return case(FineTune, checkpoint=None if start is None else str(start), network=network, **options)


def fresh(start, **options):
    """As built, with the weights that it starts from."""
    return build(subject(FineTune), task_for(FineTune.needs), network=DEEP, checkpoint=str(start), **options)


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_the_term_is_the_cross_entropy_of_the_few_labelled(progress) -> None:
    method, batch = made()
    terms = method.terms(batch, progress)
    task = cross_entropy(method.network(batch.labelled.x).logits, batch.labelled.y)
    assert list(terms) == ["task"]
    torch.testing.assert_close(terms["task"], task)
    assert_same_gradients(terms["task"], task, method.network)


SCHEDULE = [  # between 0.2 and 0.6 the blocks 4, 3, 2, 1, 0 are released one after the other
    (0.0, ["head"]),
    (0.19, ["head"]),
    (0.2, ["block4", "head"]),
    (0.29, ["block4", "head"]),
    (0.31, ["block3", "block4", "head"]),
    (0.41, ["block2", "block3", "block4", "head"]),
    (0.51, ["block1", "block2", "block3", "block4", "head"]),
    (0.6, ["block1", "block2", "block3", "block4", "head"]),
    (1.0, ["block1", "block2", "block3", "block4", "head"]),
]


@pytest.mark.parametrize(("progress", "released"), SCHEDULE)
def test_blocks_are_released_from_the_last_to_the_first(start, progress, released) -> None:
    method, batch = made(start)
    (phase,) = method.phases(progress)
    assert phase.repeat == 1
    assert sorted(phase.groups) == sorted(released)
    task = phase.terms(batch, progress)["task"]
    for name, parameters in method.groups().items():
        assert reaches(task, parameters) == (name in released), name


@pytest.mark.parametrize(("start_at", "end_at", "progress", "first"), [(0.0, 1.0, 0.0, 4), (0.0, 1.0, 0.5, 2), (0.0, 1.0, 1.0, 0), (0.5, 0.5, 0.49, 5), (0.5, 0.5, 0.5, 4), (0.5, 0.5, 0.51, 0)])  # fmt: skip
def test_the_two_moments_can_be_set(start, start_at, end_at, progress, first) -> None:
    method, _ = made(start, unfreeze_from=start_at, unfreeze_to=end_at)
    assert method.first_released(progress) == first


def test_from_scratch_nothing_is_frozen() -> None:
    method, _ = made()
    for progress in (0.0, 0.1, 1.0):
        assert method.first_released(progress) == 0
        assert len(method.phases(progress)[0].groups) == 5


def test_in_a_training_each_block_moves_from_its_step_on(start) -> None:
    task, method = task_for(FineTune.needs), fresh(start)
    method.optimization = Optimization(partial(torch.optim.SGD, lr=0.1))
    moved = {}
    step = method.training_step

    def spied(batch, batch_idx):
        before = {name: [p.clone() for p in parameters] for name, parameters in method.groups().items()}
        step(batch, batch_idx)
        for name, parameters in method.groups().items():
            if any(not torch.equal(a, b) for a, b in zip(before[name], parameters, strict=True)):
                moved.setdefault(name, method.steps_done - 1)

    method.training_step = spied
    train(method, task, epochs=3, steps=7)  # progress is the step of 21
    assert moved == {"head": 0, "block4": 5, "block3": 7, "block2": 9, "block1": 11}


def test_frozen_blocks_keep_their_statistics_and_drop_nothing(start, tmp_path) -> None:
    def network(shape, n_classes):
        layers = [nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU(), nn.Dropout(0.5)) for a, b in ((2, 6), (6, 8))]  # fmt: skip
        return Network([nn.Flatten(), *layers], 8, n_classes)

    plain = build(subject(FineTune), task_for(FineTune.needs), network=network)
    torch.save(plain.state_dict(), tmp_path / "normed.pt")
    method, batch = made(tmp_path / "normed.pt", network=network)
    method.train()
    method.terms(batch, 0.0)
    assert [method.network.encoder[k][1].num_batches_tracked.item() for k in (1, 2)] == [0, 0]
    torch.testing.assert_close(method.encode(batch.labelled.x, 3), method.encode(batch.labelled.x, 3))
    method.terms(batch, 0.3)  # the last block alone
    assert [method.network.encoder[k][1].num_batches_tracked.item() for k in (1, 2)] == [0, 1]
    method.terms(batch, 1.0)
    assert [method.network.encoder[k][1].num_batches_tracked.item() for k in (1, 2)] == [1, 2]
    assert all(block.training for block in method.network.encoder)
    method.eval()
    before = method.network.encoder[1][1].num_batches_tracked.item()
    method.terms(batch, 1.0)
    assert method.network.encoder[1][1].num_batches_tracked.item() == before, "evaluation stays evaluation"


def test_encoding_equals_the_network_and_needs_no_gradient_where_none_is_wanted(start) -> None:
    method, batch = made(start)
    x = batch.labelled.x
    for first in (0, 2, 5):
        torch.testing.assert_close(method.encode(x, first), method.network.encoder(x))
    assert not method.encode(x, 5).requires_grad
    with torch.no_grad():
        assert not method.encode(x, 0).requires_grad


def test_weights_come_from_a_folder_or_a_file(start) -> None:
    saved = torch.load(start / "model.pt", weights_only=True)
    for path in (start, start / "model.pt"):
        own = fresh(path).state_dict()
        assert all(torch.equal(own[name], saved[name]) for name in saved)


def test_the_head_is_kept_or_drawn_anew(start) -> None:
    saved = torch.load(start / "model.pt", weights_only=True)
    own = fresh(start, keep_head=False).state_dict()
    unlike = {name for name in saved if not torch.equal(own[name], saved[name])}
    assert unlike == {"network.head.weight", "network.head.bias"}


def test_a_head_of_other_classes_is_drawn_anew(start) -> None:
    saved = torch.load(start / "model.pt", weights_only=True)
    method = build(subject(FineTune), task_for(FineTune.needs, classes=4), network=DEEP, checkpoint=str(start))
    assert method.network.head.weight.shape == (4, 8)
    assert torch.equal(method.network.encoder[1][0].weight, saved["network.encoder.1.0.weight"])


def test_a_missing_or_unfitting_checkpoint_is_refused(start, tmp_path) -> None:
    with pytest.raises(DataError, match="There is no checkpoint at .*nowhere; give method.checkpoint=RUN_FOLDER"):
        fresh(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"does not fit the network \(at encoder.1.0.weight\)"):
        build(subject(FineTune), task_for(FineTune.needs), checkpoint=str(start))


def test_all_rows_of_all_processes_count() -> None:
    assert_terms_see_all_processes(*made())


def test_progress_is_that_of_the_whole_training() -> None:
    holds(FineTune, *WHOLE_TRAINING)


def test_a_checkpoint_of_python_objects_is_refused(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pt")
    with pytest.raises(ConfigError, match=r"^method.checkpoint=\S+ holds Python objects, such as a whole model"):
        load_network(torch.nn.Linear(2, 2), tmp_path, keep_head=False)
