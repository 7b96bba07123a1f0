from dataclasses import replace
from itertools import chain, product
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from da.data.grant import choose_few, examine, grant
from da.data.module import PairedBatches, PairedData
from da.domain import Domain, Split, Task
from da.errors import ConfigError, DataError
from da.setting import ALL, FEW, MANY, NONE, Access


def domain(n, name, start=0, k=3):
    """Samples whose one feature is their number, so that each can be followed."""
    return Domain(np.arange(start, start + n, dtype=np.float32)[:, None], np.arange(n) % k, name=name)


def task_of(n_s=12, n_t=18, *, sources=1, transductive=False):
    splits = [Split(domain(n_s, f"s{k}", 1000 * k), domain(4, f"s{k}", 1000 * k + 500)) for k in range(1, sources + 1)]
    target = domain(n_t, "t")
    return Task(
        "s->t",
        tuple(splits),
        Split(target, target if transductive else domain(6, "t", 100)),
        ("a", "b", "c"),
        transductive,
    )


def paired(task, needs, *, shots=3, seed=0, **options):
    return PairedData(grant(task, needs, shots=shots, seed=seed), seed=seed, **options)


def exam(task, needs, **options):
    """The domains that a run is judged on."""
    return examine(task, needs, **options).domains


def numbers(part):
    return part.x[:, 0].astype(int).tolist()


def withheld(granted, name):
    """Whether a domain is withheld, and raises when it is asked for."""
    try:
        getattr(granted, name)
    except PermissionError:
        return True
    return False


def at_rank(data, rank=0, world=1, steps_done=0):
    data.trainer = SimpleNamespace(
        global_rank=rank, world_size=world, lightning_module=SimpleNamespace(steps_done=steps_done)
    )
    return data.train_dataloader()


# --- least privilege


@pytest.mark.parametrize(
    ("source_x", "source_y", "target_x", "target_y"),
    [
        facts
        for facts in product([True, False], [NONE, ALL], [True, False], [NONE, FEW, ALL])
        if facts[0] or facts[2] or facts[3]
    ],
)
def test_a_batch_holds_what_is_needed_and_nothing_else(source_x, source_y, target_x, target_y):
    needs = Access(source_x=source_x, source_y=source_y, target_x=target_x, target_y=target_y)
    data = paired(task_of(), needs, batch_size=6, shots=2)
    batch = data.train_dataloader().at(0)

    assert withheld(data.granted, "sources") == withheld(batch, "sources") == (not source_x)
    if source_x:
        assert all((s.y is not None) == (source_y == ALL) for s in (*data.granted.sources, *batch.sources))
    target_seen = target_x or target_y == ALL
    assert withheld(data.granted, "target") == withheld(batch, "target") == (not target_seen)
    if target_seen:
        assert all((t.y is not None) == (target_y == ALL) for t in (data.granted.target, batch.target))
    assert withheld(data.granted, "labelled") == withheld(batch, "labelled") == (target_y != FEW)
    if target_y == FEW:
        assert batch.labelled.y.tolist() == [n % 3 for n in numbers(batch.labelled)]

    judged = exam(task_of(), needs, shots=2)
    assert ("source_test" in judged) == source_x
    assert judged["target_train"].y is None
    assert numbers(judged["target_test"]) == list(range(100, 106))
    assert judged["target_test"].y is not None


def test_withheld_parts_say_so_when_they_are_touched():
    batch = paired(task_of(), Access(target_x=True, source_x=False)).train_dataloader().at(0)
    for touch in (lambda: batch.source.x, lambda: batch.sources[0], lambda: batch.labelled.x):
        with pytest.raises(PermissionError, match="withheld: the method does not need it; ask for it in `needs`"):
            touch()


def test_labels_and_inputs_stay_together():
    batch = paired(task_of(), Access(source_y=ALL, target_x=True, target_y=ALL), batch_size=8).train_dataloader().at(3)
    assert batch.source.y.tolist() == [(n - 1000) % 3 for n in numbers(batch.source)]
    assert batch.target.y.tolist() == [n % 3 for n in numbers(batch.target)]


@pytest.mark.parametrize(
    ("needs", "gap"),
    [
        (Access(source_y=ALL), "needs source labels, but a source of s->t has none"),
        (Access(target_y=FEW), "needs labels in the target, but the target of s->t has none"),
        (Access(target_y=ALL), "needs labels in the target, but the target of s->t has none"),
    ],
)
def test_labels_that_are_needed_and_not_there(needs, gap):
    task = task_of()
    bare = replace(
        task, sources=(Split(task.sources[0].train.without_labels()),), target=Split(task.target.train.without_labels())
    )
    with pytest.raises(DataError, match=gap):
        paired(bare, needs)


def test_an_unlabelled_source_test_split_is_not_evaluated():
    task = task_of()
    bare = replace(task, sources=(Split(task.sources[0].train, task.sources[0].test.without_labels()),))
    assert set(exam(bare, Access(source_y=ALL))) == {"target_train", "target_test"}


# --- the few labelled


