"""Checks of data sets: what they hold, how it is split, what they offer, and that a load is always the same."""

from __future__ import annotations

import inspect
import json
import random
import re
import subprocess
import sys

import numpy as np
from scipy import sparse

from da.checks import keywords
from da.checks.suite import CheckedData, applies_if
from da.data import validity
from da.domain import Domain, Split, Task
from da.errors import few
from da.metrics import METRICS
from da.setting import ALL, DIFFERENT, FEW, MANY, NONE, ONE, SAME

ANOTHER_LOAD = """
import importlib, json, sys
sys.path[:0], module, name, options = json.loads(sys.argv[1])
print(getattr(importlib.import_module(module), name)(**options).load().fingerprint())
"""
FRACTIONS = ("test_fraction", "validation_fraction")
OTHER_SEED = 271828
COUNT = re.compile(r"(?<![\w.])(\d[\d,]*) (samples|classes|train|test|features)\b")


def check_it_loads(subject: CheckedData) -> None:
    """`load` returns a task; where a file is missing, the message says which, and DA_DATA_DIR where it is sought.

    Raises:
        Exception: what `load` raised.
    """
    if isinstance(subject.loaded, BaseException):
        raise subject.loaded
    assert isinstance(subject.task, Task), f"{subject.name}: `load` returns no Task but {type(subject.task).__name__}."


@applies_if(lambda subject: subject.config is not None)
def check_the_yaml_repeats_the_constructor(subject: CheckedData) -> None:
    """The YAML has every keyword of the constructor with its default, so that overriding one needs no ``+``."""
    assert subject.config is not None
    wrong = keywords.difference(subject.make, subject.config, f"conf/data/{subject.name}.yaml")
    assert wrong is None, wrong


def check_samples_are_fit_to_train_on(subject: CheckedData) -> None:
    """Domains are not empty, inputs finite and of one type, labels integers in 0..K-1, one for each sample."""
    task = subject.task
    validity.check_task(task)
    kinds = {name: getattr(domain.x, "dtype", None) for name, domain in task.parts().items()}
    for name, kind in kinds.items():
        assert kind is None or kind == np.uint8 or np.dtype(kind).kind == "f", (
            f"{subject.name}: the inputs of {name} are {kind}; give floating-point numbers, or uint8 for images."
        )
    spoken = {f"{kind} of {name}" for name, kind in kinds.items()}
    assert len(set(kinds.values())) == 1, f"{subject.name}: its parts differ in type: {', '.join(sorted(spoken))}."
    for split in (*task.sources, task.target):
        if split.test is not None:
            assert split.test.sample_shape == split.train.sample_shape, (
                f"{subject.name}: test samples of {split.train.name} have shape {split.test.sample_shape}, and those "
                f"for training {split.train.sample_shape}."
            )
    assert task.metric in METRICS, f"{subject.name}: there is no metric '{task.metric}'; use one of {few(METRICS)}."


def check_every_class_is_in_the_source(subject: CheckedData) -> None:
    """The sources' training parts have every class, as a class that no source has cannot be learnt."""
    task = subject.task
    labels = [split.train.y for split in task.sources if split.train.y is not None]
    seen = set(np.concatenate(labels).tolist()) if labels else set(range(task.n_classes))
    missing = [name for number, name in enumerate(task.classes) if number not in seen]
    assert not missing, (
        f"{subject.name}: no source has training samples of {few(missing)}; leave them out of `classes`."
    )


def check_classes_have_names(subject: CheckedData) -> None:
    """There are at least two classes, each with a name of its own."""
    names = subject.task.classes
    assert len(names) >= 2, f"{subject.name} has {len(names)} classes; a classifier needs at least 2 to tell apart."
    assert all(isinstance(name, str) and name.strip() for name in names), (
        f"{subject.name}: a class has no name: {names}."
    )
    twice = sorted({name for name in names if names.count(name) > 1})
    assert not twice, (
        f"{subject.name}: several classes are called {few(twice)}; names are what predictions are read by."
    )


def check_training_and_test_samples_are_apart(subject: CheckedData) -> None:
    """No sample of a domain is both for training and for testing, unless the task says that it is transductive.

    Some published data hold a few samples several times; a class constant ``duplicates`` then says how many test
    samples of a domain equal one of its training samples, at most.
    """
    task = subject.task
    for split in (*task.sources, *(() if task.transductive else (task.target,))):
        if split.test is None:
            continue
        shared, twice = _shared(split), _repeated(split.train)
        allowed = int(getattr(subject.make, "duplicates", 0))
        assert shared <= allowed, (
            f"{subject.name}: {shared} of {len(split.test)} test samples of {split.train.name} are training samples as "
            f"well ({twice} of {len(split.train)} training samples repeat another); split without them, or say "
            "`transductive=True` in the Task where the protocol tests on what it trains on; where the data were "
            "published so, say `duplicates` in the class."
        )


def _keys(domain: Domain) -> list[bytes]:
    """What tells samples apart: their values, or, where these are read on access, where they are read from."""
    x = domain.x
    if sparse.issparse(x):
        x = x.tocsr()
        ends = zip(x.indptr[:-1], x.indptr[1:], strict=True)
        return [x.indices[a:b].tobytes() + b"|" + x.data[a:b].tobytes() for a, b in ends]
    if isinstance(x, np.ndarray):
        return [row.tobytes() for row in np.ascontiguousarray(x)]
    return [str(name).encode() for name in domain.ids] if domain.ids is not None else []


def _shared(split: Split) -> int:
    assert split.test is not None
    known = set(_keys(split.train))
    return sum(key in known for key in _keys(split.test))


