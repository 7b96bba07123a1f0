import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from processes import finished
from scipy import sparse

from da.data.validity import check_task
from da.domain import Batch, Domain, Granted, Split, Task, Withheld, as_float, pool
from da.errors import DataError


def rows(n, d=3, start=0):
    return np.arange(start, start + n * d, dtype=np.float32).reshape(n, d)


def task_of(source=None, target=None, *, more=(), test=None, classes=2):
    source = Domain(rows(4), np.array([0, 1, 0, 1]), name="here") if source is None else source
    target = Domain(rows(3, start=50), np.array([1, 0, 1]), name="there") if target is None else target
    return Task("here->there", (Split(source), *map(Split, more)), Split(target, test), tuple("abcde")[:classes])


# --- domains


@pytest.mark.parametrize("make", [np.asarray, torch.as_tensor, sparse.csr_matrix])
def test_take_picks_inputs_labels_and_weights_in_the_given_order(make):
    domain = Domain(make(rows(4)), np.array([0, 1, 2, 3]), np.array([0.1, 0.2, 0.3, 0.4]), "a")
    taken = domain.take(np.array([3, 0, 0]))
    assert as_float(taken.x).tolist() == rows(4)[[3, 0, 0]].tolist()
    assert taken.y.tolist() == [3, 0, 0]
    assert taken.weight.tolist() == [0.4, 0.1, 0.1]
    assert (taken.name, len(taken), taken.sample_shape) == ("a", 3, (3,))


class Unread:
    """Inputs that must not be read."""

    def __init__(self, index):
        self.index, self.shape = list(index), (len(index), 3)

    def subset(self, index):
        return Unread(np.array(self.index)[index])

    def joined(self, others):
        return Unread(sum((part.index for part in others), self.index))


def test_subset_and_pool_leave_unread_what_is_read_on_access():
    whole = Domain(Unread(range(4)), np.array([0, 1, 2, 3]), np.array([0.1, 0.2, 0.3, 0.4]), "a")
    part = whole.subset(np.array([3, 0]))
    assert (part.x.index, part.y.tolist(), part.weight.tolist(), part.name) == ([3, 0], [3, 0], [0.4, 0.1], "a")
    both = pool((part, whole))
    assert (both.x.index, both.y.tolist()) == ([3, 0, 0, 1, 2, 3], [3, 0, 0, 1, 2, 3])
    unlabelled = Domain(Unread(range(4))).subset(np.array([1]))
    assert (unlabelled.y, unlabelled.weight) == (None, None)


def test_subset_of_an_array_is_taken():
    domain = Domain(rows(4), np.array([0, 1, 2, 3]))
    assert domain.subset(np.array([2, 2])).x.tolist() == rows(4)[[2, 2]].tolist()


def test_take_leaves_absent_parts_absent():
    taken = Domain(rows(4)).take(np.array([1]))
    assert (taken.y, taken.weight) == (None, None)


def test_without_labels_keeps_the_rest():
    domain = Domain(rows(2), np.array([0, 1]), np.array([1.0, 2.0]), "a")
    bare = domain.without_labels()
    assert (bare.y, bare.x, bare.weight, bare.name) == (None, domain.x, domain.weight, "a")
    assert domain.y is not None


def test_bytes_are_scaled_to_one_and_other_numbers_are_not():
    bytes_ = np.array([[0, 51, 255]], dtype=np.uint8)
    torch.testing.assert_close(as_float(bytes_), torch.tensor([[0.0, 0.2, 1.0]]))
    assert as_float(bytes_.astype(np.int64)).tolist() == [[0.0, 51.0, 255.0]]
    assert as_float(bytes_.astype(np.float64)).tolist() == [[0.0, 51.0, 255.0]]
    assert bytes_.tolist() == [[0, 51, 255]]  # scaled in a copy


def test_sparse_rows_that_no_memory_holds_are_refused_and_not_made_dense():
    """One index of 300 million in an svmlight file widens all rows."""
    with pytest.raises(
        DataError, match=r"^40 sparse rows of 300,000,001 columns are too large to be made dense \(1.2e\+10"
    ):
        as_float(sparse.csr_matrix((40, 300_000_001)))
    assert as_float(sparse.csr_matrix(np.eye(2))).tolist() == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32, np.uint8, bool])
def test_tensors_have_the_types_of_training(dtype):
    domain = Domain(np.ones((2, 3), dtype=dtype), np.array([0, 1], dtype=np.int8), np.array([1, 2])).tensors()
    assert (domain.x.dtype, domain.y.dtype, domain.weight.dtype) == (torch.float32, torch.int64, torch.float32)


