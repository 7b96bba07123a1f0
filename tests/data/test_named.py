import numpy as np
import pytest

from da.data.named import check_names, transductive_task
from da.domain import Domain
from da.errors import ConfigError

KNOWN = ("amazon", "dslr", "webcam")


def domain(name, per_class=(6, 4)):
    y = np.repeat(np.arange(len(per_class)), per_class)
    return Domain(np.arange(len(y))[:, None].astype(float), y, name=name)


def test_one_name_or_several():
    assert check_names("amazon", "dslr", KNOWN) == ["amazon"]
    assert check_names(["webcam", "amazon"], "dslr", KNOWN) == ["webcam", "amazon"]


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        ("amazn", "dslr", r"data\.source='amazn' is unknown; did you mean 'amazon'\?"),
        (["amazon", "webcm"], "dslr", r"data\.source='webcm' is unknown; did you mean 'webcam'\?"),
        ("amazon", "dsl", r"data\.target='dsl' is unknown; did you mean 'dslr'\?"),
        ("dslr", "dslr", "are both 'dslr'; name two different domains"),
        (["amazon", "dslr"], "dslr", "holds the target 'dslr'; leave it out"),
        (["amazon", "amazon"], "dslr", "names a domain twice"),
        ([], "dslr", "data.source is empty; name at least one of amazon, dslr, webcam"),
    ],
)
def test_names_that_make_no_task(source, target, sentence):
    with pytest.raises(ConfigError, match=sentence):
        check_names(source, target, KNOWN)


def test_without_validation_the_source_is_whole():
    task = transductive_task([domain("a")], domain("t"), ("x", "y"))
    assert (task.name, task.transductive, task.sources[0].test) == ("a->t", True, None)
    assert task.target.train is task.target.test
    assert len(task.sources[0].train) == 10


def test_validation_takes_a_stratified_part_of_every_source():
    task = transductive_task([domain("a"), domain("b", (20, 10))], domain("t"), ("x", "y"), validation_fraction=0.5)
    assert task.name == "a+b->t"
    held = [np.bincount(split.test.y).tolist() for split in task.sources]
    assert held == [[3, 2], [10, 5]]
    for split, n in zip(task.sources, (10, 30), strict=True):
        np.testing.assert_array_equal(np.sort(np.r_[split.train.x, split.test.x].ravel()), np.arange(n))
    assert len(task.target.test) == 10
    again = transductive_task([domain("a")], domain("t"), ("x", "y"), validation_fraction=0.5)
    np.testing.assert_array_equal(again.sources[0].test.x, task.sources[0].test.x)
    other = transductive_task([domain("b", (20, 10))], domain("t"), ("x", "y"), validation_fraction=0.5, split_seed=1)
    assert (other.sources[0].test.x != task.sources[1].test.x).any()
    with pytest.raises(ConfigError, match=r"data\.validation_fraction=1 is outside \[0, 1\)"):
        transductive_task([domain("a")], domain("t"), ("x", "y"), validation_fraction=1)