@pytest.mark.parametrize("transductive", [False, True])
@pytest.mark.parametrize("target_x", [False, True])
@pytest.mark.parametrize("shots", [1, 3])
def test_the_few_are_so_many_of_each_class_and_nowhere_else(shots, target_x, transductive):
    needs = Access(source_y=ALL, target_x=target_x, target_y=FEW)
    data = paired(task_of(transductive=transductive), needs, shots=shots)
    assert np.bincount(data.granted.labelled.y).tolist() == [shots] * 3
    few = set(numbers(data.granted.labelled))
    rest = set(range(18)) - few
    if target_x:
        assert set(numbers(data.granted.target)) == rest
        assert data.granted.target.y is None
    judged = exam(task_of(transductive=transductive), needs, shots=shots)
    assert set(numbers(judged["target_train"])) == rest
    tested = judged["target_test"]
    assert set(numbers(tested)) == (rest if transductive else set(range(100, 106)))
    assert tested.y is not None


def test_the_few_depend_on_the_seed_alone():
    needs = Access(target_y=FEW)
    chosen = [numbers(paired(task_of(), needs, shots=2, seed=seed).granted.labelled) for seed in (0, 0, 1, 2)]
    assert chosen[0] == chosen[1]
    assert len({tuple(c) for c in chosen}) == 3


def test_a_smaller_class_gives_all_it_has():
    few = Domain(np.zeros((7, 1)), np.array([0, 0, 0, 0, 1, 2, 2]))
    chosen = choose_few(few, 4, 3, seed=0)
    assert few.y[chosen].tolist() == [0, 0, 0, 1, 2, 2]
    assert chosen.tolist() == sorted(chosen.tolist())


@pytest.mark.parametrize(("target_x", "transductive"), [(True, False), (True, True), (False, True)])
def test_labelling_the_whole_target_is_refused(target_x, transductive):
    needs = Access(source_y=ALL, target_x=target_x, target_y=FEW)
    with pytest.raises(DataError, match=r"shots=6 labels the whole target of s->t; lower `shots`"):
        paired(task_of(transductive=transductive), needs, shots=6)


def test_labelling_the_whole_target_is_fine_where_nothing_else_is_needed_of_it():
    data = paired(task_of(), Access(source_x=False, target_y=FEW), shots=6)
    assert len(data.granted.labelled) == 18