def test_tensors_of_bytes_are_scaled_once():
    pixels = torch.tensor([[255]], dtype=torch.uint8)
    once = Domain(pixels).tensors()
    assert once.x.item() == 1.0
    assert once.tensors().x.item() == 1.0
    assert pixels.item() == 255


def test_sparse_rows_become_dense_tensors():
    x = sparse.csr_matrix(np.array([[0.0, 2.0], [3.0, 0.0]]))
    assert Domain(x).tensors().x.tolist() == [[0.0, 2.0], [3.0, 0.0]]


def test_absent_labels_stay_absent_as_tensors():
    domain = Domain(rows(2)).tensors()
    assert (domain.y, domain.weight) == (None, None)


# --- pooling


@pytest.mark.parametrize("make", [np.asarray, torch.as_tensor, sparse.csr_matrix])
def test_pool_stacks_in_order(make):
    a = Domain(make(rows(2)), np.array([0, 1]), np.array([1.0, 2.0]), "a")
    b = Domain(make(rows(1, start=9)), np.array([2]), np.array([3.0]), "b")
    if make is torch.as_tensor:
        a, b = a.tensors(), b.tensors()
    both = pool((a, b))
    assert type(both.x) is type(a.x)
    assert as_float(both.x).tolist() == [*rows(2).tolist(), [9.0, 10.0, 11.0]]
    assert both.y.tolist() == [0, 1, 2]
    assert both.weight.tolist() == [1.0, 2.0, 3.0]
    assert both.name == "a+b"


def test_pool_keeps_labels_and_weights_only_where_all_have_them():
    a, b = Domain(rows(2), np.array([0, 1]), np.ones(2)), Domain(rows(1))
    assert (pool((a, b)).y, pool((a, b)).weight) == (None, None)
    assert (pool((b, a)).y, pool((b, a)).weight) == (None, None)


def test_pool_of_one_is_itself():
    a = Domain(rows(2))
    assert pool((a,)) is a


# --- withheld data


TOUCHES = {
    "attribute": lambda w: w.x,
    "method": lambda w: w.take([0]),
    "length": len,
    "index": lambda w: w[0],
    "iteration": list,
    "truth": bool,
    "membership": lambda w: 1 in w,
    "unpacking": lambda w: (*w,),
}


@pytest.mark.parametrize("touch", TOUCHES.values(), ids=TOUCHES)
def test_any_touch_of_withheld_data_names_the_remedy(touch):
    withheld = Withheld("target", "the method does not need it")
    with pytest.raises(PermissionError, match="^The target is withheld: the method does not need it; .*`needs`"):
        touch(withheld)


@pytest.mark.parametrize("protocol", [copy.copy, copy.deepcopy, lambda w: pickle.loads(pickle.dumps(w))])
def test_withheld_data_stay_withheld_when_they_are_copied(protocol):
    again = protocol(Withheld("source", "it is free of it"))
    with pytest.raises(PermissionError, match="The source is withheld: it is free of it"):
        again.x  # noqa: B018  # the touch is the test


@pytest.mark.parametrize("convert", [torch.as_tensor, float, lambda w: w + 1, lambda w: np.asarray(w, dtype=float)])
def test_withheld_data_are_no_numbers(convert):
    with pytest.raises((PermissionError, TypeError, ValueError)):
        convert(Withheld("target", "why"))


def test_a_batch_pools_its_sources_and_withholds_what_it_was_not_given():
    batch = Batch((Domain(rows(1), name="a"), Domain(rows(2), name="b")), Withheld("target", "no need"))
    assert (batch.source.name, len(batch.source)) == ("a+b", 3)
    other = Batch(target=Domain(rows(1)))
    asked = {"target": batch, "labelled target": batch, "source": other}
    for what, given in asked.items():
        with pytest.raises(PermissionError, match=f"The {what} is withheld"):
            getattr(given, what.split()[0])
    assert (list(batch.parts()), list(other.parts())) == (["source0", "source1"], ["target"])


def test_a_batch_moves_what_it_has_and_keeps_the_rest_withheld():
    withheld = Withheld("target", "no need")
    sources = (Domain(rows(1), np.array([1])), Domain(np.full((1, 2), 255, dtype=np.uint8)))
    batch = Batch(sources, withheld, Domain(rows(2), np.array([0, 1]))).to("cpu")
    assert [s.x.dtype for s in batch.sources] == [torch.float32] * 2
    assert batch.sources[1].x.tolist() == [[1.0, 1.0]]
    assert batch.labelled.y.tolist() == [0, 1]
    assert batch.given()[1] is withheld
    assert Batch(target=Domain(rows(1))).to("cpu").target.x.dtype == torch.float32


