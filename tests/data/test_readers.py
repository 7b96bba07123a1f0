import os
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import savemat
from sklearn.datasets import dump_svmlight_file

from da.data.readers import read_table
from da.errors import DataError

pytestmark = pytest.mark.versions

X = np.array([[1.5, 0.0, -2.0], [0.0, 3.0, 0.25], [4.0, 0.0, 0.0], [0.5, 0.5, 7.0]])
Y = np.array([3, 1, 1, 2])


def mat73(path: Path, **arrays: np.ndarray) -> None:
    """As MATLAB writes v7.3: HDF5 with the dimensions reversed."""
    with h5py.File(path, "w") as file:
        for name, value in arrays.items():
            file[name] = np.atleast_2d(value).T
            file[name].attrs["MATLAB_class"] = np.bytes_("double")


def write(path: Path) -> Path:
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(label=Y)
    kind = path.name.split("_")[0]
    if kind == "npz":
        np.savez(path, X=X, y=Y)
    elif kind == "csr":
        m = sparse.csr_matrix(X)
        np.savez(
            path, X_data=m.data, X_indices=m.indices.astype(np.uint16), X_indptr=m.indptr, X_shape=m.shape, labels=Y
        )
    elif kind == "mat5":
        savemat(path, {"fts": X, "labels": Y[:, None]})
    elif kind == "matsparse":
        savemat(path, {"X": sparse.csc_matrix(X), "Y": Y[None]})
    elif kind == "mat73":
        mat73(path, Features=X, Label=Y[:, None])
    elif kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "parquet":
        frame.to_parquet(path)
    else:
        dump_svmlight_file(X, Y, str(path), zero_based=True)
    return path


@pytest.mark.parametrize(
    "name",
    ["npz_.npz", "csr_.npz", "mat5_.mat", "matsparse_.mat", "mat73_.mat", "csv_.csv", "parquet_.parquet",
     "svm_.svmlight", "svm_.libsvm", "svm_.svm", "svm_.txt", "npz_.NPZ"],
)  # fmt: skip
def test_each_format_round_trips(tmp_path, name):
    file = tmp_path / name
    write(file)
    if not file.exists():  # np.savez appends a suffix of its own to .NPZ
        (tmp_path / f"{name}.npz").rename(file)
    x, y, *_ = read_table(file)
    assert sparse.issparse(x) == (name.startswith(("csr", "matsparse", "svm")))
    np.testing.assert_array_equal(x.toarray() if sparse.issparse(x) else x, X)
    assert np.issubdtype(x.dtype, np.floating)
    assert y.shape == (4,)
    np.testing.assert_array_equal(y.astype(np.int64), Y)


def test_scipy_save_npz_is_read_without_labels(tmp_path):
    for form in ("csr", "csc"):
        sparse.save_npz(tmp_path / "m.npz", sparse.csr_matrix(X).asformat(form))
        x, y, *_ = read_table(tmp_path / "m.npz")
        assert x.format == "csr"
        np.testing.assert_array_equal(x.toarray(), X)
        assert y is None
    sparse.save_npz(tmp_path / "m.npz", sparse.coo_matrix(X).tobsr())
    with pytest.raises(DataError, match=r"format 'bsr'.*tocsr"):
        read_table(tmp_path / "m.npz")


def test_sparse_mat73_is_read(tmp_path):
    m = sparse.csc_matrix(X)
    with h5py.File(tmp_path / "a.mat", "w") as file:
        group = file.create_group("X")
        group.attrs["MATLAB_sparse"] = np.uint64(4)
        group["data"], group["ir"], group["jc"] = m.data, m.indices.astype(np.uint64), m.indptr.astype(np.uint64)
        file["empty"] = 0
    x, *_ = read_table(tmp_path / "a.mat")
    np.testing.assert_array_equal(x.toarray(), X)


def test_files_without_labels(tmp_path):
    np.savez(tmp_path / "a.npz", features=X)
    pd.DataFrame(X).to_csv(tmp_path / "a.csv", index=False)
    savemat(tmp_path / "a.mat", {"data": X})
    for name in ("a.npz", "a.csv", "a.mat"):
        x, y, *_ = read_table(tmp_path / name)
        np.testing.assert_array_equal(x, X)
        assert y is None


