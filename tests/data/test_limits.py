"""What a file may not do: fill the memory, or lead to other files."""

import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import savemat

from da.data.readers import read_table
from da.errors import DataError


def npz(path):
    np.savez_compressed(path, x=np.zeros((1000, 1000)))


def mat(path):
    savemat(path, {"x": np.zeros((1000, 1000))}, do_compression=True)


def mat73(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (1000, 1000), np.float64, compression="gzip")


def nested_mat(path):
    """A struct and cells of it, of which the first look says that it is one element."""
    cell = np.empty(2, dtype=object)
    cell[:] = [np.zeros((500, 1000)), {"deep": np.zeros((500, 1000))}]
    savemat(path, {"x": {"inside": cell}}, do_compression=True)


def words(path):
    """A word of 10 kB, stored once, in a thousand rows."""
    pd.DataFrame({"a": np.zeros(1000), "label": ["w" * 10_000] * 1000}).to_parquet(path)


def parquet(path):
    pd.DataFrame(np.zeros((10_000, 100))).add_prefix("f").to_parquet(path)


def csv(path):
    path.write_text("a,b\n" + "0,0\n" * 2_000_000)


def svmlight(path):
    path.write_text("0 1:1\n" * 1_500_000)


@pytest.mark.parametrize(
    ("name", "make"),
    [("a.npz", npz), ("a.mat", mat), ("b.mat", mat73), ("a.h5", mat73), ("a.parquet", parquet), ("a.csv", csv),
     ("a.svm", svmlight), ("c.mat", nested_mat), ("b.parquet", words)],
)  # fmt: skip
def test_what_unpacks_to_more_than_the_limit_is_refused_before_it_is_read(tmp_path, monkeypatch, name, make):
    make(tmp_path / name)
    monkeypatch.setenv("DA_MAX_GB", "0.003")
    with pytest.raises(DataError, match=rf"{name}' unpacks to .* GB, and 0.003 GB is the limit; .*set DA_MAX_GB"):
        read_table(tmp_path / name)


def test_a_sparse_matrix_of_matlab_counts_by_what_it_stores(tmp_path, monkeypatch):
    savemat(tmp_path / "a.mat", {"x": sparse.eye_array(3000, format="csc"), "y": np.arange(3000) % 2})
    monkeypatch.setenv("DA_MAX_GB", "0.001")
    assert read_table(tmp_path / "a.mat").x.shape == (3000, 3000)


@pytest.mark.parametrize("version", ["4", "5"])
@pytest.mark.parametrize("packed", [False, True])
def test_matlab_files_within_the_limit_are_read(tmp_path, version, packed):
    x = np.random.default_rng(0).normal(size=(50, 30))
    savemat(tmp_path / "a.mat", {"x": x, "y": np.arange(50) % 2}, format=version, do_compression=packed)
    np.testing.assert_array_equal(read_table(tmp_path / "a.mat").x, x)


def test_the_marks_of_a_matlab_file_do_not_hide_its_size(tmp_path, monkeypatch):
    mat(tmp_path / "a.mat")
    whole = (tmp_path / "a.mat").read_bytes()
    assert whole[126:128] == b"IM"
    (tmp_path / "odd.mat").write_bytes(whole[:126] + b"XX" + whole[128:])
    savemat(tmp_path / "old.mat", {"x": np.zeros((1000, 1000))}, format="4")
    monkeypatch.setenv("DA_MAX_GB", "0.003")
    with pytest.raises(DataError):
        read_table(tmp_path / "odd.mat")
    with pytest.raises(DataError, match="old.mat' unpacks to 0.008 GB"):
        read_table(tmp_path / "old.mat")


def test_lists_in_columns_are_refused_by_name(tmp_path):
    pd.DataFrame({"a": [1.0, 2.0], "b": [[1, 2], [3]], "label": ["x", "y"]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"has lists or tables in columns \(b\); give each number a column of its own"):
        read_table(tmp_path / "a.parquet")


def test_the_limit_must_be_a_number(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", x=np.ones((2, 2)))
    for wrong in ("much", "-1", "0", "nan"):
        monkeypatch.setenv("DA_MAX_GB", wrong)
        with pytest.raises(DataError, match=rf"DA_MAX_GB={wrong} is no number of gigabytes above 0"):
            read_table(tmp_path / "a.npz")
    monkeypatch.setenv("DA_MAX_GB", "1")
    assert read_table(tmp_path / "a.npz").x.shape == (2, 2)


def test_the_sizes_that_an_archive_states_are_those_that_it_may_have(tmp_path, monkeypatch):
    """Not those of its arrays' headers, which anyone may write."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", bytes(10_000_000))
    monkeypatch.setenv("DA_MAX_GB", "0.001")
    with pytest.raises(DataError, match="unpacks to 0.01 GB"):
        read_table(tmp_path / "a.npz")


@pytest.mark.parametrize("suffix", ["mat", "h5"])
@pytest.mark.parametrize(
    "way", ["external storage", "external link", "virtual", "within a group", "behind a soft link"]
)
def test_arrays_that_lie_in_other_files_are_refused(tmp_path, suffix, way):
    """Such an array may be any file of the machine, its password file for one."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"root:x:0:0" * 16)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.ones((4, 5))
    path = tmp_path / f"a.{suffix}"
    with h5py.File(path, "w") as file:
        if way == "external storage":
            file.create_dataset("x", (16, 10), np.uint8, external=[(str(secret), 0, 160)])
        elif way == "external link":
            file["x"] = h5py.ExternalLink("other.h5", "/x")
        elif way == "behind a soft link":
            file["z"] = h5py.ExternalLink("other.h5", "/")
            file["x"] = h5py.SoftLink("/z/x")
        elif way == "virtual":
            layout = h5py.VirtualLayout((4, 5), "f8")
            layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "x", (4, 5))
            file.create_virtual_dataset("x", layout)
        else:
            group = file.create_group("x")
            group.attrs["MATLAB_sparse"] = np.uint64(4)
            group["data"] = h5py.ExternalLink("other.h5", "/x")
            group["ir"], group["jc"] = np.zeros(1, np.uint64), np.zeros(3, np.uint64)
    with pytest.raises(
        DataError,
        match=r"'\w+' in .*a\.\w+' (is a link to another file|leads to another file|has its values in other files)",
    ):
        read_table(path)