def test_a_grant_is_changed_domain_by_domain_and_stays_what_it_is():
    granted = Granted((Domain(rows(1), name="a"), Domain(rows(2), name="b")), Domain(rows(3), name="t"))
    seen = []
    changed = granted.each(lambda name, domain: seen.append(name) or replace(domain, name=domain.name * 2))
    assert seen == ["source0", "source1", "target"]
    assert ([d.name for d in changed.sources], changed.target.name) == (["aa", "bb"], "tt")
    assert type(changed) is Granted
    assert type(Batch.of(changed)) is Batch
    with pytest.raises(PermissionError, match="The labelled target is withheld"):
        changed.labelled  # noqa: B018  # the touch is the test


# --- tasks


def test_parts_are_named():
    one = task_of(test=Domain(rows(1), np.array([0])))
    assert list(one.parts()) == ["source/train", "target/train", "target/test"]
    sources = (Split(Domain(rows(2)), Domain(rows(1))), Split(Domain(rows(3))))
    many = replace(one, sources=sources)
    assert list(many.parts()) == ["source1/train", "source1/test", "source2/train", "target/train", "target/test"]
    assert [len(d) for d in many.parts().values()] == [2, 1, 3, 3, 1]
    assert one.n_classes == 2


def changed(array, position, value):
    array = array.copy()
    array[position] = value
    return array


X, Y = rows(4), np.array([0, 1, 0, 1])
CHANGES = {
    "one value": Domain(changed(X, (2, 1), 7.5), Y, name="here"),
    "one label": Domain(X, np.array([0, 1, 0, 0]), name="here"),
    "dtype": Domain(X.astype(np.float64), Y, name="here"),
    "dtype of equal bytes": Domain(X.view(np.int32), Y, name="here"),
    "shape": Domain(X.reshape(4, 1, 3), Y, name="here"),
    "order": Domain(X[::-1], Y[::-1], name="here"),
    "no labels": Domain(X, name="here"),
    "fewer": Domain(X[:3], Y[:3], name="here"),
    "name": Domain(X, Y, name="hare"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("part", ["source", "target", "test"])
def test_any_change_of_the_data_changes_the_fingerprint(change, part):
    before = {
        "source": Domain(X, Y, name="here"),
        "target": Domain(X, Y, name="here"),
        "test": Domain(X, Y, name="here"),
    }
    assert task_of(**(before | {part: change})).fingerprint() != task_of(**before).fingerprint()


SPARSE = sparse.csr_matrix(np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0], [3.0, 4.0]]))
SPARSE_CHANGES = {
    "value": np.array([[0.0, 1.0], [2.5, 0.0], [0.0, 0.0], [3.0, 4.0]]),
    "column": np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 0.0], [3.0, 4.0]]),
    "row": np.array([[0.0, 1.0], [0.0, 0.0], [2.0, 0.0], [3.0, 4.0]]),
}


@pytest.mark.parametrize("change", SPARSE_CHANGES.values(), ids=SPARSE_CHANGES)
def test_any_change_of_sparse_data_changes_the_fingerprint(change):
    before = task_of(Domain(SPARSE, Y)).fingerprint()
    assert task_of(Domain(SPARSE.copy(), Y)).fingerprint() == before
    assert task_of(Domain(sparse.csr_matrix(change), Y)).fingerprint() != before
    assert task_of(Domain(SPARSE.astype(np.float32), Y)).fingerprint() != before


def test_copies_views_and_types_of_labels_do_not_change_the_fingerprint():
    before = task_of(Domain(X, Y)).fingerprint()
    assert task_of(Domain(np.asfortranarray(X), Y.astype(np.int8))).fingerprint() == before
    assert task_of(Domain(np.repeat(X, 2, axis=0)[::2], Y.copy())).fingerprint() == before
    assert len(before) == 16
    assert int(before, 16) >= 0


def test_the_fingerprint_is_the_same_in_another_process():
    code = (
        "import numpy as np; from da.domain import Domain, Split, Task;"
        "d = Domain(np.arange(6.0).reshape(3, 2), np.array([0, 1, 0]), name='d');"
        "print(Task('t', (Split(d),), Split(d), ('a', 'b')).fingerprint())"
    )
    said = finished("-c", code)
    assert said.returncode == 0, said.stderr
    d = Domain(np.arange(6.0).reshape(3, 2), np.array([0, 1, 0]), name="d")
    assert said.stdout.strip() == Task("t", (Split(d),), Split(d), ("a", "b")).fingerprint()


