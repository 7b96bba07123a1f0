"""Wrong data sets as people write them, each caught by its check alone; and right ones that pass all."""

from dataclasses import replace

import numpy as np
import pytest

from da.checks import CheckedData, checks_for
from da.checks.results import results
from da.data.digits import Digits
from da.data.simulated import Simulated
from da.data.toy import Toy, ToyDimensions
from da.domain import Domain, Split
from da.errors import DataError
from da.setting import ALL, DIFFERENT, FEW, MANY, Access


def within_this_process(subject: CheckedData):
    return [(title, check) for title, check in checks_for(subject) if title != "another_process_loads_the_same"]


def wrong_of(made, checks=within_this_process, **options) -> dict[str, str]:
    """What the checks say of a data set, by the check; starting another process takes seconds."""
    subject = CheckedData(made.__name__, made, made.offers, **options)
    return {r.check: r.wrong for r in results(subject.name, lambda: subject, checks) if r.wrong}


@pytest.mark.parametrize("right", [Digits, Simulated, Toy, ToyDimensions])
def test_what_is_right_passes(right) -> None:
    assert wrong_of(right, checks_for if right is Digits else within_this_process) == {}


def train(change):
    """A change of the source's training domain."""
    return lambda task: replace(task, sources=(replace(task.sources[0], train=change(task.sources[0].train)),))


def target(change):
    return lambda task: replace(task, target=change(task.target))


def without(label):
    return train(lambda d: d.take(np.flatnonzero(d.y != label)))


def also_tested(split: Split) -> Split:
    """Four samples for training are tested on, one of them twice."""
    leaked = split.train.take(np.array([0, 1, 2, 3, 3]))
    test = split.test
    return Split(split.train, Domain(np.r_[test.x, leaked.x], np.r_[test.y, leaked.y]))


CHANGES = {
    "not a number": (train(lambda d: replace(d, x=np.where(d.x > 5.0, np.nan, d.x))), "samples_are_fit_to_train_on", "NaN or infinite values"),
    "whole numbers": (lambda t: each(t, lambda d: replace(d, x=d.x.astype(np.int64))), "samples_are_fit_to_train_on", "are int64; give floating-point"),
    "two types": (target(lambda s: replace(s, train=replace(s.train, x=s.train.x.astype(np.float64)))), "samples_are_fit_to_train_on", "differ in type: .*float64 of target/train"),
    "test of another width": (target(lambda s: replace(s, test=replace(s.test, x=s.test.x[:, :4]))), "samples_are_fit_to_train_on", r"have shape \(4,\), and those for training \(6,\)"),
    "labels from one": (train(lambda d: replace(d, y=d.y + 1)), "samples_are_fit_to_train_on", "span 1..3 but the task has 3 classes"),
    "unknown metric": (lambda t: replace(t, metric="accurracy"), "samples_are_fit_to_train_on", "no metric 'accurracy'"),
    "class missing": (without(1), "every_class_is_in_the_source", "no source has training samples of 1;"),
    "equal names": (lambda t: replace(t, classes=("a", "a", "b")), "classes_have_names", "several classes are called a;"),
    "no name": (lambda t: replace(t, classes=("a", " ", "b")), "classes_have_names", "a class has no name"),
    "leak": (target(also_tested), "training_and_test_samples_are_apart", r"5 of 405 test samples of target are training samples as well \(0 of 400"),
    "labels missing": (train(lambda d: replace(d, y=None)), "what_it_offers_is_there", "source/train has no labels, and `offers` says"),
}  # fmt: skip


def each(task, change):
    def both(split: Split) -> Split:
        return Split(change(split.train), change(split.test))

    return replace(task, sources=tuple(map(both, task.sources)), target=both(task.target))


@pytest.mark.parametrize("name", CHANGES)
def test_the_checks_catch(name) -> None:
    change, check, message = CHANGES[name]
    made = type("Changed", (Toy,), {"load": lambda self: change(Toy.load(self))})
    subject = CheckedData("changed", made, made.offers)
    with pytest.raises((AssertionError, DataError), match=message):
        dict(checks_for(subject))[check](subject)