def _repeated(domain: Domain) -> int:
    keys = _keys(domain)
    return len(keys) - len(set(keys))


def check_what_it_offers_is_there(subject: CheckedData) -> None:
    """Labels, feature spaces and number of sources are what `offers` says; labels that it does not offer are absent."""
    task, offers = subject.task, subject.offers
    for name, domain in task.parts().items():
        offered = offers.source_y if name.startswith("source") else offers.target_y
        if name.endswith("/train") and offered == ALL:
            assert domain.y is not None, f"{subject.name}: {name} has no labels, and `offers` says that it has all."
        if name.endswith("/train") and offered == NONE:
            assert domain.y is None, (
                f"{subject.name}: {name} has labels that `offers` does not say; state them, or leave them out."
            )
    assert offers.target_y != FEW, (
        f"{subject.name} offers few target labels; offer ALL, and runs draw the few (`shots`)."
    )
    shapes = {split.train.sample_shape for split in task.sources}, task.target.train.sample_shape
    if offers.spaces == SAME:
        assert shapes[0] == {shapes[1]}, (
            f"{subject.name}: source inputs have shape {few(shapes[0])} and target inputs {shapes[1]}; offer "
            "spaces=DIFFERENT."
        )
    if offers.spaces == DIFFERENT:
        assert shapes[0] != {shapes[1]}, (
            f"{subject.name} offers spaces=DIFFERENT, and all inputs have shape {shapes[1]}."
        )
    number = len(task.sources)
    assert offers.sources != MANY or number > 1, f"{subject.name} offers sources=MANY, and has one source."
    assert offers.sources != ONE or number == 1, f"{subject.name} has {number} sources by default; offer sources=MANY."


def check_two_loads_are_equal(subject: CheckedData) -> None:
    """A second load has the same content, whatever the global random generators hold."""
    before = subject.task.fingerprint()
    random.seed(12345)
    np.random.seed(12345)  # noqa: NPY002  # what a data set must not draw from
    again = subject.new().load().fingerprint()
    assert again == before, (
        f"{subject.name}: a second load differs from the first ({again} in place of {before}); draw from "
        "`np.random.default_rng(split_seed)` alone, and change nothing that is kept between loads."
    )


def check_another_process_loads_the_same(subject: CheckedData) -> None:
    """A load in another process, with other hashes of strings, has the same content."""
    before = subject.task.fingerprint()
    arguments = json.dumps([sys.path, subject.make.__module__, subject.make.__name__, subject.options])
    command = [sys.executable, "-c", ANOTHER_LOAD, arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    said = done.stderr.strip().splitlines()
    assert done.returncode == 0, (
        f"{subject.name} does not load in another process: {said[-1] if said else 'no message'}"
    )
    assert done.stdout.split()[-1] == before, (
        f"{subject.name}: another process loads other content; sort files, sets and keys before the order of samples "
        "depends on them."
    )


@applies_if(lambda subject: "split_seed" in _keywords(subject))
def check_split_seed_changes_the_splits(subject: CheckedData) -> None:
    """Another `split_seed` gives another task, at the default keywords or with a part held out.

    Raises:
        AssertionError: it gives the same one.
    """
    known = _keywords(subject)
    before = subject.task.fingerprint()
    for held in ({}, *({key: 0.25} for key in FRACTIONS if key in known)):
        first = subject.new(**held).load().fingerprint() if held else before
        if subject.new(**held, split_seed=OTHER_SEED).load().fingerprint() != first:
            return
    raise AssertionError(f"{subject.name}: another `split_seed` gives the same task; draw the split from it.")


def check_no_seed_but_that_of_the_split(subject: CheckedData) -> None:
    """No keyword is called `seed`: a run's seed decides on the training, never on the data."""
    assert "seed" not in _keywords(subject), f"{subject.name} takes `seed`, which is a run's; call it `split_seed`."


def _keywords(subject: CheckedData) -> list[str]:
    return list(inspect.signature(subject.make).parameters)


def check_licence_and_citation_are_stated(subject: CheckedData) -> None:
    """The class says under what licence the data may be used, and what to cite."""
    for name in ("licence", "citation"):
        value = getattr(subject.make, name, None)
        assert isinstance(value, str) and value.strip(), (
            f"{subject.name} states no {name}; add {name}: ClassVar[str] = '...' to {subject.make.__name__}."
        )


def check_counts_of_the_docstring(subject: CheckedData) -> None:
    """Where the docstring says "N train", "N test", "N samples", "N features" or "N classes", one part has as many."""
    task = subject.task
    sizes = {name: len(domain) for name, domain in task.parts().items()}
    held = {kind: {size for name, size in sizes.items() if name.endswith(kind)} for kind in ("train", "test")}
    domains = {_size(split) for split in (*task.sources, task.target)}
    there = {
        **held,
        "samples": set(sizes.values()) | domains | {sum(domains)},
        "classes": {task.n_classes},
        "features": {int(np.prod(split.train.sample_shape)) for split in (*task.sources, task.target)},
    }
    said: dict[str, set[int]] = {}
    for number, kind in COUNT.findall((inspect.getdoc(subject.make) or "").partition("Args:")[0]):
        said.setdefault(kind, set()).add(int(number.replace(",", "")))
    for kind, numbers in said.items():
        assert numbers & there[kind], (
            f"{subject.name}: its docstring says {few(sorted(numbers))} {kind}, and the data have "
            f"{few(sorted(there[kind]))}; make them equal."
        )


def _size(split: Split) -> int:
    return len(split.train) + (0 if split.test is None or split.test is split.train else len(split.test))