def test_inputs_that_know_their_fingerprint_are_not_read():
    class Lazy:
        shape = (4, 3)

        def __init__(self, hash_):
            self.fingerprint = lambda: hash_

    one, same, other = (task_of(Domain(Lazy(h), Y)).fingerprint() for h in ("a", "a", "b"))
    assert one == same != other


# --- what is refused


def labelled(y, x=None):
    return Domain(rows(4) if x is None else x, y, name="here")


def hole(value, *positions):
    x = rows(4)
    for position in positions:
        x[position] = value
    return x


GOOD = np.array([0, 1, 0, 1])
BAD = {
    "nan": (labelled(GOOD, hole(np.nan, (1, 2))), r"NaN or infinite values in 1 rows \(columns 2\)"),
    "inf": (labelled(GOOD, hole(np.inf, (1, 2), (3, 0))), r"in 2 rows \(columns 0, 2\)"),
    "nan and inf in a row": (labelled(GOOD, hole(-np.inf, (1, 2), (1, 0))), r"in 1 rows \(columns 0, 2\)"),
    "many columns": (labelled(GOOD, np.full((4, 9), np.nan)), r"in 4 rows \(columns 0, 1, 2, 3, 4 and 4 more\)"),
    "image": (labelled(GOOD, hole(np.nan, (0, 1)).reshape(4, 1, 3, 1)), r"in 1 rows \(columns 1\)"),
    "empty": (Domain(rows(0), np.empty(0, dtype=int), name="here"), "is empty"),
    "above": (labelled(np.array([0, 1, 2, 1])), r"span 0\.\.2 but the task has 2 classes"),
    "minus one": (labelled(np.array([0, 1, -1, 1])), r"span -1\.\.1 .* use absent labels \(None\) instead of -1"),
    "float": (labelled(np.array([0.0, 1.0, 0.0, 1.0])), "are float64, not integers"),
    "short": (labelled(np.array([0, 1])), r"has 4 samples but labels of shape \(2,\)"),
    "column": (labelled(GOOD[:, None]), r"has 4 samples but labels of shape \(4, 1\)"),
}


@pytest.mark.parametrize(("domain", "complaint"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("part", ["source", "target", "test"])
def test_unfit_domains_are_refused_by_name(domain, complaint, part):
    with pytest.raises(DataError, match=complaint) as caught:
        check_task(task_of(**{part: domain}))
    said = str(caught.value)
    path = {"source": "source/train", "target": "target/train", "test": "target/test"}[part]
    assert f"{path} of task here->there (here)" in said
    assert said.endswith(".")
    assert "\n" not in said


def test_infinities_of_both_signs_are_refused_without_a_warning():
    with pytest.raises(DataError, match=r"in 2 rows \(columns 0\)"):
        check_task(task_of(labelled(GOOD, hole(np.inf, (0, 0)) + hole(-np.inf, (1, 0)))))


def test_huge_values_are_no_infinities():
    check_task(task_of(labelled(GOOD, np.full((4, 3), 1e308))))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_sparse_holes_name_rows_and_columns(value):
    x = sparse.csr_matrix(np.array([[0.0, 1.0, 2.0], [value, 0.0, value], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    with pytest.raises(DataError, match=r"source/train.*in 1 rows \(columns 0, 2\)"):
        check_task(task_of(Domain(x, GOOD)))


def test_a_source_of_one_class_is_refused_and_a_target_is_not():
    with pytest.raises(DataError, match="source here has one class only"):
        check_task(task_of(labelled(np.zeros(4, dtype=int))))
    check_task(task_of(target=Domain(rows(2), np.array([1, 1]))))


def test_sources_of_different_shapes_are_refused():
    with pytest.raises(DataError, match=r"sources of task here->there .*different shapes \[\(2,\), \(3,\)\]"):
        check_task(task_of(more=[Domain(rows(2, 2), np.array([0, 1]))]))


def test_a_task_needs_a_source():
    with pytest.raises(DataError, match="here->there has no source"):
        check_task(replace(task_of(), sources=()))


FINE = {
    "labelled": {},
    "unlabelled": {"source": Domain(rows(4)), "target": Domain(rows(4))},
    "different spaces": {"target": Domain(rows(4, 7))},
    "sparse": {"source": Domain(SPARSE, Y)},
    "bytes": {"source": Domain(np.zeros((4, 1, 2, 2), dtype=np.uint8), Y.astype(np.uint8))},
    "unused class": {"classes": 5},
}


@pytest.mark.parametrize("parts", FINE.values(), ids=FINE)
def test_fit_tasks_pass(parts):
    check_task(task_of(**parts))
