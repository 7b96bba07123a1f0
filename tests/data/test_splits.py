import numpy as np
import pytest

from da.data.splits import Raw, assemble, encode, hold_out_index
from da.errors import ConfigError, DataError


def raw(y, name="a", n=None):
    """Samples whose one feature is their number, counted from another start for each name."""
    y = None if y is None else np.asarray(y)
    rows = n if y is None else len(y)
    return Raw(np.arange(rows, dtype=float)[:, None] + 1000.0 * ord(name[0]), y, name)


FRACTIONS = {"test_fraction": 0.3, "validation_fraction": 0.1, "split_seed": 0}


@pytest.mark.parametrize("seed", range(5))
def test_the_held_out_part_has_the_classes_in_proportion(seed):
    y = np.repeat([0, 1, 2], [50, 30, 20])
    train, held = hold_out_index(y, 100, 0.3, seed)
    assert np.bincount(y[held]).tolist() == [15, 9, 6]
    np.testing.assert_array_equal(np.sort(np.concatenate([train, held])), np.arange(100))


def test_the_choice_depends_on_the_seed_only():
    y = np.repeat([0, 1], 50)
    one, again, other = (hold_out_index(y, 100, 0.3, seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert one.tolist() != other.tolist()


@pytest.mark.parametrize("n", [1, 2, 3, 7, 10, 99])
@pytest.mark.parametrize("fraction", [0.01, 0.3, 0.5, 0.99])
def test_without_labels_the_count_is_right_and_a_row_is_left(n, fraction):
    train, held = hold_out_index(None, n, fraction, 0)
    assert len(held) == min(max(1, round(n * fraction)), n - 1)
    assert len(train) == n - len(held)


def test_every_class_keeps_a_row_for_training():
    y = np.array([0, 0, 0, 0, 1, 2, 2])
    for seed in range(10):
        train, held = hold_out_index(y, 7, 0.5, seed)
        assert set(y[train]) == {0, 1, 2}
        assert 1 not in y[held]
    assert len(hold_out_index(np.arange(4), 4, 0.5, 0)[1]) == 0


def test_equal_remainders_do_not_favour_the_first_classes():
    y = np.repeat(np.arange(20), 2)
    held = [set(y[hold_out_index(y, 40, 0.1, seed)[1]]) for seed in range(20)]
    assert len(set.union(*held)) > 15


def test_labels_become_positions_in_the_sorted_classes_of_the_sources():
    domains, classes = encode([raw([10, -1, 2]), raw([7.0, 10.0]), raw([2, 7])], 2)
    assert classes == ("-1", "2", "7", "10")
    assert [d.y.tolist() for d in domains] == [[3, 0, 1], [2, 3], [1, 2]]
    assert all(d.y.dtype == np.int64 for d in domains)


def test_strings_on_one_side_turn_all_labels_into_strings():
    domains, classes = encode([raw(["1", "2", "x"]), raw([2, 1])], 1)
    assert classes == ("1", "2", "x")
    assert domains[1].y.tolist() == [1, 0]


def test_labels_may_be_absent_anywhere():
    _, classes = encode([raw(None, n=2), raw(["b", "a"])], 1)
    assert classes == ("a", "b")
    domains, classes = encode([raw([0, 1]), raw(None, n=2)], 1)
    assert domains[1].y is None
    assert encode([raw(None, n=2), raw(None, n=2)], 1)[1] == ()


def test_a_target_label_that_no_source_has_is_named():
    with pytest.raises(DataError, match=r"'t' has labels that no source has \(fox, owl; the sources have cat, dog\)"):
        encode([raw(["cat", "dog"]), raw(["cat", "owl", "fox"], "t")], 1)


@pytest.mark.parametrize(
    ("label", "what"),
    [(0.5, "real numbers"), (np.nan, "not classes"), (np.inf, "not classes"), (-np.inf, "not classes")],
)
def test_labels_that_are_no_classes_are_refused(label, what):
    with pytest.raises(DataError, match=f"labels of 'a' are {what} \\(one is {label}\\)"):
        encode([raw([0.0, label]), raw([0])], 1)


def test_the_target_is_split_and_the_sources_hold_out_for_validation():
    task = assemble([raw([0, 1] * 10, "s"), raw([0, 1] * 20, "r")], raw([0, 1] * 10, "t"), **FRACTIONS)
    assert task.name == "s+r->t"
    assert {k: len(d) for k, d in task.parts().items()} == {
        "source1/train": 18, "source1/test": 2, "source2/train": 36, "source2/test": 4,
        "target/train": 14, "target/test": 6,
    }  # fmt: skip
    assert not set(task.target.train.x.ravel()) & set(task.target.test.x.ravel())
    assert not task.transductive


def test_a_test_file_is_used_whole():
    task = assemble([raw([0, 1] * 5)], raw([0, 1]), raw([1, 1, 0], "later"), **FRACTIONS)
    assert (len(task.target.train), task.target.test.y.tolist(), task.transductive) == (2, [1, 1, 0], False)


def test_fraction_zero_is_transductive_and_holds_out_nothing():
    task = assemble([raw([0, 1])], raw([0, 1], "t"), test_fraction=0, validation_fraction=0, split_seed=0)
    assert task.transductive
    assert task.target.test is task.target.train
    assert task.sources[0].test is None


def test_tiny_domains_do_not_crash():
    single = assemble([raw([0, 1])], raw([1]), **FRACTIONS)
    assert single.transductive  # one row cannot be both split and reported on, and the record says so
    assert single.sources[0].test is None
    lone_classes = assemble([raw([0, 1, 2])], raw([0, 1, 2], "t"), **FRACTIONS)
    assert (len(lone_classes.target.train), len(lone_classes.target.test)) == (2, 1)
    assert len(lone_classes.sources[0].train) == 3


@pytest.mark.parametrize("fraction", [-0.1, 1, 1.5])
@pytest.mark.parametrize("key", ["test_fraction", "validation_fraction"])
def test_fractions_out_of_range(key, fraction):
    with pytest.raises(ConfigError, match=rf"data\.{key}={fraction} is outside \[0, 1\)"):
        assemble([raw([0, 1])], raw([0, 1]), **(FRACTIONS | {key: fraction}))