@pytest.mark.parametrize(
    ("offers", "message"),
    [
        (Access(source_y=ALL, target_x=True), "target/train has labels that `offers` does not say"),
        (Access(source_y=ALL, target_x=True, target_y=FEW), "offer ALL, and runs draw the few"),
        (Access(source_y=ALL, target_x=True, target_y=ALL, spaces=DIFFERENT), r"all inputs have shape \(6,\)"),
        (Access(source_y=ALL, target_x=True, target_y=ALL, sources=MANY), "offers sources=MANY, and has one source"),
    ],
)
def test_offers_that_are_not_true_are_caught(offers, message) -> None:
    found = wrong_of(type("Offers", (Toy,), {"offers": offers, "__module__": __name__}))
    assert message.replace("\\", "") in found["what_it_offers_is_there"]


def test_a_load_that_draws_from_elsewhere_is_caught() -> None:
    class Drawn(Toy):
        def load(self):
            return each(Toy.load(self), lambda d: replace(d, x=d.x + np.float32(np.random.rand())))  # noqa: NPY002

    found = wrong_of(Drawn)
    assert "draw from `np.random.default_rng(split_seed)` alone" in found["two_loads_are_equal"]


def test_a_load_that_depends_on_hashes_is_caught(monkeypatch, tmp_path) -> None:
    """Within one process all is equal."""
    (tmp_path / "hashed_data.py").write_text(
        "from dataclasses import replace\n\nfrom da.data.toy import Toy\n\n\nclass Hashed(Toy):\n"
        "    def load(self):\n"
        "        task = Toy.load(self)\n"
        "        order = sorted(range(6), key=lambda k: hash(f'x{k}'))\n"
        "        train = replace(task.sources[0].train, x=task.sources[0].train.x[:, order])\n"
        "        return replace(task, sources=(replace(task.sources[0], train=train),))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONHASHSEED", "random")  # of the other process, as it is where nobody sets it
    import hashed_data as hashed

    subject = CheckedData("hashed", hashed.Hashed, Toy.offers)
    checks = dict(checks_for(subject))
    checks["two_loads_are_equal"](subject)
    with pytest.raises(AssertionError, match="another process loads other content; sort files, sets and keys"):
        checks["another_process_loads_the_same"](subject)


def test_a_split_seed_without_effect_and_a_seed_are_caught() -> None:
    class Seeded(Toy):
        def __init__(self, *, seed: int = 0, split_seed: int = 0):
            super().__init__()

    found = wrong_of(Seeded)
    assert found.keys() == {"split_seed_changes_the_splits", "no_seed_but_that_of_the_split"}
    assert "call it `split_seed`" in found["no_seed_but_that_of_the_split"]


def test_what_the_class_does_not_state_or_states_wrongly_is_caught() -> None:
    made = type(
        "Stated",
        (Toy,),
        {"__doc__": "Toy data of 4 classes: 400 train, 30 test.", "licence": " ", "__module__": __name__},
    )
    found = wrong_of(made, config={"shift": "subspace", "samples": 400, "classes": 3})
    assert "states no licence; add licence: ClassVar[str] = '...' to Stated" in found["licence_and_citation_are_stated"]
    assert "says 4 classes, and the data have 3" in found["counts_of_the_docstring"]
    assert found["the_yaml_repeats_the_constructor"].endswith("add `split_seed: 0` to conf/data/Stated.yaml.")


def test_what_does_not_load_fails_once_and_the_rest_is_not_run() -> None:
    class Missing(Toy):
        def load(self):
            raise DataError("There is no file 'x.npz' below DA_DATA_DIR; put it there.")

    subject = CheckedData("missing", Missing, Toy.offers)
    found = list(results("missing", lambda: subject, checks_for))
    assert [(r.check, r.wrong) for r in found if r.failed] == [
        ("it_loads", "There is no file 'x.npz' below DA_DATA_DIR; put it there.")
    ]
    assert {r.wrong for r in found if not r.ran} == {"the data do not load"}
    assert sum(not r.ran for r in found) == 9


def test_known_duplicates_are_allowed_up_to_their_number() -> None:
    for number, right in ((4, False), (5, True)):
        made = type("Known", (Toy,), {"duplicates": number, "load": lambda self: target(also_tested)(Toy.load(self))})
        subject = CheckedData("known", made, made.offers)
        failed = [r.check for r in results("known", lambda subject=subject: subject, within_this_process) if r.failed]
        assert ("training_and_test_samples_are_apart" not in failed) == right
