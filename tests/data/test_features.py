import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from da.data.features import Features
from da.domain import check_task
from da.errors import ConfigError, DataError

RNG = np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    return tmp_path


def table(path, n, d=3, y=None, shift=0.0):
    x = RNG.normal(shift, 2.0, (n, d))
    np.savez(path, **({"x": x} if y is None else {"x": x, "y": np.asarray(y)}))
    return x


def test_two_files_make_a_task(folder):
    table(folder / "s.npz", 40, y=["dog", "cat"] * 20)
    frame = pd.DataFrame(RNG.normal(size=(20, 3)), columns=list("abc")).assign(label=["cat", "dog"] * 10)
    frame.to_csv(folder / "t.csv", index=False)
    task = Features(source="s.npz", target=str(folder / "t.csv")).load()
    check_task(task)
    assert (task.name, task.classes, task.transductive) == ("s->t", ("cat", "dog"), False)
    assert {k: len(d) for k, d in task.parts().items()} == {
        "source/train": 36, "source/test": 4, "target/train": 14, "target/test": 6,
    }  # fmt: skip
    together = np.concatenate([task.target.train.x, task.target.test.x])
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(frame[list("abc")].to_numpy(), axis=0))
    assert task.fingerprint() == Features(source="s.npz", target=str(folder / "t.csv")).load().fingerprint()
    other = Features(source="s.npz", target=str(folder / "t.csv"), split_seed=1).load()
    assert task.fingerprint() != other.fingerprint()


def test_several_sources_and_a_test_file(folder):
    for name in ("a", "b", "t", "later"):
        table(folder / f"{name}.npz", 10, y=[0, 1] * 5)
    task = Features(source=["a.npz", "b.npz"], target="t.npz", target_test="later.npz", validation_fraction=0).load()
    check_task(task)
    assert task.name == "a+b->t"
    assert [split.train.name for split in task.sources] == ["a", "b"]
    assert (len(task.target.train), len(task.target.test), task.target.test.name) == (10, 10, "later")


def test_an_unlabelled_target_is_allowed(folder):
    table(folder / "s.npz", 10, y=[0, 1] * 5)
    table(folder / "t.npz", 10)
    task = Features(source="s.npz", target="t.npz").load()
    check_task(task)
    assert task.target.train.y is None
    assert task.target.test.y is None
    assert len(task.target.test) == 3


def test_an_unlabelled_source_is_allowed(folder):
    table(folder / "s.npz", 10)
    table(folder / "t.npz", 10, y=[0, 1] * 5)
    task = Features(source="s.npz", target="t.npz").load()
    check_task(task)
    assert task.sources[0].train.y is None
    assert task.classes == ("0", "1")


def test_different_spaces_are_left_different(folder):
    table(folder / "s.npz", 10, d=5, y=[0, 1] * 5)
    table(folder / "t.npz", 10, d=3, y=[0, 1] * 5)
    task = Features(source="s.npz", target="t.npz").load()
    assert (task.sources[0].train.sample_shape, task.target.test.sample_shape) == ((5,), (3,))


def test_standardize_uses_each_domains_training_part(folder):
    table(folder / "s.npz", 40, y=[0, 1] * 20, shift=5.0)
    x = table(folder / "t.npz", 40, y=[0, 1] * 20, shift=-3.0)
    task = Features(source="s.npz", target="t.npz", standardize=True).load()
    plain = Features(source="s.npz", target="t.npz").load()
    for split in (task.sources[0], task.target):
        np.testing.assert_allclose(split.train.x.mean(axis=0), 0.0, atol=1e-12)
        np.testing.assert_allclose(split.train.x.std(axis=0), 1.0)
    mean, deviation = plain.target.train.x.mean(axis=0), plain.target.train.x.std(axis=0)
    np.testing.assert_allclose(task.target.test.x, (plain.target.test.x - mean) / deviation)
    whole = Features(source="s.npz", target="t.npz", standardize=True, test_fraction=0).load()
    assert whole.target.train is whole.target.test
    np.testing.assert_allclose(whole.target.test.x, (x - x.mean(axis=0)) / x.std(axis=0))


def test_standardize_leaves_a_constant_feature_finite(folder):
    np.savez(folder / "s.npz", x=np.ones((10, 2)), y=[0, 1] * 5)
    table(folder / "t.npz", 10, d=2, y=[0, 1] * 5)
    assert not Features(source="s.npz", target="t.npz", standardize=True).load().sources[0].train.x.any()


def test_svmlight_files_get_the_same_columns(folder):
    (folder / "s.svm").write_text("+1 0:1 2:2\n-1 1:1\n")
    (folder / "t.svm").write_text("+1 6:1\n-1 0:1\n")
    (folder / "later.svm").write_text("-1 3:1\n")
    task = Features(source="s.svm", target="t.svm", target_test="later.svm").load()
    check_task(task)
    assert {domain.sample_shape for domain in task.parts().values()} == {(7,)}
    assert all(sparse.issparse(domain.x) for domain in task.parts().values())
    assert task.classes == ("-1", "1")
    np.testing.assert_array_equal(task.target.test.x.toarray(), [[0, 0, 0, 1, 0, 0, 0]])


def test_a_sparse_and_a_dense_source_can_be_pooled(folder):
    (folder / "a.svm").write_text("1 0:1 2:2\n0 1:1\n")
    for name in ("b", "t"):
        table(folder / f"{name}.npz", 4, d=3, y=[0, 1, 0, 1])
    task = Features(source=["a.svm", "b.npz"], target="t.npz", validation_fraction=0).load()
    np.testing.assert_array_equal(task.sources[0].train.x, [[1, 0, 2], [0, 1, 0]])


def test_one_row_of_target(folder):
    table(folder / "s.npz", 4, y=[0, 1, 0, 1])
    table(folder / "t.npz", 1)
    task = Features(source="s.npz", target="t.npz").load()
    check_task(task)
    assert task.transductive


@pytest.mark.parametrize("keywords", [{}, {"source": "s.npz"}, {"target": "t.npz"}, {"source": [], "target": "t.npz"}])
def test_nothing_named(keywords):
    with pytest.raises(
        ConfigError, match=r"data=features needs data\.source=FILE and data\.target=FILE \(npz, mat, csv"
    ):
        Features(**keywords).load()


def test_bad_files_and_pairs(folder):
    table(folder / "s.npz", 10, y=[0, 1] * 5)
    table(folder / "wide.npz", 10, d=4, y=[0, 1] * 5)
    table(folder / "strange.npz", 10, y=[0, 7] * 5)
    for keywords, sentence in [
        ({"source": "none.npz", "target": "s.npz"}, r"no 'none\.npz'.*DA_DATA_DIR="),
        ({"source": ["s.npz", "wide.npz"], "target": "s.npz"}, r"shape \(3,\) but .*wide\.npz' of \(4,\)"),
        ({"source": "s.npz", "target": "s.npz", "target_test": "wide.npz"}, r"wide\.npz' of \(4,\); bring"),
        (
            {"source": "s.npz", "target": "strange.npz"},
            r"'strange' has labels that no source has \(7; the sources have 0, 1\)",
        ),
    ]:
        with pytest.raises(DataError, match=sentence):
            Features(**keywords).load()
    (folder / "s.svm").write_text("1 0:1\n0 1:1\n")
    (folder / "t.svm").write_text("1 0:1\n0 1:2\n")
    with pytest.raises(DataError, match="standardize=true would fill the sparse matrix of 's'"):
        Features(source="s.svm", target="t.svm", standardize=True).load()
