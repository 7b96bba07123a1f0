import re
import unicodedata
from shutil import copy

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import savemat
from sklearn.datasets import dump_svmlight_file

from da.config.compose import compose
from da.config.validate import validate
from da.data.features import Features
from da.data.validity import check_task
from da.engine.run import check_columns, load, run
from da.errors import ConfigError, DataError

pytestmark = pytest.mark.versions

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
    np.testing.assert_allclose(np.sort(together, axis=0), np.sort(frame[list("abc")].to_numpy(), axis=0), rtol=1e-12)
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
    assert task.target.test is task.target.train  # every row is predicted
    assert task.target.test.ids.tolist() == list(range(10))
    split = Features(source="s.npz", target="t.npz", test_fraction=0.3).load()
    assert (split.target.test.y, len(split.target.test)) == (None, 3)


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
    said = r"^data=features needs data\.source=FILE and data\.target=FILE\.$"
    with pytest.raises(ConfigError, match=said):
        Features(**keywords).load()
    with pytest.raises(ConfigError, match=said):
        validate(
            compose(["method=coral", "data=features", *(f"data.{key}={value}" for key, value in keywords.items())])
        )


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


def frame(n, names, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return pd.DataFrame({name: rng.normal(size=n) + (k + 1) * y + shift for k, name in enumerate(names)}), y


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_are_matched_by_name(folder, suffix):
    """By position, a target of the same columns in another order was classified by the wrong ones."""

    def save(data, name):
        data.to_csv(folder / f"{name}.csv", index=False)
        data.to_parquet(folder / f"{name}.parquet")

    source, y = frame(40, ["height", "a", "b"])
    target, of_target = frame(20, ["height", "a", "b"], seed=1)
    save(source.assign(label=y), "s")
    save(target.assign(label=of_target), "t")
    save(target.assign(label=of_target)[["b", "label", "height", "a"]], "mixed")
    named = {"source": f"s.{suffix}", "validation_fraction": 0, "test_fraction": 0}
    straight = Features(**named, target=f"t.{suffix}").load()
    mixed = Features(**named, target=f"mixed.{suffix}").load()
    np.testing.assert_array_equal(mixed.target.train.x, straight.target.train.x)
    assert mixed.columns == (("height", "a", "b"), ("height", "a", "b"))


def test_other_columns_are_named_at_most_five_of_them(folder):
    names = [f"s{k}" for k in range(20)]
    data, y = frame(40, names)
    data.assign(label=y).to_csv(folder / "s.csv", index=False)
    data.drop(columns=["s19"]).assign(label=y).to_csv(folder / "t.csv", index=False)
    data.rename(columns={f"s{k}": f"r{k}" for k in range(10)}).assign(label=y).to_csv(folder / "r.csv", index=False)
    with pytest.raises(DataError, match=r"'\S*t.csv' lacks s19; give both the same columns"):
        Features(source=["s.csv", "t.csv"], target="r.csv").load()
    with pytest.raises(
        DataError,
        match=r"r.csv' lacks s0, s1, s2, s3, s4 and 5 more, and '\S*s.csv' lacks r0, r1, r2, r3, r4 and 5 more",
    ):
        Features(source=["s.csv", "r.csv"], target="t.csv").load()
    plan = validate(compose(["method=unadapted", "data=features", f"data.source={folder}/s.csv", f"data.target={folder}/t.csv"]))  # fmt: skip
    task, _ = load(plan)
    with pytest.raises(DataError, match=r"'t' lacks s19"):
        check_columns(plan, task)
    other = validate(compose(["method=soft_transfer", "data=features", f"data.source={folder}/s.csv", f"data.target={folder}/t.csv"]))  # fmt: skip
    check_columns(other, task)  # it copes with other features


@pytest.mark.parametrize("column", ["absent", "empty"])
@pytest.mark.parametrize("name", ["label", "kind"])
def test_a_target_without_the_label_column_or_with_an_empty_one_is_unlabelled(folder, column, name):
    data, y = frame(40, ["a", "b"])
    data.assign(**{name: y}).to_csv(folder / "s.csv", index=False)
    target = data + 1.0
    (target if column == "absent" else target.assign(**{name: ""})).to_csv(folder / "t.csv", index=False)
    task = Features(source="s.csv", target="t.csv", label_column=name).load()
    assert task.target.train.y is None
    assert task.target.train.x.shape[1] == 2
    target.assign(**{name: ["", *y[1:]]}).to_csv(folder / "t.csv", index=False)
    with pytest.raises(DataError, match=r"no '\w+' in 1 of 40 rows \(1\)"):
        Features(source="s.csv", target="t.csv", label_column=name).load()
    with pytest.raises(DataError, match="no column 'sort'"):
        Features(source="s.csv", target="t.csv", label_column="sort").load()


def test_missing_values_are_named_by_their_columns(folder):
    data, y = frame(40, ["a", "s4"])
    data.assign(label=y).to_csv(folder / "s.csv", index=False)
    data.loc[3, "s4"] = np.nan
    (data + 1.0).assign(label=y).to_csv(folder / "t.csv", index=False)
    with pytest.raises(DataError, match=r"NaN or infinite values in 1 rows \(columns s4\)"):
        check_task(Features(source="s.csv", target="t.csv", test_fraction=0).load())


def test_ids_and_dropped_columns_are_no_features(folder):
    data, y = frame(40, ["a", "b"])
    data.assign(label=y, id=[f"{k:03}" for k in range(40)], town="Ulm").to_csv(folder / "s.csv", index=False)
    (data + 1.0).assign(id=[f"t{k}" for k in range(40)]).to_csv(folder / "t.csv", index=False)
    task = Features(source="s.csv", target="t.csv", id_column="id", drop=["town"]).load()
    assert task.columns == (("a", "b"), ("a", "b"))


@pytest.mark.parametrize(("option", "name"), [("id_column", "Id"), ("drop", "idd")])
def test_a_misspelt_column_that_is_no_feature_is_refused(folder, option, name):
    """It would stay a feature, and an id may tell the label."""
    data, y = frame(40, ["a", "b"])
    data.assign(label=y, id=range(40)).to_csv(folder / "s.csv", index=False)
    (data + 1.0).assign(label=y, id=range(40)).to_csv(folder / "t.csv", index=False)
    with pytest.raises(DataError, match=rf"data\.{option} names '{name}', which no file has; did you mean 'id'"):
        Features(source="s.csv", target="t.csv", **{option: name if option == "id_column" else [name]}).load()


def test_several_arrays_of_labels_are_listed(folder):
    x, y = RNG.normal(size=(20, 3)), np.arange(20) % 2
    np.savez(folder / "s.npz", x=x, y=y, labels=1 - y)
    np.savez(folder / "t.npz", x=x + 1.0, y=y)
    with pytest.raises(DataError, match="holds y and labels, which may all be labels; say which with label_column"):
        Features(source="s.npz", target="t.npz").load()


def test_the_array_of_features_may_have_any_name(folder):
    x, y = RNG.normal(size=(20, 3)), np.arange(20) % 2
    np.savez(folder / "s.npz", deep=x, y=y)
    savemat(folder / "t.mat", {"deep": x + 1.0, "Y": y[:, None]})
    with h5py.File(folder / "u.h5", "w") as file:
        file["deep"], file["label"] = x + 2.0, y
    for target in ("t.mat", "u.h5"):
        task = Features(source="s.npz", target=target, feature_key="deep").load()
        assert task.target.train.x.shape[1] == 3
        assert task.target.train.y is not None
    with pytest.raises(DataError, match=r"no array 'deeep'; did you mean 'deep'"):
        Features(source="s.npz", target="t.mat", feature_key="deeep").load()
    np.savez(folder / "two.npz", fea=x, X=x + 1, y=y)
    with pytest.raises(DataError, match="holds X and fea, which may all be features; say which with feature_key"):
        Features(source="two.npz", target="t.mat").load()


def images(folder, name, x):
    np.savez(folder / f"{name}.npz", x=x, y=np.arange(len(x)) % 2)


@pytest.mark.parametrize(
    ("a", "b", "sentence"),
    [
        (np.uint8, np.float32, r"bytes \(0..255\), and those of target/train \(t\) are whole numbers within 0..255"),
        (np.uint8, np.uint16, r"bytes \(0..255\), and those of '\S*t.npz' 16-bit numbers"),
        ("unit, interpolated", np.float32, "within 0..1, and those of .* are whole numbers within 0..255"),
        ("unit", np.float32, "within 0..1, and those of .* are whole numbers within 0..255"),
        (np.uint8, "centred", r"bytes \(0..255\), and those of target/train \(t\) are numbers of another type"),
    ],
)
def test_types_and_scales_that_differ_between_domains_are_refused(folder, a, b, sentence):
    pixels = RNG.integers(0, 256, (20, 1, 8, 8))

    def of(kind):
        if kind == "unit":
            return pixels / 255.0
        if kind == "unit, interpolated":
            return 1.002 * pixels / 255.0 - 0.001
        if kind == "centred":
            return pixels / 255.0 - 0.5
        return (pixels * (257 if kind == np.uint16 else 1)).astype(kind)

    images(folder, "s", of(a))
    images(folder, "t", np.roll(of(b), 1, axis=2))
    with pytest.raises(DataError, match=sentence):
        check_task(Features(source="s.npz", target="t.npz").load())
    images(folder, "u", np.roll(of(a), 1, axis=3))
    check_task(Features(source="s.npz", target="u.npz").load())


def test_bytes_and_16_bits_are_told_by_their_values(folder):
    pixels = RNG.integers(0, 256, (20, 1, 8, 8))
    images(folder, "s", pixels.astype(np.int32))
    images(folder, "t", 257 * pixels[::-1].astype(np.int32))
    with pytest.raises(DataError, match=r"are whole numbers within 0..255, and those of .* within 0..65535; bring all"):
        check_task(Features(source="s.npz", target="t.npz").load())


@pytest.mark.parametrize("shape", [(20, 30), (20, 1, 6, 5)])
@pytest.mark.parametrize("standardize", [False, True])
def test_the_test_file_is_judged_apart_from_the_target(folder, shape, standardize):
    x = RNG.integers(0, 256, shape).astype(float)
    for name, values in {"s": x[::-1], "unit": x / 255.0, "whole": 255.0 - x, "t": np.roll(x, 1, axis=-1)}.items():
        images(folder, name, values)
    for target, test in (("unit", "whole"), ("whole", "unit")):
        with pytest.raises(DataError, match=rf"of the target \({target}\) are .* of its test samples \({test}\) are "):
            Features(source="s.npz", target=f"{target}.npz", target_test=f"{test}.npz", standardize=standardize).load()
    check_task(Features(source="s.npz", target="t.npz", target_test="whole.npz").load())


def test_copies_of_a_file_are_no_other_domains(folder):
    for name in "stu":
        table(folder / f"{name}.npz", 10)
    copy(folder / "t.npz", folder / "t2.npz")
    copy(folder / "s.npz", folder / "s2.npz")
    with pytest.raises(DataError, match="The target 't' and its test samples 't2' hold the same inputs; to adapt"):
        Features(source="s.npz", target="t.npz", target_test="t2.npz").load()
    with pytest.raises(DataError, match="The sources 's' and 's2' hold the same inputs, which would count twice"):
        Features(source=["s.npz", "u.npz", "s2.npz"], target="t.npz").load()


def test_a_test_file_of_other_columns_is_refused(folder):
    for name, columns in {"s": "ab", "t": "ba", "u": "ba", "v": "pq"}.items():
        frame = pd.DataFrame(RNG.normal(size=(10, 2)), columns=list(columns)).assign(label=[0, 1] * 5)
        frame.to_csv(folder / f"{name}.csv", index=False)
    task = Features(source="s.csv", target="t.csv", target_test="u.csv").load()
    np.testing.assert_allclose(task.target.test.x, pd.read_csv(folder / "u.csv")[["a", "b"]])
    with pytest.raises(DataError, match="'\\S*v.csv' lacks b, a, and '\\S*t.csv' lacks p, q|lacks"):
        Features(source="s.csv", target="t.csv", target_test="v.csv").load()


def test_a_table_of_fractions_and_one_of_bytes_are_refused(folder):
    x = RNG.integers(0, 256, (20, 30))
    np.savez(folder / "s.npz", x=x / 255.0, y=np.arange(20) % 2)
    np.savez(folder / "t.npz", x=x[::-1].astype(float), y=np.arange(20) % 2)
    with pytest.raises(DataError, match="within 0..1, and those of .* whole numbers within 0..255; .*standardize"):
        check_task(Features(source="s.npz", target="t.npz").load())
    check_task(Features(source="s.npz", target="t.npz", standardize=True).load())


def test_fractions_beside_pixels_that_are_not_whole_are_refused(folder):
    """Pixels that were resized are no whole numbers any more."""
    pixels = RNG.uniform(0.0, 255.0, (20, 1, 8, 8))
    images(folder, "s", pixels / 255.0)
    images(folder, "t", pixels)
    with pytest.raises(
        DataError, match=r"within 0..1, and those of .* within 0..255, and far .* type and scale, such as uint8"
    ):
        check_task(Features(source="s.npz", target="t.npz").load())
    images(folder, "whole", np.round(pixels))
    check_task(Features(source="t.npz", target="whole.npz").load())
    images(folder, "bytes", pixels.astype(np.uint8))
    with pytest.raises(DataError, match=r"bytes \(0..255\), and those of .* numbers of another type"):
        check_task(Features(source="bytes.npz", target="t.npz").load())


@pytest.mark.parametrize("kind", ["sparse", "mixed", "bits", "bool"])
def test_scales_are_seen_of_sparse_rows_and_of_zeros_and_ones(folder, kind):
    counts = np.where(RNG.random((20, 30)) < 0.5, RNG.integers(1, 256, (20, 30)), 0)
    small = counts / 255.0 if kind in ("sparse", "mixed") else (counts > 99).astype(bool if kind == "bool" else float)
    y = np.arange(20) % 2
    if kind == "sparse":
        dump_svmlight_file(small, y, str(folder / "t.svm"))
    else:
        np.savez(folder / "t.npz", x=small, y=y)
    if kind in ("sparse", "mixed"):
        dump_svmlight_file(counts.astype(float), y, str(folder / "s.svm"))
    else:
        np.savez(folder / "s.npz", x=counts, y=y)
    files = {
        "source": "s.svm" if kind in ("sparse", "mixed") else "s.npz",
        "target": "t.svm" if kind == "sparse" else "t.npz",
    }
    with pytest.raises(DataError, match=r"whole numbers within 0..255, .* (within 0..1|zeros and ones); bring all"):
        check_task(Features(**files).load())


def test_a_single_large_count_is_no_other_scale(folder):
    """Nor does it matter which part of its file it falls into."""
    for seed in range(4):
        x = RNG.integers(0, 200, (30, 5))
        x[seed, 0] = 4500
        np.savez(folder / "s.npz", x=x, y=np.arange(30) % 2)
        np.savez(folder / "t.npz", x=RNG.integers(0, 200, (30, 5)), y=np.arange(30) % 2)
        check_task(Features(source="s.npz", target="t.npz", split_seed=seed).load())


def test_files_with_and_without_names_of_columns_are_said_to_be_matched_by_place(folder):
    np.savez(folder / "s.npz", x=RNG.normal(size=(20, 3)), y=np.arange(20) % 2)
    pd.DataFrame(RNG.normal(size=(20, 3)), columns=list("abc")).to_csv(folder / "t.csv", index=False)
    (note,) = Features(source="s.npz", target="t.csv").load().notes
    assert re.match(
        r"The columns of '\S*t.csv' have names and those of '\S*s.npz' have none: .* in the same order", note
    )


def test_labels_that_count_from_one_beside_labels_that_count_from_zero(folder):
    table(folder / "s.npz", 10, y=[0, 1] * 5)
    table(folder / "t.npz", 10, y=[1, 2] * 5)
    with pytest.raises(
        DataError, match=r"labels that no source has \(2; the sources have 0, 1\); all are the sources' plus 1"
    ):
        Features(source="s.npz", target="t.npz").load()


@pytest.mark.parametrize("words", [False, True])
def test_target_labels_that_are_the_sources_less_one_are_one_mistake(folder, words):
    kind = str if words else int
    table(folder / "s.npz", 12, y=np.array([1, 2, 3] * 4).astype(kind))
    table(folder / "t.npz", 12, y=np.array([0, 1, 2] * 4).astype(kind))
    with pytest.raises(DataError, match=r"the sources have 1, 2, 3\); all are the sources' minus 1"):
        Features(source="s.npz", target="t.npz").load()


def test_labels_whose_accents_are_stored_in_two_ways_are_refused(folder):
    nfc, nfd = unicodedata.normalize("NFC", "caf\u00e9"), unicodedata.normalize("NFD", "caf\u00e9")
    table(folder / "s.npz", 12, y=[nfc, nfd, "tea"] * 4)
    table(folder / "t.npz", 12)
    with pytest.raises(DataError, match="is spelt in two ways"):
        Features(source="s.npz", target="t.npz").load()


@pytest.mark.parametrize(("kinds", "refused"), [(("uint8", "uint16"), True), (("uint16", "uint16"), False)])
def test_bytes_beside_16_bits_are_refused_whatever_they_hold(folder, kinds, refused):
    for name, kind in zip("st", kinds, strict=True):
        top = 255 if kind == "uint8" else 2000
        np.savez(folder / f"{name}.npz", x=RNG.integers(0, top, (20, 4)).astype(kind), y=[0, 1] * 10)
    if not refused:
        Features(source="s.npz", target="t.npz").load()
        return
    with pytest.raises(DataError, match=r"'\S*s.npz' are bytes \(0..255\), and those of '\S*t.npz' 16-bit"):
        Features(source="s.npz", target="t.npz").load()


@pytest.mark.parametrize(("names", "said"), [(("x", "y", "Y"), "y and Y, which may all be labels"), (("x", "X", "y"), "x and X, which may all be features")])  # fmt: skip
@pytest.mark.parametrize("backwards", [False, True])
def test_arrays_whose_names_differ_by_case_are_candidates_alike(folder, names, said, backwards):
    arrays = {name: RNG.normal(size=(10, 2)) if name in "xX" else [0, 1] * 5 for name in names}
    np.savez(folder / "s.npz", **dict(reversed(arrays.items()) if backwards else arrays.items()))
    table(folder / "t.npz", 10)
    with pytest.raises(DataError, match="which may all be") as caught:
        Features(source="s.npz", target="t.npz").load()
    assert sorted(said.replace(",", "")) == sorted(
        str(caught.value).split("' holds ")[1].split(";")[0].replace(",", "")
    )


def test_a_label_array_of_the_target_that_differs_by_case_is_not_passed_over(folder):
    np.savez(folder / "s.npz", x=RNG.normal(size=(10, 2)), gnd=[0, 1] * 5)
    np.savez(folder / "t.npz", x=RNG.normal(size=(10, 2)), Gnd=[0, 1] * 5)
    with pytest.raises(DataError, match="has no 'gnd' but Gnd, which differs by case alone"):
        Features(source="s.npz", target="t.npz", label_column="gnd").load()


def test_labels_of_matlab_files_are_found_by_their_usual_names(folder):
    for domain in "st":
        x, y = RNG.normal(size=(10, 2)), [0, 1] * 5
        savemat(folder / f"{domain}.mat", {f"X{domain}": x, f"Y{domain}": y})
        savemat(folder / f"{domain}2.mat", {"fea": x, "gnd": y})
    for name in ("", "2"):
        task = Features(source=f"s{name}.mat", target=f"t{name}.mat").load()
        assert task.n_classes == 2
        assert task.target.test.y is not None
    with pytest.raises(DataError, match=r"has no 'Ys' but 'Yt', which looks like its labels; leave out label_column"):
        Features(source="s.mat", target="t.mat", label_column="Ys").load()


def test_arrays_in_groups_of_hdf5_are_named_by_their_path(folder):
    h5py = pytest.importorskip("h5py")
    for name in "st":
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["data/x"], file["data/y"] = RNG.normal(size=(10, 3)), np.arange(10) % 2
    with pytest.raises(DataError, match=r"'data' .* is a group, not an array; .* \(data/x, data/y\)"):
        Features(source="s.h5", target="t.h5").load()
    task = Features(source="s.h5", target="t.h5", feature_key="data/x", label_column="data/y").load()
    assert task.sources[0].train.x.shape[1] == 3
    assert task.n_classes == 2


def test_real_valued_labels_say_where_regression_is(folder):
    table(folder / "s.npz", 10, y=RNG.normal(size=10))
    table(folder / "t.npz", 10)
    with pytest.raises(DataError, match="labels of 's' are real numbers .* Regression is for TransferRegressor"):
        Features(source="s.npz", target="t.npz").load()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_looks_transposed_warns_once_and_names_both_files(folder, channels):
    images(folder, "s", RNG.integers(0, 256, (12, 8, 8, channels)).astype(np.uint8))
    images(folder, "t", RNG.integers(0, 256, (12, 8, 8, channels)).astype(np.uint8))
    (note,) = Features(source="s.npz", target="t.npz").load().notes
    assert re.match(r"'\S*s.npz' and '\S*t.npz' seem to hold images with channels last", note)
    np.savez(folder / "a.npz", x=RNG.normal(size=(3, 90)))
    np.savez(folder / "b.npz", x=RNG.normal(size=(3, 80)))
    (note,) = Features(source="a.npz", target="b.npz").load().notes
    assert re.match(r"'\S*a.npz' and '\S*b.npz' have more columns than all files have rows", note)
    np.savez(folder / "a.npz", x=RNG.normal(size=(3, 90)), y=[0, 1, 1])  # whose rows are samples, as labels tell
    (note,) = Features(source="a.npz", target="b.npz").load().notes
    assert re.match(r"'\S*b.npz' have more columns than all files have rows", note)


@pytest.mark.filterwarnings("ignore:No C up to")  # nothing tells so few from the many
def test_the_metric_of_own_data_and_balanced_accuracy_in_every_record(folder):
    rng = np.random.default_rng(0)
    y = (np.arange(400) % 20 == 0).astype(int)  # 95 to 5
    for name, seed in (("s", 0), ("t", 1)):
        np.savez(folder / f"{name}.npz", x=rng.normal(size=(400, 2)) + 0.3 * seed, y=y)
    files = ["data=features", f"data.source={folder}/s.npz", f"data.target={folder}/t.npz", f"output={folder}/runs"]
    made = run(compose(["method=unadapted", *files, "logger=none"])).record.target_test
    assert list(made) == ["accuracy", "mean_class_accuracy"]
    assert made["accuracy"] > 94.0
    assert made["mean_class_accuracy"] == 50.0
    made = run(compose(["method=unadapted", *files, "logger=none", "data.metric=macro_f1"])).record.target_test
    assert list(made) == ["macro_f1", "accuracy", "mean_class_accuracy"]
    assert made["macro_f1"] == pytest.approx(100.0 * 2 * 0.95 / 1.95 / 2)
    with pytest.raises(ConfigError, match=r"no data.metric=f1; known: accuracy, macro_f1"):
        Features(source="s.npz", target="t.npz", metric="f1").load()