def test_the_label_column_may_have_another_name_and_strings(tmp_path):
    words = np.array(["cat", "dog", "dog", "cat"])
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(kind=words)
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.assign(kind=frame.kind.astype("category")).to_parquet(tmp_path / "a.parquet")
    np.savez(tmp_path / "a.npz", x=X, kind=words)
    savemat(tmp_path / "a.mat", {"x": X, "kind": np.array(["cat", "horse", "dog", "cat"])})
    for name in ("a.csv", "a.parquet", "a.npz"):
        x, y, *_ = read_table(tmp_path / name, label_column="kind")
        np.testing.assert_array_equal(x, X)
        assert y.tolist() == words.tolist()
    assert read_table(tmp_path / "a.mat", label_column="kind")[1].tolist() == ["cat", "horse", "dog", "cat"]


def test_bytes_in_a_table_are_counts_and_in_images_pixels(tmp_path):
    np.savez(tmp_path / "counts.npz", x=np.full((2, 3), 200, dtype=np.uint8))
    x, *_ = read_table(tmp_path / "counts.npz")
    assert (x.dtype, x.max()) == (np.float32, 200.0)
    np.savez(tmp_path / "images.npz", x=np.zeros((2, 1, 4, 4), dtype=np.uint8))
    assert read_table(tmp_path / "images.npz")[0].dtype == np.uint8


def test_svmlight_files_that_count_from_one_and_from_zero_are_not_shifted(tmp_path):
    (tmp_path / "one.svm").write_text("1 1:5 3:6\n2 2:7\n")
    (tmp_path / "zero.svm").write_text("1 0:5 3:6\n2 2:7\n")
    np.testing.assert_array_equal(read_table(tmp_path / "one.svm")[0].toarray(), [[0, 5, 0, 6], [0, 0, 7, 0]])
    np.testing.assert_array_equal(read_table(tmp_path / "zero.svm")[0].toarray(), [[5, 0, 0, 6], [0, 0, 7, 0]])


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("key", ["x", "y"])
def test_pickled_arrays_are_refused_and_never_run(tmp_path, key):
    trap = tmp_path / "executed"
    planted = np.empty(1, dtype=object)
    planted[0] = Payload(trap)
    np.savez(tmp_path / "a.npz", **({"x": X, "y": Y} | {key: planted}))
    with pytest.raises(DataError, match=rf"a\.npz' holds Python objects \(under '{key}'\).*save plain arrays"):
        read_table(tmp_path / "a.npz")
    assert not trap.exists()
    # the trap is real: whoever does allow pickles springs it
    with np.load(tmp_path / "a.npz", allow_pickle=True) as file:
        _ = file[key]
    assert trap.exists()


def test_a_bare_pickle_is_refused_and_never_run(tmp_path):
    import pickle

    trap = tmp_path / "executed"
    for name in ("a.npz", "a.pkl", "a.mat", "a.csv", "a.parquet", "a.svm"):
        (tmp_path / name).write_bytes(pickle.dumps(Payload(trap)))
        with pytest.raises(DataError, match=name):
            read_table(tmp_path / name)
    assert not trap.exists()
    with pytest.raises(DataError, match="Python objects"):
        read_table(tmp_path / "a.npz")


def test_cells_and_structs_of_matlab_are_refused(tmp_path):
    cell = np.empty((4, 1), dtype=object)
    cell[:, 0] = ["a", "b", "a", "b"]
    savemat(tmp_path / "a.mat", {"x": X, "y": cell})
    with pytest.raises(DataError, match=r"labels in .*a.mat' are object; save them as whole numbers"):
        read_table(tmp_path / "a.mat")
    with h5py.File(tmp_path / "b.mat", "w") as file:
        file["x"] = X.T
        file["y"] = np.zeros((1, 4), dtype=np.uint16)
        file["y"].attrs["MATLAB_class"] = np.bytes_("char")
    with pytest.raises(DataError, match=r"'y' in .*b.mat' is not an array of numbers"):
        read_table(tmp_path / "b.mat")