@pytest.mark.parametrize(("batch_size", "world", "seen"), [(64, 1, 9), (4, 1, 4), (64, 2, 8), (64, 4, 8), (4, 2, 4)])
def test_the_few_are_seen_whole_where_they_fit(batch_size, world, seen):
    data = paired(task_of(), Access(target_x=True, target_y=FEW), batch_size=batch_size, shots=3)
    parts = [numbers(at_rank(data, rank, world).at(0).labelled) for rank in range(world)]
    assert len(set(chain(*parts))) == seen
    assert {len(part) for part in parts} == {seen // world}


# --- batches


NEEDS = Access(source_y=ALL, target_x=True)


def test_a_batch_is_a_pure_function_of_its_step():
    straight = at_rank(paired(task_of(), NEEDS, batch_size=5, seed=3))
    jumping = at_rank(paired(task_of(), NEEDS, batch_size=5, seed=3))
    batches = {step: straight.at(step) for step in range(12)}
    for step in (11, 0, 7, 7, 3):
        again = jumping.at(step)
        assert numbers(again.source) == numbers(batches[step].source)
        assert numbers(again.target) == numbers(batches[step].target)
    other = at_rank(paired(task_of(), NEEDS, batch_size=5, seed=4))
    assert numbers(other.at(0).source) != numbers(batches[0].source)


def test_every_sample_is_seen_once_a_pass():
    loader = at_rank(paired(task_of(12, 18), NEEDS, batch_size=6))
    batches = [loader.at(step) for step in range(6)]
    sources, targets = [list(chain(*(numbers(getattr(b, side)) for b in batches))) for side in ("source", "target")]
    assert [sorted(sources[k : k + 12]) for k in (0, 12, 24)] == [list(range(1000, 1012))] * 3
    assert [sorted(targets[k : k + 18]) for k in (0, 18)] == [list(range(18))] * 2


def test_source_and_target_have_orders_of_their_own():
    loader = at_rank(paired(task_of(18, 18), NEEDS, batch_size=18))
    assert [n - 1000 for n in numbers(loader.at(0).source)] != numbers(loader.at(0).target)


@pytest.mark.parametrize("world", [2, 4])
def test_processes_share_out_the_global_batch(world):
    data = paired(task_of(), NEEDS, batch_size=8)
    whole = at_rank(data).at(5)
    parts = [at_rank(data, rank, world).at(5) for rank in range(world)]
    for side in ("source", "target"):
        shares = [numbers(getattr(part, side)) for part in parts]
        assert {len(share) for share in shares} == {8 // world}
        assert [n for group in zip(*shares, strict=True) for n in group] == numbers(getattr(whole, side))


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    with pytest.raises(ConfigError, match="batch_size=7 must be a multiple of the 2 devices"):
        at_rank(paired(task_of(), NEEDS, batch_size=7), 0, 2)


def test_a_domain_smaller_than_the_batch_is_repeated():
    loader = at_rank(paired(task_of(3, 18), NEEDS, batch_size=8))
    batch = loader.at(0)
    assert len(batch.source) == len(batch.target) == 8
    assert [sorted(numbers(batch.source)[k : k + 3]) for k in (0, 3)] == [[1000, 1001, 1002]] * 2


@pytest.mark.parametrize(
    ("needs", "options", "steps"),
    [
        (NEEDS, {}, 4),  # 18 target samples in batches of 5
        (Access(source_y=ALL), {}, 3),  # 12 source samples
        (Access(source_x=False, target_y=FEW), {"shots": 2}, 2),
        (NEEDS, {"steps_per_epoch": 7}, 7),
    ],
)
def test_an_epoch_is_a_pass_over_the_largest_domain_that_is_seen(needs, options, steps):
    data = paired(task_of(), needs, batch_size=5, **options)
    loader = at_rank(data)
    assert data.steps_per_epoch == len(loader) == len(list(loader)) == steps


@pytest.mark.parametrize(("done", "positions"), [(0, [0, 1, 2, 3]), (4, [4, 5, 6, 7]), (6, [6, 7]), (7, [7])])
def test_an_epoch_goes_on_from_the_steps_done(done, positions):
    data = paired(task_of(), NEEDS, batch_size=5)
    found = [numbers(batch.target) for batch in at_rank(data, steps_done=done)]
    loader = at_rank(data)
    assert found == [numbers(loader.at(position).target) for position in positions]
    assert at_rank(data, steps_done=done).state_dict() == {"step": done}


def test_without_a_trainer_the_loader_starts_at_zero():
    loader = paired(task_of(), NEEDS).train_dataloader()
    assert isinstance(loader, PairedBatches)
    assert loader.step == 0
    loader.load_state_dict({"step": 5})
    assert loader.step == 0


# --- several sources


def test_several_sources_are_pooled_unless_they_are_kept_apart():
    task = task_of(sources=2)
    pooled = paired(task, NEEDS, batch_size=24)
    assert [numbers(s) for s in pooled.granted.sources] == [[*range(1000, 1012), *range(2000, 2012)]]
    assert sorted(numbers(pooled.train_dataloader().at(0).source)) == numbers(pooled.granted.sources[0])
    apart = paired(task, replace(NEEDS, sources=MANY), batch_size=6)
    batch = apart.train_dataloader().at(0)
    assert [s.name for s in batch.sources] == ["s1", "s2"]
    assert [len(s) for s in batch.sources] == [6, 6]
    assert [{n // 1000 for n in numbers(s)} for s in batch.sources] == [{1}, {2}]
    first, second = ([n % 1000 for n in numbers(s)] for s in batch.sources)
    assert first != second
    for needs in (NEEDS, replace(NEEDS, sources=MANY)):
        assert numbers(exam(task, needs)["source_test"]) == [*range(1500, 1504), *range(2500, 2504)]


# --- weights


def test_weights_reach_the_batches():
    data = paired(task_of(), NEEDS, batch_size=6)
    loader = data.train_dataloader()
    assert loader.at(0).source.weight is None
    data.reweight(np.arange(12) / 2.0)
    batch = loader.at(1).to("cpu")
    assert batch.source.weight.dtype == torch.float32
    assert batch.source.weight.tolist() == [(n - 1000) / 2.0 for n in batch.source.x[:, 0].tolist()]
    assert batch.target.weight is None


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one weight for each source sample, got 11"):
        paired(task_of(), NEEDS).reweight(np.ones(11))
    with pytest.raises(PermissionError, match="The source is withheld"):
        paired(task_of(), Access(source_x=False, target_x=True)).reweight(np.ones(12))


# --- what the data module holds


def test_a_view_is_cut_off_from_the_array_that_it_is_a_view_of():
    whole = np.arange(40, dtype=np.float32)[:, None]
    y = np.arange(40) % 3
    parts = [Domain(whole[start : start + 10], y[start : start + 10]) for start in (0, 10, 20, 30)]
    task = Task("views", (Split(*parts[:2]),), Split(*parts[2:]), ("a", "b", "c"))
    needs = Access(source_y=ALL, target_x=True, target_y=ALL)
    granted, judged = grant(task, needs), examine(task, needs)
    for part in (*granted.sources, granted.target):
        for array in (part.x, part.y):
            assert not np.shares_memory(array, whole)
            assert not np.shares_memory(array, y)
    assert numbers(granted.target) == list(range(20, 30))
    assert np.shares_memory(judged.domains["target_test"].x, whole), "what is judged stays where it is"


def test_an_array_of_its_own_is_not_copied():
    task = task_of()
    granted = grant(task, NEEDS)
    assert granted.target.x is task.target.train.x
    assert granted.sources[0].y is task.sources[0].train.y