def bad_npz(**arrays):
    return "a.npz", lambda path: np.savez(path, **arrays)


def bad_text(name, text):
    return name, lambda path: path.write_text(text)


PART = {"data": np.ones(1), "indices": np.zeros(1, int), "indptr": np.array([0, 1]), "shape": np.array([1, 2])}
TWO_PARTS = {f"{prefix}_{key}": value for prefix in ("train", "test") for key, value in PART.items()}


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (bad_text("a.xlsx", ""), r"ends in '\.xlsx', which is no known format; known: \.npz"),
        (
            bad_npz(weights=X),
            r"a\.npz' has no features: it holds weights, but one of x, .* is looked for; name the array with feature_key",
        ),
        (bad_npz(x=X, y=Y[:3]), r"4 rows of features but labels of shape \(3,\); give one label for each row"),
        (bad_npz(x=X.T, y=Y), r"3 rows of features but labels of shape \(4,\).*transpose"),
        (bad_npz(x=X, y=np.eye(4)), r"labels of shape \(4, 4\)"),
        (bad_npz(x=X[0]), r"have shape \(3,\); give one row per sample"),
        (bad_npz(x=X[:0]), r"have shape \(0, 3\)"),
        (bad_npz(x=np.array([["a"], ["b"]])), "features in .* are <U1, not numbers"),
        (bad_npz(x=X, y=np.ones(4, complex)), "labels in .* are complex128"),
        (bad_npz(**TWO_PARTS), r"several sparse matrices \(test, train\)"),
        (bad_npz(**(PART | {"indices": np.array([9])})), r"cannot be read as npz \(.*check that it is whole"),
        (bad_text("a.npz", "not a zip"), r"a\.npz"),
        (bad_text("a.mat", "not a mat"), r"a\.mat' cannot be read as mat"),
        (bad_text("a.parquet", "not it"), r"a\.parquet' cannot be read as parquet"),
        (bad_text("a.svm", "1 one:two\n"), r"a\.svm' cannot be read as svm"),
        (bad_text("a.csv", ""), r"a\.csv' cannot be read as csv"),
        (
            bad_text("a.csv", "a,b\n1,2\n1,2,3,4\n"),
            r"Row 2 of .*a\.csv' has 4 values, and the first line names 2 columns",
        ),
        (bad_text("a.csv", "a,label\n"), "header but no rows"),
        (bad_text("a.csv", "label\n1\n"), r"have shape \(1, 0\)"),
        (bad_text("a.csv", "1.5,2.5,0\n1,2,3\n"), "first line of .* holds numbers, not names"),
        (bad_text("a.csv", ",a,label\n0,1.5,x\n"), r"column without a name, probably row numbers.*index=False"),
        (bad_text("a.csv", "a,town,label\n1,Ulm,x\n"), r"columns that are not numbers \(town\)"),
        (bad_text("a.csv", "a,label\n1,x\n2,\n"), r"no 'label' in 1 of 2 rows \(2\); label or drop"),
        (bad_text("a.csv", "a,Y\n1,0\n2,1\n"), "no column 'label' but one called 'Y'; set label_column=Y"),
    ],
)
def test_bad_files_get_one_sentence(tmp_path, bad, sentence):
    name, make = bad
    make(tmp_path / name)
    with pytest.raises(DataError, match=sentence) as error:
        read_table(tmp_path / name)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_a_label_column_asked_for_by_name_must_exist(tmp_path):
    pd.DataFrame({"a": [1], "label": [1]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match=r"no column 'lable'; did you mean 'label'\?"):
        read_table(tmp_path / "a.csv", label_column="lable")
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    with pytest.raises(DataError, match="no 'kind': it holds x, y; set label_column"):
        read_table(tmp_path / "a.npz", label_column="kind")


def test_a_missing_file_and_a_single_array(tmp_path):
    with pytest.raises(DataError, match="There is no file"):
        read_table(tmp_path / "a.npz")
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, X)
    with pytest.raises(DataError, match="single array, not an npz archive"):
        read_table(tmp_path / "a.npz")
